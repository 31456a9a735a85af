"""Cursor, marks, filter and order through random refreshes: what a person set stays, whatever both sides become."""

import random
from pathlib import Path

import pytest
from textual.pilot import Pilot

from modelsync.tag import Tag
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.listing import Key, Side, VersionRow
from modelsync_tui.widgets.browser import Browser
from modelsync_tui.widgets.rowlist import RowList
from support.held_session import HeldSession
from support.tui import local_model, remote_model, until

NAMES = ("bert", "fraud", "iris", "llama")
STEPS = 12
KEYS = (
    *("j", "k", "pagedown", "G", "g", "l", "h", "space", "v"),
    *("asterisk", "f", "S", "1", "2", "tab", "escape"),
)


class Afternoon:
    """One person, one application, and two sides that change under their hands."""

    def __init__(self, pilot: Pilot[object], app: ModelsyncApp, session: HeldSession, dealt: random.Random) -> None:
        self.pilot, self.app, self.session, self.dealt = pilot, app, session, dealt
        self.done: list[str] = []
        self.gone: set[str] = set()
        """What was taken away, maybe for a moment only, since a person's last key."""

    @property
    def is_one_page(self) -> bool:
        return len(self.session.remotes) <= self.session.page_versions

    @property
    def browsers(self) -> tuple[Browser, Browser]:
        return self.app.main.local, self.app.main.remote

    @property
    def current(self) -> Browser:
        return next(browser for browser in self.browsers if browser.has_class("-current"))

    async def rest(self) -> None:
        """Until nothing is read, asked or made any more."""
        quiet = 0
        while quiet < 5:  # answers about names are gathered for a moment
            await self.pilot.pause(0.02)
            quiet = 0 if any(not worker.is_finished for worker in self.app.workers) else quiet + 1

    def change_the_world(self) -> None:
        """Versions come, go and change their size on either side."""
        for _ in range(self.dealt.randrange(4)):
            tag = f"{self.dealt.choice(NAMES)}:v{self.dealt.randrange(12)}"
            size = self.dealt.choice((1000, 2000, 3000))
            match self.dealt.randrange(4):
                case 0:
                    self.session.locals[tag] = local_model(tag, size=size)
                case 1:
                    self.session.remotes = {tag: remote_model(tag, size=size), **self.session.remotes}
                case 2:
                    self.session.locals.pop(tag, None)
                    self.gone.add(tag)
                case _:
                    self.session.remotes.pop(tag, None)
                    self.gone.add(tag)

    async def press(self) -> None:
        """A few keys of a person who does not look up."""
        for _ in range(self.dealt.randrange(5)):
            key = self.dealt.choice(KEYS)
            if key == "l" and isinstance(self.current.row, VersionRow):
                continue  # it would open the details
            self.done.append(key)
            await self.pilot.press(key)
        if self.dealt.random() < 0.2:
            typed = self.dealt.choice(("r", "v1", "zz", "state:same", "size:>1KiB"))
            self.done.append(f"/{typed}")
            await self.pilot.press("slash", "end", "ctrl+u", *[_KEYS.get(letter, letter) for letter in typed], "enter")

    async def refresh(self) -> None:
        """One of the ways in which both sides are read again; some answers come late."""
        held = [name for name in ("scan", "page", "versions") if self.dealt.random() < 0.3]
        for name in held:
            self.session.hold(name)
        await self.pilot.press("r")
        if self.is_one_page and self.dealt.random() < 0.5:  # pages are counted: one could slip between two of them
            self.change_the_world()
            for tag in self.dealt.sample(sorted({*self.session.locals, *self.session.remotes}), 2):
                self.app.main.loader.reread(Tag.parse(tag))
            await self.pilot.pause(0.03)
        if self.dealt.random() < 0.3:
            await self.pilot.press("r")
        for name in held:
            self.session.let_go(name)
        await self.rest()

    def set_by_the_person(self) -> tuple[object, ...]:
        """What no refresh may change."""
        return tuple(browser.ask for browser in self.browsers), self.app.focused

    def may_be_there(self, side: Side, key: Key) -> bool:
        """Whether the application has no reason to think that a version is gone."""
        catalog, tag = self.app.main.loader.catalog, f"{key[0]}:{key[1]}"
        if side is Side.LOCAL:
            return tag in catalog.locals
        return tag in catalog.remotes or not catalog.knows_remote(key[0])

    def check(self, before: "Before") -> None:
        assert self.set_by_the_person() == before.asked, self.done
        for browser, marks, there, at in zip(self.browsers, before.marks, before.there, before.at, strict=True):
            kept = set(browser.marks.keys)
            assert kept <= {key for key in marks if self.may_be_there(browser.side, key)}, self.done
            assert kept >= {key for key in there if f"{key[0]}:{key[1]}" not in self.gone}, self.done
            sizes = {row.key: row.size_bytes for group in browser.listing.groups for row in group.rows}
            for key in kept & sizes.keys():
                assert browser.marks.size_of(key) == sizes[key], self.done
            if at in browser.flat.positions and browser.has_list_focus:
                assert browser.row is not None
                assert browser.row.key == at, self.done
            rows = browser.query_one(RowList)
            assert not browser.flat.rows or rows.cursor in rows.rows_in_sight, self.done

    async def check_the_lists(self) -> None:
        """When everything is at rest both lists say what both sides hold."""
        await self.pilot.press("r")
        await self.rest()
        catalog = self.app.main.loader.catalog
        assert dict(catalog.locals) == self.session.locals, self.done
        for tag, model in catalog.remotes.items():
            assert self.session.remotes[tag] == model, self.done
        shown = {
            row.tag_text
            for group in self.app.main.local.listing.groups
            for row in group.rows
            if isinstance(row, VersionRow)
        }
        if not self.app.main.local.ask.narrowed:
            assert shown == set(self.session.locals), self.done


_KEYS = {":": "colon", ">": "greater_than_sign"}


class Before:
    """What was set, marked and under the cursor."""

    def __init__(self, afternoon: Afternoon) -> None:
        afternoon.gone.clear()
        self.asked = afternoon.set_by_the_person()
        self.marks = [browser.marks.keys for browser in afternoon.browsers]
        sides = (set(afternoon.session.locals), set(afternoon.session.remotes))
        self.there = [
            {key for key in marks if f"{key[0]}:{key[1]}" in side}
            for marks, side in zip(self.marks, sides, strict=True)
        ]
        """The marked versions that are truly there; what is gone already may not have been found out yet."""
        self.at = [None if browser.row is None else browser.row.key for browser in afternoon.browsers]


@pytest.mark.parametrize("page_versions", [1000, 5])
@pytest.mark.parametrize("seed", range(3))
async def test_what_a_person_set_survives_every_refresh(tmp_path: Path, seed: int, page_versions: int) -> None:
    dealt = random.Random(seed)
    session = HeldSession(tmp_path, page_versions=page_versions)
    for name in NAMES:
        for number in range(6):
            tag = f"{name}:v{number}"
            if dealt.random() < 0.7:
                session.locals[tag] = local_model(tag, days=number)
            if dealt.random() < 0.7:
                session.remotes[tag] = remote_model(tag, days=number)
    app = ModelsyncApp(session)
    async with app.run_test(size=(90, 24)) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.loader.registry.read_at is not None)
        afternoon = Afternoon(pilot, app, session, dealt)
        for _ in range(STEPS):
            await afternoon.press()
            await afternoon.rest()
            before = Before(afternoon)
            afternoon.change_the_world()
            afternoon.done.append("refresh")
            await afternoon.refresh()
            afternoon.check(before)
        await afternoon.check_the_lists()

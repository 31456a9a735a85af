"""What a person does with a big list, by the keys that do it, and when each thing is done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from textual import events

from benchmarks.loopwatch import Late
from benchmarks.screen_sides import ValueSession
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.widgets.browser import Browser

AT_WORK = ("lists", "sides-local")
"""The workers that make and free lists, and that read the store."""
DONE_WITHIN_S = 60.0
KEY_EVERY_S = 0.12
PAGES = 20


class Stage:
    """The running application, and what it is asked to do."""

    def __init__(self, app: ModelsyncApp, session: ValueSession, rows: int) -> None:
        self.app, self.session, self.rows = app, session, rows
        self.ticks: list[Late] = []
        self.first_rows: dict[str, float] = {}
        """Seconds from the data's arrival until the first rows were drawn, by side."""
        self.never_done = False
        self._seen: set[str] = set()

    @property
    def local(self) -> Browser:
        return self.app.main.local

    @property
    def remote(self) -> Browser:
        return self.app.main.remote

    def look_for_rows(self) -> None:
        """Called at every tick: notes when a side's first rows are drawn."""
        for name, browser, arrived in (
            ("local", self.local, self.session.scanned_at),
            ("remote", self.remote, self.session.paged_at),
        ):
            if name not in self._seen and browser.flat.rows:
                self._seen.add(name)
                self.app.call_after_refresh(self._drawn, name, arrived)

    def _drawn(self, name: str, arrived: float) -> None:
        self.first_rows[name] = time.monotonic() - arrived

    async def press(self, *keys: str) -> None:
        """Sends keys as a quick typist does; the pilot would wait for a program at rest, which the timer prevents."""
        for key in keys:
            self.app.post_message(events.Key(key, key if len(key) == 1 else None))
            await asyncio.sleep(KEY_EVERY_S)

    async def until(self, condition: Callable[[], bool], *, settled: bool = True) -> None:
        """Returns when it holds and nothing is read, made or freed any more; or notes that it never came true.

        Not `settled`: while work may go on.
        """
        deadline = time.monotonic() + DONE_WITHIN_S
        while not condition() or (settled and self._at_work):
            if time.monotonic() > deadline:
                self.never_done = True
                return
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)

    @property
    def _at_work(self) -> bool:
        return any(worker.is_running for worker in self.app.workers if worker.group in AT_WORK)

    def remade(self, *browsers: Browser) -> Callable[[], bool]:
        """Whether these lists are others than they are now."""
        before = [(browser, browser.listing) for browser in browsers]
        return lambda: all(browser.listing is not listing for browser, listing in before)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person does; `before` makes it ready and `after` cleans up, neither is measured."""

    name: str
    do: Callable[[Stage], Awaitable[None]]
    before: Callable[[Stage], Awaitable[None]] | None = None
    after: Callable[[Stage], Awaitable[None]] | None = None


async def _fill_local(stage: Stage) -> None:
    stage.app.main.loader.read_local()
    await stage.until(lambda: stage.local.listing.total == stage.rows)


async def _fill_remote(stage: Stage) -> None:
    stage.session.open.set()
    await stage.until(lambda: stage.remote.listing.total > stage.rows * 0.8 and stage.local.catalog.remote_known)


async def _sort(stage: Stage) -> None:
    remade = stage.remade(stage.local)
    await stage.press("s", "z")
    await stage.until(remade)


async def _sort_back(stage: Stage) -> None:
    remade = stage.remade(stage.local)
    await stage.press("s", "n")
    await stage.until(remade)


async def _reverse(stage: Stage) -> None:
    remade = stage.remade(stage.local)
    await stage.press("S")
    await stage.until(remade)


async def _filter(stage: Stage) -> None:
    await stage.press("slash")
    await stage.press("v", "0", "0", "9")
    await stage.press("enter")
    narrow = stage.rows // 100
    await stage.until(lambda: 0 < stage.local.listing.shown <= narrow)


async def _unfilter(stage: Stage) -> None:
    await stage.press("escape")
    await stage.until(lambda: stage.local.listing.shown == stage.rows)


async def _refresh(stage: Stage) -> None:
    registry = stage.app.main.loader.registry
    read_at = registry.read_at
    local, remote = stage.remade(stage.local), stage.remade(stage.remote)
    await stage.press("r")
    await stage.until(lambda: registry.read_at != read_at and local() and remote())


async def _mark_all(stage: Stage) -> None:
    await stage.press("ctrl+a")
    await stage.until(lambda: len(stage.local.marks) == stage.rows)


async def _invert(stage: Stage) -> None:
    await stage.press("asterisk")
    await stage.until(lambda: len(stage.local.marks) == 0)


async def _to_the_middle(stage: Stage) -> None:
    await stage.press("g", "pagedown", "pagedown")


async def _open(stage: Stage) -> None:
    before = len(stage.local.flat.rows)
    await stage.press("enter")
    await stage.until(lambda: len(stage.local.flat.rows) > before)


async def _close(stage: Stage) -> None:
    before = len(stage.local.flat.rows)
    await stage.press("h")
    await stage.until(lambda: len(stage.local.flat.rows) < before)


async def _pages(stage: Stage) -> None:
    await stage.press("g", *["pagedown"] * PAGES, "G", "g")


async def _more(stage: Stage) -> None:
    known = len(stage.remote.catalog.remotes)
    local, remote = stage.remade(stage.local), stage.remade(stage.remote)
    await stage.press("2", "G")
    await stage.until(lambda: len(stage.remote.catalog.remotes) > known and local() and remote(), settled=False)


async def _back_to_local(stage: Stage) -> None:
    await stage.press("g", "1")
    await stage.until(lambda: True)


ACTIONS = (
    Action("fill local", _fill_local),
    Action("fill remote", _fill_remote),
    Action("sort", _sort),
    Action("reverse", _reverse, before=_to_the_middle, after=_sort_back),
    Action("filter typed", _filter),
    Action("filter cleared", _unfilter),
    Action("scroll 20 pages", _pages),
    Action("open a group", _open, before=_to_the_middle),
    Action("close a group", _close),
    Action("refresh", _refresh),
    Action("mark all", _mark_all),
    Action("refresh all marked", _refresh),
    Action("invert marks", _invert),
    Action("one page more", _more, after=_back_to_local),
)

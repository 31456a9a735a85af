"""A list that is long enough to be made in threads: keys are obeyed in their order all the same."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from modelsync_tui import glyphs
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.beside import AT_ONCE_ROWS
from modelsync_tui.dialogs.plan import PlanDialog
from modelsync_tui.listing import Side
from modelsync_tui.loading import Loader
from modelsync_tui.widgets.browser import Browser
from support.held_session import HeldSession
from support.tui import catalog_of, lines_with, local_model, until

VERSIONS = 2 * AT_ONCE_ROWS
STORE = [local_model(f"model-{number % 1000:04}:v{number:05}") for number in range(VERSIONS)]


class BrowserApp(App[object]):
    def __init__(self) -> None:
        super().__init__()
        self.glyphs = glyphs.UNICODE
        self.browser = Browser(Side.LOCAL, id="browser")

    def compose(self) -> ComposeResult:
        yield self.browser

    def on_mount(self) -> None:
        self.browser.focus_list()


@asynccontextmanager
async def shown() -> AsyncIterator[tuple[Browser, Pilot[object]]]:
    app = BrowserApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.browser.show(catalog_of(STORE))
        await until(pilot, lambda: app.browser.listing.total == VERSIONS)
        yield app.browser, pilot


def press(browser: Browser, *actions: str) -> None:
    """What keys do that come faster than any thread ends."""
    for action in actions:
        getattr(browser, f"action_{action}")()


async def at_rest(browser: Browser, pilot: Pilot[object]) -> None:
    await until(pilot, lambda: all(worker.is_finished for worker in browser.app.workers))


async def test_escape_takes_the_marks_away_that_are_still_being_made() -> None:
    async with shown() as (browser, pilot):
        press(browser, "mark_all", "back")
        await at_rest(browser, pilot)
        assert not browser.marks
        press(browser, "mark")
        assert len(browser.marks) == VERSIONS // 1000


async def test_all_and_inverted_is_nothing_however_fast_the_keys_come() -> None:
    async with shown() as (browser, pilot):
        press(browser, "mark_all", "invert")
        await until(pilot, lambda: all(worker.is_finished for worker in browser.app.workers))
        await until(pilot, lambda: not browser.marks)
        press(browser, "invert", "invert", "invert")
        await until(pilot, lambda: len(browser.marks) == VERSIONS)


async def test_a_row_marked_while_all_are_being_marked_is_turned_after_that() -> None:
    async with shown() as (browser, pilot):
        press(browser, "mark_all", "mark")
        await until(pilot, lambda: len(browser.marks) == VERSIONS - VERSIONS // 1000)


async def test_marks_of_versions_that_went_meanwhile_go_too() -> None:
    async with shown() as (browser, pilot):
        press(browser, "mark_all")
        browser.show(catalog_of(STORE[: VERSIONS // 2]))
        await until(pilot, lambda: browser.listing.total == VERSIONS // 2 and len(browser.marks) == VERSIONS // 2)
        await at_rest(browser, pilot)
        assert len(browser.marks) == VERSIONS // 2


async def test_the_last_of_many_wishes_is_what_is_shown() -> None:
    async with shown() as (browser, pilot):
        press(browser, "reverse", "reverse", "reverse", "only_differing", "only_differing")
        browser.set_filter("v000")
        browser.set_filter("v0000")
        await until(pilot, lambda: browser.listing.shown == 10)
        await at_rest(browser, pilot)
        assert browser.listing.shown == 10
        assert browser.listing.groups[0].name == "model-0009"


@pytest.mark.parametrize("switched", [False, True])
async def test_a_plan_of_many_opens_unless_another_registry_is_meant_by_then(tmp_path: Path, switched: bool) -> None:
    session = HeldSession(tmp_path, page_versions=VERSIONS)
    session.locals = {str(model.tag): model for model in STORE}
    app = ModelsyncApp(session)
    async with app.run_test(size=(100, 30)) as pilot:
        loader: Callable[[], Loader] = lambda: app.main.loader  # noqa: E731 - it is there when the screen is
        await until(pilot, lambda: app.main.is_mounted and loader().registry.read_at is not None)
        await until(pilot, lambda: app.main.local.listing.total == VERSIONS)
        app.main.local.action_mark_all()
        await until(pilot, lambda: len(app.main.local.marks) == VERSIONS)
        app.main.action_copy_over()
        if switched:
            session.choose(None)
            app.main.connect_anew()
            await until(pilot, lambda: loader().registry.read_at is not None)
            await until(pilot, lambda: all(worker.is_finished for worker in app.workers))
            assert app.screen is app.main
        else:
            await until(pilot, lambda: isinstance(app.screen, PlanDialog))
            assert lines_with(app, f"Push {VERSIONS:,}")

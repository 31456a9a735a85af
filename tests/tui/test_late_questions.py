"""A question that comes late, because a registry or a disk is slow, takes no keys that were meant for others."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from modelsync_tui.app import ModelsyncApp
from modelsync_tui.dialogs.delete import DeleteDialog
from modelsync_tui.dialogs.help import HelpScreen
from modelsync_tui.dialogs.plan import PlanDialog
from support.held_session import HeldSession
from support.tui import local_model, remote_model, until


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[HeldSession, ModelsyncApp, Pilot[object]]]:
    """One local version, and a registry that lets one wait for what it has of that name."""
    session = HeldSession(folder, page_versions=1)
    session.locals = {"z:1": local_model("z:1")}
    session.remotes = {tag: remote_model(tag) for tag in (f"m{number:02}:1" for number in range(60))}
    session.hold("versions")
    app = ModelsyncApp(session)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.loader.registry.read_at is not None)
        await until(pilot, lambda: app.main.loader.local_read)
        yield session, app, pilot
        session.let_go("versions")


async def answer(session: HeldSession, pilot: Pilot[object]) -> None:
    session.let_go("versions")
    await until(pilot, lambda: not session.held["versions"])
    await pilot.pause(0.1)


async def test_a_plan_does_not_open_under_the_fingers_of_who_types_a_filter(tmp_path: Path) -> None:
    async with running(tmp_path) as (session, app, pilot):
        await pilot.press("P")
        await until(pilot, lambda: session.held["versions"])
        await pilot.press("slash", "z")
        await answer(session, pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen is app.main
        assert app.main.local.ask.filter.text == "z"
        words = "The question about the push came too late: press its key again."
        assert [one.message for one in app._notifications] == [words]


async def test_a_plan_does_not_open_over_another_question(tmp_path: Path) -> None:
    async with running(tmp_path) as (session, app, pilot):
        await pilot.press("P")
        await until(pilot, lambda: session.held["versions"])
        await pilot.press("question_mark")
        await answer(session, pilot)
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape", "P")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))


async def test_a_key_pressed_again_while_both_sides_are_read_asks_once(tmp_path: Path) -> None:
    async with running(tmp_path) as (session, app, pilot):
        await pilot.press("P", "P", "P")
        await until(pilot, lambda: session.held["versions"])
        await answer(session, pilot)
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is app.main


@pytest.mark.parametrize("key", ["delete", "D"])
async def test_what_a_slow_disk_is_asked_for_opens_over_no_other_question(tmp_path: Path, key: str) -> None:
    async with running(tmp_path) as (session, app, pilot):
        session.hold("plan_delete")
        await pilot.press(key, key, "question_mark")
        await until(pilot, lambda: session.held["plan_delete"] == 2)
        session.let_go("plan_delete")
        await until(pilot, lambda: app._notifications)
        assert isinstance(app.screen, HelpScreen)
        assert [one.message for one in app._notifications] == [
            "The question what to delete came too late: press its key again."
        ]
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)


async def test_a_key_pressed_twice_while_a_disk_is_slow_asks_once(tmp_path: Path) -> None:
    async with running(tmp_path) as (session, app, pilot):
        session.hold("plan_delete")
        await pilot.press("delete", "delete")
        await until(pilot, lambda: session.held["plan_delete"] == 2)
        session.let_go("plan_delete")
        await until(pilot, lambda: isinstance(app.screen, DeleteDialog))
        await until(pilot, lambda: not session.held["plan_delete"])
        await pilot.press("escape")
        assert app.screen is app.main


async def test_the_history_of_a_slow_disk_opens_over_no_other_question(tmp_path: Path) -> None:
    async with running(tmp_path) as (session, app, pilot):
        file = session.paths.history_file
        file.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(file)
        await pilot.press("H", "question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        os.close(os.open(file, os.O_WRONLY))  # what it waits for
        await until(pilot, lambda: not [one for one in app.workers if one.group == "history"])
        await pilot.pause(0.1)
        assert isinstance(app.screen, HelpScreen)

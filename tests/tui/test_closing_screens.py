"""What comes while screens open and close: an answer, a key or a click is about the screen that it was meant for."""

from pathlib import Path

import pytest
from textual import events
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from modelsync_tui import keys
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.commands import Palette
from modelsync_tui.dialogs.bandwidth import BandwidthDialog
from modelsync_tui.dialogs.help import HelpScreen
from modelsync_tui.dialogs.history import HistoryScreen
from modelsync_tui.loading import Link
from support.local_store import write_model
from support.tui import app_for, lines_with, until


async def test_a_second_answer_closes_nothing_else(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        answers: list[object] = []
        below, dialog = HelpScreen(app.main.place, {}), BandwidthDialog(None)
        await app.push_screen(below)
        await app.push_screen(dialog, answers.append)
        dialog.dismiss(None)
        dialog.dismiss(None)
        await pilot.pause()
        assert answers == [None]
        assert app.screen is below


async def test_a_screen_that_ends_below_a_question_waits_until_that_is_answered(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        answers: list[object] = []
        below, question = HistoryScreen((), print), HelpScreen(app.main.place, {})
        await app.push_screen(below, answers.append)
        await app.push_screen(question)
        below.dismiss(None)
        await pilot.pause()
        assert app.screen is question
        assert answers == []
        question.dismiss(None)
        await until(pilot, lambda: app.screen is app.main)
        assert answers == [None]


async def test_enter_again_and_again_in_the_palette_runs_the_command_once(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"worker")
        await until(pilot, lambda: lines_with(app, "one part thread less"))
        typed = app.screen.query_one(Input)
        app.screen.query_one(OptionList).highlighted = 0
        for _ in range(3):
            typed.post_message(Input.Submitted(typed, typed.value))
        await until(pilot, lambda: app.screen is app.main)


async def test_a_card_that_is_closed_is_drawn_no_more(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        card = HistoryScreen((), print)
        await app.push_screen(card)
        card.dismiss(None)
        await until(pilot, lambda: not card.query("#card"))
        card._show_titles()  # as a refresh does that was asked for before


@pytest.mark.parametrize("key", ["pageup", "pagedown"])
@pytest.mark.parametrize("kind", ["palette", "menu"])
async def test_a_page_is_turned_in_a_list_for_which_the_terminal_has_no_room(
    tmp_path: Path, kind: str, key: str
) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon" if kind == "palette" else "s")
        await until(pilot, lambda: app.screen is not app.main)
        if kind == "palette":
            await pilot.press(*"push")
            await until(pilot, lambda: lines_with(app, "push to the registry"))
        await pilot.resize_terminal(10, 1)
        await pilot.press("down", key)
        await pilot.resize_terminal(120, 40)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)


async def test_a_click_from_before_the_terminal_shrank_meets_nothing_in_the_palette(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.resize_terminal(60, 16)
        app.screen.post_message(events.Click(app.screen, 100, 30, 0, 0, 1, False, False, False, 100, 30))
        await pilot.pause()
        assert isinstance(app.screen, CommandPalette)


async def at_rest(pilot: Pilot[object], app: ModelsyncApp) -> None:
    await until(pilot, lambda: app.main.is_mounted and app.main.loader.link is Link.OFFLINE)
    await until(pilot, lambda: app.main.loader.local_read)


@pytest.mark.parametrize("leave", ["escape", "L"])
async def test_who_leaves_the_log_beside_the_full_transfers_has_a_pane_that_is_in_sight(
    tmp_path: Path, leave: str
) -> None:
    write_model(tmp_path / "store", "iris:v1")
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await at_rest(pilot, app)
        await pilot.press("t", "4", leave)
        await until(pilot, lambda: app.main.place is not keys.Where.LOG)
        await pilot.pause()
        assert app.focused is not None
        assert app.focused.region.height > 0


async def test_the_palette_is_opened_again_at_once(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await at_rest(pilot, app)
        for _ in range(5):
            await app.push_screen(Palette())
            app.screen.dismiss()
            app.action_command_palette()
            await until(pilot, lambda: isinstance(app.screen, Palette))
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.main)

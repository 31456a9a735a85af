"""The main screen at every size: what is there is whole, and below the smallest only one sentence."""

from pathlib import Path

import pytest

from modelsync_tui.app import ModelsyncApp
from support.held_session import HeldSession
from support.tui import lines_with, local_model, remote_model, screen_text, until

SENTENCE = "modelsync needs at least 40x10, this is 38x9. Transfers go on."


def app_of(folder: Path) -> ModelsyncApp:
    session = HeldSession(folder)
    session.locals = {tag: local_model(tag) for tag in ("bert:v1", "bert:v2", "iris:a")}
    session.remotes = {tag: remote_model(tag) for tag in ("bert:v1", "fraud:x")}
    return ModelsyncApp(session)


@pytest.mark.parametrize("keys", ["", "L", "t", "tt", "slash b", "slash b enter", "slash b escape", "3", "2 L"])
async def test_below_the_smallest_size_one_sentence_stands_alone(tmp_path: Path, keys: str) -> None:
    app = app_of(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.loader.registry.read_at is not None)
        for word in keys.split():
            await pilot.press(*([word] if len(word) > 2 else word))
        await pilot.pause()
        focused = app.main.focused
        assert focused is not None
        await pilot.resize_terminal(38, 9)
        await until(pilot, lambda: app.main.has_class("-tiny"))
        assert " ".join(screen_text(app).split()) == SENTENCE
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: lines_with(app, "modelsync  "))
        assert bool(lines_with(app, " Filter ")) == (keys == "slash b")
        assert app.main.focused is focused


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (59, 20), (40, 10), (200, 12), (40, 60)])
@pytest.mark.parametrize("keys", ["", "L", "t", "t t", "L t", "3 L t"])
async def test_the_screen_is_as_large_as_the_terminal(tmp_path: Path, size: tuple[int, int], keys: str) -> None:
    app = app_of(tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.loader.registry.read_at is not None)
        await pilot.press(*keys.split())
        await pilot.pause()
        lines = screen_text(app).splitlines()
        assert len(lines) == size[1]
        assert {len(line) for line in lines} == {size[0]}
        assert lines[0].endswith(" online ")
        assert "? help" in lines[-1]


async def test_on_a_short_screen_the_log_and_the_full_transfers_take_turns(tmp_path: Path) -> None:
    app = app_of(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.loader.registry.read_at is not None)
        for key, shown in [("L", "4 Log"), ("t", "3 Transfers"), ("L", "4 Log"), ("3", "3 Transfers"), ("4", "4 Log")]:
            await pilot.press(key)
            await pilot.pause()
            assert lines_with(app, shown), key
            assert len(lines_with(app, "4 Log") + lines_with(app, "3 Transfers")) == 1, key


async def test_where_few_rows_fit_each_pane_stands_alone(tmp_path: Path) -> None:
    app = app_of(tmp_path)
    async with app.run_test(size=(40, 10)) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.loader.registry.read_at is not None)
        titles = ("Local [1/2]", "Remote [2/2]", "3 Transfers", "4 Log")
        steps = [("1", 0), ("tab", 1), ("3", 2), ("t", 1), ("t", 2), ("1", 0), ("4", 3), ("L", 0), ("L", 3), ("2", 1)]
        for key, expected in steps:
            await pilot.press(key)
            await pilot.pause()
            assert [title for title in titles if lines_with(app, title)] == [titles[expected]], (key, screen_text(app))
        assert lines_with(app, "fraud")


async def test_a_filter_is_typed_on_after_the_terminal_was_too_small(tmp_path: Path) -> None:
    app = app_of(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.loader.registry.read_at is not None)
        await pilot.press("slash", "i")
        await pilot.resize_terminal(38, 9)
        await pilot.resize_terminal(80, 24)
        await pilot.press("r", "enter", "j")
        assert app.main.local.ask.filter.text == "ir"
        assert app.main.local.has_list_focus


async def test_a_click_into_a_list_ends_the_typing_of_a_filter_and_keeps_it(tmp_path: Path) -> None:
    app = app_of(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.loader.registry.read_at is not None)
        await pilot.press("slash", "b")
        await pilot.click(app.main.remote, offset=(8, 3))
        await until(pilot, lambda: not lines_with(app, " Filter "))
        assert app.main.local.ask.filter.text == "b"
        assert app.main.remote.has_list_focus


@pytest.mark.parametrize(("columns", "words"), [(80, "not understood: size:big by:"), (40, "? size:big by:")])
async def test_what_a_filter_did_not_understand_is_named(tmp_path: Path, columns: int, words: str) -> None:
    app = app_of(tmp_path)
    async with app.run_test(size=(columns, 24)) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.loader.registry.read_at is not None)
        await pilot.press("slash", *("s", "i", "z", "e", "colon", "b", "i", "g", "space", "b", "y", "colon"))
        await until(pilot, lambda: lines_with(app, words))

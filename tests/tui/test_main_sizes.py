"""The main screen at every size: what is there is whole, and below the smallest only one sentence."""

from pathlib import Path

import pytest

from modelsync_tui.app import ModelsyncApp
from modelsync_tui.widgets.messageline import FilterBar
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
        await pilot.resize_terminal(38, 9)
        await until(pilot, lambda: app.main.has_class("-tiny"))
        assert " ".join(screen_text(app).split()) == SENTENCE
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: lines_with(app, "modelsync  "))
        assert FilterBar in [type(widget) for widget in app.main.query(FilterBar).results()]
        assert bool(lines_with(app, " Filter ")) == (keys == "slash b")


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
        assert lines[0].startswith(" modelsync")
        assert "? help" in lines[-1] or "F5" in lines[-1] or "Space" in lines[-1]


async def test_on_a_short_screen_the_log_and_the_full_transfers_take_turns(tmp_path: Path) -> None:
    app = app_of(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.loader.registry.read_at is not None)
        for key, shown in [("L", "4 Log"), ("t", "3 Transfers"), ("L", "4 Log"), ("3", "3 Transfers"), ("4", "4 Log")]:
            await pilot.press(key)
            await pilot.pause()
            assert lines_with(app, shown), key
            assert len(lines_with(app, "4 Log") + lines_with(app, "3 Transfers")) == 1, key

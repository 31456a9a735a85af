"""Nothing on the screen moves or blinks by itself: for tired eyes, slow lines, and who asks for no animations."""

from pathlib import Path

import pytest
from textual.types import AnimationLevel
from textual.widgets import Input

from support.local_store import write_model
from support.tui import app_for, lines_with, until


@pytest.mark.parametrize("key", ["slash", "question_mark", "colon"])
async def test_no_field_blinks(tmp_path: Path, key: str) -> None:
    write_model(tmp_path / "store", "bert:v1")
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: lines_with(app, "bert"))
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.focused, Input))
        field = app.focused
        assert isinstance(field, Input)
        assert not field.cursor_blink


@pytest.mark.parametrize("level", ["none", "full"])
async def test_a_list_is_where_it_was_sent_without_a_way_between(tmp_path: Path, level: AnimationLevel) -> None:
    for number in range(80):
        write_model(tmp_path / "store", f"bert:v{number:02}")
    app = app_for(tmp_path)
    app.animation_level = level
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.main.local.row is not None)
        rows = app.main.local.query_one("RowList")
        for key in ("G", "g", "pagedown", "pageup", "end"):
            await pilot.press(key)
            assert rows.scroll_offset.y == rows.scroll_target_y, key
        await pilot.press("4", "G", "L", "t", "t", "t")

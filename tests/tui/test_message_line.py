"""The line above the footer: one sentence, literal, cut where it does not fit, and under nothing."""

from pathlib import Path

import pytest

from modelsync_tui.widgets.messageline import MessageLine
from support.screens import Stage, text_of
from support.screens import until as until_on_stage
from support.tui import app_for, lines_with, until


@pytest.mark.parametrize(("ascii_only", "end"), [(False, "…"), (True, "~")])
async def test_a_sentence_that_is_cut_shows_that_it_is_at_every_width(ascii_only: bool, end: str) -> None:
    line = MessageLine()
    app = Stage(line, ascii_only=ascii_only)
    async with app.run_test(size=(40, 5)) as pilot:
        line.say("[b]not bold[/b] and a sentence that is longer than the line")
        await until_on_stage(pilot, lambda: end in text_of(app).splitlines()[0])
        assert "[b]not bold[/b]" in text_of(app)
        await pilot.resize_terminal(80, 5)
        await until_on_stage(pilot, lambda: "longer than the line" in text_of(app))
        assert end not in text_of(app)


async def test_a_toast_covers_neither_what_is_said_nor_what_is_typed(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: app.main.loader.local_read)
        await until(pilot, lambda: lines_with(app, "Nothing answers"))
        app.main.say("m" * 78)
        app.notify("3 transfers ended: 3 failed (team3-model-13:2026-11-04 and others)")
        await until(pilot, lambda: lines_with(app, "3 transfers ended"))
        assert lines_with(app, "m" * 78)
        await pilot.press("slash")
        await until(pilot, lambda: app.main.has_class("-filtering"))
        await pilot.press(*"label:stage=prod")
        await until(pilot, lambda: lines_with(app, " Filter label:stage=prod"))
        assert lines_with(app, "3 transfers ended")

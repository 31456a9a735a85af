"""The line above the footer: one sentence, literal, cut where it does not fit."""

import pytest

from modelsync_tui.widgets.messageline import MessageLine
from support.screens import Stage, text_of, until


@pytest.mark.parametrize(("ascii_only", "end"), [(False, "…"), (True, "~")])
async def test_a_sentence_that_is_cut_shows_that_it_is_at_every_width(ascii_only: bool, end: str) -> None:
    line = MessageLine()
    app = Stage(line, ascii_only=ascii_only)
    async with app.run_test(size=(40, 5)) as pilot:
        line.say("[b]not bold[/b] and a sentence that is longer than the line")
        await until(pilot, lambda: end in text_of(app).splitlines()[0])
        assert "[b]not bold[/b]" in text_of(app)
        await pilot.resize_terminal(80, 5)
        await until(pilot, lambda: "longer than the line" in text_of(app))
        assert end not in text_of(app)

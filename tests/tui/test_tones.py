"""What lines look like in every theme, and what drawing them must not cost."""

from collections.abc import Sequence

from rich.style import Style

from modelsync.transfer.progress import PartState
from modelsync.transfers import QueueSnapshot, TransferStatus
from modelsync_tui import themes
from modelsync_tui.widgets.file_lines import FileLines
from modelsync_tui.widgets.lines import Lines, Piece, Tone
from modelsync_tui.widgets.part_lines import PartLines
from modelsync_tui.widgets.queue_lines import QueueLines
from modelsync_tui.widgets.transfers import TransfersPane
from support.queue_values import MiB, part, progress, transfer
from support.screens import LARGE, Stage, text_of, until


class EveryTone(Lines):
    """One line in each tone."""

    def line_count(self) -> int:
        return len(Tone)

    def line(self, index: int, width: int) -> Sequence[Piece]:
        tone = list(Tone)[index]
        return ((tone.value, tone),)


def styles_of(lines: EveryTone) -> dict[str, Style]:
    found = {}
    for index in range(len(Tone)):
        segment = next(iter(lines.render_line(index)))
        assert segment.style is not None
        found[segment.text] = segment.style
    return found


async def test_each_tone_looks_otherwise_in_every_theme_that_may_be_picked() -> None:
    app = Stage(lines := EveryTone())
    async with app.run_test(size=LARGE) as pilot:
        for name in app.available_themes:
            app.theme = name
            await pilot.pause()
            styles = styles_of(lines)
            plain = styles["plain"]
            for tone in Tone:
                if tone is not Tone.PLAIN and not (tone is Tone.MUTED and name.startswith("ansi")):  # it knows none
                    assert styles[tone.value] != plain, (name, tone)
            assert styles["danger"].bgcolor != plain.bgcolor
            assert styles["strong"].bold


async def test_another_theme_shows_its_own_colours_at_once() -> None:
    app = Stage(lines := EveryTone())
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        seen = []
        for name in (themes.DARK, themes.LIGHT, themes.HIGH_CONTRAST):
            app.theme = name
            await pilot.pause()
            seen.append(styles_of(lines)["accent"].color)
        assert len(set(seen)) == 3


def test_no_list_has_its_tones_matched_by_the_style_sheet() -> None:
    """They were most of what a change of a class of the screen cost: `t` held up everything for 60 ms."""
    for kind in (QueueLines, PartLines, FileLines):
        assert not any(base.__dict__.get("COMPONENT_CLASSES") for base in kind.__mro__ if issubclass(base, Lines))


async def test_the_full_form_is_drawn_four_times_a_second_however_often_it_is_told() -> None:
    def queue(done: float) -> QueueSnapshot:
        parts = tuple(part(number, PartState.ACTIVE, done, speed=MiB) for number in range(1, 11))
        return QueueSnapshot((transfer(5, "a:b", TransferStatus.RUNNING, now=progress(parts=parts)),))

    pane = TransfersPane()
    pane.full = True
    app = Stage(pane)
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        pane.show(queue(0.25))
        pane.show(queue(0.50))
        await until(pilot, lambda: "25%" in text_of(app))
        assert "50%" not in text_of(app)

        def told_again() -> bool:
            pane.show(queue(0.75))
            return "75%" in text_of(app)

        await until(pilot, told_again)

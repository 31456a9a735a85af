"""The numbers of the full view of the transfers: each says something, and stands still while others change."""

from dataclasses import replace

import pytest

from modelsync.transfer.progress import PartSnapshot, PartState, Phase
from modelsync.transfers import QueueSnapshot, TransferStatus
from modelsync_tui.widgets.transfers import TransfersPane
from support.queue_values import MiB, part, progress, transfer
from support.screens import LARGE, SMALL, Stage, text_of, until


class SmallPane(Stage):
    """The pane alone."""

    def __init__(self, *, full: bool = False) -> None:
        self.pane = TransfersPane()
        self.pane.full = full
        super().__init__(self.pane)


class FullPane(SmallPane):
    """With parts and speeds."""

    def __init__(self) -> None:
        super().__init__(full=True)


def queue_of(parts: tuple[PartSnapshot, ...], *, speed: float = MiB) -> QueueSnapshot:
    row = transfer(1, "a:b", TransferStatus.RUNNING, now=progress(parts=parts, speed=speed))
    return QueueSnapshot((row,), upload_speed=speed)


async def lines_of(parts: tuple[PartSnapshot, ...], size: tuple[int, int] = LARGE) -> list[str]:
    app = FullPane()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.pane.show(queue_of(parts))
        await until(pilot, lambda: "Parts  push a:b" in text_of(app))
        lines = text_of(app).splitlines()
    return lines[next(at for at, line in enumerate(lines) if "Parts  push" in line) :]


def line_with(lines: list[str], words: str) -> str:
    return next(line for line in lines if words in line)


@pytest.mark.parametrize(("size", "zero"), [(LARGE, " 0 B/s"), (SMALL, " 0B/s")])
async def test_a_part_that_has_just_begun_has_no_speed_yet(size: tuple[int, int], zero: str) -> None:
    for done in (0.0, 0.25):
        lines = await lines_of((part(1, PartState.ACTIVE, done),), size)
        assert line_with(lines, f"{int(100 * done)}%")
        assert not [line for line in lines if zero in line]


async def test_a_part_without_bytes_for_a_while_moves_nothing_a_second() -> None:
    assert " 0 B/s " in line_with(await lines_of((part(1, PartState.ACTIVE, 0.25, idle_s=8),)), "no bytes for 8 s")


async def test_a_small_rest_says_how_much_it_is_and_not_one_number_twice() -> None:
    rest = replace(part(3, PartState.WAITING, attempts=0), size=3_200)
    lines = await lines_of((part(1, PartState.DONE, 1), part(2, PartState.WAITING, attempts=0), rest))
    last = line_with(lines, "200 MiB + 3.1 KiB")
    assert last.index("─") == line_with(lines, "100 -   200 MiB").index("─"), "its bar stands under the others"


async def test_the_speeds_stand_still_while_bars_come_and_numbers_grow() -> None:
    app = FullPane()
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        places = set()
        for speed, words in ((9.9, "now  9.9 MiB/s"), (999.0, "now  999 MiB/s")):
            queue = queue_of((part(1, PartState.ACTIVE, 0.5),), speed=speed * MiB)

            def drawn(queue: QueueSnapshot = queue, words: str = words) -> bool:
                app.pane.show(queue)  # a bar a second
                return words in text_of(app)

            await until(pilot, drawn)
            line = next(line for line in text_of(app).splitlines() if "peak" in line)
            places.add((line.index("now"), line.index("mean"), line.index("peak")))
        await until(pilot, lambda: drawn() and "▁█" in text_of(app))
        line = next(line for line in text_of(app).splitlines() if "peak" in line)
        places.add((line.index("now"), line.index("mean"), line.index("peak")))
    assert len(places) == 1, places


async def test_a_tag_of_usual_length_is_shown_whole_beside_its_bar() -> None:
    tag = "sentiment-classifier:4pzowzhgzskqkax4"
    row = transfer(1, tag, TransferStatus.RUNNING, now=progress())
    app = SmallPane()
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        app.pane.show(QueueSnapshot((row,)))
        await until(pilot, lambda: tag in text_of(app))
        line = line_with(text_of(app).splitlines(), tag)
        assert line.count("━") + line.count("─") == 16
        assert "eta 0:09" in line


async def test_a_transfer_that_has_just_begun_has_no_speed_yet_and_narrow_its_phase_is_one_word() -> None:
    begins = transfer(1, "a:b", TransferStatus.RUNNING, now=progress(parts=(part(1, PartState.ACTIVE),), speed=0))
    looks = transfer(2, "a:c", TransferStatus.RUNNING, now=progress(Phase.LOOK, (), speed=0, eta_s=None))
    app = SmallPane()
    async with app.run_test(size=SMALL) as pilot:
        await pilot.pause()
        app.pane.show(QueueSnapshot((begins, looks)))
        await until(pilot, lambda: "a:c" in text_of(app))
        lines = text_of(app).splitlines()
        assert "B/s" not in line_with(lines, "a:b")
        assert line_with(lines, "a:c").rstrip(" │").endswith("  looking")

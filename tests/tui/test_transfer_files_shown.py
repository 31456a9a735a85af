"""The files of a transfer in the full pane, and what is said where there are neither parts nor files to see."""

import time
from dataclasses import replace

import pytest

from modelsync.archive.table import BLOCK_BYTES, Kind, MemberTable
from modelsync.comparison import Direction
from modelsync.errors import NoSpaceError, TokenRefusedError
from modelsync.transfer.files import FilesNow, TransferFiles
from modelsync.transfer.progress import PartSnapshot, PartState, Phase
from modelsync.transfers import QueueSnapshot, TransferRow, TransferStatus
from modelsync_tui.widgets.file_lines import FileLines
from modelsync_tui.widgets.transfers import TransfersPane
from support.queue_values import PARTS, MiB, progress, pushed, transfer
from support.screens import LARGE, Stage, text_of, until

SIZES = ((120, 40), (80, 24))


class FullStage(Stage):
    """The full pane alone."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        self.pane = TransfersPane()
        self.pane.full = True
        super().__init__(self.pane, ascii_only=ascii_only)


def members_of(*files: tuple[str, int]) -> MemberTable:
    members = MemberTable()
    for name, size in files:
        members.append(name.encode(), Kind.FILE, size, 0, b"", members.members_end + BLOCK_BYTES)
    return members


def sending(files: TransferFiles, *parts: PartSnapshot) -> TransferRow:
    now = replace(progress(parts=parts), files=files.now(parts))
    return transfer(1, "iris:v1", TransferStatus.RUNNING, now=now)


def part(number: int, start: int, size: int, done: int, state: PartState, speed: float = 0.0) -> PartSnapshot:
    return PartSnapshot(number, start, size, done, state, 1, speed, 0.0, "")


FOUR = (
    ("config.json", 900),
    ("weights-1.safetensors", 10 * MiB),
    ("weights-2.safetensors", 20 * MiB),
    ("z[/b].txt", 5),
)


def four() -> TransferRow:
    """config.json is done, the first weights are half sent, of the second ones a part came that now waits."""
    members = members_of(*FOUR)
    first, second = members.data_at[1], members.data_at[2]
    return sending(
        TransferFiles(members),
        part(1, 0, first + 10 * MiB, first + 5 * MiB, PartState.ACTIVE, 4 * MiB),
        part(2, second, 4 * MiB, 4 * MiB, PartState.DONE),
        part(3, second + 4 * MiB, 17 * MiB, 0, PartState.WAITING),
    )


def hundred_thousand(done: int) -> TransferRow:
    members = members_of(*((f"shard/{number:06}.bin", 3_000) for number in range(100_000)))
    total = members.members_end
    return sending(TransferFiles(members), part(1, 0, total, done, PartState.ACTIVE, 9 * MiB))


@pytest.mark.parametrize("size", SIZES)
async def test_the_numbers_below_count_the_files_where_there_is_room(size: tuple[int, int]) -> None:
    app = FullStage()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.pane.show(QueueSnapshot((four(),)))
        await until(pilot, lambda: "retries 0" in text_of(app))
        assert ("files 1 of 4   retries 0" in text_of(app)) is (size == LARGE)


@pytest.mark.parametrize("size", SIZES)
async def test_f_shows_the_files_in_the_place_of_the_parts_and_back(size: tuple[int, int]) -> None:
    app = FullStage()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.pane.focus()
        app.pane.show(QueueSnapshot((four(),)))
        await until(pilot, lambda: "Parts  push iris:v1" in text_of(app))
        assert "f files" in text_of(app)
        await pilot.press("f")
        await until(pilot, lambda: "Files  push iris:v1" in text_of(app) and "1 of 4 done  1 moving" in text_of(app))
        screen = text_of(app)
        assert "v [all]/active  f parts" in screen
        assert "Parts  push" not in screen
        lines = [next(line for line in screen.splitlines() if name in line) for name, _ in FOUR]
        for line, mark, words in zip(
            lines,
            "✓▶▒…",
            (("900 B", "100%"), ("10.0 MiB", " 50%", "4.0"), ("20.0 MiB", " 20%"), ("5 B", "0%")),
            strict=True,
        ):
            assert line[1:].split()[0] == mark, line
            assert all(word in line for word in words), line
        if size == LARGE:
            states = [line.rstrip(" │").split()[-1] for line in lines]
            assert states == ["done", "moving", "partly", "waiting"]
        assert max(len(line) for line in screen.splitlines()) <= size[0]
        await pilot.press("f")
        await until(pilot, lambda: "Parts  push iris:v1" in text_of(app))


async def test_files_are_drawn_in_ascii_where_only_that_can_be_shown() -> None:
    app = FullStage(ascii_only=True)
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        app.pane.focus()
        app.pane.show(QueueSnapshot((four(),)))
        await pilot.press("f")
        await until(pilot, lambda: "Files  push iris:v1" in text_of(app))
        screen = text_of(app)
        assert screen.isascii(), [char for char in screen if not char.isascii()]


async def test_v_shows_only_the_files_that_are_being_moved() -> None:
    app = FullStage()
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        app.pane.focus()
        app.pane.show(QueueSnapshot((four(),)))
        await pilot.press("f", "v")
        await until(pilot, lambda: "v all/[active]  f parts" in text_of(app))
        assert "weights-1.safetensors" in text_of(app)
        assert "config.json" not in text_of(app)
        assert "weights-2" not in text_of(app)
        still = replace(four(), progress=replace(progress(parts=PARTS[:2]), files=_done_files()))
        app.pane.show(QueueSnapshot((replace(still, status=TransferStatus.PAUSED),)))
        await until(pilot, lambda: "No file is active now.  v shows all." in text_of(app))


def _done_files() -> FilesNow:
    return TransferFiles(members_of(*FOUR)).now((part(1, 0, 31 * MiB, 31 * MiB, PartState.DONE),))


async def test_the_file_that_moves_stays_in_sight_until_a_person_pages_elsewhere() -> None:
    app = FullStage()
    row = hundred_thousand(200_000_000)
    assert row.progress.files is not None
    (moving,) = row.progress.files.moving
    name = row.progress.files[moving].name
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        app.pane.focus()
        app.pane.show(QueueSnapshot((row,)))
        await pilot.press("f")
        await until(pilot, lambda: name in text_of(app))
        await pilot.press("pagedown", "pagedown")
        await until(pilot, lambda: name not in text_of(app))
        app.pane.show(QueueSnapshot((row,)))
        await pilot.pause()
        assert name not in text_of(app)
        await pilot.press("pageup", "pageup")
        await until(pilot, lambda: name in text_of(app))


async def test_a_hundred_thousand_files_are_not_walked_to_draw_those_in_sight() -> None:
    app = FullStage()
    members = members_of(*((f"shard/{number:06}.bin", 3_000) for number in range(100_000)))
    files = TransferFiles(members)
    rows = [sending(files, part(1, 0, members.members_end, at * MiB, PartState.ACTIVE)) for at in range(50, 70)]
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        app.pane.focus()
        app.pane.show(QueueSnapshot((rows[0],)))
        await pilot.press("f")
        lines = app.query_one(FileLines)
        await until(pilot, lambda: lines.line_count() == 100_001)
        began = time.thread_time()
        for row in rows:
            lines.show(row)
        assert (time.thread_time() - began) / len(rows) < 0.02


async def test_the_list_is_where_the_moving_file_is_before_it_is_drawn_and_so_draws_once() -> None:
    app = FullStage()
    members = members_of(*((f"shard/{number:06}.bin", 3_000) for number in range(1_000)))
    files = TransferFiles(members)
    before, after = (sending(files, part(1, 0, members.members_end, at * MiB, PartState.ACTIVE)) for at in (1, 2))
    assert after.progress.files is not None
    (moving,) = after.progress.files.moving
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        app.pane.focus()
        app.pane.show(QueueSnapshot((before,)))
        await pilot.press("f")
        lines = app.query_one(FileLines)
        await until(pilot, lambda: lines.scroll_offset.y)
        lines.show(before)  # with the heads of the columns, for which there was no width at first
        lines.show(after)
        top = lines.scroll_offset.y
        assert top < moving < top + lines.size.height
        await until(pilot, lambda: f"shard/{moving:06}.bin" in text_of(app))
        assert lines.scroll_offset.y == top


async def test_files_of_an_archive_that_is_known_bit_by_bit_are_counted_as_known_so_far() -> None:
    app = FullStage()
    files = TransferFiles(members_of(*FOUR), all_known=lambda: False)
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        app.pane.focus()
        app.pane.show(QueueSnapshot((sending(files, part(1, 0, 40 * MiB, 2048, PartState.ACTIVE)),)))
        await pilot.press("f")
        await until(pilot, lambda: "1 of 4 known so far done" in text_of(app))


NOTHING = progress(Phase.DONE, (), speed=0, eta_s=None)
RESUMED = replace(pushed(bytes_moved=300 * MiB), resumed=True, bytes_total=512 * MiB, retries=0)
STORIES = (
    (
        transfer(1, "a:b", TransferStatus.WAITING, size_bytes=5),
        "It waits for its turn; its parts are known when it runs.",
    ),
    (
        transfer(1, "a:b", TransferStatus.SKIPPED, result=pushed("same size", skipped=True)),
        "Nothing was moved: same size.",
    ),
    (
        transfer(1, "a:b", TransferStatus.SKIPPED, result=pushed("it differs", skipped=True, differs=True)),
        "F in the list of the versions overwrites it.",
    ),
    (transfer(1, "a:b", TransferStatus.CANCELLED, now=NOTHING), "Cancelled by you before any of it moved."),
    (transfer(1, "a:b", TransferStatus.PAUSED), "It was paused before any of it moved; its parts are known when"),
    (replace(transfer(1, "a:b", TransferStatus.PAUSED), restored=True), "It was paused at the last quit; its parts"),
    (
        transfer(1, "a:b", TransferStatus.DONE, now=NOTHING, result=RESUMED),
        "It is done: sent 300 MiB of 512 MiB in 0:34",
    ),
    (
        transfer(1, "a:b", TransferStatus.FAILED, error=NoSpaceError("The disk is full.", hint="Make room.")),
        "Make room.",
    ),
    (
        transfer(1, "a:b", TransferStatus.PAUSED, error=TokenRefusedError("The token ended.", hint="Sign in.")),
        "Sign in.",
    ),
    (
        transfer(1, "a:b", TransferStatus.RUNNING, now=replace(NOTHING, phase=Phase.LAY_OUT)),
        "It is laying out now; its parts are known after that.",
    ),
    (
        transfer(1, "a:b", TransferStatus.RUNNING, direction=Direction.PULL, now=replace(NOTHING, phase=Phase.RECEIVE)),
        "Its parts are known as soon as the first bytes have come.",
    ),
)


@pytest.mark.parametrize(("row", "words"), STORIES)
async def test_where_there_are_no_parts_it_is_said_what_happened_instead(row: TransferRow, words: str) -> None:
    app = FullStage()
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        app.pane.show(QueueSnapshot((row,)))
        await until(pilot, lambda: words in text_of(app))
        app.pane.focus()
        await pilot.press("f")
        await until(pilot, lambda: words.replace("parts", "files") in text_of(app))


async def test_a_cancelled_transfer_shows_no_parts_as_if_they_were_there() -> None:
    row = transfer(1, "a:b", TransferStatus.CANCELLED, now=progress(Phase.DONE))
    app = FullStage()
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        app.pane.show(QueueSnapshot((row,)))
        await until(pilot, lambda: "Cancelled by you after 346 MiB had moved." in text_of(app))
        assert "100%" not in text_of(app)


async def test_a_transfer_that_went_on_says_so_when_it_ends() -> None:
    row = transfer(1, "a:b", TransferStatus.DONE, now=NOTHING, result=RESUMED)
    app = Stage(pane := TransfersPane())
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        pane.show(QueueSnapshot((row,)))
        await until(pilot, lambda: "sent 300 MiB of 512 MiB in 0:34, went on from kept parts" in text_of(app))

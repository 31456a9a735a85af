"""How much of the main screen the transfers take: what they show, and no more than lets the lists be read."""

from pathlib import Path

import pytest

from modelsync.transfer.progress import PartState
from modelsync.transfers import QueueSnapshot, TransferStatus
from modelsync_tui.widgets.transfers import TransfersPane
from support.queue_values import part, progress, transfer
from support.tui import app_for, lines_with, until


def queue_of(ended: int, *, runs: bool) -> QueueSnapshot:
    rows = [transfer(number, f"a:v{number}", TransferStatus.CANCELLED) for number in range(1, ended + 1)]
    if runs:
        now = progress(parts=(part(1, PartState.ACTIVE, 0.5),))
        rows.append(transfer(ended + 1, "a:runs", TransferStatus.RUNNING, now=now))
    return QueueSnapshot(tuple(rows))


@pytest.mark.parametrize(("size", "most"), [((120, 40), 10), ((80, 24), 6)])
async def test_few_transfers_leave_the_lines_to_the_lists(tmp_path: Path, size: tuple[int, int], most: int) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.main.loader.local_read)
        pane = app.main.query_one(TransfersPane)
        for ended, runs, height in ((0, False, 4), (1, False, 4), (1, True, 5), (2, False, 5), (30, True, most)):
            pane.show(queue_of(ended, runs=runs))
            await until(pilot, lambda height=height: pane.size.height == height)  # type: ignore[misc]
            assert app.main.local.outer_size.height + height == size[1] - 3, "but title, message and keys"
            assert ended == 30 or bool(lines_with(app, "part 1  [")) == runs


async def test_nothing_moves_on_the_screen_when_the_last_transfer_ends(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.main.loader.local_read)
        pane = app.main.query_one(TransfersPane)
        pane.show(queue_of(3, runs=True))
        await until(pilot, lambda: lines_with(app, "part 1  ["))
        height = pane.size.height
        pane.show(queue_of(4, runs=False))
        await until(pilot, lambda: not lines_with(app, "part 1  ["))
        assert pane.size.height == height


async def test_the_full_view_still_takes_the_whole_screen(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.main.loader.local_read)
        await pilot.press("3", "t")
        await until(pilot, lambda: app.main.query_one(TransfersPane).size.height == 40 - 3)
        assert lines_with(app, "─ Rate ")

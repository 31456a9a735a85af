"""The pane of the transfers, drawn eight times a second while a transfer of 64 parts moves."""

from __future__ import annotations

import asyncio
import time

from benchmarks.screen_actions import Stage
from modelsync.comparison import Direction
from modelsync.tag import Tag
from modelsync.transfer.progress import PartSnapshot, PartState, Phase, ProgressSnapshot
from modelsync.transfers import QueueSnapshot, TransferRequest, TransferRow, TransferStatus
from modelsync_tui.queueing import DRAWN_EVERY_S
from modelsync_tui.widgets.transfers import TransfersPane

DRAW_PARTS = "draw 64 parts at 8 Hz"
PARTS = 64
PART_BYTES = 32 << 20
SPEED = 400 << 20
"""Bytes per second, of all parts."""
FOR_S = 5.0


async def draw_parts(stage: Stage) -> None:
    """Shows the pane in full size and gives it snapshots as the queue would."""
    pane = stage.app.main.query_one(TransfersPane)
    await stage.press("t")
    began = time.monotonic()
    while (passed := time.monotonic() - began) < FOR_S:
        pane.show(_snapshot(passed))
        await asyncio.sleep(DRAWN_EVERY_S)
    await stage.press("t", "t")


def _snapshot(passed_s: float) -> QueueSnapshot:
    done = int(passed_s * SPEED)
    each = done // PARTS
    parts = tuple(
        PartSnapshot(
            number + 1,
            number * PART_BYTES,
            PART_BYTES,
            min(PART_BYTES, each + number * 65_536),
            PartState.ACTIVE,
            1 + number % 3,
            SPEED / PARTS,
            0.0,
            "",
        )
        for number in range(PARTS)
    )
    total = PARTS * PART_BYTES
    progress = ProgressSnapshot(Phase.SEND, total, done, done, 3, SPEED, (total - done) / SPEED, passed_s, parts)
    request = TransferRequest(Direction.PUSH, Tag("model-000001", "v000001"), size_bytes=total)
    rows = (TransferRow(1, request, TransferStatus.RUNNING, False, progress, None, None),)
    return QueueSnapshot(
        rows=rows,
        upload_speed=SPEED,
        download_speed=0.0,
        bytes_done=done,
        bytes_total=total,
        eta_s=progress.eta_s,
        limit=None,
        threads=PARTS,
    )

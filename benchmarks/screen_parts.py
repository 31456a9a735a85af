"""The pane of the transfers: its keys, and drawing it eight times a second while 64 parts or 100,000 files move."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import cache

from benchmarks.screen_actions import Stage
from modelsync.archive.table import BLOCK_BYTES, Kind, MemberTable
from modelsync.comparison import Direction
from modelsync.tag import Tag
from modelsync.transfer.files import TransferFiles
from modelsync.transfer.progress import PartSnapshot, PartState, Phase, ProgressSnapshot
from modelsync.transfers import QueueSnapshot, TransferRequest, TransferRow, TransferStatus
from modelsync_tui.queueing import DRAWN_EVERY_S
from modelsync_tui.widgets.transfers import TransfersPane

TURN = "transfers large and back"
DRAW_PARTS = "draw 64 parts at 8 Hz"
DRAW_FILES = "draw 100k files at 8 Hz"
PARTS = 64
PART_BYTES = 32 << 20
FILES = 100_000
SPEED = 400 << 20
"""Bytes per second, of all parts."""
FOR_S, REST_S = 5.0, 2.0

Progress = Callable[[float], ProgressSnapshot]


async def turn(stage: Stage) -> None:
    """What the key does that makes the pane large, takes it away and brings it back."""
    await stage.press("t", "t", "t")


async def full(stage: Stage) -> None:
    """Makes the pane large, and what will be drawn; not measured."""
    _files()
    await stage.press("t")


async def small(stage: Stage) -> None:
    """And small again."""
    await stage.press("t", "t")


async def draw_parts(stage: Stage) -> float:
    """Gives the pane snapshots as the queue would; the share of a core that its event loop's thread took."""
    return await _draw(stage, _progress)


@cache
def _files() -> TransferFiles:
    """What a transfer's own thread would lay out."""
    members = MemberTable()
    each = PARTS * PART_BYTES // FILES - 2 * BLOCK_BYTES
    for number in range(FILES):
        members.append(b"shard/%06d.bin" % number, Kind.FILE, each, 0, b"", members.members_end + BLOCK_BYTES)
    return TransferFiles(members)


async def draw_files(stage: Stage) -> float:
    """The same with the files of the model in the place of the parts."""
    files = _files()

    def progress(passed_s: float) -> ProgressSnapshot:
        now = _progress(passed_s)
        return replace(now, files=files.now(now.parts))

    await stage.press("f")
    share = await _draw(stage, progress)
    await stage.press("f")
    return share


DRAWS: Mapping[str, Callable[[Stage], Awaitable[float]]] = {DRAW_PARTS: draw_parts, DRAW_FILES: draw_files}


async def _draw(stage: Stage, progress: Progress) -> float:
    pane = stage.app.main.query_one(TransfersPane)
    at_rest = await _share(lambda _: None, REST_S)  # the timer that watches the loop is in the same thread
    return max(0.0, await _share(lambda passed_s: pane.show(_queue(progress(passed_s))), FOR_S) - at_rest)


async def _share(act: Callable[[float], object], for_s: float) -> float:
    """The share of a core that this thread takes while it acts eight times a second."""
    began, at = time.monotonic(), time.thread_time()
    while (passed := time.monotonic() - began) < for_s:
        act(passed)
        await asyncio.sleep(DRAWN_EVERY_S)
    return (time.thread_time() - at) / (time.monotonic() - began)


def _progress(passed_s: float) -> ProgressSnapshot:
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
    return ProgressSnapshot(Phase.SEND, total, done, done, 3, SPEED, (total - done) / SPEED, passed_s, parts)


def _queue(progress: ProgressSnapshot) -> QueueSnapshot:
    total = PARTS * PART_BYTES
    request = TransferRequest(Direction.PUSH, Tag("model-000001", "v000001"), size_bytes=total)
    rows = (TransferRow(1, request, TransferStatus.RUNNING, False, progress, None, None),)
    return QueueSnapshot(
        rows=rows,
        upload_speed=SPEED,
        download_speed=0.0,
        bytes_done=progress.bytes_done,
        bytes_total=total,
        eta_s=progress.eta_s,
        limit=None,
        threads=PARTS,
    )

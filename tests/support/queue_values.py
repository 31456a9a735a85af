"""Queues as values: transfers in every state, with parts of every kind."""

from modelsync.comparison import REASON_SAME, Direction
from modelsync.errors import ModelsyncError, PermissionDeniedError
from modelsync.results import Outcome, PushResult, TransferResult
from modelsync.tag import Tag
from modelsync.transfer.progress import PartSnapshot, PartState, Phase, ProgressSnapshot
from modelsync.transfers import QueueSnapshot, TransferRequest, TransferRow, TransferStatus

MiB = 1024 * 1024
PART_BYTES = 100 * MiB


def part(
    number: int,
    state: PartState,
    done: float = 0.0,
    *,
    attempts: int = 1,
    speed: float = 0.0,
    idle_s: float = 0.0,
    note: str = "",
) -> PartSnapshot:
    """One part of 100 MiB; `done` is a fraction."""
    start = (number - 1) * PART_BYTES
    return PartSnapshot(number, start, PART_BYTES, int(done * PART_BYTES), state, attempts, speed, idle_s, note)


PARTS = (
    part(1, PartState.DONE, 1, note='"9b1d2f3a4c5e6f70"'),
    part(2, PartState.DONE, 1, note='"8b1d2f3a4c5e6f70"'),
    part(3, PartState.ACTIVE, 0.93, speed=4.2 * MiB),
    part(4, PartState.RETRY, 0.41, attempts=3, note="HTTP 503"),
    part(5, PartState.ACTIVE, 0.12, idle_s=8.2),
    part(6, PartState.WAITING, attempts=0),
)


def progress(
    phase: Phase = Phase.SEND,
    parts: tuple[PartSnapshot, ...] = PARTS,
    *,
    speed: float = 38.2 * MiB,
    eta_s: float | None = 9,
) -> ProgressSnapshot:
    done = sum(one.done for one in parts)
    total = sum(one.size for one in parts) or None
    retries = sum(max(0, one.attempts - 1) for one in parts)
    return ProgressSnapshot(phase, total, done, done, retries, speed, eta_s, 13.0, parts)


def transfer(
    number: int,
    tag: str,
    status: TransferStatus,
    *,
    direction: Direction = Direction.PUSH,
    now: ProgressSnapshot | None = None,
    result: TransferResult | None = None,
    error: ModelsyncError | None = None,
    size_bytes: int = 0,
    stopping: bool = False,
) -> TransferRow:
    request = TransferRequest(direction, Tag.parse(tag), size_bytes=size_bytes)
    still = progress(Phase.WAITING, (), speed=0, eta_s=None)
    return TransferRow(number, request, status, stopping, now or still, result, error)


def pushed(reason: str = "", *, skipped: bool = False, differs: bool = False, bytes_moved: int = 0) -> PushResult:
    outcome = Outcome.SKIPPED if skipped else Outcome.PUSHED
    tag = Tag("any", "one")
    return PushResult(
        tag=tag, outcome=outcome, reason=reason, differs=differs, bytes_moved=bytes_moved, seconds=34, retries=2
    )


def queue_of_every_kind(parts: tuple[PartSnapshot, ...] = PARTS) -> QueueSnapshot:
    """One transfer in each state, and two that wait; the finished ones were added first."""
    refused = PermissionDeniedError("The token [/b] may not push.", hint="Ask for one that may.")
    rows = (
        transfer(1, "reranker:v2", TransferStatus.DONE, result=pushed(bytes_moved=900 * MiB)),
        transfer(2, "iris_clf:v11", TransferStatus.SKIPPED, result=pushed(REASON_SAME, skipped=True)),
        transfer(3, "iris_clf:v12", TransferStatus.WAITING, size_bytes=5 * MiB),
        transfer(4, "llama-ft:2026w48", TransferStatus.PAUSED, now=progress(speed=0, eta_s=None)),
        transfer(5, "summarization:m81p2au5nwqc67i3", TransferStatus.RUNNING, now=progress(parts=parts)),
        transfer(6, "whisper:large", TransferStatus.FAILED, direction=Direction.PULL, error=refused),
        transfer(7, "iris_clf:v13", TransferStatus.WAITING, size_bytes=5 * MiB),
        transfer(8, "reranker:v3", TransferStatus.RUNNING, now=progress(Phase.COMPLETE, PARTS[:2], speed=0)),
        transfer(9, "reranker:v4", TransferStatus.CANCELLED),
        transfer(10, "llama-ft:2026w47", TransferStatus.SKIPPED, result=pushed("differs", skipped=True, differs=True)),
    )
    return QueueSnapshot(
        rows=rows,
        upload_speed=38.2 * MiB,
        download_speed=9.9 * MiB,
        bytes_done=48,
        bytes_total=100,
        eta_s=46,
        limit=24 * MiB,
        threads=10,
    )

"""What a person sees of the queue: requests, rows, and the whole at one moment."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from modelsync.errors import ModelsyncError, TokenRefusedError
from modelsync.model import Direction
from modelsync.tag import Tag

if TYPE_CHECKING:  # a screen shows its queue, which is empty at first, before it needs them
    from modelsync.results import TransferResult
    from modelsync.transfer.progress import ProgressSnapshot


class TransferStatus(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({TransferStatus.DONE, TransferStatus.SKIPPED, TransferStatus.FAILED, TransferStatus.CANCELLED})
"""No run of it is left; a person may retry a failed or cancelled one."""


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """One push or pull that was asked for, with all that was meant."""

    direction: Direction
    tag: Tag
    force: bool = False
    size_bytes: int = 0
    """About how much it is, for totals before it starts; 0 when not known."""
    begun: bool = False
    """Whether an earlier run told the registry that this push begins: what it then finds uploading is its own."""


@dataclass(frozen=True, slots=True)
class TransferRow:
    """One transfer at one moment."""

    id: int
    request: TransferRequest
    status: TransferStatus
    stopping: bool
    """Cancel or pause was asked for and its threads are ending."""
    progress: "ProgressSnapshot"
    result: "TransferResult | None"
    error: ModelsyncError | None
    restored: bool = False
    """Paused at the last quit, and not resumed since."""
    context: str = ""
    """Whose queue it is in, where queues of several contexts are shown together and it is not the one in use."""

    @property
    def bytes_total(self) -> int:
        """Of what it has to move; about that, before it has looked."""
        if self.status is TransferStatus.SKIPPED:
            return 0
        return self.progress.bytes_total or self.request.size_bytes

    @property
    def bytes_done(self) -> int:
        total = self.bytes_total
        return total if self.status is TransferStatus.DONE else min(self.progress.bytes_done, total)


@dataclass(frozen=True, slots=True)
class QueueSnapshot:
    """The whole queue at one moment, in order."""

    rows: tuple[TransferRow, ...] = ()
    upload_speed: float = 0.0
    """Bytes per second over the last seconds."""
    download_speed: float = 0.0
    bytes_done: int = 0
    """Of the transfers that run, wait, are paused or were done since the queue was last idle."""
    bytes_total: int = 0
    eta_s: float | None = None
    limit: int | None = None
    """Bytes per second for all together; None is no limit."""
    threads: int = 0

    @classmethod
    def of(
        cls,
        rows: tuple[TransferRow, ...],
        *,
        earlier: Collection[int] = (),
        limit: int | None = None,
        threads: int = 0,
    ) -> Self:
        """Adds up what the rows say; `earlier` are the ids of those that ended before the queue was last idle."""
        gone = (TransferStatus.FAILED, TransferStatus.CANCELLED)
        counted = [row for row in rows if row.status not in gone and row.id not in earlier]
        running = [row for row in rows if row.status is TransferStatus.RUNNING]
        up = sum(row.progress.speed for row in running if row.request.direction is Direction.PUSH)
        down = sum(row.progress.speed for row in running if row.request.direction is Direction.PULL)
        return cls(
            rows=rows,
            upload_speed=up,
            download_speed=down,
            bytes_done=sum(row.bytes_done for row in counted),
            bytes_total=sum(row.bytes_total for row in counted),
            eta_s=_eta_s(counted, up + down),
            limit=limit,
            threads=threads,
        )

    def beside(self, others: Iterable[Self]) -> Self:
        """This queue and others, as one that is moved by the same threads under the same limit."""
        every = (self, *others)
        rows = tuple(row for queue in every for row in queue.rows)
        up, down = sum(queue.upload_speed for queue in every), sum(queue.download_speed for queue in every)
        return replace(
            self,
            rows=rows,
            upload_speed=up,
            download_speed=down,
            bytes_done=sum(queue.bytes_done for queue in every),
            bytes_total=sum(queue.bytes_total for queue in every),
            eta_s=_eta_s(rows, up + down),
        )

    def count(self, status: TransferStatus) -> int:
        return sum(row.status is status for row in self.rows)

    @property
    def running(self) -> int:
        return self.count(TransferStatus.RUNNING)

    @property
    def waiting(self) -> int:
        return self.count(TransferStatus.WAITING)

    @property
    def paused(self) -> int:
        return self.count(TransferStatus.PAUSED)

    @property
    def done(self) -> int:
        return self.count(TransferStatus.DONE)

    @property
    def skipped(self) -> int:
        return self.count(TransferStatus.SKIPPED)

    @property
    def failed(self) -> int:
        return self.count(TransferStatus.FAILED)

    @property
    def needs_sign_in(self) -> bool:
        """Whether transfers are paused because the registry no longer accepts the token; see Transfers.signed_in."""
        return any(row.status is TransferStatus.PAUSED and is_refused(row.error) for row in self.rows)

    @property
    def busy(self) -> bool:
        """Whether something runs or waits to run."""
        return any(row.status in (TransferStatus.RUNNING, TransferStatus.WAITING) for row in self.rows)

    @property
    def fraction(self) -> float:
        return self.bytes_done / self.bytes_total if self.bytes_total else 0.0


def _eta_s(rows: Iterable[TransferRow], speed: float) -> float | None:
    """Seconds until what runs and waits has been moved; None while nothing moves."""
    open_ = (TransferStatus.RUNNING, TransferStatus.WAITING)
    left = sum(row.bytes_total - row.bytes_done for row in rows if row.status in open_)
    return left / speed if speed > 0 else None


def is_refused(error: ModelsyncError | None) -> bool:
    """Whether only a new sign-in helps."""
    return isinstance(error, TokenRefusedError)

"""One transfer in the queue: what was asked for, how far it is, and the row that shows it."""

from dataclasses import dataclass, field, replace

from modelsync.errors import ModelsyncError
from modelsync.queue import TransferRequest, TransferRow, TransferStatus
from modelsync.results import TransferResult
from modelsync.transfer.control import Control, Paused
from modelsync.transfer.progress import Phase, Progress

_UPLOAD_BEGUN = frozenset({Phase.REGISTER, Phase.SEND, Phase.COMPLETE})


@dataclass(slots=True, eq=False)
class Job:
    """One transfer, whatever becomes of it; changed with the queue's lock held, except for what its own run counts."""

    id: int
    request: TransferRequest
    status: TransferStatus = TransferStatus.WAITING
    control: Control = field(default_factory=Control)
    progress: Progress = field(default_factory=Progress)
    result: TransferResult | None = None
    error: ModelsyncError | None = None
    begun: bool = False
    """Whether an earlier run told the registry that an upload begins: what it then finds uploading is its own."""
    restored: bool = False
    next: TransferStatus | None = None
    """What was asked of it while its pause was under way: to wait for another turn, or to be cancelled."""
    changes: int = 0
    drawn: tuple[int, TransferRow] | None = None
    """The last row, and after how many changes it was made: only what runs is looked at anew for every snapshot."""

    def row(self) -> TransferRow:
        changes = self.changes
        if self.drawn is not None and self.drawn[0] == changes:
            return self.drawn[1]
        row = TransferRow(
            id=self.id,
            request=self.request,
            status=self.status,
            stopping=self.status is TransferStatus.RUNNING and self.control.cancelled,
            progress=self.progress.snapshot(),
            result=self.result,
            error=self.error,
            restored=self.restored,
        )
        if row.status is not TransferStatus.RUNNING:
            self.drawn = (changes, row)
        return row

    def become(self, status: TransferStatus) -> None:
        """The one way to another status; called with the queue's lock held."""
        self.status = status
        self.changes += 1

    @property
    def upload_begun(self) -> bool:
        return self.begun or (self.status is TransferStatus.RUNNING and self.progress.phase in _UPLOAD_BEGUN)

    @property
    def is_cancelled(self) -> bool:
        """Whether a person gave it up, though its threads may still be ending."""
        wish = self.control.wish
        return self.next is TransferStatus.CANCELLED or (wish is not None and not isinstance(wish, Paused))

    def begin_run(self) -> None:
        self.progress = Progress()
        self.restored = False
        self.become(TransferStatus.RUNNING)

    def end_run(self) -> None:
        self.begun = self.begun or self.progress.phase in _UPLOAD_BEGUN
        self.progress.end()

    def begin_again(self) -> None:
        self.control = Control()
        self.progress = Progress()
        self.result = None
        self.error = None
        self.restored = False
        self.next = None
        self.become(TransferStatus.WAITING)

    def forget_parts(self) -> None:
        """Keeps the sums only; for one that has ended."""
        row = self.row()
        self.drawn = (self.changes, replace(row, progress=replace(row.progress, parts=(), files=None)))
        self.progress = Progress()

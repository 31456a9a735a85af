"""The queue of pushes and pulls that a person sees and steers.

How it works: each transfer is a blocking call of the engine on a thread of its own (the application hands in how
threads start); it spreads its parts over the shared workers. `snapshot` reads counters; nothing is sent per byte.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from modelsync.account import Account
from modelsync.comparison import Direction
from modelsync.errors import Cancelled, ModelsyncError, TokenRefusedError, UsageError
from modelsync.queue import ENDED, QueueSnapshot, TransferRequest, TransferRow, TransferStatus, is_refused
from modelsync.results import Outcome, TransferResult
from modelsync.transfer.control import Control, Paused
from modelsync.transfer.progress import Phase, Progress

if TYPE_CHECKING:  # it loads HTTP, for which a screen that shows an empty queue must not wait
    from modelsync.sync import Sides

__all__ = [
    "QueueSnapshot",
    "Starter",
    "TransferRequest",
    "TransferRow",
    "TransferStatus",
    "Transfers",
    "plain_thread",
]

log = logging.getLogger("modelsync.transfers")

RUNNING_DEFAULT = 2
"""How many transfers run side by side; each spreads over all part threads."""
_UPLOAD_BEGUN = frozenset({Phase.REGISTER, Phase.SEND, Phase.COMPLETE})

Starter = Callable[[Callable[[], None], str], object]
"""Runs a blocking function on a thread of its own; the second argument names it."""


def plain_thread(work: Callable[[], None], name: str) -> None:
    """Starts a daemon thread."""
    threading.Thread(target=work, name=name, daemon=True).start()


@dataclass(slots=True, eq=False)
class _Job:
    id: int
    request: TransferRequest
    status: TransferStatus = TransferStatus.WAITING
    control: Control = field(default_factory=Control)
    progress: Progress = field(default_factory=Progress)
    result: TransferResult | None = None
    error: ModelsyncError | None = None
    begun: bool = False
    """Whether an earlier run told the registry that an upload begins: what it then finds uploading is its own."""

    def row(self) -> TransferRow:
        return TransferRow(
            id=self.id,
            request=self.request,
            status=self.status,
            stopping=self.status is TransferStatus.RUNNING and self.control.cancelled,
            progress=self.progress.snapshot(),
            result=self.result,
            error=self.error,
        )

    def end_run(self) -> None:
        self.begun = self.begun or self.progress.phase in _UPLOAD_BEGUN
        self.progress.end()

    def begin_again(self) -> None:
        self.status = TransferStatus.WAITING
        self.control = Control()
        self.progress = Progress()
        self.result = None
        self.error = None


class Transfers:
    """The queue. Commands may come from any thread and return at once; `snapshot` belongs to one."""

    def __init__(
        self,
        sides: "Sides",
        *,
        running: int = RUNNING_DEFAULT,
        start: Starter = plain_thread,
        finished: Callable[[TransferRow], object] | None = None,
    ) -> None:
        self._sides = sides
        self._slots = max(1, running)
        self._start = start
        self._finished = finished
        self._changed = threading.Condition()
        self._jobs: list[_Job] = []
        self._ids = count(1)

    def add(self, requests: Iterable[TransferRequest]) -> tuple[int, ...]:
        """Puts transfers at the end of the queue and returns their ids.

        A request that is already waiting, running or paused is not queued twice: its id is returned.
        """
        ids = []
        with self._changed:
            for request in requests:
                job = self._open_job_of(request)
                if job is None:
                    job = _Job(next(self._ids), request)
                    self._jobs.append(job)
                ids.append(job.id)
        self._dispatch()
        return tuple(ids)

    def cancel(self, transfer: int) -> None:
        """Stops it for good; the registry is told that a push failed."""
        job = self._job(transfer)
        with self._changed:
            if job.status in (TransferStatus.WAITING, TransferStatus.PAUSED):
                job.status = TransferStatus.CANCELLED
                job.progress.end()
                self._changed.notify_all()
                return
        job.control.cancel()

    def pause(self, transfer: int) -> None:
        """Stops it and keeps what is finished."""
        job = self._job(transfer)
        with self._changed:
            if job.status is TransferStatus.WAITING:
                job.status = TransferStatus.PAUSED
                return
        if job.status is TransferStatus.RUNNING:
            job.control.pause()

    def resume(self, transfer: int) -> None:
        """A paused transfer waits for its turn again and goes on from its finished parts."""
        self._again(transfer, TransferStatus.PAUSED)

    def signed_in(self, account: Account) -> None:
        """Goes on after a new sign-in: running transfers use the new token at once, those it was refused to resume.

        Raises UsageError for another registry or organization than that of these transfers.
        """
        registry = self._sides.registry
        mine, given = registry.context, account.context
        if (given.endpoint, given.organization) != (mine.endpoint, mine.organization):
            raise UsageError(
                f"These transfers belong to {mine.endpoint}, not to {given.endpoint}.",
                hint=f"Sign in to context {mine.name!r} again.",
            )
        registry.renew(account.token)
        with self._changed:
            for job in self._jobs:
                if job.status is TransferStatus.PAUSED and is_refused(job.error):
                    job.begin_again()
        self._dispatch()

    def retry(self, transfer: int) -> None:
        """A failed or cancelled transfer waits for its turn again."""
        self._again(transfer, TransferStatus.FAILED, TransferStatus.CANCELLED)

    def move(self, transfer: int, by: int) -> None:
        """Moves it up (negative) or down the queue; order matters to what waits."""
        with self._changed:
            job = self._job(transfer)
            place = self._jobs.index(job)
            self._jobs.remove(job)
            self._jobs.insert(max(0, min(len(self._jobs), place + by)), job)

    def clear_done(self) -> None:
        """Forgets what is done, skipped or cancelled; failures stay until they are retried or cancelled."""
        gone = ENDED - {TransferStatus.FAILED}
        with self._changed:
            self._jobs = [job for job in self._jobs if job.status not in gone]

    def pause_all(self) -> None:
        for row in self._ids_in(TransferStatus.WAITING, TransferStatus.RUNNING):
            self.pause(row)

    def cancel_all(self) -> None:
        for row in self._ids_in(TransferStatus.WAITING, TransferStatus.PAUSED, TransferStatus.RUNNING):
            self.cancel(row)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Blocks until nothing runs or waits; False when the time ran out first."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while any(job.status in (TransferStatus.WAITING, TransferStatus.RUNNING) for job in self._jobs):
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self._changed.wait(left)
        return True

    @property
    def limit(self) -> int | None:
        """Bytes per second for all transfers together; None is no limit."""
        return self._sides.workers.bandwidth.limit

    def set_limit(self, bytes_per_s: int | None) -> None:
        self._sides.workers.bandwidth.limit = bytes_per_s

    @property
    def threads(self) -> int:
        """The ceiling of part threads."""
        return self._sides.workers.threads

    def set_threads(self, threads: int) -> None:
        self._sides.workers.threads = threads

    def snapshot(self) -> QueueSnapshot:
        """What is true now."""
        with self._changed:
            jobs = list(self._jobs)
        return QueueSnapshot.of(tuple(job.row() for job in jobs), limit=self.limit, threads=self.threads)

    def _open_job_of(self, request: TransferRequest) -> _Job | None:
        for job in self._jobs:
            same = (job.request.direction, job.request.tag) == (request.direction, request.tag)
            if same and job.status not in ENDED:
                return job
        return None

    def _job(self, transfer: int) -> _Job:
        for job in self._jobs:
            if job.id == transfer:
                return job
        raise KeyError(transfer)

    def _ids_in(self, *statuses: TransferStatus) -> list[int]:
        with self._changed:
            return [job.id for job in self._jobs if job.status in statuses]

    def _again(self, transfer: int, *statuses: TransferStatus) -> None:
        with self._changed:
            job = self._job(transfer)
            if job.status not in statuses:
                return
            job.begin_again()
        self._dispatch()

    def _dispatch(self) -> None:
        """Starts what waits, in order, while there are free slots."""
        with self._changed:
            free = self._slots - sum(job.status is TransferStatus.RUNNING for job in self._jobs)
            starting = [job for job in self._jobs if job.status is TransferStatus.WAITING][: max(0, free)]
            for job in starting:
                job.status = TransferStatus.RUNNING
        for job in starting:
            self._start(partial(self._run, job), f"{job.request.direction} {job.request.tag}")

    def _run(self, job: _Job) -> None:
        from modelsync.sync import pull, push

        request = job.request
        run = partial(push, begun=job.begun) if request.direction is Direction.PUSH else pull
        status, error = TransferStatus.FAILED, None
        renewals = self._sides.registry.renewals
        try:
            result = run(request.tag, self._sides, force=request.force, control=job.control, progress=job.progress)
        except Paused:
            status = TransferStatus.PAUSED
        except Cancelled:
            status = TransferStatus.CANCELLED
        except TokenRefusedError as exc:
            self._pause_refused(job, exc, renewals)
            return
        except ModelsyncError as exc:
            error = exc
            log.warning("%s %s failed: %s", request.direction, request.tag, exc.message)
        except Exception as exc:  # a defect of ours must end this row, not the program
            error = ModelsyncError("Something unexpected went wrong.", hint="The log file has the details.")
            error.__cause__ = exc
            log.exception("%s %s", request.direction, request.tag)
        else:
            job.result = result
            status = TransferStatus.SKIPPED if result.outcome is Outcome.SKIPPED else TransferStatus.DONE
        job.error = error
        job.end_run()
        with self._changed:
            job.status = status
            self._changed.notify_all()
        if self._finished is not None:
            self._finished(job.row())
        self._dispatch()

    def _pause_refused(self, job: _Job, error: TokenRefusedError, renewals: int) -> None:
        """Pauses it and what waits behind it, which would be refused as well; unless a newer token is there already."""
        with self._changed:
            job.end_run()
            is_old_news = self._sides.registry.renewals != renewals
            if is_old_news:
                job.begin_again()
            else:
                for each in (job, *(other for other in self._jobs if other.status is TransferStatus.WAITING)):
                    each.status, each.error = TransferStatus.PAUSED, error
                self._changed.notify_all()
        if not is_old_news:
            log.warning("%s %s waits for a new sign-in: %s", job.request.direction, job.request.tag, error.message)
            if self._finished is not None:
                self._finished(job.row())
        self._dispatch()

"""The queue of pushes and pulls that a person sees and steers.

How it works: each transfer is a blocking call of the engine on a thread of its own (the application hands in how
threads start); it spreads its parts over the shared workers. `snapshot` reads counters; nothing is sent per byte.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from modelsync import runs
from modelsync.account import Account
from modelsync.errors import TokenRefusedError, UsageError
from modelsync.job import Job
from modelsync.jobs import Jobs
from modelsync.model import Direction
from modelsync.queue import ENDED, QueueSnapshot, TransferRequest, TransferRow, TransferStatus, is_refused
from modelsync.transfer.control import Control, Paused

if TYPE_CHECKING:  # it loads HTTP, for which a screen that shows an empty queue must not wait
    from modelsync.model import RemoteModel
    from modelsync.sync import Sides
    from modelsync.tag import Tag

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
_BUSY = (TransferStatus.WAITING, TransferStatus.RUNNING)

Starter = Callable[[Callable[[], None], str], object]
"""Runs a blocking function on a thread of its own; the second argument names it."""


def plain_thread(work: Callable[[], None], name: str) -> None:
    """Starts a daemon thread."""
    threading.Thread(target=work, name=name, daemon=True).start()


class Transfers:
    """The queue. Commands may come from any thread and return at once; `snapshot` belongs to one."""

    def __init__(
        self,
        sides: "Sides",
        *,
        running: int = RUNNING_DEFAULT,
        start: Starter = plain_thread,
        finished: Callable[[TransferRow], object] | None = None,
        ids: Iterator[int] | None = None,
    ) -> None:
        """`ids` gives each transfer its own; queues that are shown together share one."""
        self._sides = sides
        self._slots = max(1, running)
        self._start = start
        self._finished = finished
        self._changed = threading.Condition()
        self._jobs = Jobs(ids if ids is not None else count(1))
        self._earlier: frozenset[int] = frozenset()
        """What ended before the queue was last idle: no part of the sums."""

    def add(self, requests: Iterable[TransferRequest]) -> tuple[int, ...]:
        """Puts transfers at the end of the queue and returns their ids.

        A request that is already waiting, running or paused is not queued twice: its id is returned.
        """
        with self._changed:
            self._begin_sums_if_idle()
            ids = tuple((self._jobs.open_for(request) or self._jobs.add(request)).id for request in requests)
        self._dispatch()
        return ids

    def goes_on(self, tag: "Tag", remote: "RemoteModel") -> bool:
        """Whether the upload that the registry tells of was begun on this machine, and nothing here goes on with it.

        Reads a small file.
        """
        from modelsync.transfer.unfinished import began_upload

        with self._changed:
            if any(job.request.tag == tag for job in self._jobs.within(*_BUSY, TransferStatus.PAUSED)):
                return False
        return began_upload(self._sides.journals, self._sides.journal_key(Direction.PUSH, tag), remote, begun=False)

    def unfinished(self) -> tuple[TransferRequest, ...]:
        """What waits, runs or is paused and was not cancelled, in order: for `restore` in another run."""
        with self._changed:
            return tuple(
                replace(job.request, begun=job.upload_begun)
                for job in self._jobs.within(*_BUSY, TransferStatus.PAUSED)
                if not job.is_cancelled
            )

    def restore(self, requests: Iterable[TransferRequest]) -> tuple[int, ...]:
        """Puts what an earlier run left unfinished at the end of the queue, paused; returns the ids."""
        from modelsync.transfer.unfinished import bytes_kept

        ids = []
        for request in requests:
            kept = bytes_kept(self._sides.journals, self._sides.journal_key(request.direction, request.tag))
            with self._changed:
                job = self._jobs.open_for(request)
                if job is None:
                    job = self._jobs.add(request)
                    job.restored = True
                    job.progress.bytes_total = request.size_bytes or None
                    job.progress.bytes_kept = kept
                    job.become(TransferStatus.PAUSED)
                ids.append(job.id)
        return tuple(ids)

    def cancel(self, transfer: int) -> None:
        """Stops it for good; the registry is told that a push failed, what a pull has fetched is removed."""
        with self._changed:
            job = self._jobs.of(transfer)
            if job.status is TransferStatus.RUNNING:
                job.next = TransferStatus.CANCELLED  # also when it is just being paused
            elif job.status in (TransferStatus.WAITING, TransferStatus.PAUSED, TransferStatus.FAILED):
                if runs.leaves_something(job, self._sides):
                    self._begin_giving_up(job)
                else:
                    job.progress.end()
                    job.become(TransferStatus.CANCELLED)
                    self._ended(job)
                    return
        if job.status is TransferStatus.RUNNING:
            job.control.cancel()

    def pause(self, transfer: int) -> None:
        """Stops it and keeps what is finished."""
        with self._changed:
            job = self._jobs.of(transfer)
            if job.status is TransferStatus.WAITING:
                job.become(TransferStatus.PAUSED)
                self._changed.notify_all()
            elif job.status is TransferStatus.RUNNING and job.next is TransferStatus.WAITING:
                job.next = None
        if job.status is TransferStatus.RUNNING:
            job.control.pause()

    def resume(self, transfer: int) -> None:
        """A paused transfer, or one that is just being paused, waits for its turn again; it keeps what is finished."""
        with self._changed:
            job = self._jobs.of(transfer)
            if job.status is TransferStatus.RUNNING and isinstance(job.control.wish, Paused) and job.next is None:
                job.next = TransferStatus.WAITING
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
            for job in self._jobs.within(TransferStatus.PAUSED):
                if is_refused(job.error):
                    job.begin_again()
        self._dispatch()

    def retry(self, transfer: int) -> None:
        """A failed or cancelled transfer waits for its turn again; not while the same is in the queue already."""
        self._again(transfer, TransferStatus.FAILED, TransferStatus.CANCELLED)

    def move(self, transfer: int, by: int) -> None:
        """Moves it up (negative) or down the queue; order matters to what waits."""
        with self._changed:
            job = self._jobs.of(transfer)
            self._jobs.move(job, by)

    def clear_done(self) -> None:
        """Forgets what is done, skipped or cancelled; failures stay until they are retried or cancelled."""
        with self._changed:
            self._jobs.clear_done()

    def pause_all(self) -> None:
        for transfer in self._ids_within(*_BUSY):
            self.pause(transfer)

    def cancel_all(self) -> None:
        for transfer in self._ids_within(*_BUSY, TransferStatus.PAUSED):
            self.cancel(transfer)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Blocks until nothing runs or waits; False when the time ran out first."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while self._jobs.within(*_BUSY):
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
            earlier = self._earlier
        rows = tuple(job.row() for job in jobs)
        return QueueSnapshot.of(rows, earlier=earlier, limit=self.limit, threads=self.threads)

    def _ids_within(self, *statuses: TransferStatus) -> list[int]:
        with self._changed:
            return [job.id for job in self._jobs.within(*statuses)]

    def _again(self, transfer: int, *statuses: TransferStatus) -> None:
        with self._changed:
            job = self._jobs.of(transfer)
            if job.status not in statuses or self._jobs.open_for(job.request) not in (None, job):
                return
            self._begin_sums_if_idle()
            job.begin_again()
        self._dispatch()

    def _begin_sums_if_idle(self) -> None:
        """Called with the lock held."""
        if not self._jobs.within(*_BUSY):
            self._earlier = frozenset(job.id for job in self._jobs.within(*ENDED))

    def _dispatch(self) -> None:
        """Starts what waits, in order, while there are free slots."""
        with self._changed:
            free = self._slots - len(self._jobs.within(TransferStatus.RUNNING))
            starting = self._jobs.within(TransferStatus.WAITING)[: max(0, free)]
            for job in starting:
                job.begin_run()
        for job in starting:
            self._start(partial(self._run, job), f"{job.request.direction} {job.request.tag}")

    def _run(self, job: Job) -> None:
        renewals = self._sides.registry.renewals
        end = runs.run(job, self._sides)
        if isinstance(end.error, TokenRefusedError):
            if self._pause_refused(job, end.error, renewals):
                return
            end = runs.End(TransferStatus.CANCELLED)
        job.result, job.error = end.result, end.error
        job.end_run()
        with self._changed:
            if end.status is TransferStatus.PAUSED and job.next is TransferStatus.WAITING:
                job.begin_again()
            elif end.status is TransferStatus.PAUSED and job.next is TransferStatus.CANCELLED:
                self._begin_giving_up(job)
            else:
                job.become(end.status)
                self._ended(job)
            goes_on = job.status is not end.status
        if not goes_on:
            self._tell(job)
        self._dispatch()

    def _ended(self, job: Job) -> None:
        """A run or a wait is over; called with the lock held."""
        if job.status in ENDED:
            self._jobs.ended(job)
        self._changed.notify_all()

    def _tell(self, job: Job) -> None:
        if self._finished is None:
            return
        try:
            self._finished(job.row())
        except Exception:  # whatever a caller's callback does, the queue goes on
            log.exception("the callback for finished transfers raised")

    def _begin_giving_up(self, job: Job) -> None:
        """A paused transfer is cancelled: until what it left is cleared away it is stopping; called with the lock held.

        The thread starts outside of any call of the engine: it talks to the registry.
        """
        job.control = Control()
        job.control.cancel()
        job.become(TransferStatus.RUNNING)
        self._start(partial(self._give_up, job), f"give up {job.request.direction} {job.request.tag}")

    def _give_up(self, job: Job) -> None:
        end = runs.clear_away(job, self._sides)
        job.progress.end()
        with self._changed:
            job.error = end.error
            job.become(end.status)
            self._ended(job)
        self._tell(job)
        self._dispatch()

    def _pause_refused(self, job: Job, error: TokenRefusedError, renewals: int) -> bool:
        """Pauses it and what waits behind it, which would be refused as well; unless a newer token is there already.

        False, and nothing done, where the person has cancelled it.
        """
        with self._changed:
            if job.next is TransferStatus.CANCELLED:
                return False
            job.end_run()
            is_old_news = self._sides.registry.renewals != renewals
            if is_old_news:
                job.begin_again()
            else:
                for each in (job, *self._jobs.within(TransferStatus.WAITING)):
                    each.error = error
                    each.become(TransferStatus.PAUSED)
                self._changed.notify_all()
        if not is_old_news:
            log.warning("%s %s waits for a new sign-in: %s", job.request.direction, job.request.tag, error.message)
            self._tell(job)
        self._dispatch()
        return True

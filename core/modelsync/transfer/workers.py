"""One pool of part threads, shared by all transfers of a process.

How it works: each running transfer is a batch of tasks; a free thread takes the next task of the batch that has the
fewest threads, of several the one that was served longest ago, so that transfers share the threads evenly however many
parts each has. Threads start when there is work and end when there has been none for a while. `threads` is a ceiling
that may change while they run; below it the pace says how many work. A batch of which nothing runs gets a thread above
the pace: it need not wait until a long part of another one has ended.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator

from modelsync.errors import Cancelled
from modelsync.transfer.bandwidth import PIECE_BYTES, Bandwidth
from modelsync.transfer.control import Control
from modelsync.transfer.pace import LOOK_S, Pace

THREADS_DEFAULT = 10
"""What BentoML's own client uses."""
IDLE_AFTER_S = 5.0

Task = Callable[["Worker", Control], None]
"""Moves one part; gets the thread's own things and the control of its batch."""


PIECE_BYTES_FIRST = 64 << 10
PIECE_QUICK_S = 0.05
PIECE_SLOW_S = 0.25


class Worker:
    """What one part thread owns or shares: a buffer that every part it moves goes through, the limit, the pace."""

    def __init__(self, bandwidth: Bandwidth, pace: Pace) -> None:
        self.buffer = memoryview(bytearray(PIECE_BYTES))
        self.bandwidth = bandwidth
        self.pace = pace
        self._piece = PIECE_BYTES_FIRST
        self._piece_began = 0.0
        self._used_s = 0.0

    def moved(self, count: int) -> None:
        """Tells the pace of bytes, and of what this thread, which calls it, has used of a processor since the last."""
        used_s = time.thread_time()
        self.pace.moved(count, used_s - self._used_s)
        self._used_s = used_s

    def next_piece(self, most: int = PIECE_BYTES) -> int:
        """How many bytes to move at once: up to `most` on a fast line, few on a slow one, so that progress is seen.

        Called once for each piece; the time between two calls tells how fast the line is.
        """
        now = time.monotonic()
        took = now - self._piece_began
        self._piece_began = now
        if took < PIECE_QUICK_S:
            self._piece *= 2
        elif took > PIECE_SLOW_S:
            self._piece = max(PIECE_BYTES_FIRST, self._piece // 2)
        self._piece = min(most, self._piece)
        return self.bandwidth.piece(self._piece)


class Workers:
    """The pool; one per process is enough."""

    def __init__(self, threads: int = THREADS_DEFAULT, bandwidth: Bandwidth | None = None) -> None:
        self.bandwidth = bandwidth or Bandwidth()
        self._pace = Pace(max(1, threads), changed=self._repace)
        self._changed = threading.Condition()
        self._batches: list[_Batch] = []
        self._alive = 0

    @property
    def threads(self) -> int:
        """The ceiling."""
        return self._pace.ceiling

    @threads.setter
    def threads(self, count: int) -> None:
        self._pace.ceiling = max(1, count)

    @property
    def active(self) -> int:
        """How many threads may work now, by the pace."""
        return self._pace.target

    @property
    def batches(self) -> int:
        """How many transfers have tasks that run or wait."""
        with self._changed:
            return len(self._batches)

    def run(self, tasks: Iterable[Task], control: Control, *, alone: bool = False) -> None:
        """Runs all tasks, started in order, and returns when all have ended.

        `alone`: the tasks are such that one thread may do as much as several; it is one until it is seen to wait.
        The first error stops the batch: the control that its tasks were given is cancelled, so that their sockets are
        freed at once, and the error is raised. A cancel of `control` does the same and raises what the person wished.
        """
        batch = _Batch(iter(tasks))
        take_back = control.on_cancel(lambda: self._stop(batch, control.wish))
        try:
            with self._changed:
                if not alone:
                    self._pace.all_join()
                elif not self._batches:
                    self._pace.begin_alone()
                self._batches.append(batch)
                self._staff()
                self._changed.notify_all()
                while not batch.ended:
                    self._changed.wait(LOOK_S if self._pace.alone else None)
                    self._pace.look()
        except BaseException:  # an interrupt of the waiting thread; a second one does not wait for what runs
            self._stop(batch, None)
            with self._changed:
                while not batch.ended:
                    self._changed.wait()
            raise
        finally:
            take_back()
            with self._changed:
                if batch in self._batches:
                    self._batches.remove(batch)
        control.check()
        if batch.error is not None:
            raise batch.error

    def _stop(self, batch: "_Batch", wish: Cancelled | None) -> None:
        batch.control.cancel(wish)
        with self._changed:
            batch.close()
            self._changed.notify_all()

    def _repace(self) -> None:
        with self._changed:
            self._staff()
            self._changed.notify_all()

    def _staff(self) -> None:
        """Starts threads as the pace allows while there is work; called with the lock held.

        Raises RuntimeError where the system lets not even one be started.
        """
        while self._batches and self._alive < self._allowed():
            try:
                threading.Thread(target=self._serve, name="modelsync-part", daemon=True).start()
            except RuntimeError:  # as in a container with a limit of processes: those that are there do it
                if not self._alive:
                    raise
                return
            self._alive += 1

    def _allowed(self) -> int:
        """How many threads may be there: the pace's, or one for each batch of which nothing runs.

        Called with the lock held.
        """
        busy = sum(batch.running for batch in self._batches)
        waiting = sum(batch.waits for batch in self._batches)
        return max(self._pace.target, min(self._pace.ceiling, busy + waiting))

    def _serve(self) -> None:
        worker = Worker(self.bandwidth, self._pace)
        while True:
            with self._changed:
                claim = self._claim()
                if claim is None:
                    self._alive -= 1
                    return
            batch, task = claim
            error: BaseException | None = None
            try:
                task(worker, batch.control)
            except BaseException as exc:  # noqa: BLE001 - it is raised again in the thread that waits for the batch
                error = exc
            if error is not None:
                batch.error = batch.error or error
                batch.control.cancel()
            with self._changed:
                batch.running -= 1
                if error is not None:
                    batch.close()
                if batch.ended and batch in self._batches:
                    self._batches.remove(batch)
                self._changed.notify_all()

    def _claim(self) -> "tuple[_Batch, Task] | None":
        """The next task for this thread, or None when it should end; called with the lock held."""
        while True:
            if self._alive > self._allowed():
                return None
            batch = min(self._batches, key=_Batch.rank, default=None)  # the first of several: by who waited longest
            if batch is not None and batch.open:
                self._batches.remove(batch)
                self._batches.append(batch)
                return batch, batch.take()
            if not self._changed.wait(IDLE_AFTER_S) and not self._batches:
                return None


class _Batch:
    """The tasks of one transfer; guarded by the pool's lock."""

    def __init__(self, tasks: Iterator[Task]) -> None:
        self._tasks = tasks
        self._next = next(tasks, None)  # one ahead: who has no more shall not call for a thread
        self.running = 0
        self.control = Control()
        self.error: BaseException | None = None

    @property
    def open(self) -> bool:
        """Whether there is a task that nobody has begun."""
        return self._next is not None

    @property
    def ended(self) -> bool:
        return not self.open and self.running == 0

    @property
    def waits(self) -> bool:
        """Whether nothing of it runs though there is something to run."""
        return self.open and self.running == 0

    def rank(self) -> tuple[bool, int]:
        """Whose turn it is: the least."""
        return not self.open, self.running

    def take(self) -> Task:
        """The next task, which from now on is running; for an open one."""
        task, self._next = self._next, next(self._tasks, None)
        assert task is not None
        self.running += 1
        return task

    def close(self) -> None:
        """No more of its tasks begin."""
        self._next = None

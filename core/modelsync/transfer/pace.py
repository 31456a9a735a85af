"""How many part threads work at once: few at first, more while throughput grows, fewer when there is trouble.

How it works: on a LAN four threads fill the line and more only cost CPU; over a WAN each connection is slow and ten
carry ten times as much. So throughput is measured every half second: while added threads bring a fair part of what as
many of the others carry, more are added; when in two measurements they did not (one may be chance, or the time that new
connections take to get going), they are taken back and the number is kept for a while before the next probe.

Some work is mostly Python's own, which one thread runs at a time: very many small files. Several threads then hand
the interpreter to and fro with each system call and get less done than one. Such work begins alone; as soon as its
thread is seen to wait, for the line or for a disk, instead of using its processor, the others join it.
"""

import threading
import time
from collections.abc import Callable

START = 4
LOOK_S = 0.05
"""How often is looked whether a thread that works alone waits."""
BUSY_PART = 0.25
"""A thread that uses less of a processor than this waits; on a machine that others keep busy, a busy one may get no
more than twice as much."""
STEP = 2
WINDOW_S = 0.5
FAIR_PART = 0.3
"""Added threads are worth it when they bring this much of what as many of the others brought before them."""
HOLD_S = 10.0
"""How long a number is kept after a step that brought nothing, or after trouble."""


class Pace:
    """The number of threads that may work; told of every byte and of every trouble, from any thread."""

    def __init__(
        self,
        ceiling: int,
        clock: Callable[[], float] = time.monotonic,
        changed: Callable[[], object] = lambda: None,
    ) -> None:
        """`changed` is called, on the thread that changed it, whenever the number has changed."""
        self._clock = clock
        self._changed = changed
        self._lock = threading.Lock()
        self._ceiling = ceiling
        self._target = min(START, ceiling)
        self._bytes = 0
        self._window_began: float | None = None
        self._wanted_rate: float | None = None
        """What the last step is to bring; None when there was none, or it is settled."""
        self._doubted = False
        """Whether it failed to in one measurement."""
        self._held_until = 0.0
        self._used_s = 0.0
        """Processor time of the threads."""
        self._held_back = 0
        """How many threads join one that works alone when it is seen to wait."""
        self._looked = (0.0, 0.0)
        """When was looked last, and what the threads had used by then."""

    @property
    def target(self) -> int:
        """How many threads may work now; between 1 and the ceiling."""
        return self._target

    @property
    def ceiling(self) -> int:
        return self._ceiling

    @ceiling.setter
    def ceiling(self, count: int) -> None:
        with self._lock:
            self._ceiling = count
            self._held_back = 0
            self._target = max(1, min(max(self._target, min(START, count)), count))
        self._changed()

    @property
    def alone(self) -> bool:
        """Whether one thread works, because it is not seen to wait."""
        return self._held_back > 0

    def begin_alone(self) -> None:
        """Work begins, with none beside it, of which one thread may do as much as several."""
        with self._lock:
            if 1 < self._target <= START:  # more have shown that they are of use on this line
                self._held_back, self._target = self._target - 1, 1
                self._looked = (self._clock(), self._used_s)

    def look(self) -> None:
        """Has the others join a thread that waits; to be called every LOOK_S or so while one is alone."""
        now, used_s = self._clock(), self._used_s
        then, used_then_s = self._looked
        if self._held_back and now - then >= LOOK_S:
            self._looked = (now, used_s)
            if used_s - used_then_s < BUSY_PART * (now - then):
                self.all_join()

    def all_join(self) -> None:
        """None is alone any longer: it waits, or there is work of which several do more."""
        if not self._held_back:
            return
        with self._lock:
            self._target = min(self._ceiling, self._target + self._held_back)
            self._held_back = 0
        self._changed()

    def moved(self, count: int, used_s: float = 0.0) -> None:
        """So many bytes went over the wire; a thread used so much of a processor for them, where it says so."""
        self._bytes += count  # a lost update among threads is one piece of a measurement
        self._used_s += used_s
        began = self._window_began
        now = self._clock()
        if began is None or now - began > 4 * WINDOW_S:
            self._window_began, self._bytes = now, 0  # nothing ran for a while
        elif now - began >= WINDOW_S and self._lock.acquire(blocking=False):
            try:
                before = self._target
                self._measure(now, self._bytes / (now - began))
                self._window_began, self._bytes = now, 0
            finally:
                self._lock.release()
            if self._target != before:
                self._changed()

    def trouble(self, *, slow_down: bool) -> None:
        """A part failed; with `slow_down` the store asked for fewer requests."""
        with self._lock:
            self._target = max(1, self._target // 2 if slow_down else self._target - 1)
            self._held_back = max(0, self._held_back // 2 if slow_down else self._held_back - 1)
            self._held_until = self._clock() + HOLD_S
            self._wanted_rate = None
        self._changed()

    def _measure(self, now: float, rate: float) -> None:
        if self._wanted_rate is not None and rate < self._wanted_rate:
            if self._doubted:
                self._target = max(1, self._target - STEP)
                self._held_until = now + HOLD_S
                self._wanted_rate = None
            self._doubted = not self._doubted
            return
        self._wanted_rate = None
        self._doubted = False
        if now < self._held_until or self._target >= self._ceiling or self._held_back:
            return
        before, self._target = self._target, min(self._ceiling, self._target + STEP)
        self._wanted_rate = rate * (1 + FAIR_PART * (self._target - before) / before)

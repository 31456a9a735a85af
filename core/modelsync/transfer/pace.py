"""How many part threads work at once: few at first, more while throughput grows, fewer when there is trouble.

How it works: on a LAN four threads fill the line and more only cost CPU; over a WAN each connection is slow and ten
carry ten times as much. So throughput is measured every half second: while added threads bring a fair part of what as
many of the others carry, more are added; when in two measurements they did not (one may be chance, or the time that new
connections take to get going), they are taken back and the number is kept for a while before the next probe.
"""

import threading
import time
from collections.abc import Callable

START = 4
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
        """`changed` is called, on a part thread, whenever the number has changed."""
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
            self._target = max(1, min(max(self._target, min(START, count)), count))
        self._changed()

    def moved(self, count: int) -> None:
        """So many bytes went over the wire."""
        self._bytes += count  # a lost update among threads is one piece of a measurement
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
        if now < self._held_until or self._target >= self._ceiling:
            return
        before, self._target = self._target, min(self._ceiling, self._target + STEP)
        self._wanted_rate = rate * (1 + FAIR_PART * (self._target - before) / before)

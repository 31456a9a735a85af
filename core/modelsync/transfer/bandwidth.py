"""The one limit on bytes per second that all transfers of a process share, both directions together.

How it works: who wants to move a piece stands in line until its bytes are due. The next in line is the one whose
transfer has had the fewest bytes since the line formed, so that each transfer has the same share of the limit, however
many threads it has; what a transfer did not want while it was away it does not get later (start-time fair queueing).
"""

import threading
import time
from collections.abc import Callable

from modelsync.transfer.control import Control

BURST_S = 0.25
"""How much may be sent ahead: a quarter of a second's worth."""
PIECE_BYTES = 1 << 20
PIECE_BYTES_MIN = 16 << 10


class Bandwidth:
    """A token bucket whose rate may change at any time; None is no limit, and costs one comparison."""

    def __init__(self, bytes_per_s: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rate = bytes_per_s
        self._rates = 0
        """How many limits there were before this one."""
        self._free_at = clock()
        self._line: list[_Turn] = []
        self._first: _Turn | None = None
        """Who of the line waits for its bytes to be due; the others wait for it."""
        self._shared = 0
        """How many bytes each transfer in line has had at least."""
        self._had: dict[Control, int] = {}
        """By transfer; forgotten whenever nobody is in line."""

    @property
    def limit(self) -> int | None:
        """Bytes per second, or None."""
        return self._rate

    @limit.setter
    def limit(self, bytes_per_s: int | None) -> None:
        with self._lock:
            self._rate = bytes_per_s
            self._rates += 1
            self._free_at = self._clock()
            for turn in self._line:
                turn.changed.notify()

    def piece(self, wanted: int = PIECE_BYTES) -> int:
        """How many bytes to take at once: fewer under a low limit, so that the flow stays smooth."""
        rate = self._rate
        if rate is None:
            return wanted
        return min(wanted, max(PIECE_BYTES_MIN, rate // 20))

    def take(self, count: int, control: Control) -> None:
        """Returns when `count` bytes may go; raises at once when the transfer, known by `control`, is cancelled.

        Whoever waits takes its turn anew when the limit changes: what was slow may be fast now.
        """
        if self._rate is None:
            return
        turn = _Turn(self._lock)
        take_back = control.on_cancel(turn.wake)
        try:
            with self._lock:
                self._stand_in_line(turn, count, control)
                try:
                    while (rate := self.limit) is not None:
                        control.check()
                        if self._first is not turn:
                            turn.changed.wait()
                        elif self._waited_out(turn, count / rate, control):
                            return
                finally:
                    self._leave(turn)
        finally:
            take_back()
        control.check()

    def _stand_in_line(self, turn: "_Turn", count: int, control: Control) -> None:
        """These three are called with the lock held."""
        turn.after = max(self._shared, self._had.get(control, 0))
        self._had[control] = turn.after + count
        self._line.append(turn)
        if self._first is None:
            self._first = turn

    def _waited_out(self, turn: "_Turn", seconds: float, control: Control) -> bool:
        """Waits until the bytes are due; False when there is another limit or a wish before, and nothing was taken."""
        known, before = self._rates, self._free_at
        self._free_at = max(before, self._clock() - BURST_S) + seconds
        while (left := self._free_at - self._clock()) > 0:
            turn.changed.wait(left)
            if self._rates != known:
                return False
            if control.cancelled:
                self._free_at = before
                return False
        return True

    def _leave(self, turn: "_Turn") -> None:
        self._line.remove(turn)
        if self._first is not turn:
            return
        self._first = min(self._line, key=lambda other: other.after, default=None)
        if self._first is not None:
            self._shared = self._first.after
            self._first.changed.notify()
        else:
            self._shared = 0
            self._had.clear()


class _Turn:
    """One thread in line for one piece."""

    def __init__(self, lock: threading.Lock) -> None:
        self.changed = threading.Condition(lock)
        self.after = 0
        """How many bytes its transfer has had before it."""

    def wake(self) -> None:
        with self.changed:
            self.changed.notify()

"""The one limit on bytes per second that all transfers of a process share, both directions together."""

import threading
import time
from collections.abc import Callable

from modelsync.transfer.control import Control

BURST_S = 0.25
"""How much may be sent ahead: a quarter of a second's worth."""
PIECE_BYTES = 1 << 20
PIECE_BYTES_MIN = 16 << 10


class Bandwidth:
    """A token bucket whose rate may change at any time; None is no limit, and costs one comparison.

    Takers are served in the order they come, so several threads share the rate evenly.
    """

    def __init__(self, bytes_per_s: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._rate = bytes_per_s
        self._rates = 0
        """How many limits there were before this one."""
        self._free_at = clock()

    @property
    def limit(self) -> int | None:
        """Bytes per second, or None."""
        return self._rate

    @limit.setter
    def limit(self, bytes_per_s: int | None) -> None:
        with self._changed:
            self._rate = bytes_per_s
            self._rates += 1
            self._free_at = self._clock()
            self._changed.notify_all()

    def piece(self, wanted: int = PIECE_BYTES) -> int:
        """How many bytes to take at once: fewer under a low limit, so that the flow stays smooth."""
        rate = self._rate
        if rate is None:
            return wanted
        return min(wanted, max(PIECE_BYTES_MIN, rate // 20))

    def take(self, count: int, control: Control) -> None:
        """Returns when `count` bytes may go; raises at once when the transfer is cancelled.

        Whoever waits takes its turn anew when the limit changes: what was slow may be fast now.
        """
        if self._rate is None:
            return
        take_back = control.on_cancel(self._wake)
        try:
            with self._changed:
                while (rate := self.limit) is not None:
                    if self._waited_out(count, rate, control):
                        return
        finally:
            take_back()
        control.check()

    def _waited_out(self, count: int, rate: int, control: Control) -> bool:
        """Waits for a turn under this limit; False when another one came before; called with the lock held."""
        now = self._clock()
        self._free_at = max(self._free_at, now - BURST_S) + count / rate
        turn, known = self._free_at, self._rates
        while (left := turn - self._clock()) > 0:
            control.check()
            if self._rates != known:
                return False
            self._changed.wait(left)
        control.check()
        return True

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

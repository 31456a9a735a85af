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
        self._lock = threading.Lock()
        self._rate = bytes_per_s
        self._free_at = clock()

    @property
    def limit(self) -> int | None:
        """Bytes per second, or None."""
        return self._rate

    @limit.setter
    def limit(self, bytes_per_s: int | None) -> None:
        with self._lock:
            self._rate = bytes_per_s
            self._free_at = self._clock()

    def piece(self, wanted: int = PIECE_BYTES) -> int:
        """How many bytes to take at once: fewer under a low limit, so that the flow stays smooth."""
        rate = self._rate
        if rate is None:
            return wanted
        return min(wanted, max(PIECE_BYTES_MIN, rate // 20))

    def take(self, count: int, control: Control) -> None:
        """Returns when `count` bytes may go; raises at once when the transfer is cancelled."""
        if self._rate is None:
            return
        with self._lock:
            rate = self.limit  # read again: it may have been lifted meanwhile
            if rate is None:
                return
            now = self._clock()
            begin = max(self._free_at, now - BURST_S)
            self._free_at = begin + count / rate
            wait = self._free_at - now
        if wait > 0:
            control.wait(wait)

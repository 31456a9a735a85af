"""Where the parts of an upload go: each address signed while the parts before it are sent.

How it works: where an address takes long, a thread that begins a part has the next one that nobody asked for yet signed
by another thread, so that as many addresses are ready as parts are on their way, and none waits long enough to expire.
Who needs an address that is not ready waits for it; a second one for the same part is asked for at once. Where it takes
a few milliseconds, the other threads send meanwhile, and handing it over would cost more than it brings.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from modelsync.registry.targets import DataTarget
from modelsync.transfer.control import Control

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

TargetFor = Callable[[int, Control], DataTarget]
"""Signs a fresh address for a part number; called from any thread, ends at once at a person's wish."""
SIGNERS_MAX = 4
"""Threads that sign; each address is asked for a part's time before it is needed."""
SLOW_FROM_S = 0.02
"""An address that takes as long is worth asking for ahead."""


class SignedAhead:
    """The addresses of one upload's parts; usable from many threads."""

    def __init__(self, target_for: TargetFor, numbers: Sequence[int], slow_from_s: float = SLOW_FROM_S) -> None:
        """`numbers`: the parts in the order in which they are begun."""
        self._target_for = target_for
        self._slow_from_s = slow_from_s
        self._took_s = 0.0
        """How long the last address took."""
        self._lock = threading.Lock()
        self._unasked = iter(numbers)
        self._asked: dict[int, Future[DataTarget]] = {}
        self._begun: set[int] = set()
        self._signers: ThreadPoolExecutor | None = None
        """None until an address was slow."""

    def close(self) -> None:
        """Forgets what was not taken; what is being signed ends with its call."""
        with self._lock:
            if self._signers is not None:
                self._signers.shutdown(wait=False, cancel_futures=True)

    def take(self, number: int, control: Control) -> DataTarget:
        """An address for the part; raises what signing it raises."""
        with self._lock:
            first = number not in self._begun
            self._begun.add(number)
            ready = self._asked.pop(number, None)
        target = self._sign(number, control) if ready is None else ready.result()
        if first and self._took_s >= self._slow_from_s:
            self._ask_for_next(control)
        return target

    def _sign(self, number: int, control: Control) -> DataTarget:
        began = time.monotonic()
        target = self._target_for(number, control)
        self._took_s = time.monotonic() - began
        return target

    def _ask_for_next(self, control: Control) -> None:
        with self._lock:
            number = next((one for one in self._unasked if one not in self._begun), None)
            if number is not None:
                if self._signers is None:
                    from concurrent.futures import ThreadPoolExecutor  # not before it is needed

                    self._signers = ThreadPoolExecutor(SIGNERS_MAX, thread_name_prefix="modelsync-sign")
                self._asked[number] = self._signers.submit(self._sign, number, control)

"""Long work in a thread beside the event loop, at a pace that leaves the loop its time.

How it works: one thread at a time has the interpreter, and one that wants it waits some milliseconds for one that
computes. So work of many rows stops after each few milliseconds until the loop has done all that it had to do, and it
sorts and frees in small pieces, because nothing can come between while one call of C runs.
"""

import asyncio
import gc
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from typing import TypeVar

_WORKS_S = 0.002
"""How long a thread computes before it rests."""
_RESTS_MAX_S = 0.1
"""A loop that is busy for longer than this shares the interpreter."""
_LOOKED_EVERY = 64
"""Rows between two looks at the clock."""
PIECE_ROWS = 2_048
"""So many rows are sorted or freed in about a millisecond."""
_SAMPLED_EVERY = 32

_T = TypeVar("_T")


_Order = TypeVar("_Order", float, str, tuple[float, str])


class AbandonedError(Exception):
    """Nobody waits for the result any more."""


class Pace:
    """In one go: for work that takes less than a frame, wherever it runs."""

    def over(self, items: Iterable[_T]) -> Iterable[_T]:
        """The items, as fast as they are asked for."""
        return items

    def free(self, items: list[_T]) -> None:
        """Empties a list that nobody needs any more."""
        items.clear()


AT_ONCE = Pace()


class Gently(Pace):
    """With rests, for one thread; made on the event loop that it goes gently on.

    `wanted` is asked at every rest whether anybody still waits for the result.
    """

    def __init__(self, wanted: Callable[[], bool] = lambda: True) -> None:
        self._wanted = wanted
        self._loop = asyncio.get_running_loop()
        self._since = time.monotonic()

    def over(self, items: Iterable[_T]) -> Iterator[_T]:
        """The items, with a rest now and then; raises AbandonedError there."""
        for number, item in enumerate(items):
            if number % _LOOKED_EVERY == 0 and self.rest() and not self._wanted():
                raise AbandonedError
            yield item

    def free(self, items: list[_T]) -> None:
        """Piece by piece."""
        while items:
            del items[-PIECE_ROWS // 8 :]
            self.rest()

    def rest(self) -> bool:
        """Waits until the loop has had its turn, and says that it did, if that was not done just now."""
        if time.monotonic() - self._since < _WORKS_S:
            return False
        turn = threading.Event()
        with suppress(RuntimeError):  # the loop was closed: the program ends
            self._loop.call_soon_threadsafe(turn.set)
            turn.wait(_RESTS_MAX_S)
        self._since = time.monotonic()
        return True


def sorted_by(items: list[_T], key: Callable[[_T], _Order], *, reverse: bool, pace: Pace = AT_ONCE) -> list[_T]:
    """As `sorted`; a long list is first dealt out to heaps, each of which sorts in a moment."""
    if len(items) <= PIECE_ROWS:
        return sorted(items, key=key, reverse=reverse)
    keys = [key(item) for item in pace.over(items)]
    sample = sorted(keys[::_SAMPLED_EVERY])
    bounds = sample[:: max(1, PIECE_ROWS // _SAMPLED_EVERY // 2)]
    heaps: list[list[int]] = [[] for _ in range(len(bounds) + 1)]
    for number, its_key in enumerate(pace.over(keys)):
        heaps[bisect_right(bounds, its_key)].append(number)
    for heap in heaps:
        heap.sort(key=keys.__getitem__, reverse=reverse)
    ordered = reversed(heaps) if reverse else heaps
    found = [items[number] for number in pace.over(chain.from_iterable(ordered))]
    pace.free(keys)
    return found


def drained(items: list[_T]) -> Iterator[_T]:
    """The items, each of which leaves the list: one that nobody keeps is freed at once, and not with all others."""
    items.reverse()
    while items:
        yield items.pop()


class _Collector:
    """Counts who wants the cycle collector to be quiet."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.quiet = 0
        self.was_on = True


_collector = _Collector()


def start_collector() -> None:
    """Start-up is over: what it made lives as long as the program, and from now on garbage is collected."""
    with _collector.lock:
        gc.freeze()
        _collector.was_on = True
        if not _collector.quiet:
            gc.enable()


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Makes many objects without the cycle collector looking at them, now or later: none of them is in a cycle.

    A full collection over half a million objects stops every thread for longer than a frame.
    """
    with _collector.lock:
        if not _collector.quiet:
            _collector.was_on = gc.isenabled()
            gc.disable()
        _collector.quiet += 1
    try:
        yield
    finally:
        with _collector.lock:
            gc.freeze()
            _collector.quiet -= 1
            if not _collector.quiet and _collector.was_on:
                gc.enable()

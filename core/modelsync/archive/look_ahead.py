"""Pieces of an archive that came before it was known where they go, kept for a short while."""

from bisect import bisect_right, insort
from operator import itemgetter

_START = itemgetter(0)


class LookAhead:
    """At most `limit_bytes`, none of them further than that beyond the frontier. Not thread-safe: its owner locks."""

    __slots__ = ("_kept_bytes", "_limit_bytes", "_pieces")

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._kept_bytes = 0
        self._pieces: list[tuple[int, bytes]] = []

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def fits(self, frontier: int, offset: int, length: int) -> bool:
        # Near pieces only: far ones would fill the room, and the thread next to the frontier would wait for them.
        return offset + length <= frontier + self._limit_bytes and self._kept_bytes + length <= self._limit_bytes

    def keep(self, offset: int, data: bytes) -> None:
        insort(self._pieces, (offset, data), key=_START)
        self._kept_bytes += len(data)

    def at(self, frontier: int) -> tuple[int, memoryview] | None:
        """A piece that holds the byte at the frontier."""
        for offset, data in self._pieces[: bisect_right(self._pieces, frontier, key=_START)]:
            if frontier < offset + len(data):
                return offset, memoryview(data)
        return None

    def take_below(self, frontier: int) -> tuple[int, memoryview] | None:
        """Takes out a piece that ends at or before the frontier."""
        if not self._pieces:
            return None
        offset, data = self._pieces[0]
        if offset + len(data) > frontier:
            return None
        del self._pieces[0]
        self._kept_bytes -= len(data)
        return offset, memoryview(data)

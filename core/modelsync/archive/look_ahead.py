"""Pieces of an archive that came before it was known where they go, kept for a short while.

How it works: one ring of bytes, made once; the byte at offset `o` of the archive stands at `o % limit`. All pieces lie
in one window of that length, so none can meet another.
"""

from bisect import bisect_right, insort


class LookAhead:
    """Not thread-safe: its owner locks. Pieces may be kept twice; the same bytes then stand in the same place."""

    __slots__ = ("_leaving", "_limit_bytes", "_pieces", "_ring")

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._ring: memoryview | None = None
        self._pieces: list[tuple[int, int]] = []
        """Offset and length, in order."""
        self._leaving: list[int] = []
        """Offsets of pieces that were taken out and whose bytes are still being read."""

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def fits(self, frontier: int, offset: int, length: int) -> bool:
        """Whether a piece beyond the frontier lies in the window, which begins at the first byte still needed."""
        first = min([frontier, *self._leaving, *(start for start, _ in self._pieces[:1])])
        return offset + length <= first + self._limit_bytes

    def keep(self, offset: int, view: memoryview) -> None:
        """Copies a piece that fits."""
        if self._ring is None:
            self._ring = memoryview(bytearray(self._limit_bytes))
        while view:
            at = offset % self._limit_bytes
            length = min(len(view), self._limit_bytes - at)
            self._ring[at : at + length] = view[:length]
            insort(self._pieces, (offset, length))
            offset, view = offset + length, view[length:]

    def at(self, frontier: int) -> tuple[int, memoryview] | None:
        """A piece that holds the byte at the frontier; good until its bytes are released."""
        for offset, length in self._pieces[: bisect_right(self._pieces, (frontier, self._limit_bytes))]:
            if frontier < offset + length:
                return offset, self._view(offset, length)
        return None

    def take_below(self, frontier: int) -> tuple[int, memoryview] | None:
        """Takes out a piece that ends at or before the frontier; its room is free after `release`."""
        if not self._pieces:
            return None
        offset, length = self._pieces[0]
        if offset + length > frontier:
            return None
        del self._pieces[0]
        self._leaving.append(offset)
        return offset, self._view(offset, length)

    def release(self, offset: int) -> None:
        self._leaving.remove(offset)

    def _view(self, offset: int, length: int) -> memoryview:
        if self._ring is None:
            raise ValueError("nothing was kept")
        at = offset % self._limit_bytes
        return self._ring[at : at + length]

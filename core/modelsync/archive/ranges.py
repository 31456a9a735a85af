"""A set of byte ranges that merges what touches."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class Ranges:
    """Half-open ranges `[start, end)` in ascending order, none touching another. Not thread-safe: its owner locks."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in ranges:
            self.add(start, end)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._starts, self._ends, strict=True)

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def total(self) -> int:
        return sum(self._ends) - sum(self._starts)

    def add(self, start: int, end: int) -> None:
        if start >= end:
            return
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def remove(self, start: int, end: int) -> None:
        if start >= end:
            return
        kept = []
        for a, b in self:
            if b <= start or a >= end:
                kept.append((a, b))
            else:
                kept += [(x, y) for x, y in ((a, start), (end, b)) if x < y]
        self._starts = [a for a, _ in kept]
        self._ends = [b for _, b in kept]

    def covers(self, start: int, end: int) -> bool:
        if start >= end:
            return True
        row = bisect_right(self._starts, start) - 1
        return row >= 0 and self._ends[row] >= end

    def overlaps(self, start: int, end: int) -> bool:
        row = bisect_right(self._ends, start)
        return start < end and row < len(self._starts) and self._starts[row] < end

    def missing(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """What lies in `[start, end)` and not in the set."""
        for a, b in self:
            if b <= start:
                continue
            if a >= end:
                break
            if a > start:
                yield start, a
            start = b
        if start < end:
            yield start, end

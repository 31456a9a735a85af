"""The files of a transfer's archive at one moment: how much of each has moved, worked out only for those looked at.

How it works: each part is moved from its start on, so the parts say which ranges of the archive are there; the table of
members says where each file lies. While bytes move nothing is counted per file, and however many files there are, a
look costs as much as there are parts and lines to draw.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from modelsync.archive.table import Kind, MemberTable

if TYPE_CHECKING:
    from modelsync.transfer.progress import PartSnapshot

_EVERYWHERE = 1 << 62


class FileState(StrEnum):
    WAITING = "waiting"
    PARTLY = "partly"
    """Some of it has moved, but none of it moves now."""
    MOVING = "moving"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class FileSnapshot:
    """One file as a person sees it."""

    name: str
    """Its path in the model; not yet harmless on a terminal."""
    size: int
    done: int
    """Bytes of its content that are confirmed or in flight."""
    state: FileState
    speed: float
    """Bytes per second, now; 0 unless it is moving."""


class TransferFiles:
    """Where the files of one transfer lie in its archive; on a pull they may become known bit by bit."""

    def __init__(
        self,
        members: MemberTable,
        *,
        reach: Callable[[], int] | None = None,
        all_known: Callable[[], bool] = lambda: True,
    ) -> None:
        """`members` may grow. `reach`: up to which offset of the archive all bytes came, where parts do not say that
        (a stream, which may be compressed)."""
        self._members = members
        self._reach = reach
        self._all_known = all_known
        self._rows = array("I")
        """The rows of the table that are no directories, of those that were looked at."""
        self._looked_at = 0
        self._look()

    def now(self, parts: "Sequence[PartSnapshot]") -> "FilesNow":
        """The files as these parts have moved them; from one thread at a time."""
        self._look()
        reach = None if self._reach is None else self._reach()
        return FilesNow(self._members, self._rows, parts, reach, all_known=self._all_known())

    def _look(self) -> None:
        known, kinds = len(self._members), self._members.kinds
        self._rows.extend(row for row in range(self._looked_at, known) if kinds[row] != Kind.DIRECTORY)
        self._looked_at = known


@dataclass(frozen=True, slots=True)
class _Moved:
    """What is there and what is under way: ranges of the archive that ascend and do not touch, and files by number."""

    starts: Sequence[int]
    ends: Sequence[int]
    speeds: dict[int, float]
    """Of the files that parts under way have come to."""


class FilesNow:
    """The files at one moment, in the order of the archive; never changes. Links count as files without bytes."""

    __slots__ = ("_count", "_members", "_moved", "_parts", "_reach", "_rows", "all_known")

    def __init__(
        self,
        members: MemberTable,
        rows: "array[int]",
        parts: "Sequence[PartSnapshot]",
        reach: int | None,
        *,
        all_known: bool,
    ) -> None:
        """`rows` and `members` may grow afterwards; `reach` is None where the parts say what is there."""
        self._members = members
        self._rows = rows
        self._count = len(rows)
        self._parts = parts
        self._reach = reach
        self._moved: _Moved | None = None
        self.all_known = all_known
        """Whether there are no more than these."""

    def __len__(self) -> int:
        return self._count

    @property
    def _now(self) -> "_Moved":
        """Worked out at the first look: most snapshots are taken while nobody looks at files."""
        if self._moved is None:
            ranges, heads = _moved(self._parts) if self._reach is None else _streamed(self._parts, self._reach)
            speeds: dict[int, float] = {}
            for offset, speed in heads:
                index = self._at(offset)
                if index < self._count:
                    speeds[index] = speeds.get(index, 0.0) + speed
            self._moved = _Moved([start for start, _ in ranges], [end for _, end in ranges], speeds)
        return self._moved

    @property
    def moving(self) -> Sequence[int]:
        """Which of them are being moved, ascending: one for each part under way, at most."""
        return sorted(self._now.speeds)

    @property
    def done(self) -> int:
        """How many are there as a whole."""
        members, rows, found = self._members, self._rows, 0
        for start, end in zip(self._now.starts, self._now.ends, strict=True):
            # A file is inside from the first header at or after the start to the last content that ends within.
            first = bisect_left(members.data_at, start)
            while first < len(members) and members.header_at(first) < start:
                first += 1
            last = members.find(end)
            if last >= 0 and members.data_at[last] + members.sizes[last] > end:
                last -= 1
            found += max(0, bisect_right(rows, last, 0, self._count) - bisect_left(rows, first, 0, self._count))
        return found

    def __getitem__(self, index: int) -> FileSnapshot:
        """One file; raises IndexError beyond the last one that is known."""
        if not 0 <= index < self._count:
            raise IndexError(index)
        members, row = self._members, self._rows[index]
        start, size = members.data_at[row], members.sizes[row]
        done = self._within(start, start + size)
        header_at = members.header_at(row)
        if self._within(header_at, start + size) == start + size - header_at:
            state = FileState.DONE
        elif index in self._now.speeds:
            state = FileState.MOVING
        else:
            state = FileState.PARTLY if done else FileState.WAITING
        speed = self._now.speeds.get(index, 0.0) if state is FileState.MOVING else 0.0
        return FileSnapshot(members.name(row).decode("utf-8", "backslashreplace"), size, done, state, speed)

    def _at(self, offset: int) -> int:
        """The file that this byte of the archive belongs to, or the next where it belongs to none."""
        row = self._members.find(offset)
        if row < 0 or offset >= self._members.end(row):
            row += 1
        return bisect_left(self._rows, row, 0, self._count)

    def _within(self, start: int, end: int) -> int:
        """How many bytes of this stretch are there."""
        starts, ends, found = self._now.starts, self._now.ends, 0
        for at in range(bisect_right(ends, start), bisect_left(starts, end)):
            found += min(end, ends[at]) - max(start, starts[at])
        return found


def _moved(parts: "Sequence[PartSnapshot]") -> tuple[list[tuple[int, int]], list[tuple[int, float]]]:
    """What is there, and where parts are being moved: what no part stands for, an earlier run has moved."""
    ranges: list[tuple[int, int]] = []
    heads: list[tuple[int, float]] = []
    position = 0
    for part in parts:
        if part.state.is_under_way and part.size:
            heads.append((part.start + min(part.done, part.size - 1), part.speed))
        _extend(ranges, position, part.start)
        _extend(ranges, part.start, part.start + part.done)
        position = part.start + part.size
    _extend(ranges, position, _EVERYWHERE)
    return ranges, heads


def _streamed(parts: "Sequence[PartSnapshot]", reach: int) -> tuple[list[tuple[int, int]], list[tuple[int, float]]]:
    """The same for one stream, of which nothing is kept when it is cut."""
    under_way = [part for part in parts if part.state.is_under_way]
    if not under_way:
        return ([(0, _EVERYWHERE)] if all(part.state.is_done for part in parts) else []), []
    return ([(0, reach)] if reach else []), [(reach, part.speed) for part in under_way]


def _extend(ranges: list[tuple[int, int]], start: int, end: int) -> None:
    if start >= end:
        return
    if ranges and ranges[-1][1] == start:
        ranges[-1] = (ranges[-1][0], end)
    else:
        ranges.append((start, end))

"""What a person has marked in one list: versions, kept by their tags so that no refresh, sort or filter loses them."""

from collections.abc import Callable, Iterable, Iterator

from modelsync_tui.listing import Flat, GroupRow, Key, Row, VersionRow
from modelsync_tui.pace import AT_ONCE, Pace


class Marks:
    """The marked versions of one side, their size, and the range that is being drawn.

    Every question is answered without walking the marks, of which there may be 100,000.
    """

    def __init__(self) -> None:
        self._sizes: dict[Key, int] = {}
        self._per_name: dict[str, int] = {}
        self.size_bytes = 0
        """Of all that is marked."""
        self.anchor: Key | None = None
        """Where a range began; None when none is being drawn."""

    def __len__(self) -> int:
        return len(self._sizes)

    def __contains__(self, key: Key) -> bool:
        return key in self._sizes

    @property
    def keys(self) -> tuple[Key, ...]:
        """In the order in which they were marked."""
        return tuple(self._sizes)

    def size_of(self, key: Key) -> int | None:
        """The size that a marked version counts with; None for one that is not marked."""
        return self._sizes.get(key)

    def of(self, row: Row) -> int:
        """0 not marked, 1 a group marked in part, 2 marked."""
        if isinstance(row, VersionRow):
            return 2 if row.key in self._sizes else 0
        marked = self._per_name.get(row.name, 0)
        return 2 if marked and marked >= row.count else min(marked, 1)

    def toggle(self, row: Row) -> None:
        """Turns one row around; a group that is marked in part becomes marked whole."""
        if self.of(row) == 2:
            self.remove(row.key for row in markable(row))
        else:
            self.add(markable(row))

    def add(self, rows: Iterable[VersionRow]) -> None:
        for row in rows:
            if row.key not in self._sizes:
                self._add(row.key, row.size_bytes or 0)

    def remove(self, keys: Iterable[Key]) -> None:
        for key in keys:
            size = self._sizes.pop(key, None)
            if size is not None:
                self.size_bytes -= size
                self._per_name[key[0]] -= 1

    def clear(self) -> None:
        """Takes every mark away, and the range."""
        self.become(Marks())

    def become(self, other: "Marks") -> None:
        """Takes another's marks: those were made in a thread, piece by piece."""
        self._sizes, self._per_name, self.size_bytes = other._sizes, other._per_name, other.size_bytes
        self.anchor = None

    def inverted(self, groups: Iterable[GroupRow], pace: Pace = AT_ONCE) -> "Marks":
        """What is marked after the versions of these groups are turned around."""
        turned = Marks()
        shown = set()
        before = dict(self._sizes)
        for row in rows_of(pace.over(groups)):
            shown.add(row.key)
            if row.key not in before:
                turned._add(row.key, row.size_bytes or 0)
        for key, size in pace.over(before.items()):
            if key not in shown:
                turned._add(key, size)
        return turned

    def with_all(self, groups: Iterable[GroupRow], pace: Pace = AT_ONCE) -> "Marks":
        """What is marked after every version of these groups is."""
        every = Marks()
        for key, size in pace.over(dict(self._sizes).items()):
            every._add(key, size)
        every.add(rows_of(pace.over(groups)))
        return every

    def range_rows(self, flat: Flat, cursor: int) -> range:
        """The rows between the anchor and the cursor, both included; none without an anchor."""
        if self.anchor is None:
            return range(0)
        first, last = sorted((flat.positions.get(self.anchor, cursor), cursor))
        return range(first, min(last + 1, len(flat.rows)))

    def close_range(self, flat: Flat, cursor: int) -> None:
        """Marks everything between the anchor and the cursor, both included."""
        rows = self.range_rows(flat, cursor)
        self.anchor = None
        for index in rows:
            row, below = flat.rows[index], flat.at(index + 1)
            if isinstance(row, GroupRow) and isinstance(below, VersionRow):
                continue  # open: what is marked of it are its rows inside the range
            self.add(markable(row))

    def keep(self, known: Callable[[Key], int | None]) -> None:
        """Forgets versions that are gone (`known` says None) and takes the others' sizes anew."""
        self.correct(self.corrections(known))

    def corrections(self, known: Callable[[Key], int | None], pace: Pace = AT_ONCE) -> list[tuple[Key, int | None]]:
        """The marked versions that are of another size than they were, or gone; may be asked in a thread."""
        sizes = [(key, size, known(key)) for key, size in pace.over(dict(self._sizes).items())]
        return [(key, now) for key, then, now in pace.over(sizes) if now != then]

    def correct(self, corrections: Iterable[tuple[Key, int | None]]) -> None:
        """Takes what was found out; what is no longer marked is left alone."""
        for key, size in corrections:
            if key not in self._sizes:
                continue
            if size is None:
                self.remove((key,))
            else:
                self.size_bytes += size - self._sizes[key]
                self._sizes[key] = size

    def _add(self, key: Key, size: int) -> None:
        self._sizes[key] = size
        self._per_name[key[0]] = self._per_name.get(key[0], 0) + 1
        self.size_bytes += size


def markable(row: Row) -> Iterator[VersionRow]:
    """The versions that a mark on this row means; what is no model, or only on the other side, cannot be marked."""
    for version in row.rows if isinstance(row, GroupRow) else (row,):
        if version.problem is None and not version.ghost:
            yield version


def rows_of(groups: Iterable[GroupRow]) -> Iterator[VersionRow]:
    """Every version of these groups that can be marked."""
    for group in groups:
        yield from markable(group)

"""What a person has marked in one list: versions, kept by their tags so that no refresh, sort or filter loses them."""

from collections.abc import Callable, Iterable

from modelsync_tui.listing import Flat, GroupRow, Key, Row, VersionRow


class Marks:
    """The marked versions of one side, and the range that is being drawn."""

    def __init__(self) -> None:
        self._keys: dict[Key, None] = {}
        self.anchor: Key | None = None
        """Where a range began; None when none is being drawn."""

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: Key) -> bool:
        return key in self._keys

    @property
    def keys(self) -> tuple[Key, ...]:
        """In the order in which they were marked."""
        return tuple(self._keys)

    def of(self, row: Row) -> int:
        """0 not marked, 1 a group marked in part, 2 marked."""
        if isinstance(row, VersionRow):
            return 2 if row.key in self._keys else 0
        if not self._keys:
            return 0
        keys = markable(row)
        marked = sum(key in self._keys for key in keys)
        return 2 if keys and marked == len(keys) else min(marked, 1)

    def toggle(self, row: Row) -> None:
        """Turns one row around; a group that is marked in part becomes marked whole."""
        if self.of(row) == 2:
            self.remove(markable(row))
        else:
            self.add(markable(row))

    def add(self, keys: Iterable[Key]) -> None:
        self._keys.update(dict.fromkeys(keys))

    def remove(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._keys.pop(key, None)

    def clear(self) -> None:
        self._keys.clear()
        self.anchor = None

    def invert(self, rows: Iterable[Row]) -> None:
        """Turns the versions among these rows around."""
        for key in [key for row in rows for key in markable(row)]:
            if key in self._keys:
                del self._keys[key]
            else:
                self._keys[key] = None

    def close_range(self, flat: Flat, cursor: int) -> None:
        """Marks everything between the anchor and the cursor, both included."""
        if self.anchor is None:
            return
        start = flat.positions.get(self.anchor, cursor)
        self.anchor = None
        first, last = sorted((start, cursor))
        for index in range(first, last + 1):
            row, below = flat.rows[index], flat.at(index + 1)
            if isinstance(row, GroupRow) and isinstance(below, VersionRow):
                continue  # open: what is marked of it are its rows inside the range
            self.add(markable(row))

    def keep(self, known: Callable[[Key], bool]) -> None:
        """Forgets marks of versions that are gone."""
        self._keys = {key: None for key in self._keys if known(key)}


def markable(row: Row) -> tuple[Key, ...]:
    """The versions that a mark on this row means; a version that is no model cannot be marked."""
    if isinstance(row, GroupRow):
        return tuple(child.key for child in row.rows if child.problem is None and not child.ghost)
    return () if row.problem is not None else (row.key,)

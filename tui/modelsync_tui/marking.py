"""What marking does to the marks of one list, in the order of the keys, however many versions one of them is about.

How it works: the marks of a long list are made in a thread; what a person marks meanwhile is done after that.
"""

from collections.abc import Callable, Iterable

from textual.widget import Widget

from modelsync_tui.beside import AT_ONCE_ROWS, compute
from modelsync_tui.catalog import Catalog
from modelsync_tui.listing import GroupRow, Key, Row, Side, size_of
from modelsync_tui.marks import Marks
from modelsync_tui.pace import Pace
from modelsync_tui.shown_list import ShownList


class Marking:
    """Belongs to one browser, which is told when other versions are marked."""

    def __init__(self, widget: Widget, shown: ShownList, changed: Callable[[], object]) -> None:
        self.marks = Marks()
        self._widget = widget
        self._shown = shown
        self._changed = changed
        self._turn = 0
        """Which of the marks of a whole list are still wanted."""
        self._at_work = False
        self._later: list[Callable[[], object]] = []

    def toggle(self, row: Row) -> None:
        """Turns one row around."""
        self._do(lambda: self.marks.toggle(row))

    def turn_range(self, cursor: int) -> None:
        """Begins a range at the cursor, or marks everything from where one began."""

        def turn() -> None:
            row = self._shown.flat.at(cursor)
            if self.marks.anchor is not None:
                self.marks.close_range(self._shown.flat, cursor)
            elif row is not None:
                self.marks.anchor = row.key

        self._do(turn)

    def range_rows(self, cursor: int) -> range:
        """The rows of the range that is being drawn."""
        return self.marks.range_rows(self._shown.flat, cursor)

    def give_up(self) -> None:
        """Forgets the range, or where none is being drawn every mark."""
        if self.marks.anchor is not None:
            self.marks.anchor = None
            self._changed()
        else:
            self.clear()

    def clear(self) -> None:
        """Takes every mark away, those too that are still being made."""
        self._turn += 1
        self._at_work = False
        self._later.clear()
        if len(self.marks):
            self.marks.clear()
            self._changed()

    def mark_all(self) -> None:
        """Everything that is shown."""
        self._do_long(self.marks.with_all)

    def invert(self) -> None:
        """What is shown and marked is not, and the other way round."""
        self._do_long(self.marks.inverted)

    def keep(self, catalog: Catalog) -> None:
        """Forgets marked versions that are gone from a catalog, now or soon."""
        side, marks = self._shown.ask.side, self.marks

        def known(key: Key) -> int | None:
            size = size_of(catalog, side, key)
            if size is None and side is Side.REMOTE and not catalog.knows_remote(key[0]):
                return marks.size_of(key)  # it may have moved to a page that is not loaded
            return size

        def correct(corrections: list[tuple[Key, int | None]]) -> None:
            marks.correct(corrections)
            if corrections:
                self._changed()

        if len(marks) <= AT_ONCE_ROWS:
            marks.keep(known)
        else:
            compute(self._widget, lambda pace: marks.corrections(known, pace), correct, "look for marked versions")

    def _do(self, change: Callable[[], object]) -> None:
        if self._at_work:
            self._later.append(change)
        else:
            change()
            self._changed()

    def _do_long(self, make: Callable[[Iterable[GroupRow], Pace], Marks]) -> None:
        if self._at_work:
            self._later.append(lambda: self._do_long(make))
            return
        listing, catalog, turn = self._shown.listing, self._shown.catalog, self._turn

        def take(made: Marks) -> None:
            if turn != self._turn:
                return
            self._at_work = False
            self.marks.become(made)
            if catalog is not self._shown.catalog:
                self.keep(self._shown.catalog)
            later, self._later = self._later, []
            for change in later:
                self._do(change)
            self._changed()

        if listing.shown <= AT_ONCE_ROWS:
            take(make(listing.groups, Pace()))
        else:
            self._at_work = True
            compute(self._widget, lambda pace: make(listing.groups, pace), take, "mark a list")

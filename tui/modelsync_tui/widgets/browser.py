"""One side's list of models: groups and versions with a cursor, marks, a filter and an order that outlive a refresh."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from modelsync_tui import glyphs, keys
from modelsync_tui.catalog import Catalog
from modelsync_tui.filter import Filter
from modelsync_tui.listing import (
    Ask,
    Flat,
    GroupRow,
    Key,
    Listing,
    Row,
    Side,
    SortKey,
    VersionRow,
)
from modelsync_tui.listmaker import ListMaker
from modelsync_tui.marks import Marks
from modelsync_tui.openness import Openness
from modelsync_tui.widgets.borders import LowerBorder, lower_border, marked_words
from modelsync_tui.widgets.columnline import ColumnLine
from modelsync_tui.widgets.lines import Piece
from modelsync_tui.widgets.rowlist import RowList
from modelsync_tui.widgets.rows import Columns, Look, heading, row_pieces
from modelsync_tui.widgets.titles import edge

WIDE_CELLS = 50
"""From this width on a browser's border has room for whole words."""


class Browser(Widget):
    """The models of one side; it is given catalogs and says by messages what a person does."""

    BINDINGS = [*keys.bindings(keys.Where.BROWSER)]  # noqa: RUF012 - Textual reads it from the class

    @dataclass
    class CursorMoved(Message):
        """A person moved the cursor."""

        browser: "Browser"

        @property
        def control(self) -> "Browser":
            return self.browser

    @dataclass
    class MarksChanged(Message):
        browser: "Browser"

    @dataclass
    class Opened(Message):
        """A person wants to see more of the version under the cursor."""

        browser: "Browser"

    @dataclass
    class NeedsMore(Message):
        """The end of what is loaded is in sight."""

        browser: "Browser"

    @dataclass
    class ListChanged(Message):
        """Other rows are shown."""

        browser: "Browser"

    def __init__(self, side: Side, *, id: str) -> None:
        super().__init__(id=id)
        self.side = side
        self.catalog = Catalog()
        self.ask = Ask(side)
        self.marks = Marks()
        self.listing = Listing()
        self.flat = Flat()
        self._openness = Openness()
        self._moving: Mapping[str, float] = {}
        self._maker = ListMaker(self, self._take)
        self._side_name = ""
        self._news = ""
        self._notice: tuple[str, ...] = ()
        self._list = RowList(self._draw)

    def compose(self) -> ComposeResult:
        yield ColumnLine(self._heading)
        yield self._list
        yield Static(id="notice", markup=False)

    def on_mount(self) -> None:
        self.set_class(glyphs.of(self.app) is glyphs.ASCII, "-ascii")

    # What it is given

    def show(self, catalog: Catalog) -> None:
        """Shows other data; cursor, marks, filter and order stay."""
        if catalog is self.catalog and self.listing.total:
            return
        self.catalog = catalog
        self._maker.keep_marks(self.marks, catalog, self.ask, self._marks_changed)
        self.rebuild()

    def show_moving(self, fractions: Mapping[str, float]) -> None:
        """Shows how much of a version has moved, by `name:version`; cheap enough for eight times a second."""
        if fractions != self._moving:
            self._moving = fractions
            self._list.refresh()

    def show_title(self, name: str, news: str) -> None:
        """The words at the left and, while nothing is marked, at the right of the upper border."""
        self._side_name, self._news = name, news
        self.draw_titles()

    def show_notice(self, lines: Sequence[str]) -> None:
        """What stands in the place of the rows while there are none."""
        self._notice = tuple(lines)
        self._draw_notice()

    def set_filter(self, text: str) -> None:
        """Narrows the list; any text is fine."""
        narrowed = self.ask.narrowed
        self.ask = replace(self.ask, filter=Filter.parse(text, datetime.now(UTC)))
        if self.ask.narrowed != narrowed:
            self._openness.narrowed(self.ask.narrowed)
        self.rebuild()

    def point_at(self, key: Key) -> None:
        """Moves the cursor to a version, or to its group when that is closed; stays where neither is here."""
        index = self.flat.positions.get(key, self.flat.positions.get((key[0], "")))
        self._list.linked = index is not None
        if index is not None:
            with self._list.prevent(RowList.Moved):
                self._list.cursor = index
            self.draw_titles()

    def go_to(self, key: Key) -> bool:
        """Puts the cursor on a version and opens its group; False where it is not in the list."""
        if (key[0], "") not in self.flat.positions:
            return False
        self._list.chosen = key
        self._set_open(key[0], opened=True)
        return True

    # What it knows

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.flat.at(self._list.cursor)

    @property
    def targets(self) -> tuple[Key, ...]:
        """What an action is about: the marked versions, else the one under the cursor, else all of the group there."""
        if len(self.marks):
            return self.marks.keys
        row = self.row
        if row is None:
            return ()
        if isinstance(row, GroupRow):
            return tuple(child.key for child in row.rows)
        return (row.key,)

    @property
    def names_in_sight(self) -> tuple[str, ...]:
        """The names whose rows are visible."""
        rows = (self.flat.at(index) for index in self._list.rows_in_sight)
        return tuple(dict.fromkeys(row.name for row in rows if row is not None))

    @property
    def wants_more(self) -> bool:
        """Whether the end of the rows is in sight."""
        return self._list.end_in_sight

    def focus_list(self) -> None:
        self._list.focus()

    @property
    def has_list_focus(self) -> bool:
        return self._list.has_focus

    # Making the list

    def rebuild(self) -> None:
        """Makes the list anew from the catalog and what is asked of it."""
        self._maker.make(self.catalog, self.ask, self._openness, first=not self.flat.rows)

    def _take(self, listing: Listing, flat: Flat) -> None:
        if not self.is_mounted:
            return
        old_listing, old_flat = self.listing, self.flat
        self.listing = listing
        self._show_flat(flat)
        self._maker.retire(old_listing, old_flat)
        self._draw_notice()
        self.post_message(self.ListChanged(self))

    def _show_flat(self, flat: Flat) -> None:
        cursor, chosen = self._list.cursor, self._list.chosen
        if chosen is not None:
            cursor = flat.positions.get(chosen, flat.positions.get((chosen[0], ""), cursor))
        self.flat = flat
        self._list.show(flat, cursor)
        self.draw_titles()
        self._draw_range()

    # Drawing

    def _look(self, width: int) -> Look:
        compared = self.catalog.remote_known
        return Look(Columns.of(width, self.side), glyphs.of(self.app), datetime.now(UTC), self.side, compared)

    def _heading(self, width: int) -> Sequence[Piece]:
        return heading(self._look(width), self.ask.sort, reverse=self.ask.reverse)

    def _draw(self, index: int, width: int) -> Sequence[Piece]:
        return row_pieces(self.flat, index, self.marks, self._moving, self._look(width))

    def draw_titles(self) -> None:
        """The words in both borders; also after a resize or a change of focus, which change the line between them."""
        if not self.is_mounted:
            return
        self.border_title = edge(self, self._side_name, marked_words(self.marks) or self._news)
        facts = LowerBorder(
            self.ask,
            self._list.cursor,
            len(self.flat.rows),
            self.listing.shown,
            self.listing.total,
            None if self.catalog.remote_complete else self.catalog.remote_total,
        )
        self.border_subtitle = edge(self, *lower_border(facts, wide=self.size.width >= WIDE_CELLS))

    def _draw_notice(self) -> None:
        if not self.is_mounted:
            return
        lines = self._notice
        if self.listing.total and self.ask.narrowed:
            lines = ("Nothing here matches.", "", "Esc  show everything again")
        elif self.listing.total:
            lines = ()
        notice = self.query_one("#notice", Static)
        notice.update("\n".join(lines))
        empty = not self.flat.rows
        notice.display = empty
        self._list.set_class(empty, "empty")

    def _draw_range(self) -> None:
        rows = self.marks.range_rows(self.flat, self._list.cursor)
        if rows != self._list.range_rows:
            self._list.range_rows = rows
            self._list.refresh()

    def _marks_changed(self) -> None:
        self._list.refresh()
        self._draw_range()
        self.draw_titles()
        self.post_message(self.MarksChanged(self))

    # Events

    def on_resize(self) -> None:
        self.call_after_refresh(self.draw_titles)

    def on_descendant_focus(self) -> None:
        self.call_after_refresh(self.draw_titles)

    def on_descendant_blur(self) -> None:
        self.call_after_refresh(self.draw_titles)

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._draw_range()
        self.draw_titles()
        self.post_message(self.CursorMoved(self))

    @on(RowList.Clicked)
    def _clicked(self, event: RowList.Clicked) -> None:
        event.stop()
        row = self.row
        if isinstance(row, GroupRow) and self._is_opened(row):
            self.action_close()
        else:
            self.action_open()

    @on(RowList.ReachedEnd)
    def _reached_end(self, event: RowList.ReachedEnd) -> None:
        event.stop()
        self.post_message(self.NeedsMore(self))

    # Actions

    def action_move(self, by: int) -> None:
        self._list.move_cursor(by)

    def action_page(self, direction: int) -> None:
        self._list.move_cursor(direction * max(1, self._list.page_rows - 1))
        if direction > 0 and self._list.end_in_sight:
            self.post_message(self.NeedsMore(self))

    def action_half_page(self, direction: int) -> None:
        self._list.move_cursor(direction * max(1, self._list.page_rows // 2))

    def action_top(self) -> None:
        self._list.cursor = 0

    def action_bottom(self) -> None:
        self._list.cursor = len(self.flat.rows) - 1
        self.post_message(self.NeedsMore(self))

    def _is_opened(self, row: GroupRow) -> bool:
        index = self.flat.positions.get(row.key, -1)
        return isinstance(self.flat.at(index + 1), VersionRow)

    def action_open(self) -> None:
        row = self.row
        if isinstance(row, GroupRow):
            if self._is_opened(row):
                self._list.move_cursor(1)
            else:
                self._set_open(row.name, opened=True)
        elif row is not None:
            self.post_message(self.Opened(self))

    def action_close(self) -> None:
        row = self.row
        if row is None:
            return
        if isinstance(row, VersionRow):
            self._list.cursor = self.flat.positions.get((row.name, ""), self._list.cursor)
        elif self._is_opened(row):
            self._set_open(row.name, opened=False)

    def _set_open(self, name: str, *, opened: bool) -> None:
        self._openness.set(name, opened=opened)
        self._maker.lay_out(lambda: self.listing, self._openness, self._take_flat)

    def _take_flat(self, flat: Flat) -> None:
        old = self.flat
        self._show_flat(flat)
        self._maker.retire(None, old)

    def action_mark(self) -> None:
        if self.row is not None:
            self.marks.toggle(self.row)
            self._list.move_cursor(1)
            self._marks_changed()

    def action_range(self) -> None:
        row = self.row
        if self.marks.anchor is not None:
            self.marks.close_range(self.flat, self._list.cursor)
        elif row is not None:
            self.marks.anchor = row.key
        self._marks_changed()

    def action_mark_all(self) -> None:
        groups = self.listing.groups
        self._maker.mark(self.listing, lambda pace: self.marks.with_all(groups, pace), self._take_marks)

    def action_invert(self) -> None:
        groups = self.listing.groups
        self._maker.mark(self.listing, lambda pace: self.marks.inverted(groups, pace), self._take_marks)

    def _take_marks(self, marks: Marks) -> None:
        self.marks.become(marks)
        self._marks_changed()

    def action_only_differing(self) -> None:
        self.ask = replace(self.ask, only_differing=not self.ask.only_differing)
        self._openness.narrowed(self.ask.narrowed)
        self.rebuild()

    def action_reverse(self) -> None:
        self.sort_by(self.ask.sort, reverse=not self.ask.reverse)

    def sort_by(self, sort: SortKey, *, reverse: bool = False) -> None:
        """Orders groups, and the versions inside them."""
        self.ask = replace(self.ask, sort=sort, reverse=reverse)
        self.query_one(ColumnLine).refresh()
        self.rebuild()

    def action_back(self) -> None:
        """Esc: the filter, then a range, then the marks."""
        if self.ask.narrowed:
            self.ask = replace(self.ask, filter=Filter.parse("", datetime.now(UTC)), only_differing=False)
            self._openness.narrowed(False)
            self.rebuild()
        elif self.marks.anchor is not None:
            self.marks.anchor = None
            self._marks_changed()
        else:
            self.clear_marks()

    def clear_marks(self) -> None:
        """Takes every mark away."""
        if len(self.marks):
            self.marks.clear()
            self._marks_changed()

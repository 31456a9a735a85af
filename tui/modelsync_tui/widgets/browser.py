"""One side's list of models: a cursor over groups and versions, and the keys that move, open, mark, filter and sort."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget

from modelsync_tui import glyphs, keys
from modelsync_tui.catalog import Catalog
from modelsync_tui.listing import Ask, Flat, GroupRow, Key, Listing, Row, Side, SortKey, VersionRow
from modelsync_tui.marking import Marking
from modelsync_tui.marks import Marks
from modelsync_tui.shown_list import ShownList
from modelsync_tui.widgets.browser_frame import BrowserFrame
from modelsync_tui.widgets.columnline import ColumnLine
from modelsync_tui.widgets.lines import Piece
from modelsync_tui.widgets.rowlist import RowList
from modelsync_tui.widgets.rows import Columns, Look, heading, row_pieces


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
        self._shown = ShownList(self, side, self._list_changed)
        self._marking = Marking(self, self._shown, self._marks_changed)
        self._asked = self._shown.ask
        """What the rows that are shown were asked for with."""
        self._moving: Mapping[str, float] = {}
        self._heading = ColumnLine(self._heading_pieces)
        self._list = RowList(self._row_pieces)
        self._frame = BrowserFrame(self, self._shown, self._marking.marks, self._list)

    def compose(self) -> ComposeResult:
        yield self._heading
        yield self._list
        yield self._frame.notice_line

    def on_mount(self) -> None:
        self.set_class(glyphs.of(self.app) is glyphs.ASCII, "-ascii")

    # What it is given

    def show(self, catalog: Catalog) -> None:
        """Shows other data; cursor, marks, filter and order stay."""
        if catalog is self.catalog and self.listing.total:
            return
        self._marking.keep(catalog)
        self._shown.show(catalog)

    def show_moving(self, fractions: Mapping[str, float]) -> None:
        """Shows how much of a version has moved, by `name:version`; cheap enough for eight times a second."""
        if fractions != self._moving:
            self._moving = fractions
            self._list.refresh()

    def show_title(self, name: str, news: str) -> None:
        """The words at the left and, while nothing is marked, at the right of the upper border."""
        self._frame.show_title(name, news)

    def show_notice(self, lines: Sequence[str]) -> None:
        """What stands in the place of the rows while there are none."""
        self._frame.show_notice(lines)

    def draw_titles(self) -> None:
        """The words in both borders, in the colours of another theme."""
        self._frame.draw()

    def set_filter(self, text: str) -> None:
        """Narrows the list; any text is fine."""
        self._shown.filter(text)

    def sort_by(self, sort: SortKey, *, reverse: bool = False) -> None:
        """Orders groups, and the versions inside them."""
        self._shown.sort_by(sort, reverse=reverse)
        self._heading.refresh()

    def clear_marks(self) -> None:
        """Takes every mark away."""
        self._marking.clear()

    def point_at(self, key: Key) -> None:
        """Moves the cursor to a version, or to its group when that is closed; stays where neither is here."""
        index = self._shown.index_of(key, -1)
        self._list.linked = index >= 0
        if index >= 0:
            with self._list.prevent(RowList.Moved):
                self._list.cursor = index
            self._frame.draw()

    def go_to(self, key: Key) -> bool:
        """Puts the cursor on a version and opens its group; False where it is not in the list."""
        if (key[0], "") not in self.flat.positions:
            return False
        self._list.go_to(key)
        self._shown.set_open(key[0], opened=True)
        return True

    def focus_list(self) -> None:
        """The keys go to the rows."""
        self._list.focus()

    # What it knows

    @property
    def catalog(self) -> Catalog:
        """What the list is made of."""
        return self._shown.catalog

    @property
    def ask(self) -> Ask:
        """What it is asked to show."""
        return self._shown.ask

    @property
    def listing(self) -> Listing:
        """What it shows, by groups."""
        return self._shown.listing

    @property
    def flat(self) -> Flat:
        """What it shows, row by row."""
        return self._shown.flat

    @property
    def marks(self) -> Marks:
        """What a person has marked."""
        return self._marking.marks

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

    @property
    def has_list_focus(self) -> bool:
        return self._list.has_focus

    # Drawing

    def _look(self, width: int) -> Look:
        compared = self.catalog.remote_known
        return Look(Columns.of(width, self.side), glyphs.of(self.app), datetime.now(UTC), self.side, compared)

    def _heading_pieces(self, width: int) -> Sequence[Piece]:
        return heading(self._look(width), self.ask.sort, reverse=self.ask.reverse)

    def _row_pieces(self, index: int, width: int) -> Sequence[Piece]:
        return row_pieces(self.flat, index, self.marks, self._moving, self._look(width))

    def _draw_range(self) -> None:
        rows = self._marking.range_rows(self._list.cursor)
        if rows != self._list.range_rows:
            self._list.range_rows = rows
            self._list.refresh()

    def _list_changed(self) -> None:
        self._list.show(self.flat, asked_anew=self.ask != self._asked)
        self._asked = self.ask
        self._frame.draw()
        self._frame.draw_notice()
        self._draw_range()
        self.post_message(self.ListChanged(self))

    def _marks_changed(self) -> None:
        self._list.refresh()
        self._draw_range()
        self._frame.draw()
        self.post_message(self.MarksChanged(self))

    # Events

    def on_resize(self) -> None:
        self.call_after_refresh(self._frame.draw)

    def on_descendant_focus(self) -> None:
        self.call_after_refresh(self._frame.draw)

    def on_descendant_blur(self) -> None:
        self.call_after_refresh(self._frame.draw)

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._draw_range()
        self._frame.draw()
        self.post_message(self.CursorMoved(self))

    @on(RowList.Clicked)
    def _clicked(self, event: RowList.Clicked) -> None:
        event.stop()
        row = self.row
        if isinstance(row, GroupRow) and self._shown.is_opened(row):
            self.action_close()
        else:
            self.action_open()

    @on(ColumnLine.Clicked)
    def _heading_clicked(self, event: ColumnLine.Clicked) -> None:
        """A click on a column's title sorts by it; on the one that sorts already, it turns the order around."""
        event.stop()
        sort = Columns.of(self.query_one(ColumnLine).size.width, self.side).sort_at(event.x)
        if sort is not None:
            self.sort_by(sort, reverse=sort is self.ask.sort and not self.ask.reverse)

    @on(RowList.ReachedEnd)
    def _reached_end(self, event: RowList.ReachedEnd) -> None:
        event.stop()
        self.post_message(self.NeedsMore(self))

    # Actions: moving

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

    def action_open(self) -> None:
        row = self.row
        if isinstance(row, GroupRow):
            if self._shown.is_opened(row):
                self._list.move_cursor(1)
            else:
                self._shown.set_open(row.name, opened=True)
        elif row is not None:
            self.post_message(self.Opened(self))

    def action_close(self) -> None:
        row = self.row
        if isinstance(row, VersionRow):
            self._list.cursor = self._shown.index_of((row.name, ""), self._list.cursor)
        elif row is not None and self._shown.is_opened(row):
            self._shown.set_open(row.name, opened=False)

    # Actions: marking

    def action_mark(self) -> None:
        if self.row is not None:
            self._marking.toggle(self.row)
            self._list.move_cursor(1)

    def action_range(self) -> None:
        self._marking.turn_range(self._list.cursor)

    def action_mark_all(self) -> None:
        self._marking.mark_all()

    def action_invert(self) -> None:
        self._marking.invert()

    # Actions: what is shown

    def action_only_differing(self) -> None:
        self._shown.turn_only_differing()

    def action_reverse(self) -> None:
        self.sort_by(self.ask.sort, reverse=not self.ask.reverse)

    def action_back(self) -> None:
        """Esc: the filter, then a range, then the marks."""
        if self.ask.narrowed:
            self._shown.widen()
        else:
            self._marking.give_up()

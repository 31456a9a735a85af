"""The lines of one browser: draws the rows that are visible, knows the cursor, and nothing of what the rows mean."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip

from modelsync_tui.listing import Flat, Key
from modelsync_tui.widgets.lines import Lines, Piece, Tone

_LINKED = "rowlist--linked"
_RANGE = "rowlist--range"


class RowList(Lines, inherit_bindings=False):
    """A list with a cursor that stays visible, fainter, while another pane has the focus."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {_LINKED, _RANGE}

    class Moved(Message):
        """The cursor stands on another row."""

    class Clicked(Message):
        """A row was clicked twice, or its arrow once."""

    class ReachedEnd(Message):
        """The last rows are visible."""

    def __init__(self, draw: Callable[[int, int], Sequence[Piece]]) -> None:
        super().__init__(show_cursor=True)
        self._draw = draw
        self._flat = Flat()
        self.linked = True
        """Whether the cursor is shown without the focus: it stands for the row that the other side is on."""
        self._chosen: Key | None = None
        """The row that a person, or the linked cursor, went to last; it may be filtered out now."""
        self._going_to: Key | None = None
        self._placing = False
        self.range_rows = range(0)
        """Rows inside the range that is being drawn."""

    def show(self, flat: Flat, *, asked_anew: bool) -> None:
        """Shows other rows, with the cursor at the same height of the window where that is possible.

        The cursor stays on its row. Where other rows were asked for (`asked_anew`) it goes to the one that a person
        went to last, which an earlier filter may have hidden.
        """
        height = self.cursor - self.scroll_offset.y
        cursor = self._place(flat, asked_anew=asked_anew)
        self._flat = flat
        self._placing = True
        self.lines_changed()
        self.cursor = cursor
        self._placing = False
        self.scroll_to(y=max(0, self.cursor - height), animate=False, immediate=True)
        self.keep_in_sight()
        self.refresh()

    def go_to(self, key: Key) -> None:
        """The next rows are shown with the cursor on this one."""
        self._chosen = self._going_to = key

    def _place(self, flat: Flat, *, asked_anew: bool) -> int:
        """Where the cursor goes; to the group of a version that is not there, and else it stays where it is."""
        row = self._flat.at(self.cursor)
        standing = None if row is None else row.key
        going_to, self._going_to = self._going_to, None
        wanted = (going_to, self._chosen, standing) if asked_anew else (going_to, standing, self._chosen)
        keys = [key for key in wanted if key is not None]
        for key in (*keys, *((name, "") for name, _ in keys)):
            if key in flat.positions:
                return flat.positions[key]
        return self.cursor

    def keep_in_sight(self) -> None:
        """Scrolls so that the cursor is visible."""
        rows = self.scrollable_content_region.height
        top = self.scroll_offset.y
        if rows and not top <= self.cursor < top + rows:
            self.scroll_to(y=max(0, self.cursor - rows // 2), animate=False, immediate=True)

    def line_count(self) -> int:
        return len(self._flat.rows)

    def line(self, index: int, width: int) -> Sequence[Piece]:
        pieces = self._draw(index, width)
        if index == self.cursor and self.has_focus:
            return [(text, Tone.STRONG if tone is Tone.STRONG else Tone.PLAIN) for text, tone in pieces]
        return pieces

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        index = y + self.scroll_offset.y
        if index >= self.line_count() or (self.has_focus and index == self.cursor):
            return strip
        if index == self.cursor:
            return self._over(strip, _LINKED) if self.linked else strip
        return self._over(strip, _RANGE) if index in self.range_rows else strip

    def _over(self, strip: Strip, name: str) -> Strip:
        style = self.get_component_rich_style(name, partial=True)
        return Strip(Segment.apply_style(strip, post_style=style), strip.cell_length)

    def watch_has_focus(self, _: bool) -> None:
        self.refresh()

    @property
    def page_rows(self) -> int:
        """Rows that are visible at once."""
        return max(1, self.scrollable_content_region.height)

    @property
    def end_in_sight(self) -> bool:
        return self.scroll_offset.y + 2 * self.page_rows >= self.line_count()

    @property
    def rows_in_sight(self) -> range:
        """Indexes of the visible rows."""
        top = self.scroll_offset.y
        return range(top, min(top + self.page_rows, self.line_count()))

    def watch_cursor(self, old: int, new: int) -> None:
        super().watch_cursor(old, new)
        if old != new and not self._placing:
            row = self._flat.at(new)
            self._chosen = row.key if row else None
            self.post_message(self.Moved())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self.end_in_sight:
            self.post_message(self.ReachedEnd())

    def on_click(self, event: events.Click) -> None:
        """The mouse moves the cursor; a second click opens or closes."""
        index = event.y + self.scroll_offset.y
        if index < self.line_count():
            self.cursor = index
            if event.chain == 2:
                self.post_message(self.Clicked())

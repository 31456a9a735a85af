"""A scrolling list that makes only the lines that are visible, in the tones of the theme."""

from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from modelsync_tui.widgets.scrollbars import suit_scrollbar
from modelsync_tui.widgets.tones import CURSOR, Tone, tone_style

__all__ = ["Lines", "Piece", "Tone"]


Piece = tuple[str, Tone]
"""Text on one line with its tone. Text from outside is made `literal` before it gets here."""

WHEEL_HOLDS_S = 10.0
"""A list that moves by itself stays for so long where a person turned it with the wheel."""


class Lines(ScrollView, can_focus=True):
    """Lines of pieces, each one cell high, with a cursor where `show_cursor` is set and the list has the focus."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    BOLD: ClassVar[frozenset[Tone]] = frozenset()
    """Tones that are bold in this list, besides the strong one."""

    cursor: reactive[int] = reactive(0, repaint=False)

    def __init__(self, *, show_cursor: bool = False, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.show_cursor = show_cursor
        self._drawn = -1
        self._seen: dict[int, Sequence[Piece]] = {}
        """The visible lines as they were at the last change."""
        self._tones: dict[Tone, Style] = {}
        """Those that were drawn, until a style above changes."""
        self._tones_of = ""
        """The theme they belong to."""
        self._wheel_at = float("-inf")

    @property
    def cursor_shown(self) -> bool:
        """Whether a person sees a cursor in it now."""
        return self.show_cursor and self.has_focus

    def line_count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def line(self, index: int, width: int) -> Sequence[Piece]:
        """The pieces of one line; what is wider than `width` cells is cut."""
        raise NotImplementedError

    def lines_changed(self) -> None:
        """Draws again after the lines changed, in number or in content."""
        count = self.line_count()
        self.virtual_size = Size(0, count)
        self.cursor = max(0, min(self.cursor, count - 1))
        if not self.is_mounted:
            return
        width, top = self.scrollable_content_region.width, self.scroll_offset.y
        rows = range(top, min(count, top + self.size.height))
        before, self._seen = self._seen, {row: tuple(self.line(row, width)) for row in rows}
        if count != self._drawn:
            self._drawn = count
            self.refresh()
            return
        for row in rows:  # the compositor is what drawing costs: it gets only lines that are not as they were
            if before.get(row) != self._seen[row]:
                self.refresh_line(row)

    @property
    def is_held(self) -> bool:
        """Whether a person turned the wheel over it just now."""
        return monotonic() - self._wheel_at < WHEEL_HOLDS_S

    def on_mouse_scroll_down(self) -> None:
        self._wheel_at = monotonic()

    def on_mouse_scroll_up(self) -> None:
        self._wheel_at = monotonic()

    def move_cursor(self, by: int) -> None:
        """Moves the cursor, or scrolls where there is none."""
        if self.show_cursor:
            self.cursor = self.cursor + by
        else:
            self.scroll_relative(y=by, animate=False)

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, self.line_count() - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        if not self.show_cursor or not self.is_mounted:
            return
        self.refresh_line(old)
        self.refresh_line(new)
        self.scroll_to_region(Region(0, new, 1, 1), animate=False, force=True)

    def on_mount(self) -> None:
        suit_scrollbar(self)
        self.lines_changed()

    def on_resize(self) -> None:
        self.lines_changed()  # how many lines there are may depend on the width

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        index = y + self.scroll_offset.y
        if not 0 <= index < self.line_count():
            return Strip.blank(width, self._style(Tone.PLAIN))
        pieces = self.line(index, width)
        if self.cursor_shown and index == self.cursor:
            # One tone: reversed, each colour of a line would become a patch of its own.
            strip = self.strip([(text, Tone.PLAIN) for text, _ in pieces], width)
            return strip.apply_style(CURSOR)
        return self.strip(pieces, width)

    def strip(self, pieces: Sequence[Piece], width: int) -> Strip:
        """The pieces in exactly `width` cells."""
        segments = [Segment(text, self._style(tone)) for text, tone in pieces]
        length = sum(cell_len(text) for text, _ in pieces)
        return Strip(segments, length).adjust_cell_length(width, self._style(Tone.PLAIN))

    def notify_style_update(self) -> None:
        self._tones.clear()
        super().notify_style_update()

    def _style(self, tone: Tone) -> Style:
        style = self._tones.get(tone)
        if style is None or self._tones_of != self.app.theme:
            if self._tones_of != self.app.theme:
                self._tones.clear()
                self._tones_of = self.app.theme
            style = tone_style(self, tone)
            if tone in self.BOLD:
                style += Style(bold=True)
            self._tones[tone] = style
        return style

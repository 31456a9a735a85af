"""The queue as lines: each transfer, and the strip of its parts under the one that is looked at."""

from collections.abc import Callable, Sequence

from textual import events
from textual.geometry import Size
from textual.widget import Widget

from modelsync.comparison import Direction
from modelsync.queue import QueueSnapshot, TransferRow, TransferStatus
from modelsync.tag import Tag
from modelsync_tui import glyphs, text
from modelsync_tui.widgets.lines import Lines, Piece, Tone
from modelsync_tui.widgets.transfer_rows import already_there_line, shown_order, strip_line, transfer_line

_STRIP_MIN_LINES = 5
"""A pane of fewer lines has one for a strip only when all transfers are in sight anyway."""


class QueueLines(Lines, can_focus=False):
    """The transfers, what runs first, with the strip of its parts under the one that is looked at."""

    def __init__(self) -> None:
        super().__init__(show_cursor=True, id="queue")
        self._rows: list[TransferRow] = []
        self._entries: list[Callable[[int], Sequence[Piece]]] = []
        self._row_lines: list[int] = []
        self._selected = 0
        """Which of the rows; kept on the same transfer when the order changes, once a person chose it."""
        self._is_chosen = False
        """Whether a person went to it, or did something with it; until then it is what runs first."""
        self._already_there: frozenset[tuple[Direction, Tag]] = frozenset()
        self._has_strips = False

    @property
    def cursor_shown(self) -> bool:
        return self.parent is not None and isinstance(self.parent, Widget) and self.parent.has_focus

    @property
    def selected(self) -> TransferRow | None:
        return self._rows[self._selected] if self._selected < len(self._rows) else None

    def choose(self) -> TransferRow | None:
        """The transfer under the cursor, which stays on it from now on, wherever that goes in the list."""
        self._is_chosen = True
        return self.selected

    def let_go(self) -> None:
        """Nobody looks at one of them any more: the cursor follows the first that runs."""
        self._is_chosen = False

    def show(
        self, queue: QueueSnapshot, already_there: frozenset[tuple[Direction, Tag]] = frozenset(), *, strips: bool
    ) -> None:
        """Lays the queue out anew; `already_there` needed no transfer, and has a line below all."""
        self._already_there = already_there
        before, self._has_strips = self.selected, strips
        self._rows = shown_order(queue.rows)
        ids = [row.id for row in self._rows]
        if not self._is_chosen:
            self._selected = 0
        elif before is not None and before.id in ids:
            self._selected = ids.index(before.id)
        self._selected = max(0, min(self._selected, len(self._rows) - 1))
        self._lay_out(strips=strips)
        self.lines_changed()
        if not self._is_chosen and not self.is_held and self.scroll_offset.y:
            self.scroll_to(y=0, animate=False)

    def _lay_out(self, *, strips: bool) -> None:
        characters = glyphs.of(self.app)
        has_room = self.size.height >= _STRIP_MIN_LINES or len(self._rows) < self.size.height
        opened = self._strip_row() if strips and has_room else None
        self._entries, self._row_lines = [], []
        for row in self._rows:
            self._row_lines.append(len(self._entries))
            self._entries.append(lambda width, row=row: transfer_line(row, width, characters))  # type: ignore[misc]
            if row is opened:
                self._entries.append(lambda width, row=row: strip_line(row, width, characters))  # type: ignore[misc]
        if there := self._already_there:
            self._entries.append(lambda width: already_there_line(there, width, characters))
        if self._row_lines:
            self.cursor = self._row_lines[self._selected]

    def on_resize(self) -> None:
        self._lay_out(strips=self._has_strips)  # there may be room for a strip now, or no more

    def _strip_row(self) -> TransferRow | None:
        moving = [row for row in self._rows if row.status is TransferStatus.RUNNING and row.progress.parts]
        return self.selected if self.selected in moving else next(iter(moving), None)

    def move_cursor(self, by: int) -> None:
        self._is_chosen = True
        self._selected = max(0, min(self._selected + by, len(self._rows) - 1))
        if self._row_lines:
            self.cursor = self._row_lines[self._selected]
        if self._already_there and self._selected == len(self._rows) - 1:
            self.scroll_to(y=self.line_count(), animate=False)  # to the line below, on which no cursor stands

    def on_click(self, event: events.Click) -> None:
        line = event.get_content_offset_capture(self).y + self.scroll_offset.y
        if line in self._row_lines:
            self.move_cursor(self._row_lines.index(line) - self._selected)

    def line_count(self) -> int:
        return max(1, len(self._entries))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Where it is as high as it needs: the line of a strip stays, so that nothing moves when the last one ends."""
        del container, viewport, width
        return max(1, len(self._rows) + self._has_strips + bool(self._already_there))

    def line(self, index: int, width: int) -> Sequence[Piece]:
        if not self._entries:
            return ((text.cut(" Nothing is being moved.  P pushes, p pulls what is marked.", width), Tone.MUTED),)
        return self._entries[index](width)

"""The pane of the transfers: the queue, the parts of one transfer, the speed of the last minute.

It holds no engine: the application hands in a snapshot a few times a second, and what a person wants done to a
transfer goes up as a message.
"""

from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from modelsync.transfers import QueueSnapshot, TransferRow, TransferStatus
from modelsync_tui import glyphs, keys
from modelsync_tui.widgets.part_lines import PartLines
from modelsync_tui.widgets.queue_lines import QueueLines
from modelsync_tui.widgets.rate_lines import RateLines
from modelsync_tui.widgets.titles import Edges
from modelsync_tui.widgets.transfer_rows import WIDE_CELLS, speeds_words, totals_words

if TYPE_CHECKING:
    from modelsync.transfers import Transfers

PARTS_EVERY_S = 0.24
"""The many lines of the parts are drawn every other time: that is still four times a second."""
TITLES_EVERY_S = 0.5
"""Speed and time left in the border change no faster: a new border draws the whole pane anew."""


class TransfersPane(Widget, can_focus=True, can_focus_children=False):
    """Shows the queue; small as a pane of the main screen, `full` with parts and speed."""

    class Wish(Message):
        """A person wants something done to the queue."""

        def do(self, transfers: "Transfers") -> None:
            """Does it; raises KeyError when the transfer is gone."""
            raise NotImplementedError

    @dataclass
    class CancelRequested(Wish):
        """A person wants it stopped for good."""

        id: int

        def do(self, transfers: "Transfers") -> None:
            transfers.cancel(self.id)

    @dataclass
    class PauseRequested(Wish):
        """A person wants it stopped for now."""

        id: int

        def do(self, transfers: "Transfers") -> None:
            transfers.pause(self.id)

    @dataclass
    class ResumeRequested(Wish):
        """A person wants a paused one to go on."""

        id: int

        def do(self, transfers: "Transfers") -> None:
            transfers.resume(self.id)

    @dataclass
    class RetryRequested(Wish):
        """A person wants a failed or cancelled one tried again."""

        id: int

        def do(self, transfers: "Transfers") -> None:
            transfers.retry(self.id)

    @dataclass
    class MoveRequested(Wish):
        """A person wants it elsewhere in the queue: so many places down, negative is up."""

        id: int
        by: int

        def do(self, transfers: "Transfers") -> None:
            transfers.move(self.id, self.by)

    @dataclass
    class ClearDone(Wish):
        """A person has seen what is finished."""

        def do(self, transfers: "Transfers") -> None:
            transfers.clear_done()

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.TRANSFERS)]

    full: reactive[bool] = reactive(False, toggle_class="-full")

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._queue = QueueSnapshot()
        self._lines = QueueLines()
        self._parts = PartLines()
        self._rate = RateLines()
        self._edges = Edges()
        self._parts_at = 0.0
        self._titled_at = 0.0
        self._counts: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield self._lines
        yield self._parts
        yield self._rate

    def on_mount(self) -> None:
        self.set_class(glyphs.of(self.app) is glyphs.ASCII, "-ascii")
        self.call_after_refresh(self.draw_titles)

    def show(self, snapshot: QueueSnapshot) -> None:
        """Draws a snapshot; cheap enough for ten times a second."""
        was_busy, self._queue = self._queue.busy, snapshot
        self._lines.show(snapshot, strips=not self.full)
        goes_on = was_busy and snapshot.busy and self._queue_counts(snapshot) == self._counts
        if not goes_on or monotonic() - self._parts_at >= PARTS_EVERY_S:
            self._show_parts()
        if not goes_on or monotonic() - self._titled_at >= TITLES_EVERY_S:
            self.draw_titles()

    def _show_parts(self) -> None:
        self._parts_at = monotonic()
        if self.full:
            self._parts.show(self.selected)
        self._rate.show(self._queue, self.selected)

    @property
    def selected(self) -> TransferRow | None:
        """The transfer under the cursor."""
        return self._lines.selected

    def watch_full(self) -> None:
        if self.is_mounted:
            self.show(self._queue)

    def on_resize(self, _: events.Resize) -> None:
        self.call_after_refresh(self.draw_titles)

    def on_focus(self) -> None:
        self._lines.refresh()

    def on_blur(self) -> None:
        self._lines.refresh()

    def action_move(self, by: int) -> None:
        """Moves the cursor to another transfer."""
        self._lines.move_cursor(by)
        self._show_parts()
        self.draw_titles()

    def action_parts(self) -> None:
        """Shows other parts of the transfer under the cursor: all, active or failed ones."""
        if self.full:
            self._parts.show_others()
            self.draw_titles()

    def action_pause(self) -> None:
        """Pauses the transfer under the cursor, or lets it go on."""
        row = self.selected
        if row is None:
            return
        if row.status is TransferStatus.PAUSED:
            self.post_message(self.ResumeRequested(row.id))
        elif row.status in (TransferStatus.RUNNING, TransferStatus.WAITING):
            self.post_message(self.PauseRequested(row.id))

    def action_cancel(self) -> None:
        """Cancels the transfer under the cursor."""
        row = self.selected
        if row and row.status in (TransferStatus.RUNNING, TransferStatus.WAITING, TransferStatus.PAUSED):
            self.post_message(self.CancelRequested(row.id))

    def action_retry(self) -> None:
        """Tries the transfer under the cursor again."""
        row = self.selected
        if row and row.status in (TransferStatus.FAILED, TransferStatus.CANCELLED):
            self.post_message(self.RetryRequested(row.id))

    def action_reorder(self, by: int) -> None:
        """Lets the transfer under the cursor and the next that waits, up or down, change places."""
        row = self.selected
        if row is None or row.status is not TransferStatus.WAITING:
            return
        places = {other.id: place for place, other in enumerate(self._queue.rows)}
        waiting = [other.id for other in self._queue.rows if other.status is TransferStatus.WAITING]
        there = waiting.index(row.id) + by
        if 0 <= there < len(waiting):
            self.post_message(self.MoveRequested(row.id, places[waiting[there]] - places[row.id]))

    def action_clear_done(self) -> None:
        """Takes what is finished off the list."""
        self.post_message(self.ClearDone())

    def draw_titles(self) -> None:
        """The words in the borders; also after a change of size or theme."""
        characters = glyphs.of(self.app)
        wide = self.size.width >= WIDE_CELLS
        speeds = speeds_words(self._queue, characters, wide=wide)
        self._titled_at = monotonic()
        self._counts = self._queue_counts(self._queue)
        self._edges.show(self._lines, ("3 Transfers", speeds), ("", totals_words(self._queue, wide=wide)))
        if self.full:
            self._edges.show(self._parts, self._parts.title(), self._parts.lower_title())
            self._edges.show(self._rate, ("Rate", ""), ("", ""))

    @staticmethod
    def _queue_counts(queue: QueueSnapshot) -> tuple[object, ...]:
        """What must stand in the border at once, unlike speed and time left."""
        return (len(queue.rows), queue.running, queue.waiting, queue.paused, queue.limit, queue.threads)

"""The pane of the transfers: the queue, the parts or files of one transfer, the speed of the last minute.

It holds no engine: the application hands in a snapshot a few times a second, and what a person wants done to a
transfer goes up as a message.
"""

from pathlib import Path
from time import monotonic
from typing import ClassVar, assert_never

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from modelsync.comparison import Direction
from modelsync.queue import QueueSnapshot, TransferRow, TransferStatus
from modelsync.tag import Tag
from modelsync_tui import glyphs, keys
from modelsync_tui.widgets import steering
from modelsync_tui.widgets.file_lines import FileLines
from modelsync_tui.widgets.part_lines import PartLines
from modelsync_tui.widgets.queue_lines import QueueLines
from modelsync_tui.widgets.rate_lines import RateLines
from modelsync_tui.widgets.titles import Edges
from modelsync_tui.widgets.transfer_rows import WIDE_CELLS
from modelsync_tui.widgets.transfer_words import speeds_words, status_words, totals_words
from modelsync_tui.widgets.wishes import CancelRequested, ClearDone, Wish

FULL_EVERY_S = 0.24
"""The full form, with its many lines, is drawn every other time: that is still four times a second."""
TITLES_EVERY_S = 0.5
"""Speed and time left in the border change no faster: a new border draws the whole pane anew."""


class TransfersPane(Widget, can_focus=True, can_focus_children=False):
    """Shows the queue; small as a pane of the main screen, `full` with parts or files and speed."""

    class Said(Message):
        """A key did nothing, and why: for the line that says what happens."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    class Pointed(Message):
        """While a person is in the pane, the transfer under the cursor is another one, or it stands otherwise."""

        def __init__(self, *, by_person: bool) -> None:
            """`by_person`: they moved the cursor."""
            super().__init__()
            self.by_person = by_person

    class Left(Message):
        """A person wants to go back to where they came from."""

    class LogAsked(Message):
        """A person wants to see what the log says of a version."""

        def __init__(self, tag: Tag) -> None:
            super().__init__()
            self.tag = tag

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.TRANSFERS)]

    full: reactive[bool] = reactive(False, toggle_class="-full")

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._queue = QueueSnapshot()
        self.already_there: frozenset[tuple[Direction, Tag]] = frozenset()
        """What was asked for and needed no transfer; drawn with the next snapshot."""
        self._lines = QueueLines()
        self._parts = PartLines()
        self._files = FileLines()
        self._shows_files = False
        self._rate = RateLines()
        self._edges = Edges()
        self._drawn_at = 0.0
        self._titled_at = 0.0
        self._counts: tuple[object, ...] = ()
        self._pointed: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield self._lines
        yield self._parts
        yield self._files
        yield self._rate

    def on_mount(self) -> None:
        self.set_class(glyphs.of(self.app) is glyphs.ASCII, "-ascii")
        self.add_class("-of-parts")
        self.call_after_refresh(self.draw_titles)

    def show(self, snapshot: QueueSnapshot) -> None:
        """Draws a snapshot; cheap enough for ten times a second."""
        was_busy, self._queue = self._queue.busy, snapshot
        goes_on = was_busy and snapshot.busy and self._queue_counts(snapshot) == self._counts
        if goes_on and self.full and monotonic() - self._drawn_at < FULL_EVERY_S:
            return
        self._lines.show(snapshot, self.already_there, strips=not self.full)
        self._point(by_person=False)
        self._show_lower()
        if not goes_on or monotonic() - self._titled_at >= TITLES_EVERY_S:
            self.draw_titles()

    def _point(self, *, by_person: bool) -> None:
        """Tells that something else is to be said of what is under the cursor."""
        row = self.selected
        before, self._pointed = self._pointed, (row.id, row.status, row.stopping) if row is not None else ()
        if self.has_focus and self._pointed != before:
            self.post_message(self.Pointed(by_person=by_person))

    def _show_lower(self) -> None:
        """What stands below the queue in the full form."""
        self._drawn_at = monotonic()
        if self.full:
            self._lower.show(self.selected)
        self._rate.show(self._queue, self.selected)

    @property
    def _lower(self) -> PartLines | FileLines:
        """What the full form shows of the transfer under the cursor."""
        return self._files if self._shows_files else self._parts

    @property
    def selected(self) -> TransferRow | None:
        """The transfer under the cursor."""
        return self._lines.selected

    def watch_full(self) -> None:
        if self.is_mounted:
            self._drawn_at = 0.0  # not left out as one of many: it is the first of another form
            self.show(self._queue)

    def on_resize(self, _: events.Resize) -> None:
        self.call_after_refresh(self.draw_titles)

    def on_focus(self) -> None:
        self._lines.refresh()

    def on_blur(self) -> None:
        if self.app.app_focus:  # else the terminal was left, and one comes back to the same place
            self._lines.let_go()
        self._lines.refresh()

    def action_move(self, by: int) -> None:
        """Moves the cursor to another transfer."""
        self._lines.move_cursor(by)
        self._point(by_person=True)
        self._show_lower()
        self.draw_titles()

    def action_first(self) -> None:
        """Moves the cursor to the first transfer."""
        self.action_move(-len(self._queue.rows))

    def action_last(self) -> None:
        """Moves the cursor to the last transfer."""
        self.action_move(len(self._queue.rows))

    def action_back(self) -> None:
        """Goes back to the list that a person was in before."""
        self.post_message(self.Left())

    def action_parts(self) -> None:
        """Shows others of the parts or files of the transfer under the cursor: all, active or failed ones."""
        if self._is_full():
            self._lower.show_others()
            self.draw_titles()

    def action_files(self) -> None:
        """Shows the files of the transfer under the cursor in the place of its parts, and the parts again."""
        if self._is_full():
            self._shows_files = not self._shows_files
            self.set_class(not self._shows_files, "-of-parts")
            self.set_class(self._shows_files, "-of-files")
            self._show_lower()
            self.call_after_refresh(self.draw_titles)

    def action_page(self, by: int) -> None:
        """Scrolls the parts or files by so many pages."""
        if self._is_full():
            self._lower.page(by)

    def _is_full(self) -> bool:
        if not self.full:
            self.post_message(self.Said("Parts and files are in the full view of the transfers: t shows it."))
        return self.full and self._chosen() is not None

    def _chosen(self) -> TransferRow | None:
        """The transfer that a key is for; says so where there is none."""
        row = self._lines.choose()
        if row is None:
            self.post_message(self.Said("There is no transfer in the list."))
        return row

    def action_pause(self) -> None:
        """Pauses the transfer under the cursor, or lets it go on."""
        if row := self._chosen():
            self._wish(row, steering.pause(row))

    def action_cancel(self) -> None:
        """Cancels the transfer under the cursor; asks when some of it has moved."""
        row = self._chosen()
        if row is None:
            return
        wish = steering.cancel(row)
        if isinstance(wish, CancelRequested) and row.progress.bytes_done and not row.stopping:
            self._ask_cancel(row)
        else:
            self._wish(row, wish)

    def _ask_cancel(self, row: TransferRow) -> None:
        """What has moved may be worth a pause instead."""
        from modelsync_tui.dialogs.cancel import CancelChoice, CancelDialog

        def answered(choice: CancelChoice | None) -> None:
            now = next((other for other in self._queue.rows if other.id == row.id), row)
            match choice:
                case CancelChoice.CANCEL:
                    self._wish(now, steering.cancel(now))
                case CancelChoice.PAUSE if now.status is TransferStatus.PAUSED:
                    return
                case CancelChoice.PAUSE:
                    self._wish(now, steering.pause(now))
                case CancelChoice.LEAVE | None:
                    return
                case _:
                    assert_never(choice)

        self.app.push_screen(CancelDialog(row), answered)

    def action_retry(self) -> None:
        """Tries the transfer under the cursor again."""
        if row := self._chosen():
            self._wish(row, steering.retry(row))

    def action_reorder(self, by: int) -> None:
        """Lets the transfer under the cursor and the next that waits, up or down, change places."""
        if row := self._chosen():
            self._wish(row, steering.reorder(self._queue, row, by))

    def _wish(self, row: TransferRow, wish: Wish | str) -> None:
        """Passes a wish on, or says why there is none."""
        if isinstance(wish, Wish):
            self.post_message(wish)
        else:
            self.post_message(self.Said(f"{row.request.tag} {status_words(row)}: {wish}"))

    def action_log(self) -> None:
        """Shows what the log says of the transfer under the cursor."""
        if row := self._chosen():
            self.post_message(self.LogAsked(row.request.tag))

    def action_clear_done(self) -> None:
        """Takes what is finished off the list."""
        wish = ClearDone() if self.already_there else steering.clear_done(self._queue)
        self.post_message(wish if isinstance(wish, Wish) else self.Said(wish))

    def draw_titles(self) -> None:
        """The words in the borders; also after a change of size or theme."""
        characters = glyphs.of(self.app)
        wide = self.size.width >= WIDE_CELLS
        speeds = speeds_words(self._queue, characters, wide=wide)
        totals = totals_words(self._queue, len(self.already_there), wide=wide)
        self._titled_at = monotonic()
        self._counts = self._queue_counts(self._queue)
        self._edges.show(self._lines, ("3 Transfers", speeds), ("", totals))
        if self.full:
            self._edges.show(self._lower, self._lower.title(), self._lower.lower_title())
            self._edges.show(self._rate, ("Rate", ""), ("", ""))

    def _queue_counts(self, queue: QueueSnapshot) -> tuple[object, ...]:
        """What must stand in the border at once, unlike speed and time left."""
        counts = (len(queue.rows), queue.running, queue.waiting, queue.paused, queue.limit, queue.threads)
        return (*counts, self.already_there)

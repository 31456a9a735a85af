"""The history: transfers that ended, in this and earlier runs and in other programs; typing narrows it."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, assert_never

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from modelsync.history import Ending, HistoryEntry
from modelsync.tag import Tag
from modelsync_tui import text
from modelsync_tui.dialogs.card import Card, bracketed
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.widgets.lines import Lines, Piece, Tone
from modelsync_tui.widgets.words import clock_text, moment_short, moment_text, short_speed, speed_text

_WIDE_CELLS = 100
_SPEED_FROM_CELLS = 70
"""Where there is less room, which transfer it was is worth more than how fast."""
_FRAME_LINES = 8
"""Borders, search, two lines about one transfer, and hint around the transfers."""
_PAGE_LINES = 10


class HistoryScreen(Card[Tag]):
    """Past transfers, the last one first; answers with the version that a person wants to see in the lists."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False, id="history.up", tooltip="one transfer up"),
        Binding("down,j", "move(1)", show=False, id="history.down", tooltip="one transfer down"),
        Binding("pageup", f"move(-{_PAGE_LINES})", show=False, id="history.page_up", tooltip="a page up"),
        Binding("pagedown", f"move({_PAGE_LINES})", show=False, id="history.page_down", tooltip="a page down"),
        Binding("home,g", "move(-1_000_000)", show=False, id="history.top", tooltip="the last transfer"),
        Binding("end,G", "move(1_000_000)", show=False, id="history.bottom", tooltip="the first transfer"),
        Binding("slash", "search", show=False, id="history.search", tooltip="narrow it by typing"),
        Binding("enter", "go_to", show=False, id="history.go_to", tooltip="go to this version"),
        Binding("e", "export", show=False, id="history.export", tooltip="write what is shown into a file"),
        Binding("H", "dismiss(None)", show=False, id="history.close", tooltip="close the history"),
    ]

    def __init__(self, entries: Sequence[HistoryEntry], export: Callable[[Sequence[HistoryEntry]], object]) -> None:
        """`export` is given what is shown when a person wants it in a file."""
        super().__init__("History")
        self._entries = entries
        self._export = export

    def body(self) -> Iterable[Widget]:
        with Horizontal(id="search-row"):
            yield from bracketed(Input(id="search", compact=True, placeholder="/ narrows: tag, failed, context ..."))
        yield HistoryLines(self._entries, self.glyphs, id="past")
        yield Static(id="entry", markup=False)

    def choices(self) -> Iterable[Widget]:
        words = "Esc closes   / narrows   Enter goes to it   e exports"
        yield Static(Content(words), classes="-muted", markup=False)

    def on_mount(self) -> None:
        self.set_focus(self.query_one(HistoryLines))

    def on_resize(self) -> None:
        self.query_one(HistoryLines).styles.max_height = max(3, self.size.height - _FRAME_LINES)

    def lower_title(self) -> str:
        shown = len(self.query_one(HistoryLines).found)
        of = f"{shown:,} of " if shown != len(self._entries) else ""
        return of + text.count_text(len(self._entries), "transfer")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one(HistoryLines).search(event.value)
        self._show_titles()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.set_focus(self.query_one(HistoryLines))

    def action_decline(self) -> None:
        search, lines = self.query_one("#search", Input), self.query_one(HistoryLines)
        if search.value:
            search.value = ""
            self.set_focus(lines)
        elif self.focused is search:
            self.set_focus(lines)
        else:
            self.dismiss(None)

    def action_search(self) -> None:
        self.set_focus(self.query_one("#search", Input))

    def action_move(self, by: int) -> None:
        lines = self.query_one(HistoryLines)
        self.set_focus(lines)
        lines.move_cursor(by)

    def action_go_to(self) -> None:
        entry = self.query_one(HistoryLines).entry
        if entry is not None:
            self.dismiss(entry.tag)

    def action_export(self) -> None:
        if found := self.query_one(HistoryLines).found:
            self._export(found)

    def on_history_lines_looked(self) -> None:
        """The whole reason of the transfer under the cursor, for which its line has no room."""
        entry = self.query_one(HistoryLines).entry
        self.query_one("#entry", Static).update(Content(_details(entry) if entry is not None else ""))

    def on_history_lines_opened(self) -> None:
        self.action_go_to()


class HistoryLines(Lines):
    """One line a transfer."""

    class Looked(Message):
        """The cursor is on another transfer."""

    class Opened(Message):
        """A second click on a transfer."""

    def __init__(self, entries: Sequence[HistoryEntry], glyphs: Glyphs, *, id: str) -> None:
        super().__init__(show_cursor=True, id=id)
        self._glyphs = glyphs
        self._texts = [(entry, _searched(entry)) for entry in entries]
        self.found: Sequence[HistoryEntry] = tuple(entries)
        """What is shown."""

    def search(self, wanted: str) -> None:
        """Shows only transfers that have all these words somewhere."""
        words = wanted.lower().split()
        self.found = tuple(entry for entry, searched in self._texts if all(word in searched for word in words))
        self.cursor = 0
        self.lines_changed()
        self.post_message(self.Looked())

    def on_mount(self) -> None:
        self.post_message(self.Looked())

    def watch_cursor(self, old: int, new: int) -> None:
        super().watch_cursor(old, new)
        if old != new:
            self.post_message(self.Looked())

    @property
    def entry(self) -> HistoryEntry | None:
        """The transfer under the cursor."""
        return self.found[self.cursor] if self.cursor < len(self.found) else None

    def on_click(self, event: events.Click) -> None:
        index = event.y + self.scroll_offset.y
        if index < len(self.found):
            self.cursor = index
            if event.chain == 2:
                self.post_message(self.Opened())

    def line_count(self) -> int:
        return max(1, len(self.found))

    def line(self, index: int, width: int) -> Sequence[Piece]:
        if not self.found:
            words = "No transfer matches. Esc shows all." if self._texts else "Nothing was transferred yet."
            return ((text.cut(f" {words}", width, self._glyphs.ellipsis), Tone.MUTED),)
        return entry_pieces(self.found[index], width, self._glyphs)


def entry_pieces(entry: HistoryEntry, width: int, glyphs: Glyphs) -> list[Piece]:
    """When, which way, what, how it ended, how much, how fast, where, and why; why is left out first."""
    wide = width >= _WIDE_CELLS
    mark, tone = _mark(entry.outcome, glyphs)
    arrow = glyphs.direction(entry.direction)
    has_speed = width >= _SPEED_FROM_CELLS
    tag_cells = 28 if wide else max(8, width - (48 if has_speed else 39))
    tag = text.left(text.cut_middle(str(entry.tag), tag_cells, glyphs.ellipsis), tag_cells)
    speed = entry.bytes_moved / entry.seconds if entry.seconds > 0 else 0.0
    fast = (speed_text(speed) if wide else short_speed(speed)) if entry.bytes_moved else ""
    pieces: list[Piece] = [
        (f" {moment_short(entry.ended)}", Tone.MUTED),
        (f"  {arrow} ", Tone.PLAIN),
        (tag, Tone.PLAIN),
        (f"  {mark} {entry.outcome:<9}", tone),
        (f" {text.size_text(entry.bytes_moved) if entry.bytes_moved else '':>9}", Tone.PLAIN),
        (f" {fast:>{12 if wide else 8}}" if has_speed else "", Tone.PLAIN),
    ]
    if wide:
        pieces.append((f"  {text.left(text.literal(entry.context), 10, glyphs.ellipsis)}  ", Tone.MUTED))
        room = width - sum(len(words) for words, _ in pieces)
        why = text.cut(text.literal(entry.reason), room, glyphs.ellipsis)
        pieces.append((why, tone if entry.outcome is Ending.FAILED else Tone.MUTED))
    return pieces


def _mark(outcome: Ending, glyphs: Glyphs) -> Piece:
    match outcome:
        case Ending.PUSHED | Ending.PULLED:
            return glyphs.done, Tone.GOOD
        case Ending.SKIPPED:
            return glyphs.skipped, Tone.MUTED
        case Ending.FAILED:
            return glyphs.failed, Tone.BAD
        case Ending.PAUSED:
            return glyphs.paused, Tone.WARN
        case Ending.CANCELLED:
            return glyphs.cancelled, Tone.MUTED
        case _:
            assert_never(outcome)


def _details(entry: HistoryEntry) -> str:
    again = f", {text.count_text(entry.retries, 'retry', 'retries')}" if entry.retries else ""
    took = f" in {clock_text(entry.seconds)}{again}" if entry.bytes_moved else ""
    if entry.resumed:
        took += ", went on from kept parts"
    where = f"{entry.context} ({entry.host})"
    words = f"{entry.direction} {entry.tag} by {entry.program or 'modelsync'}, {where}{took}: {entry.reason}"
    return text.literal(words)


def _searched(entry: HistoryEntry) -> str:
    facts = (entry.tag, entry.direction, entry.outcome, entry.context, entry.host, entry.program, entry.reason)
    return " ".join((moment_text(entry.ended), *map(str, facts))).lower()

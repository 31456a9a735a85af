"""What was moved of one model: a line for each transfer that ended, the last one first."""

from collections.abc import Sequence
from typing import assert_never

from modelsync.history import Ending, HistoryEntry
from modelsync_tui import glyphs
from modelsync_tui.text import cut, left, literal, size_text
from modelsync_tui.widgets.lines import Piece, Tone
from modelsync_tui.widgets.picklist import PickList
from modelsync_tui.widgets.words import about_text, moment_text

_VERSION_CELLS = 18


class HistoryList(PickList):
    """Scrolls; there is nothing to do with a transfer that ended."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._entries: tuple[HistoryEntry, ...] = ()
        self._instead = ""

    def show(self, entries: tuple[HistoryEntry, ...], instead: str = "") -> None:
        """Shows transfers, or that sentence while there are none."""
        self._entries, self._instead = entries, instead
        self.lines_changed()

    def line_count(self) -> int:
        return len(self._entries) or bool(self._instead)

    def line(self, index: int, width: int) -> Sequence[Piece]:
        if not self._entries:
            return ((f" {self._instead}", Tone.MUTED),)
        entry, characters = self._entries[index], glyphs.of(self.app)
        words, tone = ending_words(entry)
        before = f" {moment_text(entry.ended)}  {entry.direction}  "
        version = left(literal(entry.tag.version), _VERSION_CELLS, characters.ellipsis)
        room = width - len(before) - _VERSION_CELLS - 2
        return (
            (before, Tone.MUTED),
            (f"{version}  ", Tone.PLAIN),
            (cut(words, room, characters.ellipsis), tone),
        )


def ending_words(entry: HistoryEntry) -> tuple[str, Tone]:
    """How a transfer ended, in a few words."""
    reason = literal(entry.reason)
    match entry.outcome:
        case Ending.PUSHED | Ending.PULLED:
            moved = f"{size_text(entry.bytes_total)} in {about_text(entry.seconds)}"
            resumed = f", {size_text(entry.bytes_moved)} of it now" if entry.resumed else ""
            retries = f", {entry.retries} retried" if entry.retries else ""
            return f"{moved}{resumed}{retries}", Tone.PLAIN
        case Ending.SKIPPED:
            return f"skipped: {reason}", Tone.MUTED
        case Ending.FAILED:
            return f"failed: {reason}", Tone.BAD
        case Ending.CANCELLED | Ending.PAUSED:
            return f"{entry.outcome.value}, {size_text(entry.bytes_moved)} moved", Tone.WARN
        case _:
            assert_never(entry.outcome)

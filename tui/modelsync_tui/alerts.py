"""How the end of transfers is told: one toast for those that end together, and a call for one that took long.

How it works: of a long queue a person wants to hear what it came to, not each end. So while others wait, what went well
and took no time is told with the last of them, and what failed or took long no more often than every `QUIET_S`.
"""

from time import monotonic
from typing import TYPE_CHECKING

from textual.app import App
from textual.timer import Timer

from modelsync.comparison import Direction
from modelsync.queue import TransferStatus
from modelsync_tui import glyphs
from modelsync_tui.terminal import TerminalVoice
from modelsync_tui.text import count_text, cut, cut_middle, literal, size_text
from modelsync_tui.widgets.words import clock_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelsync.transfers import TransferRow

TOGETHER_S = 1.0
"""What ends within so long of another is told with it."""
GOOD_NEWS_S = 4.0
"""How long a toast stays that asks for nothing; the row says the same."""
LONG_S = 30.0
"""A person may look elsewhere during a transfer of so long: it calls them when it ends."""
QUIET_S = 15.0
"""Between two toasts while others wait."""
_TAG_CELLS, _WHY_CELLS = 44, 120
"""A toast lies over the panes: in full, the row, the log and the line below say it."""
_TOLD = (TransferStatus.DONE, TransferStatus.SKIPPED, TransferStatus.FAILED)
"""What a person did themselves, a pause or a cancel, they know."""


class Alerts:
    """Collects what ends; lives on the event loop."""

    def __init__(self, app: App[object], voice: TerminalVoice) -> None:
        self._app = app
        self._voice = voice
        self._rows: list[TransferRow] = []
        self._presses = False
        """Whether one of them is told even while others wait."""
        self._waiting = 0
        self._told_at = float("-inf")
        self._timer: Timer | None = None

    def ended(self, row: "TransferRow") -> None:
        """A transfer's run is over."""
        if row.status not in _TOLD:
            return
        self._rows.append(row)
        self._presses |= row.status is TransferStatus.FAILED or row.progress.elapsed_s >= LONG_S
        self._look()

    def queue_has(self, waiting: int) -> None:
        """So many transfers wait now; cheap enough for eight times a second."""
        if self._waiting and not waiting and self._timer is not None:
            self._timer.stop()  # it was set for a queue that goes on
            self._timer = None
        self._waiting = waiting
        self._look()

    def _look(self) -> None:
        if self._timer is not None or not self._rows or (self._waiting and not self._presses):
            return
        quiet_s = QUIET_S if self._waiting else GOOD_NEWS_S
        self._timer = self._app.set_timer(max(TOGETHER_S, self._told_at + quiet_s - monotonic()), self._tell)

    def _tell(self) -> None:
        rows, self._rows, self._timer = self._rows, [], None
        self._presses, self._told_at = False, monotonic()
        words = ended_words(rows, glyphs.of(self._app).ellipsis)
        failed = any(row.status is TransferStatus.FAILED for row in rows)
        if failed:
            self._app.notify(words, severity="error", markup=False)
        else:
            self._app.notify(words, timeout=GOOD_NEWS_S, markup=False)
        if any(row.progress.elapsed_s >= LONG_S for row in rows):
            self._voice.call(words)


def ended_words(rows: "Sequence[TransferRow]", ellipsis: str = "…") -> str:
    """One line about transfers that ended: what became of one, or how many came to what."""
    if len(rows) == 1:
        return _one(rows[0], ellipsis)
    counted = [(sum(_word(row) == word for row in rows), word) for word in dict.fromkeys(_word(row) for row in rows)]
    words = f"{count_text(len(rows), 'transfer')} ended: " + ", ".join(f"{count:,} {word}" for count, word in counted)
    failed = [_short(row, ellipsis) for row in rows if row.status is TransferStatus.FAILED]
    if failed:
        words += f" ({failed[0]}{' and others' if len(failed) > 1 else ''})"
    return words


def _word(row: "TransferRow") -> str:
    if row.status is TransferStatus.DONE:
        return "pushed" if row.request.direction is Direction.PUSH else "pulled"
    return str(row.status)


def _one(row: "TransferRow", ellipsis: str) -> str:
    tag, result, error = _short(row, ellipsis), row.result, row.error
    if row.status is TransferStatus.FAILED and error is not None:
        return f"{row.request.direction} {tag} failed: {cut(literal(error.sentence), _WHY_CELLS, ellipsis)}"
    if result is None:
        return f"{tag} {_word(row)}"
    if row.status is TransferStatus.SKIPPED:
        return f"{tag} skipped: {cut(literal(result.reason), _WHY_CELLS, ellipsis)}"
    return f"{tag} {_word(row)}: {size_text(result.bytes_moved)} in {clock_text(result.seconds)}"


def _short(row: "TransferRow", ellipsis: str) -> str:
    return cut_middle(literal(str(row.request.tag)), _TAG_CELLS, ellipsis)

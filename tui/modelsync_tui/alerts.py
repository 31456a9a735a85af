"""How the end of transfers is told: one toast for those that end together, and a call for one that took long."""

from typing import TYPE_CHECKING

from textual.app import App
from textual.timer import Timer

from modelsync.comparison import Direction
from modelsync.queue import TransferStatus
from modelsync_tui.terminal import TerminalVoice
from modelsync_tui.text import count_text, literal, size_text
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
_TOLD = (TransferStatus.DONE, TransferStatus.SKIPPED, TransferStatus.FAILED)
"""What a person did themselves, a pause or a cancel, they know."""


class Alerts:
    """Collects what ends; lives on the event loop."""

    def __init__(self, app: App[object], voice: TerminalVoice) -> None:
        self._app = app
        self._voice = voice
        self._rows: list[TransferRow] = []
        self._timer: Timer | None = None

    def ended(self, row: "TransferRow") -> None:
        """A transfer's run is over."""
        if row.status not in _TOLD:
            return
        self._rows.append(row)
        if self._timer is None:
            self._timer = self._app.set_timer(TOGETHER_S, self._tell)

    def _tell(self) -> None:
        rows, self._rows, self._timer = self._rows, [], None
        words = ended_words(rows)
        failed = any(row.status is TransferStatus.FAILED for row in rows)
        if failed:
            self._app.notify(words, severity="error", markup=False)
        else:
            self._app.notify(words, timeout=GOOD_NEWS_S, markup=False)
        if any(row.progress.elapsed_s >= LONG_S for row in rows):
            self._voice.call(words)


def ended_words(rows: "Sequence[TransferRow]") -> str:
    """One line about transfers that ended: what became of one, or how many came to what."""
    if len(rows) == 1:
        return _one(rows[0])
    counted = [(sum(_word(row) == word for row in rows), word) for word in dict.fromkeys(_word(row) for row in rows)]
    words = f"{count_text(len(rows), 'transfer')} ended: " + ", ".join(f"{count:,} {word}" for count, word in counted)
    failed = [literal(str(row.request.tag)) for row in rows if row.status is TransferStatus.FAILED]
    if failed:
        words += f" ({failed[0]}{' and others' if len(failed) > 1 else ''})"
    return words


def _word(row: "TransferRow") -> str:
    if row.status is TransferStatus.DONE:
        return "pushed" if row.request.direction is Direction.PUSH else "pulled"
    return str(row.status)


def _one(row: "TransferRow") -> str:
    tag, result, error = literal(str(row.request.tag)), row.result, row.error
    if row.status is TransferStatus.FAILED and error is not None:
        return f"{row.request.direction} {tag} failed: {literal(error.sentence)}"
    if result is None:
        return f"{tag} {_word(row)}"
    if row.status is TransferStatus.SKIPPED:
        return f"{tag} skipped: {literal(result.reason)}"
    return f"{tag} {_word(row)}: {size_text(result.bytes_moved)} in {clock_text(result.seconds)}"

"""The question when a person quits while transfers run."""

from collections.abc import Iterable
from enum import StrEnum

from textual.widget import Widget
from textual.widgets import Button

from modelsync.comparison import Direction
from modelsync.queue import QueueSnapshot, TransferRow, TransferStatus
from modelsync_tui import text
from modelsync_tui.dialogs.card import Card, choice, sentence

_SHOWN_MAX = 4


_BEGUN = (TransferStatus.RUNNING, TransferStatus.PAUSED)


class QuitChoice(StrEnum):
    """What to do with the work."""

    KEEP_GOING = "keep going"
    PAUSE_AND_QUIT = "pause and quit"
    CANCEL_AND_QUIT = "cancel and quit"


class QuitDialog(Card[QuitChoice]):
    """Names the work that is not finished and asks what becomes of it."""

    def __init__(self, queue: QueueSnapshot) -> None:
        super().__init__("Quit?")
        self._queue = queue

    def body(self) -> Iterable[Widget]:
        yield sentence(self._work(), id="work")
        rows = [row for row in self._queue.rows if row.status in _BEGUN]
        if rows:
            yield sentence("\n".join(self._line(row) for row in rows[:_SHOWN_MAX]), id="running", kind="-muted")

    def choices(self) -> Iterable[Widget]:
        enter = "Enter" if self.plain else "↵"
        yield choice("Keep going in this window", "Esc", id="keep")
        yield choice("Pause all, save and quit", enter, id="pause")
        yield sentence("they are back, paused, at the next start", kind="-muted -under")
        yield choice("Cancel all and quit", "", id="cancel", kind="-danger")
        yield sentence(self._lost(), id="lost", kind="-muted -under")

    def on_mount(self) -> None:
        self.set_focus(self.query_one("#pause", Button))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        match event.button.id:
            case "pause":
                self.dismiss(QuitChoice.PAUSE_AND_QUIT)
            case "cancel":
                self.dismiss(QuitChoice.CANCEL_AND_QUIT)
            case _:
                self.dismiss(QuitChoice.KEEP_GOING)

    def action_decline(self) -> None:
        self.dismiss(QuitChoice.KEEP_GOING)

    def _work(self) -> str:
        queue = self._queue
        running = text.count_text(queue.running, "transfer")
        parts = [f"{running} {'is' if queue.running == 1 else 'are'} running"] if queue.running else []
        if queue.waiting:
            parts.append(f"{queue.waiting} {'is' if queue.waiting == 1 else 'are'} waiting")
        if queue.paused:
            parts.append(f"{queue.paused} {'is' if queue.paused == 1 else 'are'} paused")
        return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 2 else parts) + "." if parts else ""

    def _lost(self) -> str:
        """What a cancel does to those that have begun, as far as it is known which there are."""
        begun = {row.request.direction for row in self._queue.rows if row.status in _BEGUN}
        pushed, pulled = "marks versions that were being pushed as failed", "removes what was pulled so far"
        match Direction.PUSH in begun, Direction.PULL in begun:
            case True, True:
                return f"{pushed}; {pulled}"
            case False, True:
                return pulled
            case True, False:
                return pushed
            case _:
                return "none of them has begun"

    def _line(self, row: TransferRow) -> str:
        glyphs = self.glyphs
        status = glyphs.running if row.status is TransferStatus.RUNNING else glyphs.paused
        direction = glyphs.up if row.request.direction is Direction.PUSH else glyphs.down
        tag = text.cut_middle(str(row.request.tag), 46, glyphs.ellipsis)
        return f"{status} {direction} {tag}  {int(100 * row.progress.fraction)}%"

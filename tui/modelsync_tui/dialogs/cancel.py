"""The question before a transfer is cancelled that has moved something."""

from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Button

from modelsync.comparison import Direction
from modelsync.queue import TransferRow, TransferStatus
from modelsync_tui import text
from modelsync_tui.dialogs.card import Card, choice, sentence

_TAG_CELLS = 50


class CancelChoice(StrEnum):
    """What becomes of the transfer."""

    LEAVE = "leave"
    PAUSE = "pause"
    CANCEL = "cancel"


class CancelDialog(Card[CancelChoice]):
    """Says what a cancel gives up, and offers the pause that keeps it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "cancel_it", show=False, id="dialog.cancel_transfer", tooltip="cancel the transfer"),
    ]

    def __init__(self, row: TransferRow) -> None:
        super().__init__("Cancel?")
        self._row = row
        self._rests = row.status in (TransferStatus.PAUSED, TransferStatus.FAILED)
        """Nothing of it moves now: there is nothing to pause."""

    def body(self) -> Iterable[Widget]:
        row = self._row
        tag = text.cut_middle(text.literal(str(row.request.tag)), _TAG_CELLS, self.glyphs.ellipsis)
        come = "have been sent" if row.request.direction is Direction.PUSH else "have come"
        total = f" of {text.size_text(row.bytes_total)}" if row.bytes_total else ""
        yield sentence(f"{row.request.direction} {tag}\n{text.size_text(row.bytes_done)}{total} {come}.", id="work")

    def choices(self) -> Iterable[Widget]:
        enter = "Enter" if self.plain else "↵"
        yield choice(f"Leave it {self._row.status}" if self._rests else "Let it go on", "Esc", id="leave")
        if not self._rests:
            yield choice("Pause it, keep what is finished", enter, id="pause")
        yield choice("Cancel it", "x", id="cancel", kind="-danger")
        yield sentence(self._lost, kind="-muted -under")

    @property
    def _lost(self) -> str:
        if self._row.request.direction is Direction.PULL:
            return "what has come is removed; a later pull begins anew"
        return "the registry marks it failed; finished parts are kept"

    def on_mount(self) -> None:
        self.set_focus(self.query_one("#leave" if self._rests else "#pause", Button))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        match event.button.id:
            case "pause":
                self.dismiss(CancelChoice.PAUSE)
            case "cancel":
                self.dismiss(CancelChoice.CANCEL)
            case _:
                self.dismiss(CancelChoice.LEAVE)

    def action_cancel_it(self) -> None:
        self.dismiss(CancelChoice.CANCEL)

    def action_decline(self) -> None:
        self.dismiss(CancelChoice.LEAVE)

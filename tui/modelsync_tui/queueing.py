"""The queue on the screen: one timer that reads a snapshot while something moves, and what a person does to it."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App
from textual.timer import Timer

from modelsync_tui.text import ago_text

if TYPE_CHECKING:
    from modelsync.transfers import QueueSnapshot, TransferRequest, TransferRow, Transfers

DRAWN_EVERY_S = 1 / 8


class Queueing:
    """Between the engine's queue and the pane that shows it; lives on the event loop."""

    def __init__(
        self,
        app: App[object],
        show: "Callable[[QueueSnapshot], object]",
        ended: "Callable[[TransferRow], object]",
    ) -> None:
        self._app = app
        self._show = show
        self._ended = ended
        self._timer: Timer | None = None
        self.transfers: Transfers | None = None

    def start(self, work: Callable[[], None], name: str) -> None:
        """How the queue starts a transfer: a thread worker of the application, which outlives any screen."""
        self._app.call_later(
            partial(
                self._app.run_worker,
                work,
                thread=True,
                group="transfers",
                name=name,
                description=name,
                exit_on_error=False,
            )
        )

    def finished(self, row: "TransferRow") -> None:
        """Called by a transfer's thread when it ended."""
        self._app.call_later(self._end, row)

    def use(self, transfers: "Transfers") -> None:
        """Shows another queue."""
        self.transfers = transfers
        self.draw()

    def add(self, requests: "list[TransferRequest]") -> None:
        """Puts requests into the queue."""
        if self.transfers is not None:
            self.transfers.add(requests)
            self.draw()

    def tell(self, command: "Callable[[Transfers], object]") -> None:
        """Does something to the queue; a transfer that is gone meanwhile is no fault."""
        if self.transfers is None:
            return
        with suppress(KeyError):
            command(self.transfers)
        self.draw()

    @property
    def busy(self) -> bool:
        return self.transfers is not None and self.transfers.snapshot().busy

    def draw(self) -> None:
        """Draws one snapshot, and goes on by itself while something moves."""
        if self.transfers is None:
            return
        snapshot = self.transfers.snapshot()
        self._show(snapshot)
        self._title(snapshot)
        if snapshot.busy and self._timer is None:
            self._timer = self._app.set_interval(DRAWN_EVERY_S, self.draw)
        elif not snapshot.busy and self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _end(self, row: "TransferRow") -> None:
        self.draw()
        self._ended(row)

    def _title(self, snapshot: "QueueSnapshot") -> None:
        words = "modelsync"
        if snapshot.busy:
            words = f"{snapshot.fraction:.0%} modelsync"
            if snapshot.eta_s is not None:
                words += f" {ago_text(snapshot.eta_s)}"
        if words != self._app.title:
            self._app.title = words

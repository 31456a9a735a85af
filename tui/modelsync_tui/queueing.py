"""The queue on the screen: one timer that reads a snapshot while something moves, and what a person does to it."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from textual.app import App
from textual.timer import Timer

from modelsync.settings import THREADS_MAX
from modelsync_tui import glyphs
from modelsync_tui.terminal import TerminalVoice
from modelsync_tui.widgets.words import speed_text

if TYPE_CHECKING:
    from modelsync.comparison import Direction
    from modelsync.model import RemoteModel
    from modelsync.tag import Tag
    from modelsync.transfers import QueueSnapshot, TransferRow, Transfers
    from modelsync_tui.dialogs.bandwidth import Limit
    from modelsync_tui.planning import Agreed

    Queues = tuple[tuple[str, Transfers], ...]

log = logging.getLogger("modelsync.tui")
DRAWN_EVERY_S = 1 / 8


class Queueing:
    """Between the engine's queue and the pane that shows it; lives on the event loop."""

    def __init__(
        self,
        app: App[object],
        show: "Callable[[QueueSnapshot], object]",
        ended: "Callable[[TransferRow], object]",
        voice: TerminalVoice,
        queues: "Callable[[], Queues]",
    ) -> None:
        """`queues`: those of every context that was used, by its name."""
        self._app = app
        self._queues = queues
        self._voice = voice
        self._show = show
        self._ended = ended
        self._timer: Timer | None = None
        self.transfers: Transfers | None = None
        """Where what is asked for goes: the queue of the context in use."""
        self.already_there: frozenset[tuple[Direction, Tag]] = frozenset()
        """What plans did not put into the queue, since a person last cleared the list."""
        self.recent_speed = 0.0
        """Bytes per second that were moved last, for telling how long more will take; 0 while not known."""

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

    def add(self, agreed: "Agreed") -> None:
        """Puts what goes into the queue."""
        if self.transfers is not None:
            queued = {(request.direction, request.tag) for request in agreed.requests}
            self.already_there = (self.already_there | agreed.already_there) - queued
            self.transfers.add(agreed.requests)
            self.draw()

    def goes_on(self, tag: "Tag", remote: "RemoteModel") -> bool:
        """Whether the upload that the registry tells of was begun here and cut short: a push goes on with it."""
        return self.transfers is not None and self.transfers.goes_on(tag, remote)

    def clear_done(self) -> None:
        """Takes what is finished off the list."""
        self.already_there = frozenset()
        self.tell(lambda transfers: transfers.clear_done())

    def tell(self, command: "Callable[[Transfers], object]") -> None:
        """Does something to every queue; one that has no such transfer is left alone."""
        for _, transfers in self._queues():
            with suppress(KeyError):
                command(transfers)
        self.draw()

    def snapshot(self) -> "QueueSnapshot":
        """All queues as one; a transfer of another context than the one in use says whose it is."""
        from modelsync.queue import QueueSnapshot

        mine = self.transfers.snapshot() if self.transfers is not None else QueueSnapshot()
        others = [
            replace(queue, rows=tuple(replace(row, context=name) for row in queue.rows))
            for name, transfers in self._queues()
            if transfers is not self.transfers and (queue := transfers.snapshot()).rows
        ]
        return mine.beside(others) if others else mine

    def wait(self, timeout_s: float) -> bool:
        """Blocks until nothing runs or waits; False when the time ran out first."""
        deadline = monotonic() + timeout_s
        return all(transfers.wait(max(0.0, deadline - monotonic())) for _, transfers in self._queues())

    def change_workers(self, by: int) -> str:
        """More or fewer part threads, at once; the words that say how many there are now."""
        if self.transfers is None:
            return "Not connected to a registry: r tries again, a signs in."
        threads = max(1, min(THREADS_MAX, self.transfers.threads + by))
        self.tell(lambda transfers: transfers.set_threads(threads))
        return f"At most {threads} worker{'s' * (threads != 1)} from now on."

    def ask_bandwidth(self, say: Callable[[str], object]) -> None:
        """Asks for another limit, which holds at once."""
        from modelsync_tui.dialogs.bandwidth import BandwidthDialog

        transfers = self.transfers
        if transfers is None:
            say("Not connected to a registry: r tries again, a signs in.")
            return

        def picked(limit: "Limit | None") -> None:
            if limit is None:
                return
            self.tell(lambda transfers: transfers.set_limit(limit.bytes_per_s))
            now = "off" if limit.bytes_per_s is None else speed_text(limit.bytes_per_s)
            log.info("bandwidth limit: %s", now)
            say(f"The bandwidth limit is {now} from now on.")

        self._app.push_screen(BandwidthDialog(transfers.limit), picked)

    @property
    def busy(self) -> bool:
        return self.snapshot().busy

    def draw(self) -> None:
        """Draws one snapshot, and goes on by itself while something moves."""
        if self.transfers is None:
            return
        snapshot = self.snapshot()
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
        """The share that the pane's border shows, also where only the terminal's title is in sight."""
        words = ""
        if snapshot.busy:
            self.recent_speed = snapshot.upload_speed + snapshot.download_speed or self.recent_speed
            characters = glyphs.of(self._app)
            arrow = characters.down if snapshot.download_speed > snapshot.upload_speed else characters.up
            share = f"{int(100 * snapshot.fraction)}% " if snapshot.bytes_total else ""
            words = f"{arrow} {share}modelsync"
        self._voice.title(words)
        self._app.title = words or "modelsync"

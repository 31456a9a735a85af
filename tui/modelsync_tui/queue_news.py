"""Tells every place of the screen how the queue stands, and what came of a transfer that ended."""

from typing import TYPE_CHECKING

from modelsync_tui.accounts import Accounts
from modelsync_tui.alerts import Alerts
from modelsync_tui.details_door import DetailsDoor
from modelsync_tui.loading import Loader
from modelsync_tui.text import literal
from modelsync_tui.widgets.browser import Browser
from modelsync_tui.widgets.messageline import Kind, MessageLine
from modelsync_tui.widgets.transfers import TransfersPane

if TYPE_CHECKING:
    from modelsync.transfers import QueueSnapshot, TransferRow


class QueueNews:
    """Belongs to the main screen."""

    def __init__(
        self,
        loader: Loader,
        panes: tuple[Browser, Browser, TransfersPane],
        message: MessageLine,
        accounts: Accounts,
        alerts: Alerts,
        details: DetailsDoor,
    ) -> None:
        """`panes`: local, remote, transfers."""
        self._loader = loader
        self._local, self._remote, self._transfers = panes
        self._message = message
        self._accounts = accounts
        self._alerts = alerts
        self._details = details

    def show(self, snapshot: "QueueSnapshot") -> None:
        """How it stands now; cheap enough for eight times a second."""
        self._transfers.show(snapshot)
        running = [row for row in snapshot.rows if row.status.value == "running"]
        moving = {str(row.request.tag): row.progress.fraction for row in running}
        self._local.show_moving(moving)
        self._remote.show_moving({str(row.request.tag): row.progress.fraction for row in running if not row.context})
        self._accounts.watch(snapshot)
        self._details.show_moving(moving)
        self._alerts.queue_has(snapshot.waiting)

    def ended(self, row: "TransferRow") -> None:
        """A transfer is over, well or not: what it did is read again."""
        self._loader.reread(row.request.tag)
        self._details.transfer_ended(row.request.tag)
        if row.error is not None:
            words = f"{row.request.direction} {row.request.tag} failed: {literal(row.error.sentence)}"
            self._message.say(words, Kind.BAD)
        self._alerts.ended(row)

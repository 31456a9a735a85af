"""The message line while nothing else is said: what is under the cursor, or what F5 would do with what is marked."""

from modelsync.comparison import Direction
from modelsync.queue import TransferStatus
from modelsync_tui.keys import Where
from modelsync_tui.listing import Side
from modelsync_tui.loading import Link, Loader
from modelsync_tui.notices import row_words
from modelsync_tui.panes import Panes
from modelsync_tui.planning import plan_for, plan_words
from modelsync_tui.widgets.messageline import Kind, MessageLine
from modelsync_tui.widgets.transfer_story import story_line
from modelsync_tui.widgets.transfers import TransfersPane

PLANNED_MAX_VERSIONS = 2_000
"""Of a larger marked set the message line does not say what F5 would do: the plan itself does."""


class Forecast:
    """Belongs to the main screen."""

    def __init__(self, loader: Loader, panes: Panes, transfers: TransfersPane, message: MessageLine) -> None:
        self._loader = loader
        self._panes = panes
        self._transfers = transfers
        self._message = message
        self._shown_link = Link.CONNECTING

    @property
    def direction(self) -> Direction:
        """Where a copy from the current pane goes."""
        return Direction.PUSH if self._panes.current.side is Side.LOCAL else Direction.PULL

    def tell(self) -> None:
        """Says it now, in the place of what was said before; of what the pane with the focus shows."""
        if self._panes.place is Where.TRANSFERS:
            self._tell_transfer()
            return
        browser, catalog = self._panes.current, self._loader.catalog
        if not browser.marks or self._loader.link is not Link.ONLINE or len(browser.marks) > PLANNED_MAX_VERSIONS:
            self._message.say(*row_words(browser.row, catalog))
            return
        plan = plan_for(catalog, browser.marks.keys, self.direction)
        self._message.say(f"marked {len(browser.marks):,}: F5 {plan_words(plan)}")

    def _tell_transfer(self) -> None:
        row = self._transfers.selected
        words = story_line(row, self._message.content_size.width) if row is not None else ""
        failed = row is not None and row.status is TransferStatus.FAILED
        self._message.say(words, Kind.BAD if failed else Kind.PLAIN)

    def tell_again(self) -> None:
        """Says it anew, unless what is said is of more weight."""
        if self._message.kind is Kind.PLAIN:
            self.tell()

    def break_silence(self) -> None:
        """Says it where nothing is said: a dialog that was left for nothing leaves an empty line."""
        if self._message.is_silent:
            self.tell()

    def link_changed(self) -> None:
        """What was said of a registry that was not there is over when it is."""
        link, before = self._loader.link, self._shown_link
        self._shown_link = link
        if link is Link.ONLINE and before is not Link.ONLINE:
            self.tell()

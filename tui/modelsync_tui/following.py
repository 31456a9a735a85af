"""What follows a person through the lists: the other side's cursor, questions about what is in sight, further pages."""

from modelsync_tui.listing import Side
from modelsync_tui.loading import Loader
from modelsync_tui.panes import Panes
from modelsync_tui.widgets.browser import Browser


class Following:
    """Belongs to the main screen."""

    def __init__(self, loader: Loader, panes: Panes) -> None:
        self._loader = loader
        self._panes = panes

    def cursor_moved(self, browser: Browser) -> None:
        """A person went to another row."""
        self._link_cursor()
        self._loader.ask(browser.names_in_sight)

    def list_changed(self, browser: Browser) -> None:
        """Other rows are shown."""
        self._loader.ask(browser.names_in_sight)
        self._link_cursor()
        if browser.side is Side.REMOTE and browser.wants_more:
            self._loader.registry.more_unasked()

    def end_reached(self, browser: Browser) -> None:
        """The end of what is loaded is in sight."""
        self._loader.ask(browser.names_in_sight)
        if browser.side is Side.REMOTE:
            self._loader.registry.more()

    def _link_cursor(self) -> None:
        """Puts the other side's cursor on the same tag."""
        browser = self._panes.current
        if browser.row is not None and browser.has_list_focus:
            self._panes.other.point_at(browser.row.key)

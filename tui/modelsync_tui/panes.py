"""Which panes of the main screen are there, how large they are, and which one a person is in."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.geometry import Size
from textual.screen import Screen

from modelsync_tui import keys
from modelsync_tui.listing import Side, size_of
from modelsync_tui.widgets.browser import Browser
from modelsync_tui.widgets.log import LogPane
from modelsync_tui.widgets.transfers import TransfersPane

if TYPE_CHECKING:
    from modelsync.tag import Tag

ONE_PANE_BELOW_CELLS = 60
SHORT_BELOW_ROWS = 30
LOW_BELOW_ROWS = 16
"""A browser, the transfers or the log, each alone."""


class Panes:
    """Belongs to the main screen, whose classes say the same to the style sheet."""

    def __init__(
        self, screen: Screen[None], browsers: dict[Side, Browser], transfers: TransfersPane, log: LogPane
    ) -> None:
        self._screen = screen
        self._browsers = browsers
        self._transfers = transfers
        self._log = log
        self.current = browsers[Side.LOCAL]
        """The browser that a person was in last: what keys are about."""
        self.current.add_class("-current", update=False)

    @property
    def other(self) -> Browser:
        """The browser of the other side."""
        return self._browsers[Side.REMOTE if self.current.side is Side.LOCAL else Side.LOCAL]

    @property
    def one_at_a_time(self) -> bool:
        """Whether there is room for one browser only."""
        return self._screen.has_class("-one-pane")

    @property
    def place(self) -> keys.Where:
        """Which pane has the focus."""
        if self._log.has_focus:
            return keys.Where.LOG
        return keys.Where.TRANSFERS if self._transfers.has_focus else keys.Where.BROWSER

    def fit(self, size: Size) -> None:
        """Takes the size of the terminal."""
        self._screen.set_class(size.width < ONE_PANE_BELOW_CELLS, "-one-pane")
        self._screen.set_class(size.height < SHORT_BELOW_ROWS, "-short")
        low = size.height < LOW_BELOW_ROWS
        if low and not self._is_low:
            self._leave_alone()
        self._screen.set_class(low, "-low")
        self.make_current(self.current)

    def make_current(self, browser: Browser) -> None:
        """From now on keys are about this one."""
        self.current = browser
        for pane in self._browsers.values():
            pane.set_class(pane is browser, "-current")

    def go(self, name: str) -> None:
        """Brings `local`, `remote`, `transfers` or `log` into view, with the focus."""
        match name:
            case "transfers":
                self._bring_transfers()
                self._focus(self._transfers)
            case "log":
                self._bring_log()
                self._focus(self._log)
            case _:
                self._shrink_transfers()
                if self._is_low:
                    self._screen.remove_class("-log")
                self.make_current(self._browsers[Side(name)])
                self.current.focus_list()

    def go_to(self, tag: "Tag") -> bool:
        """Shows a version in the list that has it, the local one first; False where none has."""
        key = (tag.name, tag.version)
        for side, browser in self._browsers.items():
            if size_of(browser.catalog, side, key) is not None and browser.go_to(key):
                self.go(side.value)
                return True
        return False

    def step(self, by: int) -> None:
        """The pane beside the one with the focus."""
        names = ["local", "remote"]
        if not self.one_at_a_time and not self._is_low:
            names += [name for name, pane in (("transfers", self._transfers), ("log", self._log)) if pane.display]
        at = self.current.side.value
        if self.place is not keys.Where.BROWSER:
            at = "log" if self.place is keys.Where.LOG else "transfers"
        place = names.index(at) if at in names else 0
        self.go(names[(place + by) % len(names)])

    def turn_transfers(self) -> None:
        """The transfers small, full, off, and small again."""
        if self._is_low:
            self.go(self.current.side.value if self._transfers.full else "transfers")
        elif self._screen.has_class("-transfers-off"):
            self._screen.remove_class("-transfers-off")
        elif self._transfers.full:
            self._transfers.full = False
            self._screen.remove_class("-transfers-full", update=False)  # the next line styles the whole screen anew
            self._screen.add_class("-transfers-off")
            self.current.focus_list()
        else:
            self._grow_transfers()
            self._focus(self._transfers)

    def turn_log(self) -> None:
        """The log below the transfers, or where it is short in their place; and away again."""
        if self._is_low:
            self.go(self.current.side.value if self._log.has_focus else "log")
            return
        if not self._log.display:
            self._bring_log()
            return
        if self._log.has_focus and self._transfers.full:
            self._focus(self._transfers)  # the lists are behind them
        elif self._log.has_focus:
            self.current.focus_list()
        self._screen.remove_class("-log")

    def draw_borders(self) -> None:
        """The lines in the borders' texts, whose colour is part of the text."""
        draw: tuple[Callable[[], object], ...] = (
            *(browser.draw_titles for browser in self._browsers.values()),
            self._transfers.draw_titles,
            self._log.draw_titles,
        )
        for each in draw:
            each()

    def _focus(self, pane: TransfersPane | LogPane) -> None:
        """At once: a widget's own `focus` waits for its turn, and a key typed right behind would go to the old pane."""
        self._screen.set_focus(pane)

    @property
    def _is_low(self) -> bool:
        return self._screen.has_class("-low")

    def _leave_alone(self) -> None:
        """Only the pane with the focus is to be left."""
        match self.place:
            case keys.Where.TRANSFERS:
                self._grow_transfers()
            case keys.Where.LOG:
                pass
            case _:
                self._screen.remove_class("-log")

    def _bring_transfers(self) -> None:
        self._screen.remove_class("-transfers-off")
        if not self._transfers.display:
            self._screen.remove_class("-log")  # it has the place of the transfers
        if self._is_low:
            self._grow_transfers()

    def _grow_transfers(self) -> None:
        self._transfers.full = True
        self._screen.add_class("-transfers-full")

    def _bring_log(self) -> None:
        self._screen.add_class("-log")
        if self._screen.has_class("-short") and self._transfers.full:
            self._shrink_transfers()

    def _shrink_transfers(self) -> None:
        self._screen.remove_class("-transfers-full")
        self._transfers.full = False

"""The filter while it is typed: the bar in the place of the message line, and the list that follows each letter."""

from textual.screen import Screen

from modelsync_tui.panes import Panes
from modelsync_tui.text import literal
from modelsync_tui.widgets.messageline import FilterBar


class Filtering:
    """Belongs to the main screen."""

    def __init__(self, screen: Screen[None], panes: Panes, bar: FilterBar) -> None:
        self._screen = screen
        self._panes = panes
        self._bar = bar

    def begin(self) -> None:
        """Opens the bar with the filter of the current list."""
        self._screen.add_class("-filtering")
        self._bar.begin(self._panes.current.ask.filter.text)
        self._hint()

    def typed(self, text: str) -> None:
        """The text is another."""
        self._panes.current.set_filter(text)
        self._hint()

    def end(self, *, keep: bool) -> None:
        """Closes the bar; with `keep` the filter stays."""
        self._screen.remove_class("-filtering")
        if not keep:
            self._panes.current.set_filter("")
        self._panes.current.focus_list()

    def _hint(self) -> None:
        not_understood = self._panes.current.ask.filter.not_understood
        words = " ".join(literal(word) for word in not_understood)
        self._bar.hint(f"not understood: {words}" if words else "")

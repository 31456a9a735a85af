"""The filter while it is typed: the bar in the place of the message line; the list, or the log, follows each letter."""

from textual.screen import Screen

from modelsync_tui.panes import Panes
from modelsync_tui.text import literal
from modelsync_tui.widgets.log import LogPane
from modelsync_tui.widgets.messageline import FilterBar

_OF_LISTS = "name  label:k=v  size:>1GiB  age:<7d  state:differs  by:who"
_OF_LOG = "words that a line must have"

WORDS_FROM_CELLS = 60
"""Below this width a question mark stands for "not understood"."""


class Filtering:
    """Belongs to the main screen."""

    def __init__(self, screen: Screen[None], panes: Panes, log: LogPane, bar: FilterBar) -> None:
        self._screen = screen
        self._panes = panes
        self._log = log
        self._bar = bar
        self._of_log = False

    def begin(self) -> None:
        """Opens the bar with the filter of the log, if a person is in it, or of the current list."""
        self._of_log = self._log.has_focus
        self._screen.add_class("-filtering")
        if self._of_log:
            self._bar.begin(self._log.filter_text, _OF_LOG)
        else:
            self._bar.begin(self._panes.current.ask.filter.text, _OF_LISTS)
        self._hint()

    def typed(self, text: str) -> None:
        """The text is another."""
        self._set(text)
        self._hint()

    def end(self, *, keep: bool) -> None:
        """Closes the bar; with `keep` the filter stays."""
        self._screen.remove_class("-filtering")
        if not keep:
            self._set("")
        if self._of_log:
            self._log.focus()
        else:
            self._panes.current.focus_list()

    def _set(self, text: str) -> None:
        if self._of_log:
            self._log.set_filter(text)
        else:
            self._panes.current.set_filter(text)

    def _hint(self) -> None:
        not_understood = () if self._of_log else self._panes.current.ask.filter.not_understood
        words = " ".join(literal(word) for word in not_understood)
        wide = self._screen.size.width >= WORDS_FROM_CELLS
        self._bar.hint(f"{'not understood: ' if wide else '? '}{words}" if words else "")

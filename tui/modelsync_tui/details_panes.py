"""The panes of the details: which of them are seen, which one has the focus, and what their borders say."""

from collections.abc import Mapping

from textual.geometry import Size
from textual.screen import Screen

from modelsync_tui.arrangement import FACTS, PANES, VERSIONS, Arrangement
from modelsync_tui.detail_words import Borders
from modelsync_tui.widgets.pane import Pane
from modelsync_tui.widgets.picklist import PickList


class DetailPanes:
    """Belongs to the details screen."""

    def __init__(self, screen: Screen[None], lists: Mapping[str, PickList]) -> None:
        """`lists`: what each pane holds, by the pane's name."""
        self._screen = screen
        self._lists = lists
        self._arrangement = Arrangement()
        self.frames = {name: Pane(id=name) for name in PANES}

    @property
    def current(self) -> str:
        """The pane with the focus."""
        return next((name for name, lines in self._lists.items() if lines.has_focus), VERSIONS)

    @property
    def lines(self) -> PickList:
        """What the pane with the focus holds."""
        return self._lists[self.current]

    @property
    def tabs(self) -> tuple[str, ...]:
        """The panes that share one place."""
        return self._arrangement.tabs

    def say(self, titles: Mapping[str, Borders]) -> None:
        """What stands in the borders, by the pane's name."""
        for name, (upper, lower) in titles.items():
            self.frames[name].say(upper, lower)

    def go_to(self, name: str) -> None:
        """Brings a pane into view and gives it the focus; at once where it is seen: the next key is meant for it."""
        was_seen = name in self._arrangement.shown
        self._arrangement.show(name)
        self._arrange()
        if was_seen:
            self._screen.set_focus(self._lists[name])
        else:
            self._lists[name].focus()

    def step(self, by: int) -> None:
        """The pane beside the one with the focus."""
        self.go_to(self._arrangement.step(self.current, by))

    def turn(self, by: int) -> None:
        """The tab beside the one that is seen; where all are seen, the next pane."""
        self.go_to(self._arrangement.turn(self.current, by))

    def fit(self, size: Size) -> None:
        """Shares a screen of that size among the panes."""
        current = self.current
        self._arrangement.fit(*size)
        self.go_to(current)

    def _arrange(self) -> None:
        screen, shown = self._screen, self._arrangement.shown
        screen.set_class(self._arrangement.tabbed or self._arrangement.alone, "-tabs")
        screen.set_class(self._arrangement.alone, "-alone")
        screen.set_class(self._arrangement.low, "-low")
        screen.set_class(FACTS in shown or shown == (VERSIONS,), "-at-upper")
        for name, frame in self.frames.items():
            frame.set_class(name not in shown, "-hidden")
        screen.query_one("#upper").set_class(not {VERSIONS, FACTS} & set(shown), "-hidden")

"""Which panes of the details are seen at a size of the terminal, and which share a place."""

from dataclasses import dataclass

TABS_BELOW_CELLS = 100
TABS_BELOW_ROWS = 30
ONE_PANE_BELOW_ROWS = 16
LOW_BELOW_ROWS = 20
VERSIONS, FACTS, FILES, HISTORY = "versions", "facts", "files", "history"
PANES = (VERSIONS, FACTS, FILES, HISTORY)
"""In the order of the Tab key."""


@dataclass(slots=True)
class Arrangement:
    """All panes at once where there is room; else the versions and one of the others, or one alone."""

    tabbed: bool = False
    alone: bool = False
    """Even the versions share the one place."""
    low: bool = False
    """Few lines: the versions leave most of them to what shares the other place."""
    tab: str = FACTS
    """Which of those that share a place is seen."""

    def fit(self, width: int, height: int) -> None:
        """Takes the size of the terminal."""
        self.tabbed = width < TABS_BELOW_CELLS or height < TABS_BELOW_ROWS
        self.alone = height < ONE_PANE_BELOW_ROWS
        self.low = height < LOW_BELOW_ROWS
        if not self.alone and self.tab == VERSIONS:
            self.tab = FACTS

    @property
    def tabs(self) -> tuple[str, ...]:
        """The panes that share one place."""
        if not self.tabbed and not self.alone:
            return ()
        return PANES if self.alone else PANES[1:]

    @property
    def shown(self) -> tuple[str, ...]:
        """The panes that are seen."""
        return tuple(name for name in PANES if name not in self.tabs or name == self.tab)

    def show(self, name: str) -> None:
        """Brings a pane into view."""
        if name in self.tabs:
            self.tab = name

    def turn(self, name: str, by: int) -> str:
        """The next tab comes into view; the pane that then has the focus, when `name` had it."""
        if not self.tabs:
            return self.step(name, by)
        self.tab = self.tabs[(self.tabs.index(self.tab) + by) % len(self.tabs)]
        return self.tab if name in self.tabs else name

    def step(self, name: str, by: int) -> str:
        """The pane beside one, of those that are seen."""
        at = self.shown.index(name) if name in self.shown else 0
        return self.shown[(at + by) % len(self.shown)]

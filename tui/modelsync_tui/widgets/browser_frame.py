"""The words around a browser's rows: in both borders, and in the place of the rows while there are none."""

from collections.abc import Sequence

from textual.widget import Widget
from textual.widgets import Static

from modelsync_tui.listing import Side
from modelsync_tui.marks import Marks
from modelsync_tui.shown_list import ShownList
from modelsync_tui.widgets.borders import LowerBorder, lower_border, marked_words
from modelsync_tui.widgets.rowlist import RowList
from modelsync_tui.widgets.titles import edge

WIDE_CELLS = 50
"""From this width on a browser's border has room for whole words."""


class BrowserFrame:
    """Belongs to one browser."""

    def __init__(self, browser: Widget, shown: ShownList, marks: Marks, rows: RowList) -> None:
        self.notice_line = Static(id="notice", markup=False)
        self._browser = browser
        self._shown = shown
        self._marks = marks
        self._rows = rows
        self._name = ""
        self._news = ""
        self._notice: tuple[str, ...] = ()

    def show_title(self, name: str, news: str) -> None:
        """The words at the left and, while nothing is marked, at the right of the upper border."""
        self._name, self._news = name, news
        self.draw()

    def show_notice(self, lines: Sequence[str]) -> None:
        """What stands in the place of the rows while there are none."""
        self._notice = tuple(lines)
        self.draw_notice()

    def draw(self) -> None:
        """The words in both borders; also after a resize or a change of focus, which change the line between them."""
        browser, shown = self._browser, self._shown
        if not browser.is_mounted:
            return
        more = shown.ask.side is Side.REMOTE and not shown.catalog.remote_complete
        facts = LowerBorder(
            shown.ask,
            self._rows.cursor,
            len(shown.flat.rows),
            shown.listing.shown,
            shown.listing.total,
            shown.catalog.remote_total if more else None,
        )
        browser.border_title = edge(browser, self._name, marked_words(self._marks) or self._news)
        browser.border_subtitle = edge(browser, *lower_border(facts, wide=browser.size.width >= WIDE_CELLS))

    def draw_notice(self) -> None:
        """Says why there are no rows, where there are none."""
        if not self._browser.is_mounted:
            return
        lines = self._notice
        if self._shown.listing.total and self._shown.ask.narrowed:
            lines = ("Nothing here matches.", "", "Esc  show everything again")
        elif self._shown.listing.total:
            lines = ()
        empty = not self._shown.flat.rows
        self.notice_line.update("\n".join(lines))
        self.notice_line.display = empty
        self._rows.set_class(empty, "empty")

"""The words in a pane's border: one text at the left of an edge and one at its right."""

from rich.cells import cell_len
from textual.content import Content
from textual.style import Style
from textual.widget import Widget

from modelsync_tui import glyphs
from modelsync_tui.text import cut

_RESERVED_CELLS = 6
"""What Textual keeps of an edge for its corners, one cell of line and one blank at each end of a title."""
_LINES = {"ascii": "-", "heavy": "━", "double": "═"}


class Edges:
    """The borders of some widgets; sets only what changed, because Textual draws the whole widget for each."""

    def __init__(self) -> None:
        self._shown: dict[Widget, tuple[object, ...]] = {}

    def show(self, widget: Widget, upper: tuple[str, str], lower: tuple[str, str]) -> None:
        """Left and right text of both edges."""
        facts = (upper, lower, widget.outer_size.width, widget.styles.border_top)
        if self._shown.get(widget) != facts:
            self._shown[widget] = facts
            widget.border_title = edge(widget, *upper)
            widget.border_subtitle = edge(widget, *lower)


def edge(widget: Widget, left: str, right: str) -> Content:
    """One edge's text in the widget's whole width; the left text gives way first, neither is read as markup.

    Textual has one title per edge: the line between the two texts is therefore part of the title, in the border's
    own character and colour. Ask again when the widget's size or border changes.
    """
    if not widget.outer_size.width:
        return Content(left)  # until it has a place: the first frame says at least what is what
    width = widget.outer_size.width - _RESERVED_CELLS
    if width <= 0:
        return Content("")
    ellipsis = glyphs.of(widget.app).ellipsis
    right = cut(right, width, ellipsis)
    if not left or not right:
        return Content(right or cut(left, width, ellipsis))  # where it stands is the style sheet's to say
    left = cut(left, width - cell_len(right) - 3, ellipsis)
    if not left:
        return Content(right)
    kind, colour = widget.styles.border_top
    dashes = width - cell_len(left) - 2 - cell_len(right)
    line = Content.styled(_LINES.get(kind, "─") * max(0, dashes), Style(foreground=colour))
    return Content(left + " ") + line + Content(" " + right if dashes >= 0 else right)

"""The line of column titles above a list."""

from collections.abc import Callable, Sequence

from textual import events
from textual.message import Message
from textual.strip import Strip

from modelsync_tui.widgets.lines import Lines, Piece


class ColumnLine(Lines, can_focus=False):
    """One line that never scrolls."""

    class Clicked(Message):
        """Somewhere on the line."""

        def __init__(self, x: int) -> None:
            super().__init__()
            self.x = x
            """Cells from its left end."""

    def __init__(self, draw: Callable[[int], Sequence[Piece]]) -> None:
        super().__init__()
        self._draw = draw

    def on_click(self, event: events.Click) -> None:
        self.post_message(self.Clicked(event.x))

    def line_count(self) -> int:
        return 1

    def line(self, index: int, width: int) -> Sequence[Piece]:  # noqa: ARG002 - there is one line
        return self._draw(width)

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line
        width = self.size.width
        return self.strip(self._draw(width), width)

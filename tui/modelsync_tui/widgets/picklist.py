"""A list in which one line is picked: its cursor stays visible, fainter, while another pane has the focus."""

from pathlib import Path
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from modelsync_tui.widgets.lines import Lines

_PICKED = "picklist--picked"


class PickList(Lines, inherit_bindings=False):
    """Lines of which one is the cursor's, or none that only scroll; its keys are its screen's."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    COMPONENT_CLASSES: ClassVar[set[str]] = {_PICKED}

    class Moved(Message):
        """The cursor stands on another line."""

        def __init__(self, picked: "PickList") -> None:
            super().__init__()
            self.picked = picked

        @property
        def control(self) -> "PickList":
            return self.picked

    class Opened(Message):
        """A line was clicked twice."""

        def __init__(self, picked: "PickList") -> None:
            super().__init__()
            self.picked = picked

        @property
        def control(self) -> "PickList":
            return self.picked

    @property
    def page_rows(self) -> int:
        """Lines that are visible at once."""
        return max(1, self.scrollable_content_region.height)

    def go_to_top(self) -> None:
        """The first line, and what stands above it."""
        self.cursor = 0
        self.scroll_to(y=0, animate=False)

    def go_to_bottom(self) -> None:
        """The last line."""
        self.cursor = self.line_count() - 1
        self.scroll_to(y=self.line_count(), animate=False)

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        picked = self.show_cursor and not self.has_focus and y + self.scroll_offset.y == self.cursor
        if not picked or self.cursor >= self.line_count():
            return strip
        style = self.get_component_rich_style(_PICKED, partial=True)
        return Strip(Segment.apply_style(strip, post_style=style), strip.cell_length)

    def on_resize(self) -> None:
        """What is picked stays in sight where fewer lines are left."""
        if self.show_cursor:
            self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)

    def watch_has_focus(self, _: bool) -> None:
        self.refresh()

    def watch_cursor(self, old: int, new: int) -> None:
        super().watch_cursor(old, new)
        if old != new and self.show_cursor:
            self.post_message(self.Moved(self))

    def on_click(self, event: events.Click) -> None:
        """The mouse picks; a second click opens."""
        index = event.y + self.scroll_offset.y
        if self.show_cursor and index < self.line_count():
            self.cursor = index
            if event.chain == 2:
                self.post_message(self.Opened(self))

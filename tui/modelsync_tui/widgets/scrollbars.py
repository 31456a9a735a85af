"""Scrollbars that are drawn with blanks only, for terminals that show nothing but ASCII."""

from typing import ClassVar

from textual.scrollbar import ScrollBarRender
from textual.widget import Widget

from modelsync_tui import glyphs


class BlankScrollBar(ScrollBarRender):
    """Whole cells in two colours, or reversed where there are none."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


def suit_scrollbar(widget: Widget) -> None:
    """Gives a widget the scrollbar that its application can draw."""
    if glyphs.of(widget.app) is glyphs.ASCII:
        widget.vertical_scrollbar.renderer = BlankScrollBar  # type: ignore[misc]  # the instance's own, as Textual documents

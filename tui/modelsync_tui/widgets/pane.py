"""A framed part of a screen with words in both borders."""

from pathlib import Path

from textual.containers import Vertical

from modelsync_tui import glyphs
from modelsync_tui.widgets.titles import edge


class Pane(Vertical, can_focus=False):
    """Draws its words again whenever its frame changes: the line between them is part of them."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")

    upper = ("", "")
    """What the upper border says, at its left and its right."""
    lower = ("", "")

    def say(self, upper: tuple[str, str], lower: tuple[str, str] = ("", "")) -> None:
        """The words at the left and the right of each border."""
        self.upper, self.lower = upper, lower
        self._draw_words()

    def on_mount(self) -> None:
        self.set_class(glyphs.of(self.app) is glyphs.ASCII, "-ascii")
        self.watch(self.app, "theme", self._theme_changed, init=False)

    def _theme_changed(self) -> None:
        self.call_after_refresh(self._draw_words)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw_words)

    def on_show(self) -> None:
        self.call_after_refresh(self._draw_words)

    def on_descendant_focus(self) -> None:
        self.call_after_refresh(self._draw_words)

    def on_descendant_blur(self) -> None:
        self.call_after_refresh(self._draw_words)

    def _draw_words(self) -> None:
        if self.is_attached:
            self.border_title = edge(self, *self.upper)
            self.border_subtitle = edge(self, *self.lower)

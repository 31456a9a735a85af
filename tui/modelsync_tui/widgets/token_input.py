"""A field for a secret: never shown, never copied, pasted whole."""

from rich.text import Text
from textual import events
from textual.widgets import Input

from modelsync_tui import glyphs


class TokenInput(Input):
    """An input whose text cannot be read from the screen or the clipboard."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(password=True, compact=True, id=id)

    @property
    def _value(self) -> Text:
        mask = "*" if glyphs.of(self.app) is glyphs.ASCII else "●"
        return Text(mask * len(self.value), no_wrap=True, overflow="ignore", end="")

    def _on_paste(self, event: events.Paste) -> None:
        """A paste replaces what was there, without the line ends and blanks that came along."""
        event.prevent_default()
        event.stop()
        self.value = "".join(event.text.split())
        self.cursor_position = len(self.value)

    def action_copy(self) -> None:
        """Does nothing: the clipboard is everybody's."""

    def action_cut(self) -> None:
        """Does nothing: the clipboard is everybody's."""

"""A wish that is on or off, on one line."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from modelsync_tui import glyphs
from modelsync_tui.widgets.lines import Lines, Piece, Tone


class Tick(Lines):
    """`[x] words`; Space turns it around."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "turn", show=False, id="tick.turn", tooltip="on or off"),
    ]

    class Turned(Message):
        """A person turned it around."""

        def __init__(self, tick: "Tick") -> None:
            super().__init__()
            self.tick = tick

        @property
        def control(self) -> "Tick":
            return self.tick

    def __init__(self, label: str, words: str = "", *, on: bool = False, id: str) -> None:
        """`words` say what it means, fainter."""
        super().__init__(show_cursor=True, id=id)
        self._label = label
        self._words = words
        self.on = on
        self.touched = False
        """Whether a person decided, so that nothing else may."""

    def set(self, on: bool) -> None:
        """Puts it on or off without anybody's wish."""
        self.on = on
        self.lines_changed()

    def action_turn(self) -> None:
        self.touched = True
        self.set(not self.on)
        self.post_message(self.Turned(self))

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.action_turn()

    def line_count(self) -> int:
        return 1

    def line(self, index: int, width: int) -> Sequence[Piece]:  # noqa: ARG002 - there is one line
        mark = glyphs.of(self.app).done if self.on else " "
        return (f"[{mark}] ", Tone.PLAIN), (f"{self._label}  ", Tone.PLAIN), (self._words, Tone.MUTED)

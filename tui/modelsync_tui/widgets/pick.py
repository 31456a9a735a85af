"""One of a few lines, chosen by moving to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType

from modelsync_tui import glyphs, text
from modelsync_tui.widgets.lines import Lines, Piece, Tone

Value = TypeVar("Value")
_LABEL_CELLS = 18


@dataclass(frozen=True, slots=True)
class Option(Generic[Value]):
    """A line that can be chosen, unless it says why not."""

    value: Value
    label: str
    words: str
    enabled: bool = True


class Pick(Lines, Generic[Value]):
    """Options one under the other; up and down choose, what is not enabled is passed over."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "choose(-1)", show=False, id="pick.up", tooltip="the choice above"),
        Binding("down,j", "choose(1)", show=False, id="pick.down", tooltip="the choice below"),
    ]

    def __init__(self, options: Sequence[Option[Value]], chosen: Value, *, id: str) -> None:
        super().__init__(show_cursor=True, id=id)
        self._options = tuple(options)
        self._chosen = chosen
        self.touched = False
        """Whether a person chose, so that nothing else may."""

    @property
    def chosen(self) -> Value:
        return self._chosen

    def set_options(self, options: Sequence[Option[Value]], chosen: Value) -> None:
        """Other words for the lines, or another choice."""
        self._options = tuple(options)
        self._choose(chosen)

    def action_choose(self, by: int) -> None:
        """Chooses the next enabled line in that direction."""
        enabled = [option.value for option in self._options if option.enabled]
        if self._chosen not in enabled:
            return
        self.touched = True
        place = enabled.index(self._chosen) + by
        self._choose(enabled[max(0, min(place, len(enabled) - 1))])

    def on_click(self, event: events.Click) -> None:
        if event.y < len(self._options) and self._options[event.y].enabled:
            self.touched = True
            self._choose(self._options[event.y].value)

    def line_count(self) -> int:
        return len(self._options)

    def line(self, index: int, width: int) -> Sequence[Piece]:
        option = self._options[index]
        characters = glyphs.of(self.app)
        mark = characters.marked if option.value == self._chosen else " "
        label = text.left(option.label, _LABEL_CELLS) if option.words else option.label
        tone = Tone.PLAIN if option.enabled else Tone.MUTED
        words = text.left(text.literal(option.words), max(0, width - 4 - len(label)), characters.ellipsis)
        return (f"({mark}) ", tone), (label, tone), (words, Tone.MUTED)

    def _choose(self, value: Value) -> None:
        self._chosen = value
        self.lines_changed()
        values = [option.value for option in self._options]
        self.cursor = values.index(value) if value in values else 0

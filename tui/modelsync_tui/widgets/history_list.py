"""What happened to one model: a line for each event, the last one first."""

from collections.abc import Sequence

from modelsync_tui import glyphs
from modelsync_tui.model_past import Event
from modelsync_tui.text import cut, left
from modelsync_tui.widgets.lines import Piece, Tone
from modelsync_tui.widgets.picklist import PickList
from modelsync_tui.widgets.words import moment_text

_VERSION_CELLS = 18
_WHO_CELLS = 10
_NARROW_BELOW_CELLS = 70
_VERSION_NARROW_CELLS = 12


class HistoryList(PickList):
    """Scrolls; there is nothing to do with what happened."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._events: tuple[Event, ...] = ()
        self._instead = ""

    def show(self, events: tuple[Event, ...], instead: str = "") -> None:
        """Shows events, or that sentence while there are none."""
        if (events, instead) != (self._events, self._instead):
            self._events, self._instead = events, instead
            self.lines_changed()

    def line_count(self) -> int:
        return len(self._events) or bool(self._instead)

    def line(self, index: int, width: int) -> Sequence[Piece]:
        if not self._events:
            return ((f" {self._instead}", Tone.MUTED),)
        event, characters = self._events[index], glyphs.of(self.app)
        version_cells = _VERSION_CELLS if width >= _NARROW_BELOW_CELLS else _VERSION_NARROW_CELLS
        before = f" {moment_text(event.when)}  {event.what}  "
        version = left(event.version, version_cells, characters.ellipsis)
        who = left(event.who, _WHO_CELLS, characters.ellipsis)
        room = width - len(before) - version_cells - _WHO_CELLS - 3
        return (
            (before, Tone.MUTED),
            (f"{version}  ", Tone.PLAIN),
            (f"{who} ", Tone.MUTED),
            (cut(event.words, room, characters.ellipsis), event.tone),
        )

"""Facts one below the other: names at the left, items beside each other as long as they fit."""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from modelsync_tui.fact import Fact
from modelsync_tui.text import left, wrapped
from modelsync_tui.widgets.lines import Piece, Tone
from modelsync_tui.widgets.picklist import PickList

_NAME_CELLS = 12


class FactLines(PickList):
    """The facts of the version that is looked at; scrolls."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._facts: tuple[Fact, ...] = ()
        self._laid: tuple[int, list[Sequence[Piece]]] = (0, [])

    def show(self, facts: tuple[Fact, ...], *, other_version: bool) -> None:
        """Shows facts, of another version from the first on."""
        if facts == self._facts:
            return
        self._facts, self._laid = facts, (0, [])
        self.lines_changed()
        if other_version:
            self.scroll_to(y=0, animate=False)

    def line_count(self) -> int:
        return len(self._lines(max(1, self.scrollable_content_region.width)))

    def line(self, index: int, width: int) -> Sequence[Piece]:
        lines = self._lines(width)
        return lines[index] if index < len(lines) else ()

    def _lines(self, width: int) -> list[Sequence[Piece]]:
        if self._laid[0] != width:
            self._laid = (width, laid_out(self._facts, width))
        return self._laid[1]


def laid_out(facts: Iterable[Fact], width: int) -> list[Sequence[Piece]]:
    """Names at the left, items beside each other as long as they fit; one that is too long goes on below itself."""
    room = max(1, width - _NAME_CELLS - 1)
    lines: list[Sequence[Piece]] = []
    for fact in facts:
        row: list[Piece] = []
        used = 0
        rows = [row]
        for text, tone in fact.items:
            if row and used + 2 + cell_len(text) > room:
                row, used = [], 0
                rows.append(row)
            if row:
                row.append(("  ", Tone.PLAIN))
                used += 2
            *whole, rest = wrapped(text, room)
            for piece in whole:
                row.append((piece, tone))
                row = []
                rows.append(row)
            row.append((rest, tone))
            used += cell_len(rest)
        for place, pieces in enumerate(rows):
            name = left(f" {fact.name}" if place == 0 else "", _NAME_CELLS)
            lines.append(((name, Tone.MUTED), *pieces))
    return lines

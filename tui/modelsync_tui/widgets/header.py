"""The first line: which store, which registry, who, and whether there is a connection."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len

from modelsync_tui import glyphs
from modelsync_tui.text import count_text, cut, cut_path, literal, size_text
from modelsync_tui.widgets.columnline import ColumnLine
from modelsync_tui.widgets.lines import Piece, Tone

WIDE_CELLS = 100
STORE_MIN_CELLS = 8
STORE_WISHED_CELLS = 12
"""The store's totals give way for so much of its path."""


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What the header says."""

    store: str
    """The store's models directory, `~` for the home."""
    size_bytes: int = 0
    versions: int = 0
    host: str = ""
    organization: str = ""
    user: str = ""
    link: str = "offline"
    read_only: bool = False
    context: str = ""
    """The name of the one in use."""
    context_tone: Tone = Tone.PLAIN


class Header(ColumnLine):
    """One line, drawn from facts."""

    BOLD: ClassVar[frozenset[Tone]] = frozenset({Tone.ACCENT})

    def __init__(self, facts: HeaderFacts) -> None:
        super().__init__(self._pieces)
        self._facts = facts

    def show(self, facts: HeaderFacts) -> None:
        """Shows other facts."""
        if facts != self._facts:
            self._facts = facts
            self.refresh()

    def _pieces(self, width: int) -> Sequence[Piece]:
        facts = self._facts
        ellipsis = glyphs.of(self.app).ellipsis
        arrow = glyphs.of(self.app).both_ways
        state = f"{facts.link} "
        if facts.read_only:
            state = f"read-only  {state}"
        tone = Tone.GOOD if facts.link == "online" else Tone.WARN if facts.link == "offline" else Tone.MUTED
        host, organization, user = (literal(text) for text in (facts.host, facts.organization, facts.user))
        totals = f" ({size_text(facts.size_bytes)}, {count_text(facts.versions, 'version')})"
        name = f" {literal(facts.context)} " if facts.context else ""
        there: list[Piece] = [(name, facts.context_tone), (" ", Tone.PLAIN)] if name else []
        if width >= WIDE_CELLS:
            there.append((host or "no registry", Tone.PLAIN))
            if organization:
                there += [("  org ", Tone.MUTED), (organization, Tone.PLAIN)]
            if user:
                there += [("  user ", Tone.MUTED), (user, Tone.PLAIN)]
        else:
            totals = ""
            there.append((f"{organization}@{host}" if organization else host or "no registry", Tone.PLAIN))
        room = width - len(state) - 1
        title = " modelsync  "
        path_cells = STORE_MIN_CELLS + len(f"  {arrow}  ")
        if _cells_of(there) + path_cells + len(title) > room:
            title = " "
        if _cells_of(there) + path_cells + len(title) > room and name:
            there = there[:1]  # the context's name stands for its registry
        path = room - _cells_of(there) - len(title) - len(f"  {arrow}  ")
        if path - len(totals) < STORE_WISHED_CELLS:
            totals = ""
        pieces: list[Piece] = [
            (title, Tone.ACCENT),
            (cut_path(facts.store, max(1, path - len(totals)), ellipsis), Tone.PLAIN),
            (totals, Tone.MUTED),
            (f"  {arrow}  ", Tone.MUTED),
            *there,
        ]
        return [*self._cut(pieces, room), (" ", Tone.PLAIN), (state, tone)]

    def _cut(self, pieces: Sequence[Piece], width: int) -> Sequence[Piece]:
        """In exactly so many cells."""
        found: list[Piece] = []
        room = width
        for text, tone in pieces:
            fitting = cut(text, room, glyphs.of(self.app).ellipsis)
            found.append((fitting, tone))
            room -= cell_len(fitting)
        return [*found, (" " * room, Tone.PLAIN)]


def _cells_of(pieces: Sequence[Piece]) -> int:
    return sum(cell_len(text) for text, _ in pieces)

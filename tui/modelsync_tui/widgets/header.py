"""The first line: which store, which registry, who, and whether there is a connection."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len

from modelsync_tui import glyphs
from modelsync_tui.text import count_text, cut_middle, literal, size_text
from modelsync_tui.widgets.columnline import ColumnLine
from modelsync_tui.widgets.lines import Piece, Tone

WIDE_CELLS = 100


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
        title = " modelsync  "
        room = width - sum(cell_len(text) for text, _ in there) - len(title) - len(state) - len(totals) - 7
        if room < 12 and totals:
            room, totals = room + len(totals), ""
        pieces: list[Piece] = [
            (title, Tone.ACCENT),
            (cut_middle(facts.store, max(4, room), ellipsis), Tone.PLAIN),
            (totals, Tone.MUTED),
            (f"  {arrow}  ", Tone.MUTED),
            *there,
        ]
        fill = width - sum(cell_len(text) for text, _ in pieces) - len(state)
        if fill < 1:
            return pieces[: 3 + len(there)]
        return [*pieces, (" " * fill, Tone.PLAIN), (state, tone)]

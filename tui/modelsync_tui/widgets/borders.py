"""The words in a browser's borders."""

from dataclasses import dataclass

from modelsync_tui.listing import Ask
from modelsync_tui.marks import Marks
from modelsync_tui.text import literal, size_text


@dataclass(frozen=True, slots=True)
class LowerBorder:
    """What the lower border says."""

    ask: Ask
    cursor: int
    rows: int
    shown: int
    """Versions shown."""
    loaded: int
    """Versions known on this side."""
    total: int | None
    """Versions the registry has, while not all of them are loaded; None else."""


def lower_border(facts: LowerBorder, *, wide: bool) -> tuple[str, str]:
    """At the left what was asked of the list, at the right where the cursor is and how much there is."""
    ask = facts.ask
    asked = []
    if ask.filter.text:
        asked.append(f"filter:{literal(ask.filter.text)}")
    if ask.only_differing:
        asked.append("only what differs" if wide else "differing")
    if wide and not asked:
        asked.append("filter:none")
    if wide or not asked:
        asked.insert(0, f"sort:{ask.sort}{' reversed' if ask.reverse else ''}")
    where = [f"{facts.cursor + 1:,}/{facts.rows:,}"] if facts.rows else []
    shown = f"{facts.shown:,}{' shown' * wide} of " if facts.shown != facts.loaded else ""
    if facts.total is not None and facts.total != facts.loaded:
        words = (
            f"{facts.loaded:,} loaded of {facts.total:,}  more: PgDn"
            if wide
            else f"{facts.loaded:,} of {facts.total:,}"
        )
        where.append(shown + words)
    elif shown:
        where.append(f"{shown}{facts.loaded:,}")
    return "  ".join(asked), "  ".join(where)


def marked_words(marks: Marks) -> str:
    """`2 marked 2.3 GiB`; empty while nothing is marked."""
    if marks.anchor is not None:
        return "range: move, v marks"
    if not marks:
        return ""
    return f"{len(marks):,} marked {size_text(marks.size_bytes)}"

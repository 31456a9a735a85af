"""One fact of a version: what both sides agree on stands once, what differs stands with its side."""

from dataclasses import dataclass

from modelsync_tui.glyphs import Glyphs
from modelsync_tui.text import literal
from modelsync_tui.widgets.lines import Piece, Tone

ITEMS_SHOWN_MAX = 200
"""Of one mapping or list."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact in a few items, which are laid out one after the other."""

    name: str
    items: tuple[Piece, ...] = ()
    """Without any the fact is not shown."""

    @classmethod
    def plain(cls, name: str, words: str) -> "Fact":
        """A fact in a few words; empty ones say nothing."""
        return cls(name, ((words, Tone.PLAIN),) if words else ())

    @classmethod
    def of_both(cls, name: str, here: str | None, there: str | None, glyphs: Glyphs) -> "Fact":
        """A fact that both sides should agree on; None: the side has no such version."""
        here, there = (None if side is None else literal(side) for side in (here, there))
        if here is None or there is None or here == there:
            return cls.plain(name, here or there or "")
        return cls.differing(name, here or "-", there or "-", glyphs)

    @classmethod
    def differing(cls, name: str, here: str, there: str, glyphs: Glyphs) -> "Fact":
        """What differs, with its side."""
        return cls(name, ((f"{glyphs.differs} local {here}", Tone.WARN), (f"remote {there}", Tone.WARN)))

"""The characters that stand for states, directions and bars, once in Unicode and once in ASCII."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from textual.dom import DOMNode


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of characters; each is one cell wide. Colour only repeats what they say."""

    same: str = "="
    local_only: str = ">"
    remote_only: str = "<"
    differs: str = "!"
    moving: str = "~"
    failed: str = "✗"
    done: str = "✓"
    paused: str = "‖"
    waiting: str = "…"
    running: str = "▶"
    skipped: str = "»"
    cancelled: str = "⊘"
    stalled: str = "!"
    retry: str = "↻"
    stuck: str = "?"
    reference: str = "@"
    """A pointer to a model that is kept elsewhere."""

    push: str = "↑"
    pull: str = "↓"
    both: str = "⇄"
    enter: str = "↵"

    mark: str = "●"
    no_mark: str = "○"
    opened: str = "▾"
    closed: str = "▸"
    branch: str = "├"
    last_branch: str = "└"
    absent: str = "·"
    ellipsis: str = "…"
    secret: str = "●"

    bar_full: str = "━"
    bar_empty: str = "─"
    spark: str = "▁▂▃▄▅▆▇█"
    """From the lowest to the highest."""

    part_done: str = "✓"
    part_half: str = "▓"
    """An active part of which half or more has moved."""
    part_started: str = "▒"
    part_waiting: str = "░"


UNICODE = Glyphs()

ASCII = Glyphs(
    failed="x",
    done="+",
    paused="|",
    waiting=".",
    running="~",
    skipped="-",
    cancelled="/",
    retry="r",
    push="^",
    pull="v",
    both="<->",
    enter="Enter",
    mark="*",
    no_mark="o",
    opened="-",
    closed="+",
    branch="|",
    last_branch="`",
    absent=".",
    ellipsis="~",
    secret="*",
    bar_full="#",
    bar_empty="-",
    spark="_.,-=+*#",
    part_done="+",
    part_half="%",
    part_started=":",
    part_waiting=".",
)


@runtime_checkable
class HasGlyphs(Protocol):
    """An application that was told which set to draw with."""

    @property
    def glyphs(self) -> Glyphs: ...


def glyphs_of(node: DOMNode) -> Glyphs:
    """The set of the application that `node` belongs to; Unicode where it has none of its own."""
    app = node.app
    return app.glyphs if isinstance(app, HasGlyphs) else UNICODE

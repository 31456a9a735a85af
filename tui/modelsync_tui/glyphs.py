"""The characters that stand for states, trees, bars and frames: one set in Unicode, one in plain ASCII."""

from dataclasses import dataclass
from typing import assert_never

from modelsync.comparison import Direction, RowState


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set; each is one cell wide. Colour repeats what they say, it never replaces it."""

    same: str = "="
    local_only: str = ">"
    remote_only: str = "<"
    differs: str = "!"
    moving: str = "~"
    failed: str = "✗"
    stuck: str = "?"
    reference: str = "@"
    unknown: str = "·"
    done: str = "✓"
    skipped: str = "»"
    cancelled: str = "⊘"
    stalled: str = "!"
    retry: str = "↻"
    paused: str = "‖"
    waiting: str = "…"
    running: str = "▶"

    up: str = "↑"
    down: str = "↓"
    both_ways: str = "⇄"
    enter: str = "↵"

    marked: str = "●"
    half_marked: str = "◐"
    no_mark: str = "○"
    opened: str = "▾"
    closed: str = "▸"
    branch: str = "├"
    last_branch: str = "└"
    ellipsis: str = "…"
    dot: str = "·"
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
    ascending: str = "▴"
    descending: str = "▾"
    horizontal: str = "─"

    def state(self, state: RowState) -> str:
        """The character of a row's state."""
        match state:
            case RowState.SAME:
                return self.same
            case RowState.LOCAL_ONLY:
                return self.local_only
            case RowState.REMOTE_ONLY:
                return self.remote_only
            case RowState.DIFFERS:
                return self.differs
            case RowState.UPLOADING:
                return self.moving
            case RowState.FAILED:
                return self.failed
            case RowState.STUCK:
                return self.stuck
            case RowState.REFERENCE:
                return self.reference
            case _:
                assert_never(state)

    def direction(self, direction: Direction) -> str:
        """Up for a push, down for a pull."""
        return self.up if direction is Direction.PUSH else self.down


UNICODE = Glyphs()

ASCII = Glyphs(
    failed="x",
    unknown="-",
    done="+",
    skipped="-",
    cancelled="/",
    retry="r",
    paused="|",
    waiting=".",
    running="~",
    up="^",
    down="v",
    both_ways="-",
    enter="<",
    marked="*",
    half_marked="o",
    no_mark="o",
    opened="-",
    closed="+",
    branch="|",
    last_branch="`",
    ellipsis="~",
    dot=".",
    secret="*",
    bar_full="#",
    bar_empty="-",
    spark="_.,-=+*#",
    part_done="+",
    part_half="%",
    part_started=":",
    part_waiting=".",
    ascending="^",
    descending="v",
    horizontal="-",
)


def of(app: object) -> Glyphs:
    """The set that an application draws with; Unicode for one that does not say."""
    chosen = getattr(app, "glyphs", UNICODE)
    return chosen if isinstance(chosen, Glyphs) else UNICODE

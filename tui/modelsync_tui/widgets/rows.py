"""How a row of a browser looks: its columns by the width there is, its pieces of text and their tones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from rich.cells import cell_len

from modelsync.comparison import RowState
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.listing import Flat, GroupRow, Side, SortKey, VersionRow
from modelsync_tui.marks import Marks
from modelsync_tui.text import cut_middle, left, literal, right, size_text, when_text
from modelsync_tui.widgets.lines import Piece, Tone

_LEAD_CELLS = 2
"""The mark and the blank after it."""
_NAME_MIN_CELLS = 19
"""A tree branch and the 16 characters of a version that BentoML made."""
_SIZE_CELLS = 9
_WHEN_CELLS = 8
_BY_CELLS = 6
_BY_MAX_CELLS = 14
_STATE_WIDE_CELLS = 14
_STATE_NARROW_CELLS = 6
_STATE_GLYPH_CELLS = 2


_LARGEST_FIRST = (SortKey.SIZE, SortKey.DATE)
"""Orders that fall unless they are turned around."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths in cells, the blanks before each column included; 0: not shown."""

    name: int
    size: int
    when: int
    by: int
    state: int

    @classmethod
    def of(cls, width: int, side: Side) -> "Columns":
        """What fits: names first, then date, states in words, and who."""
        fixed = _LEAD_CELLS + _NAME_MIN_CELLS
        size, state = (_SIZE_CELLS, _STATE_NARROW_CELLS) if width >= 34 else (0, _STATE_GLYPH_CELLS)
        room = width - fixed - size - state
        when = by = 0
        if size and room >= _WHEN_CELLS:
            when, room = _WHEN_CELLS, room - _WHEN_CELLS
        if when and room >= _STATE_WIDE_CELLS - state:
            room -= _STATE_WIDE_CELLS - state
            state = _STATE_WIDE_CELLS
        if side is Side.REMOTE and when and room >= _BY_CELLS:
            by = min(_BY_MAX_CELLS, _BY_CELLS + (room - _BY_CELLS) // 2)
            room -= by
        if state == _STATE_WIDE_CELLS:
            state += max(0, min(2, room))
        return cls(max(1, width - _LEAD_CELLS - size - when - by - state), size, when, by, state)

    def sort_at(self, x: int) -> SortKey | None:
        """The order that the title of the column at a cell of the line stands for; None: who pushed sorts nothing."""
        for cells, sort in (
            (_LEAD_CELLS + self.name, SortKey.NAME),
            (self.size, SortKey.SIZE),
            (self.when, SortKey.DATE),
            (self.by, None),
        ):
            if x < cells:
                return sort
            x -= cells
        return SortKey.STATE

    @property
    def wide(self) -> bool:
        """Whether states are written in words."""
        return self.state >= _STATE_WIDE_CELLS

    @property
    def gap(self) -> str:
        """The blanks before the state."""
        return "  " if self.state > _STATE_WIDE_CELLS else " "


@dataclass(frozen=True, slots=True)
class Look:
    """What surrounds a row on the screen."""

    columns: Columns
    glyphs: Glyphs
    now: datetime
    side: Side
    compared: bool
    """Whether the other side is known at all: else there are no states."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a row stands at this moment."""

    marked: int
    """0 not marked, 1 in part (a group), 2 marked."""
    opened: bool = False
    """A group whose versions are shown."""
    last: bool = False
    """A version with no other below it in its group."""
    moving: float | None = None
    """The share of it that has moved, while a transfer of it runs: 0.0 to 1.0. Of a closed group: of what is inside."""


def heading(look: Look, sort: SortKey, *, reverse: bool) -> Sequence[Piece]:
    """The line of column titles; the arrow stands at the column that sorts."""
    columns = look.columns
    falls = reverse is (sort not in _LARGEST_FIRST)
    arrow = look.glyphs.descending if falls else look.glyphs.ascending

    def title(words: str, key: SortKey) -> str:
        return f"{words} {arrow}" if key is sort else words

    pieces: list[Piece] = [
        (" " * _LEAD_CELLS, Tone.MUTED),
        (left(title("Name", SortKey.NAME), columns.name), Tone.MUTED),
    ]
    if columns.size:
        pieces.append((right(title("Size", SortKey.SIZE), columns.size), Tone.MUTED))
    if columns.when:
        words = "Made" if look.side is Side.LOCAL else "Pushed"
        pieces.append((right(title(words, SortKey.DATE), columns.when), Tone.MUTED))
    if columns.by:
        pieces.append(("  " + left("By", columns.by - 2), Tone.MUTED))
    words = title("State", SortKey.STATE) if columns.wide else "State" if columns.size else ""
    pieces.append((left(columns.gap + words, columns.state, look.glyphs.ellipsis), Tone.MUTED))
    return pieces


def row_pieces(flat: Flat, index: int, marks: Marks, moving: Mapping[str, float], look: Look) -> Sequence[Piece]:
    """One line of a list; `moving` is the share that has moved, by `name:version`."""
    row, has_version_below = flat.rows[index], isinstance(flat.at(index + 1), VersionRow)
    if isinstance(row, GroupRow):
        share = None if has_version_below else _share_inside(row, moving)
        return group_pieces(row, Standing(marks.of(row), opened=has_version_below, moving=share), look)
    share = moving.get(row.tag_text)
    return version_pieces(row, Standing(marks.of(row), last=not has_version_below, moving=share), look)


def group_pieces(row: GroupRow, standing: Standing, look: Look) -> Sequence[Piece]:
    """A line for all versions of one name."""
    columns, glyphs = look.columns, look.glyphs
    arrow = glyphs.opened if standing.opened else glyphs.closed
    count = f" ({row.count:,})"
    name = cut_middle(literal(row.name), columns.name - 2 - len(count), glyphs.ellipsis)
    pieces: list[Piece] = [
        *_lead(standing, glyphs),
        (f"{arrow} ", Tone.ACCENT),
        (name, Tone.STRONG),
        (left(count, columns.name - 2 - cell_len(name)), Tone.MUTED),
    ]
    if columns.size:
        pieces.append((right(size_text(row.size_bytes or None), columns.size), Tone.MUTED))
    if columns.when:
        pieces.append((right(when_text(row.newest, look.now), columns.when), Tone.MUTED))
    if columns.by:
        pieces.append((" " * columns.by, Tone.PLAIN))
    pieces.append((columns.gap, Tone.PLAIN))
    pieces.extend((f"{words} ", tone) for words, tone in _group_states(row, standing, look))
    return pieces


def _group_states(row: GroupRow, standing: Standing, look: Look) -> Sequence[Piece]:
    """How much of it moves, and how many versions are in which state; only which states, where numbers do not fit."""
    room = look.columns.state - len(look.columns.gap)
    moving: list[Piece] = []
    if standing.moving is not None:  # always as wide as at its end: what stands behind it does not jump
        words = _moving_words(standing.moving, look)
        moving = [(words.ljust(len(_moving_words(1.0, look))), Tone.ACCENT)]
    counted = [*moving, *((f"{number}{look.glyphs.state(state)}", state_tone(state)) for state, number in row.states)]
    if _cells(counted) <= room:
        return counted
    shown = [*moving, *((look.glyphs.state(state), state_tone(state)) for state, _ in row.states)]
    while shown and _cells(shown) > room:
        shown.pop()
    return shown


def _cells(words: Sequence[Piece]) -> int:
    return sum(len(word) + 1 for word, _ in words) - 1


def _share_inside(row: GroupRow, moving: Mapping[str, float]) -> float | None:
    """How much of the versions of a group that move has moved, all alike; None where none does."""
    shares = [share for tag, share in moving.items() if tag.rpartition(":")[0] == row.name]
    return sum(shares) / len(shares) if shares else None


def _moving_words(share: float, look: Look) -> str:
    """`~ 69%`; without the share where there is no room for it."""
    sign, columns = look.glyphs.moving, look.columns
    words = f"{sign} {share:.0%}" if columns.wide else f"{sign}{share:.0%}"
    return words if len(words) <= columns.state - len(columns.gap) else sign


def version_pieces(row: VersionRow, standing: Standing, look: Look) -> Sequence[Piece]:
    """A line for one version."""
    columns, glyphs = look.columns, look.glyphs
    branch = glyphs.last_branch if standing.last else glyphs.branch
    room = columns.name - 3
    version = " ".join([glyphs.dot] * 3) if row.ghost else cut_middle(literal(row.version), room, glyphs.ellipsis)
    quiet = row.ghost or row.problem is not None
    pieces: list[Piece] = [
        *_lead(standing, glyphs),
        (f" {branch} ", Tone.MUTED),
        (left(version, room), Tone.MUTED if quiet else Tone.PLAIN),
    ]
    if columns.size:
        pieces.append((right("" if quiet else size_text(row.size_bytes), columns.size), Tone.PLAIN))
    if columns.when:
        pieces.append((right("" if quiet else when_text(row.when, look.now), columns.when), Tone.MUTED))
    if columns.by:
        by = "" if quiet else literal(row.by)
        pieces.append(("  " + left(by, columns.by - 2, glyphs.ellipsis), Tone.MUTED))
    words, tone = _state_words(row, standing, look)
    pieces.append((left(columns.gap + words, columns.state, glyphs.ellipsis), tone))
    return pieces


def _state_words(row: VersionRow, standing: Standing, look: Look) -> tuple[str, Tone]:
    glyphs, wide = look.glyphs, look.columns.wide
    if standing.moving is not None:
        return _moving_words(standing.moving, look), Tone.ACCENT
    if row.problem is not None:
        return f"{glyphs.failed} {row.problem.value}" if wide else glyphs.failed, Tone.BAD
    if row.state is None:
        return glyphs.unknown if look.compared else "", Tone.MUTED
    glyph = glyphs.state(row.state)
    return f"{glyph} {row.state.value}" if wide else glyph, state_tone(row.state)


def state_tone(state: RowState) -> Tone:
    """The colour of a state; its character says the same."""
    match state:
        case RowState.SAME | RowState.REFERENCE:
            return Tone.MUTED
        case RowState.LOCAL_ONLY | RowState.REMOTE_ONLY:
            return Tone.GOOD
        case RowState.DIFFERS:
            return Tone.WARN
        case RowState.UPLOADING:
            return Tone.ACCENT
        case RowState.FAILED | RowState.STUCK:
            return Tone.BAD
        case _:
            assert_never(state)


def _lead(standing: Standing, glyphs: Glyphs) -> Sequence[Piece]:
    mark = ("  ", f"{glyphs.half_marked} ", f"{glyphs.marked} ")[standing.marked]
    return ((mark, Tone.ACCENT),)

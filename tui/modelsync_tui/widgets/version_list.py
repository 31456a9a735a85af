"""The versions of one model: a line for each, and one more for why an upload failed or an entry is broken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from modelsync_tui import glyphs
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.text import cut, cut_middle, left, literal, right, size_text
from modelsync_tui.versions import Version
from modelsync_tui.widgets.lines import Piece, Tone
from modelsync_tui.widgets.picklist import PickList
from modelsync_tui.widgets.rows import state_tone

_LEAD_CELLS = 1
_VERSION_CELLS = 16
"""What BentoML makes."""
_SIZE_CELLS = 10
_BUILT_CELLS = 12
_BY_CELLS = 8
_STATE_CELLS = 16
_STATE_NARROW_CELLS = 3
_REASON_LEAD = "     "


@dataclass(frozen=True, slots=True)
class VersionColumns:
    """Widths in cells, the blanks before each column included; 0: not shown."""

    version: int
    size: int
    built: int
    by: int
    state: int

    @classmethod
    def of(cls, width: int) -> "VersionColumns":
        """What fits: states in words first, then the date, then who."""
        size = _SIZE_CELLS if width >= _LEAD_CELLS + _VERSION_CELLS + _SIZE_CELLS + _STATE_NARROW_CELLS else 0
        state, built, by = _STATE_NARROW_CELLS, 0, 0
        room = width - _LEAD_CELLS - _VERSION_CELLS - size - state
        if room >= _STATE_CELLS - state:
            room -= _STATE_CELLS - state
            state = _STATE_CELLS
            if room >= _BUILT_CELLS:
                room, built = room - _BUILT_CELLS, _BUILT_CELLS
                if room >= _BY_CELLS - 2:
                    by = min(_BY_CELLS, room)
        return cls(max(1, width - _LEAD_CELLS - size - built - by - state), size, built, by, state)


class VersionList(PickList):
    """All versions of a model, newest first; the cursor steps from version to version."""

    def __init__(self, *, id: str) -> None:
        super().__init__(show_cursor=True, id=id)
        self._versions: tuple[Version, ...] = ()
        self._moving: Mapping[str, float] = {}
        self._rows: list[int] = []
        """By line: which version it is about."""
        self._firsts: list[int] = []
        """By version: its first line."""

    def show(self, versions: tuple[Version, ...], at: str | None = None) -> None:
        """Shows versions, with the cursor on that one, else on the one where it was."""
        picked = self.picked
        wanted = picked.version if at is None and picked is not None else at
        self._versions = versions
        self._rows = [row for row, version in enumerate(versions) for _ in range(1 + bool(version.row.reason))]
        self._firsts = [line for line, row in enumerate(self._rows) if line == 0 or self._rows[line - 1] != row]
        self.lines_changed()
        for row, version in enumerate(versions):
            if version.version == wanted:
                self.cursor = self._firsts[row]

    def show_moving(self, fractions: Mapping[str, float]) -> None:
        """Shows how much of a version has moved, by `name:version`."""
        if fractions != self._moving:
            self._moving = fractions
            self.refresh()

    @property
    def versions(self) -> tuple[Version, ...]:
        return self._versions

    @property
    def picked(self) -> Version | None:
        """The version under the cursor."""
        return self._versions[self._rows[self.cursor]] if self.cursor < len(self._rows) else None

    @property
    def place(self) -> tuple[int, int]:
        """Which of how many versions the cursor is on, counted from 1."""
        return (self._rows[self.cursor] + 1 if self.cursor < len(self._rows) else 0, len(self._versions))

    def move_cursor(self, by: int) -> None:
        """By versions, not by lines."""
        if self._rows:
            row = max(0, min(self._rows[self.cursor] + by, len(self._versions) - 1))
            self.cursor = self._firsts[row]

    def validate_cursor(self, cursor: int) -> int:
        cursor = super().validate_cursor(cursor)
        return self._firsts[self._rows[cursor]] if 0 <= cursor < len(self._rows) else 0

    def line_count(self) -> int:
        return len(self._rows)

    def heading(self, width: int) -> Sequence[Piece]:
        """The titles of the columns."""
        columns = VersionColumns.of(width)
        words = left(" " * _LEAD_CELLS + "Version", _LEAD_CELLS + columns.version)
        words += right("Size", columns.size) + left("  Built", columns.built) + left("  By", columns.by)
        return ((left(words + "  State" * (columns.state >= _STATE_CELLS), width), Tone.MUTED),)

    def line(self, index: int, width: int) -> Sequence[Piece]:
        version = self._versions[self._rows[index]]
        characters = glyphs.of(self.app)
        if index != self._firsts[self._rows[index]]:
            return ((cut(_REASON_LEAD + literal(version.row.reason), width, characters.ellipsis), Tone.BAD),)
        columns = VersionColumns.of(width)
        words, tone = state_words(version, characters, self._moving.get(version.tag_text))
        if columns.state < _STATE_CELLS:
            words = words[:1]
        by = literal(version.by) or ("-" if version.broken is None else "")
        name = cut_middle(literal(version.version) or "-", columns.version, characters.ellipsis)
        return (
            (" " * _LEAD_CELLS + left(name, columns.version), Tone.MUTED if version.broken else Tone.PLAIN),
            (right(size_text(version.size_bytes), columns.size), Tone.PLAIN),
            (left(f"  {day_text(version.made)}", columns.built), Tone.MUTED),
            (left(f"  {by}", columns.by, characters.ellipsis), Tone.MUTED),
            (left(f"  {words}", columns.state, characters.ellipsis), tone),
        )


def state_words(version: Version, characters: Glyphs, moving: float | None = None) -> tuple[str, Tone]:
    """`! differs`: a version's state as its character and its word."""
    if moving is not None:
        return f"{characters.moving} moving {moving:.0%}", Tone.ACCENT
    if version.broken is not None:
        return f"{characters.failed} {version.broken.problem.value}", Tone.BAD
    if version.state is None:
        return characters.unknown, Tone.MUTED
    return f"{characters.state(version.state)} {version.state.value}", state_tone(version.state)


def day_text(when: datetime | None) -> str:
    """`2026-11-21` on this machine's clock; `-` where none is known."""
    if when is None:
        return "-"
    try:
        return f"{when.astimezone():%Y-%m-%d}"
    except OverflowError:  # the first or last day that there is, in another time zone
        return "-"

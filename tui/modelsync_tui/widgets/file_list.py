"""The files of one version, both sides beside each other: a line for each file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from modelsync.model import ModelFile
from modelsync_tui import glyphs
from modelsync_tui.files import FileRow, FileState, FileTable
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.text import cut_middle, left, literal, right, size_text
from modelsync_tui.widgets.lines import Piece, Tone
from modelsync_tui.widgets.picklist import PickList

_LEAD_CELLS = 1
_NAME_MAX_CELLS = 60
"""Wider, the sizes would stand too far from their names."""
_SIDE_CELLS = 12
_STATE_CELLS = 17
_STATE_NARROW_CELLS = 4
_NAME_MIN_CELLS = 20


@dataclass(frozen=True, slots=True)
class FileColumns:
    """Widths in cells, the blanks before each column included."""

    name: int
    side: int
    state: int

    @classmethod
    def of(cls, width: int) -> "FileColumns":
        """What fits: the state in words where there is room."""
        wide = width >= _LEAD_CELLS + _NAME_MIN_CELLS + 2 * _SIDE_CELLS + _STATE_CELLS
        side, state = (_SIDE_CELLS, _STATE_CELLS) if wide else (_SIDE_CELLS - 2, _STATE_NARROW_CELLS)
        return cls(max(1, min(_NAME_MAX_CELLS, width - _LEAD_CELLS - 2 * side - state)), side, state)


class FileList(PickList):
    """The files of the version that is looked at."""

    def __init__(self, *, id: str) -> None:
        super().__init__(show_cursor=True, id=id)
        self._table = FileTable()

    def show(self, table: FileTable, *, other_version: bool) -> None:
        """Shows files; of another version from the first on, else with the cursor on the file where it was."""
        picked = None if other_version else self.picked
        self._table = table
        self.lines_changed()
        if other_version:
            self.go_to_top()
        elif picked is not None:
            names = [row.name for row in table.rows]
            self.cursor = names.index(picked.name) if picked.name in names else self.cursor

    @property
    def picked(self) -> FileRow | None:
        """The file under the cursor."""
        return self._table.rows[self.cursor] if self.cursor < len(self._table.rows) else None

    def line_count(self) -> int:
        return len(self._table.rows)

    def heading(self, width: int) -> Sequence[Piece]:
        """The titles of the columns."""
        columns = FileColumns.of(width)
        words = " " * _LEAD_CELLS + left("File", columns.name)
        words += right("Local", columns.side) + right("Remote", columns.side)
        return ((left(words + "   State" * (columns.state == _STATE_CELLS), width), Tone.MUTED),)

    def line(self, index: int, width: int) -> Sequence[Piece]:
        row, characters = self._table.rows[index], glyphs.of(self.app)
        columns = FileColumns.of(width)
        glyph, tone = file_glyph(row.state, characters)
        words = f"{glyph} {row.state}" if columns.state == _STATE_CELLS else glyph
        name = cut_middle(literal(row.name), columns.name, characters.ellipsis)
        here, there = (_size(file, known=self._table.compared) for file in (row.local, row.remote))
        return (
            (" " * _LEAD_CELLS + left(name, columns.name), Tone.PLAIN),
            (right(here, columns.side), Tone.PLAIN),
            (right(there, columns.side), Tone.PLAIN),
            (left(f"   {words}", columns.state, characters.ellipsis), tone),
        )


def file_glyph(state: FileState, characters: Glyphs) -> tuple[str, Tone]:
    """The character and the colour of a file's state."""
    match state:
        case FileState.SAME_SIZE | FileState.SAME_BYTES:
            return characters.same, Tone.MUTED
        case FileState.DIFFERS | FileState.BYTES_DIFFER:
            return characters.differs, Tone.WARN
        case FileState.LOCAL_ONLY:
            return characters.local_only, Tone.GOOD
        case FileState.REMOTE_ONLY:
            return characters.remote_only, Tone.GOOD
        case FileState.NOT_COMPARED:
            return "", Tone.MUTED
        case _:
            assert_never(state)


def _size(file: ModelFile | None, *, known: bool) -> str:
    if file is None:
        return "-" if known else ""
    return "link" if file.size_bytes is None else size_text(file.size_bytes)

"""One file of a transfer on a line: its state, name, size, bar and share."""

from rich.cells import cell_len

from modelsync.transfer.files import FileSnapshot, FilesNow, FileState
from modelsync_tui import text
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.widgets.lines import Piece, Tone
from modelsync_tui.widgets.parts import bar_of, part_glyphs
from modelsync_tui.widgets.transfer_rows import WIDE_CELLS
from modelsync_tui.widgets.words import short_speed, speed_text

_NAME_CELLS_MIN = 8
_SIZE_CELLS = 8


def file_head(width: int, glyphs: Glyphs) -> Piece:
    """The heads of the columns of `file_line`."""
    name, bar = _columns(width)
    head = f"   {'file':<{name}} {'size':>{_SIZE_CELLS}}  {'progress':^{bar}}  done        speed  state"
    return text.left(head, width, glyphs.ellipsis), Tone.MUTED


def file_line(file: FileSnapshot, width: int, glyphs: Glyphs) -> list[Piece]:
    """One file in `width` cells; narrow ones leave the words out, which the mark says as well."""
    name_cells, bar_cells = _columns(width)
    fraction = file.done / file.size if file.size else float(file.state is FileState.DONE)
    full, empty = bar_of(fraction, bar_cells, glyphs)
    mark, tone = _mark(file.state, glyphs)
    name = text.cut_middle(text.literal(file.name), name_cells, glyphs.ellipsis)
    wide = width >= WIDE_CELLS
    speed = (speed_text if wide else short_speed)(file.speed) if file.state is FileState.MOVING else ""
    return [
        (f" {mark} ", tone),
        (name + " " * (name_cells - cell_len(name)), Tone.MUTED if file.state is FileState.WAITING else Tone.PLAIN),
        (f" {text.size_text(file.size):>{_SIZE_CELLS}}  ", Tone.MUTED),
        (full, tone),
        (empty, Tone.MUTED),
        (
            f"  {int(100 * fraction):>3}%  {speed:>11}  " if wide else f" {int(100 * fraction):>3}% {speed:>7}",
            Tone.PLAIN,
        ),
        (str(file.state) if wide else "", tone),
    ]


def file_counts(files: FilesNow) -> str:
    """`3 of 9 done  2 moving`; of an archive whose files are not all known yet `of 9 known so far`."""
    known = f"{len(files):,}" + ("" if files.all_known else " known so far")
    moving = len(files.moving)
    return f"{files.done:,} of {known} done" + (f"  {moving:,} moving" if moving else "")


def _mark(state: FileState, glyphs: Glyphs) -> Piece:
    match state:
        case FileState.DONE:
            return glyphs.done, Tone.GOOD
        case FileState.MOVING:
            return glyphs.running, Tone.ACCENT
        case FileState.PARTLY:
            return part_glyphs(glyphs).started, Tone.ACCENT
        case FileState.WAITING:
            return glyphs.waiting, Tone.MUTED


def _columns(width: int) -> tuple[int, int]:
    """The cells of the name and of the bar."""
    if width >= WIDE_CELLS:
        bar = min(30, width // 5)
        return width - bar - _SIZE_CELLS - 36, bar
    bar = max(0, min(20, width // 5))
    return max(_NAME_CELLS_MIN, width - bar - _SIZE_CELLS - 20), bar

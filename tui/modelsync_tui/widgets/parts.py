"""The parts of one transfer as a person sees them: a strip of one cell a part, and a line or half a line each."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from modelsync.transfer.progress import STALL_SHOWN_AFTER_S, PartSnapshot, PartState
from modelsync_tui import text
from modelsync_tui.glyphs import ASCII, Glyphs
from modelsync_tui.widgets.lines import Piece, Tone
from modelsync_tui.widgets.words import short_speed, speed_text

ROWS_MAX = 40
"""With more parts than this the table becomes a strip, and only parts with something to say get a line."""
_RETRIES_SHOWN_MAX = 9
_LINE_CELLS = 54
"""What a line has besides its bar and the words of its state."""
_STATE_CELLS_MIN = 20
_MIB = 1024 * 1024
_BAR_CELLS_MAX = 30


@dataclass(frozen=True, slots=True)
class PartGlyphs:
    """The cells of a strip; a digit is a part that was begun again, so many times."""

    done: str
    half: str
    """Half of it or more has moved."""
    started: str
    waiting: str
    stalled: str
    retry: str


_UNICODE = PartGlyphs(done="✓", half="▓", started="▒", waiting="░", stalled="!", retry="↻")
_ASCII = PartGlyphs(done="+", half="%", started=":", waiting=".", stalled="!", retry="r")


def part_glyphs(glyphs: Glyphs) -> PartGlyphs:
    """The cells that belong to a set of characters."""
    return _ASCII if glyphs is ASCII else _UNICODE


def is_stalled(part: PartSnapshot) -> bool:
    """Whether it is being moved but no byte came for a while."""
    return part.idle_s >= STALL_SHOWN_AFTER_S


def stall_words(part: PartSnapshot) -> str:
    """How long a part has been without a byte, or, when all of it has gone, without an answer."""
    return f"no {'answer' if _is_all_sent(part) else 'bytes'} for {part.idle_s:.0f} s"


def _is_all_sent(part: PartSnapshot) -> bool:
    return part.done >= part.size > 0


def _has_speed(part: PartSnapshot) -> bool:
    """Whether it moves, and how fast is known: 0 B/s of a part that has just begun would read as one that hangs."""
    return part.state is PartState.ACTIVE and (part.speed > 0 or is_stalled(part))


def part_strip(parts: Sequence[PartSnapshot], cells: int, glyphs: Glyphs) -> list[Piece]:
    """One cell a part; where there are more parts than cells, one cell for as many as needed, the busiest shown."""
    if not parts or cells <= 0:
        return []
    per_cell = -(-len(parts) // cells)
    marks = part_glyphs(glyphs)
    pieces: list[Piece] = []
    for start in range(0, len(parts), per_cell):
        char, tone = _cell(parts[start : start + per_cell], marks)
        if pieces and pieces[-1][1] is tone:
            pieces[-1] = (pieces[-1][0] + char, tone)
        else:
            pieces.append((char, tone))
    return pieces


def _cell(parts: Sequence[PartSnapshot], marks: PartGlyphs) -> Piece:
    if any(is_stalled(part) for part in parts):
        return marks.stalled, Tone.WARN
    again = max((part.attempts - 1 for part in parts if _is_again(part)), default=0)
    if again:
        return str(min(again, _RETRIES_SHOWN_MAX)), Tone.WARN
    if all(part.state is PartState.DONE for part in parts):
        return marks.done, Tone.GOOD
    if all(part.state is PartState.WAITING for part in parts):
        return marks.waiting, Tone.MUTED
    size = sum(part.size for part in parts)
    return (marks.half if sum(part.done for part in parts) * 2 >= size else marks.started), Tone.ACCENT


def _is_again(part: PartSnapshot) -> bool:
    return part.state is PartState.RETRY or (part.state is PartState.ACTIVE and part.attempts > 1)


def part_counts(parts: Sequence[PartSnapshot]) -> str:
    """`4 done  6 active  1 in retry  1 stalled`; what is nought is left out."""
    done = sum(part.state is PartState.DONE for part in parts)
    active = sum(part.state is PartState.ACTIVE for part in parts)
    retry = sum(_is_again(part) for part in parts)
    stalled = sum(is_stalled(part) for part in parts)
    counted = ((done, "done"), (active, "active"), (retry, "in retry"), (stalled, "stalled"))
    return "  ".join(f"{count} {word}" for count, word in counted if count)


class PartsShown(StrEnum):
    """Which parts get a line."""

    ALL = "all"
    ACTIVE = "active"
    """Those that are being moved or tried again."""
    FAILED = "failed"
    """Those that failed at least once and are not done."""

    @classmethod
    def at_first(cls, parts: Sequence[PartSnapshot]) -> "PartsShown":
        """All of a few; of many, whose strip shows them all, the active ones."""
        return cls.ALL if len(parts) <= ROWS_MAX else cls.ACTIVE

    def of(self, parts: Sequence[PartSnapshot]) -> Sequence[PartSnapshot]:
        """Those of the parts that get a line."""
        match self:
            case PartsShown.ALL:
                return parts
            case PartsShown.ACTIVE:
                return [part for part in parts if part.state in (PartState.ACTIVE, PartState.RETRY)]
            case PartsShown.FAILED:
                return [part for part in parts if _is_again(part)]
            case _:
                assert_never(self)


def part_head(width: int, glyphs: Glyphs) -> Piece:
    """The heads of the columns of `part_line`."""
    head = f" {'#':>4}  {'bytes':<20} {'progress':^{_bar_cells(width)}}   done       speed  try  state"
    return text.left(head, width, glyphs.ellipsis), Tone.MUTED


def part_line(part: PartSnapshot, width: int, glyphs: Glyphs) -> list[Piece]:
    """One part on a line of its own."""
    bar, rest = bar_of(part.done / part.size if part.size else 1.0, _bar_cells(width), glyphs)
    percent = 100 * part.done // part.size if part.size else 100
    moving = speed_text(part.speed) if _has_speed(part) else ""
    words, tone = _state_words(part, glyphs)
    return [
        (f" {part.number:>4}  {_range(part):<20} ", Tone.MUTED),
        (bar, Tone.GOOD if part.state is PartState.DONE else Tone.ACCENT),
        (rest, Tone.MUTED),
        (f"   {percent:>3}%  {moving:>10}  {part.attempts or '':>3}  ", Tone.PLAIN),
        (text.cut(words, width - _LINE_CELLS - _bar_cells(width), glyphs.ellipsis), tone),
    ]


def part_half_line(part: PartSnapshot, width: int, glyphs: Glyphs) -> list[Piece]:
    """One part in half of a narrow line, exactly `width` cells."""
    marks = part_glyphs(glyphs)
    match part.state:
        case PartState.DONE:
            mark, tone, words = marks.done, Tone.GOOD, ""
        case PartState.WAITING:
            mark, tone, words = marks.waiting, Tone.MUTED, ""
        case PartState.RETRY:
            mark, tone, words = marks.retry, Tone.WARN, "retry"
        case PartState.ACTIVE if is_stalled(part):
            mark, tone, words = marks.stalled, Tone.WARN, f"stall {part.idle_s:.0f}s"
        case PartState.ACTIVE:
            mark, tone = glyphs.running, Tone.ACCENT
            words = short_speed(part.speed) if _has_speed(part) else ""
    cells = max(4, width - 22)
    bar, rest = bar_of(part.done / part.size if part.size else 1.0, cells, glyphs)
    percent = 100 * part.done // part.size if part.size else 100
    return [
        (f"{part.number:>4} ", Tone.MUTED),
        (f"{mark} ", tone),
        (bar, tone),
        (rest, Tone.MUTED),
        (f" {percent:>3}% ", Tone.PLAIN),
        (text.left(words, max(0, width - cells - 13), glyphs.ellipsis), tone),
    ]


def bar_of(fraction: float, cells: int, glyphs: Glyphs) -> tuple[str, str]:
    """The full and the empty part of a bar; full only at the end."""
    full = int(max(0.0, min(1.0, fraction)) * cells)
    return glyphs.bar_full * full, glyphs.bar_empty * (cells - full)


def _range(part: PartSnapshot) -> str:
    """Where in the archive it lies, in one unit for all parts of a size; of a small rest, how much it is."""
    end = part.start + part.size
    per, unit = (_MIB, "MiB") if end >= _MIB else (1024, "KiB")
    first, last = f"{part.start / per:>5.0f}", f"{end / per:>5.0f}"
    return f"{first} - {last} {unit}" if first != last else f"{first} {unit} + {text.size_text(part.size)}"


def _bar_cells(width: int) -> int:
    return max(8, min(_BAR_CELLS_MAX, width - _LINE_CELLS - _STATE_CELLS_MIN))


def _state_words(part: PartSnapshot, glyphs: Glyphs) -> Piece:
    note = text.literal(part.note)
    match part.state:
        case PartState.DONE:
            etag = text.cut(note.strip('"'), 12, glyphs.ellipsis)
            return f"{glyphs.done} {etag}".rstrip(), Tone.GOOD
        case PartState.RETRY:
            return f"again: {note}" if note else "again soon", Tone.WARN
        case PartState.WAITING:
            return "waiting", Tone.MUTED
        case PartState.ACTIVE:
            if is_stalled(part):
                return stall_words(part), Tone.WARN
            if _is_all_sent(part):
                return "waits for the answer", Tone.MUTED
            return ("starting", Tone.MUTED) if not part.done else ("", Tone.PLAIN)

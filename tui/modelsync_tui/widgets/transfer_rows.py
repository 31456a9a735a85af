"""One transfer of the queue as a line: its state in words, its bar, its numbers, and the strip of its parts."""

from collections.abc import Collection, Sequence
from typing import assert_never

from rich.cells import cell_len

from modelsync.comparison import REASON_SAME, Direction
from modelsync.queue import TransferRow, TransferStatus, is_refused
from modelsync.tag import Tag
from modelsync.transfer.progress import PartState, ProgressSnapshot
from modelsync_tui import text
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.widgets.lines import Piece, Tone
from modelsync_tui.widgets.parts import bar_of, is_stalled, part_counts, part_strip, stall_words
from modelsync_tui.widgets.transfer_words import ended_words, phase_words
from modelsync_tui.widgets.words import clock_text, short_speed, speed_text

WIDE_CELLS = 100
"""From this width on a line has the verb, both sizes and full units."""
_STRIP_CELLS_MIN = 30
"""A strip of so many cells is worth more than the last words beside it."""
_TAIL_CELLS, _TAIL_WIDE_CELLS = 17, 26
"""Of the speed and the time left, or why nothing moves."""
_NUMBERS_WIDE_CELLS = 81
"""What stands before and behind a tag that is longer than most, with a bar of 16 cells."""
_TINY_CELLS = 56
"""Below it there is no bar."""
_KEYS_FROM_CELLS = 36
"""Why a transfer failed is worth more than the key that shows its log, where there is less room for both."""
_BOTH_KEYS_FROM_CELLS = 60

_RANK = {
    TransferStatus.RUNNING: 0,
    TransferStatus.PAUSED: 1,
    TransferStatus.WAITING: 2,
    TransferStatus.FAILED: 3,
    TransferStatus.SKIPPED: 4,
    TransferStatus.DONE: 4,
    TransferStatus.CANCELLED: 4,
}


def shown_order(rows: Sequence[TransferRow]) -> list[TransferRow]:
    """What runs first, then what a person may act on, then what has ended, newest first."""
    return sorted(rows, key=lambda row: (_RANK[row.status], -row.id if _RANK[row.status] >= 3 else 0))


def transfer_line(row: TransferRow, width: int, glyphs: Glyphs) -> list[Piece]:
    """One transfer in `width` cells."""
    mark, tone = _mark(row, glyphs)
    arrow = glyphs.direction(row.request.direction)
    wide = width >= WIDE_CELLS
    lead = f" {arrow} {row.request.direction:<4}  " if wide else f"{arrow} "
    tag_width = _tag_cells(width)
    elsewhere = text.cut(f" @{text.literal(row.context)}", tag_width // 2, glyphs.ellipsis) if row.context else ""
    tag = text.cut_middle(str(row.request.tag), tag_width - cell_len(elsewhere), glyphs.ellipsis)
    pieces: list[Piece] = [
        (f" {mark}", tone),
        (lead, Tone.PLAIN),
        (tag, _tag_tone(row)),
        (text.left(elsewhere, tag_width - cell_len(tag) + 2), Tone.MUTED),
    ]
    if row.status is TransferStatus.RUNNING or (row.status is TransferStatus.PAUSED and row.progress.bytes_done):
        pieces += _numbers(row, width, glyphs)
    else:
        room = width - _lead_cells(width) - tag_width - 2
        keys = _keys(row, room)
        words = text.cut(_words(row, glyphs, wide=wide), room - len(keys), glyphs.ellipsis)
        words = text.left(words, room - len(keys)) if keys else words
        pieces += [(words, Tone.MUTED if tone is Tone.GOOD else tone), (keys, Tone.MUTED)]
    return pieces


def already_there_line(there: Collection[tuple[Direction, Tag]], width: int, glyphs: Glyphs) -> list[Piece]:
    """What needed no transfer, on one line like one that was skipped: many of them would hide what moves."""
    directions = {direction for direction, _ in there}
    one = next(iter(directions)) if len(directions) == 1 else None
    arrow, verb = (glyphs.direction(one), str(one)) if one is not None else (" ", "")
    moved = {Direction.PUSH: "sent", Direction.PULL: "received", None: "moved"}[one]
    wide = width >= WIDE_CELLS
    cells = _tag_cells(width)
    subject = text.count_text(len(there), "version") if len(there) > 1 else str(next(iter(there))[1])
    reason = REASON_SAME if wide else REASON_SAME.partition(" (")[0]
    room = width - _lead_cells(width) - cells - 2
    return [
        (f" {glyphs.skipped}", Tone.MUTED),
        (f" {arrow} {verb:<4}  " if wide else f"{arrow} ", Tone.PLAIN),
        (text.left(text.cut_middle(subject, cells, glyphs.ellipsis), cells + 2), Tone.MUTED),
        (text.cut(f"{reason} - skipped, 0 B {moved}", room, glyphs.ellipsis), Tone.MUTED),
    ]


def strip_line(row: TransferRow, width: int, glyphs: Glyphs) -> list[Piece]:
    """The parts of a transfer on one line, under its own."""
    parts = row.progress.parts
    stalled = [part for part in parts if is_stalled(part)]
    words = part_counts(parts)
    if row.progress.retries:
        words += f"  {text.count_text(row.progress.retries, 'retry', 'retries')}"
    if stalled and width >= WIDE_CELLS:
        longest = max(stalled, key=lambda part: part.idle_s)
        words += f"  part {longest.number}: {stall_words(longest)}"
    lead = f"     {'part 1' if len(parts) == 1 else f'parts 1-{len(parts)}'}  ["
    room = width - len(lead) - 5
    cells = min(len(parts), max(_STRIP_CELLS_MIN, room - len(words)))
    strip = part_strip(parts, cells, glyphs)
    drawn = sum(len(piece) for piece, _ in strip)
    words = text.cut(words, room - drawn, glyphs.ellipsis)
    return [(lead, Tone.MUTED), *strip, ("]   ", Tone.MUTED), (words, Tone.WARN if stalled else Tone.MUTED)]


def _numbers(row: TransferRow, width: int, glyphs: Glyphs) -> list[Piece]:
    progress = row.progress
    wide = width >= WIDE_CELLS
    used = _lead_cells(width) + _tag_cells(width) + 2
    tail, tone = _tail(row, wide=wide)
    tail_cells = _TAIL_WIDE_CELLS if wide else _TAIL_CELLS
    sizes = f"  {_sizes(progress):>17}" if wide else ""
    percent = f"{int(100 * progress.fraction):>4}%"
    cells = 0 if width < _TINY_CELLS else max(6, width - used - len(percent) - len(sizes) - 2 - tail_cells)
    full, empty = bar_of(progress.fraction, cells, glyphs)
    paused = row.status is TransferStatus.PAUSED or row.stopping
    return [
        (full, Tone.MUTED if paused else Tone.ACCENT),
        (empty, Tone.MUTED),
        (percent, Tone.PLAIN),
        (f"{sizes}  ", Tone.PLAIN),
        (tail, tone),
    ]


def _tail(row: TransferRow, *, wide: bool) -> Piece:
    """What stands behind the sizes: how fast it goes, or why it does not."""
    progress = row.progress
    if row.stopping:
        return "stopping", Tone.WARN
    if row.status is TransferStatus.PAUSED:
        return _paused_tail(row, wide=wide), Tone.WARN
    if words := phase_words(progress):
        return words if wide or len(words) <= _TAIL_CELLS else words.partition(" ")[0], Tone.PLAIN
    if held := _held_tail(progress, wide=wide):
        return held
    clock = clock_text(progress.eta_s) if progress.eta_s is not None else ""
    if not progress.speed:
        return "", Tone.PLAIN  # not known yet: 0 B/s would read as one that hangs, and that is told after a while
    speed = f"{speed_text(progress.speed):>12} " if wide else f"{short_speed(progress.speed):>7}"
    words = f"{speed} eta {clock}" if clock else f"{speed} "
    # hours that were cut would read as minutes
    return words if wide or len(words) <= _TAIL_CELLS else f"{speed} {clock}", Tone.PLAIN


def _paused_tail(row: TransferRow, *, wide: bool) -> str:
    parts = row.progress.parts
    if row.restored:
        return "paused at the last quit" if wide else "from last time"
    if is_refused(row.error):
        return "waits for a new sign-in" if wide else "sign in anew"
    done = sum(part.state is PartState.DONE for part in parts)
    return f"paused, {done}/{len(parts)} parts kept" if wide and parts else "paused"


def _held_tail(progress: ProgressSnapshot, *, wide: bool) -> Piece | None:
    """Why nothing moves though there is something to move; None while something does."""
    under_way = [part for part in progress.parts if part.state.is_under_way]
    if not under_way:
        is_waiting = not progress.speed and any(part.state is PartState.WAITING for part in progress.parts)
        return ("waits for a worker" if wide else "waiting", Tone.MUTED) if is_waiting else None
    if all(part.state is PartState.RETRY for part in under_way):
        return "tries again soon" if wide else "tries again", Tone.WARN
    if all(is_stalled(part) for part in under_way if part.state is PartState.ACTIVE):
        idle_s = min(part.idle_s for part in under_way if part.state is PartState.ACTIVE)
        return f"no bytes for {idle_s:.0f} s" if wide else f"stalled {idle_s:.0f} s", Tone.WARN
    return None


def _sizes(progress: ProgressSnapshot) -> str:
    total = text.size_text(progress.bytes_total)
    return f"{text.size_text(progress.bytes_done)}/{total}" if total else text.size_text(progress.bytes_done)


def _words(row: TransferRow, glyphs: Glyphs, *, wide: bool) -> str:
    result, error = row.result, row.error
    moved = "sent" if row.request.direction is Direction.PUSH else "received"
    match row.status:
        case TransferStatus.WAITING:
            size = text.size_text(row.request.size_bytes) if row.request.size_bytes else ""
            return f"waiting  {size}".rstrip()
        case TransferStatus.DONE if result is not None:
            words = ended_words(result, row.request.direction)
            if result.warnings:
                words += f"  {glyphs.differs} {text.literal(result.warnings[0])}"
            return words
        case TransferStatus.SKIPPED if result is not None:
            reason = text.literal(result.reason)
            short = reason if wide else reason.partition(" (")[0]
            force = "; F overwrites it" if result.differs else ""
            return f"{short} - skipped, 0 B {moved}{force}"
        case TransferStatus.FAILED if error is not None:
            return text.literal(error.sentence)
        case TransferStatus.CANCELLED:
            return "cancelled by you"
        case TransferStatus.PAUSED:
            return _paused_words(row)
        case _:
            return str(row.status)


def _keys(row: TransferRow, room: int) -> str:
    """What a person can press on a row that failed, where its words leave room for that."""
    if row.status is not TransferStatus.FAILED or room < _KEYS_FROM_CELLS:
        return ""
    return "  R retry  o log " if room >= _BOTH_KEYS_FROM_CELLS else "  o log "


def _paused_words(row: TransferRow) -> str:
    if is_refused(row.error):
        return "waits for a new sign-in"
    return "paused at the last quit" if row.restored else "paused by you"


def _mark(row: TransferRow, glyphs: Glyphs) -> Piece:
    match row.status:
        case TransferStatus.RUNNING:
            return glyphs.running, Tone.ACCENT
        case TransferStatus.PAUSED:
            return glyphs.paused, Tone.WARN
        case TransferStatus.WAITING:
            return glyphs.waiting, Tone.MUTED
        case TransferStatus.DONE:
            return glyphs.done, Tone.GOOD
        case TransferStatus.SKIPPED:
            return glyphs.skipped, Tone.WARN if row.result is not None and row.result.differs else Tone.MUTED
        case TransferStatus.FAILED:
            return glyphs.failed, Tone.BAD
        case TransferStatus.CANCELLED:
            return "-", Tone.MUTED
        case _:
            assert_never(row.status)


def _tag_tone(row: TransferRow) -> Tone:
    if row.status is TransferStatus.RUNNING:
        return Tone.STRONG
    return Tone.MUTED if row.status in (TransferStatus.CANCELLED, TransferStatus.SKIPPED) else Tone.PLAIN


def _lead_cells(width: int) -> int:
    return 11 if width >= WIDE_CELLS else 4


def _tag_cells(width: int) -> int:
    if width >= WIDE_CELLS:
        return min(44, max(28, width - _NUMBERS_WIDE_CELLS))
    return max(8, min(26, width * 2 // 5))

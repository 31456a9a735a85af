"""What is said of a transfer: in the place of its parts or files, and in one line while the cursor is on it."""

import textwrap
from collections.abc import Sequence
from typing import assert_never

from rich.cells import cell_len

from modelsync.comparison import Direction
from modelsync.errors import ModelsyncError
from modelsync.queue import TransferRow, TransferStatus, is_refused
from modelsync.transfer.progress import Phase
from modelsync_tui import text
from modelsync_tui.notices import short_path
from modelsync_tui.widgets.lines import Piece, Tone
from modelsync_tui.widgets.transfer_words import ended_words, phase_words, status_words

_LINE_CELLS_MIN = 20


def story_lines(row: TransferRow | None, things: str, *, there: bool, width: int) -> Sequence[Piece]:
    """Whole sentences in lines of `width` cells; empty when the `things` (parts, files) that are there say it all."""
    if row is None:
        return ((" No transfer is chosen.", Tone.MUTED),)
    failed = row.status is TransferStatus.FAILED and row.error is not None
    if there and not failed and row.status is not TransferStatus.CANCELLED:
        return ()
    tone = Tone.BAD if failed else Tone.MUTED
    cells = max(_LINE_CELLS_MIN, width - 1)
    return [(f" {line}", tone) for words in _sentences(row, things) for line in textwrap.wrap(words, cells)]


def story_line(row: TransferRow, width: int) -> str:
    """What its row has no room for: where it is now, what went wrong as a whole, and the keys; about `width` cells."""
    tag, result, error = text.literal(str(row.request.tag)), row.result, row.error
    match row.status:
        case TransferStatus.RUNNING if row.stopping:
            return f"{tag} is stopping."
        case TransferStatus.RUNNING:
            return f"{tag}: Space pauses it, x cancels it"
        case TransferStatus.WAITING:
            return f"{tag} waits for its turn: J and K move it, x cancels it"
        case TransferStatus.PAUSED if is_refused(error) and error is not None:
            return _whole_or_hint(error, width)
        case TransferStatus.PAUSED:
            when = "at the last quit" if row.restored else "by you"
            return f"{tag} was paused {when}: Space goes on with it, x gives it up"
        case TransferStatus.FAILED if error is not None:
            return _whole_or_hint(error, width)
        case TransferStatus.SKIPPED if result is not None:
            force = "; F in the list of the versions overwrites it" if result.differs else ""
            return f"{tag}: nothing was moved: {text.literal(result.reason)}{force}"
        case TransferStatus.DONE:
            return f"{tag} is {_place(row)}"
        case TransferStatus.CANCELLED:
            return f"{tag} was cancelled: R tries it again, c takes it off the list"
        case TransferStatus.FAILED | TransferStatus.SKIPPED:
            return f"{tag} {status_words(row)}"
        case _:
            assert_never(row.status)


def _place(row: TransferRow) -> str:
    """Where a finished one is."""
    from modelsync.results import PullResult  # a screen shows its queue, empty at first, before there is a result

    if isinstance(row.result, PullResult):
        return f"in {short_path(row.result.path)}"
    return "in the registry" if row.request.direction is Direction.PUSH else "in the local store"


def _whole_or_hint(error: ModelsyncError, width: int) -> str:
    """What went wrong and what to do; where that is too long, what to do: the beginning stands in the row."""
    whole, hint = text.literal(error.sentence), text.literal(error.hint)
    return whole if not hint or cell_len(whole) <= width else hint


def _sentences(row: TransferRow, things: str) -> Sequence[str]:
    result, error = row.result, row.error
    match row.status:
        case TransferStatus.WAITING:
            return (f"It waits for its turn; its {things} are known when it runs.", "J and K move it in the queue.")
        case TransferStatus.RUNNING:
            return (_running(row, things),)
        case TransferStatus.PAUSED if is_refused(error) and error is not None:
            return (text.literal(error.message), text.literal(error.hint))
        case TransferStatus.PAUSED:
            when = "at the last quit" if row.restored else "before any of it moved"
            return (f"It was paused {when}; its {things} are known when it goes on.", "Space goes on with it.")
        case TransferStatus.FAILED if error is not None:
            keys = "R tries again, x gives it up, o shows its log."
            return (text.literal(error.message), text.literal(error.hint), keys)
        case TransferStatus.SKIPPED if result is not None:
            force = ("F in the list of the versions overwrites it.",) if result.differs else ()
            return (f"Nothing was moved: {text.literal(result.reason)}.", *force)
        case TransferStatus.DONE if result is not None:
            return (f"It is done: {ended_words(result, row.request.direction)}. Its {things} are no longer kept.",)
        case TransferStatus.CANCELLED:
            moved = row.progress.bytes_moved
            when = f"after {text.size_text(moved)} had moved" if moved else "before any of it moved"
            return (f"Cancelled by you {when}.", "R tries it again.")
        case TransferStatus.FAILED | TransferStatus.SKIPPED | TransferStatus.DONE:
            return (f"It ended; its {things} are no longer kept.",)
        case _:
            assert_never(row.status)


def _running(row: TransferRow, things: str) -> str:
    if row.stopping:
        return "It is stopping."
    words = phase_words(row.progress)
    if row.progress.phase in (Phase.SEND, Phase.RECEIVE):
        return f"Its {things} are known as soon as the first bytes have come."
    return f"It is {words} now; its {things} are known after that." if words else f"It has no {things}."

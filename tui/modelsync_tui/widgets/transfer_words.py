"""What is said of transfers in words: of one by its state, phase or end, of all by their sums."""

from typing import TYPE_CHECKING, assert_never

from modelsync.comparison import Direction
from modelsync.queue import QueueSnapshot, TransferRow, TransferStatus
from modelsync.transfer.progress import Phase, ProgressSnapshot
from modelsync_tui import text
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.widgets.words import clock_text, short_speed, speed_text

if TYPE_CHECKING:
    from modelsync.results import TransferResult


def speeds_words(queue: QueueSnapshot, glyphs: Glyphs, *, wide: bool) -> str:
    """`↑ 38.2 MiB/s  ↓ 9.9 MiB/s  limit off`."""
    shown = speed_text if wide else short_speed
    words = []
    if queue.upload_speed or not queue.download_speed:
        words.append(f"{glyphs.up} {shown(queue.upload_speed)}")
    if queue.download_speed:
        words.append(f"{glyphs.down} {shown(queue.download_speed)}")
    if wide:
        if queue.threads:
            words.append(text.count_text(queue.threads, "worker"))
        words.append(f"limit {'off' if queue.limit is None else speed_text(queue.limit)}")
    elif queue.limit is not None:
        words.append(f"limit {short_speed(queue.limit)}")
    return "  ".join(words)


def totals_words(queue: QueueSnapshot, already_there: int = 0, *, wide: bool) -> str:
    """`2 active 1 paused 2 waiting 1 skipped 1 failed   total 48%  eta 0:46`; what is nought is left out.

    `already_there`: so many were skipped that are no transfers.
    """
    counted = (
        (queue.running, "active"),
        (queue.paused, "paused"),
        (queue.waiting, "waiting"),
        (queue.done, "done"),
        (queue.skipped + already_there, "skipped"),
        (queue.failed, "failed"),
    )
    words = " ".join(f"{count} {word}" for count, word in counted if count)
    if queue.bytes_total and (queue.busy or queue.paused):
        words += f"   {'total ' if wide else ''}{int(100 * queue.bytes_done / queue.bytes_total)}%"
    if queue.eta_s is not None:
        words += f"  eta {clock_text(queue.eta_s)}"
    return words


def phase_words(progress: ProgressSnapshot) -> str:
    """What a transfer does when it does not move bytes; empty while it does."""
    match progress.phase:
        case Phase.WAITING:
            return "starting"
        case Phase.LOOK:
            return "looking at both sides"
        case Phase.LAY_OUT:
            return "laying out"
        case Phase.REGISTER:
            return "registering"
        case Phase.COMPLETE:
            return "completing"
        case Phase.CHECK:
            return "checking"
        case Phase.INSTALL:
            return "installing"
        case Phase.SEND | Phase.RECEIVE | Phase.DONE:
            return ""
        case _:
            assert_never(progress.phase)


def status_words(row: TransferRow) -> str:
    """`is running`, `was skipped`: the verb after its tag."""
    if row.stopping:
        return "is stopping"
    match row.status:
        case TransferStatus.WAITING:
            return "waits"
        case TransferStatus.RUNNING | TransferStatus.PAUSED | TransferStatus.DONE:
            return f"is {row.status}"
        case TransferStatus.FAILED:
            return "failed"
        case TransferStatus.SKIPPED | TransferStatus.CANCELLED:
            return f"was {row.status}"
        case _:
            assert_never(row.status)


def ended_words(result: "TransferResult", direction: Direction) -> str:
    """`sent 779 MiB in 0:34, 2 retries`; one that was resumed says so, and of how much this was the rest."""
    words = f"{'sent' if direction is Direction.PUSH else 'received'} {text.size_text(result.bytes_moved)}"
    if result.resumed:
        words += f" of {text.size_text(result.bytes_total)}"
    words += f" in {clock_text(result.seconds)}"
    if result.resumed:
        words += ", went on from kept parts"
    if result.retries:
        words += f", {text.count_text(result.retries, 'retry', 'retries')}"
    return words

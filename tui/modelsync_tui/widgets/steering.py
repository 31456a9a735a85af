"""What the keys of the transfers mean for the transfer under the cursor: a wish, or why there is nothing to wish."""

from modelsync.queue import QueueSnapshot, TransferRow, TransferStatus
from modelsync_tui.widgets.wishes import (
    CancelRequested,
    ClearDone,
    MoveRequested,
    PauseRequested,
    ResumeRequested,
    RetryRequested,
    Wish,
)

_TRIED_AGAIN = (TransferStatus.FAILED, TransferStatus.CANCELLED)
_UNDER_WAY = (TransferStatus.RUNNING, TransferStatus.WAITING)
_FINISHED = (TransferStatus.DONE, TransferStatus.SKIPPED, TransferStatus.CANCELLED)
"""What can be taken off the list; what failed stays in it until a person said what becomes of it."""


def pause(row: TransferRow) -> Wish | str:
    """Pauses it, or lets it go on."""
    if row.status is TransferStatus.PAUSED:
        return ResumeRequested(row.id)
    if row.status in _UNDER_WAY:
        return PauseRequested(row.id)
    return "there is nothing to pause." + (" R tries it again." if row.status in _TRIED_AGAIN else "")


def cancel(row: TransferRow) -> Wish | str:
    """Stops it for good, or gives up what failed."""
    if row.status in (*_UNDER_WAY, TransferStatus.PAUSED, TransferStatus.FAILED):
        return CancelRequested(row.id)
    return "there is nothing to cancel. c takes it off the list."


def retry(row: TransferRow) -> Wish | str:
    """Tries it again after it failed or was cancelled."""
    if row.status in _TRIED_AGAIN:
        return RetryRequested(row.id)
    if row.status is TransferStatus.PAUSED:
        return "Space goes on with it."
    if row.status in _UNDER_WAY:
        return "a part that fails is tried again by itself."
    return "there is nothing to try again. To move it once more, ask for it in the list of versions."


def clear_done(queue: QueueSnapshot) -> Wish | str:
    """Takes off the list what is finished."""
    statuses = {row.status for row in queue.rows}
    if statuses.intersection(_FINISHED):
        return ClearDone()
    gives_up = " x gives up what failed." if TransferStatus.FAILED in statuses else ""
    return "No transfer in the list is finished." + gives_up


def reorder(queue: QueueSnapshot, row: TransferRow, by: int) -> Wish | str:
    """Lets it and the next that waits, up or down, change places."""
    if row.status is not TransferStatus.WAITING:
        return "only what waits can be moved in the queue."
    places = {other.id: place for place, other in enumerate(queue.rows)}
    waiting = [other.id for other in queue.rows if other.status is TransferStatus.WAITING]
    there = waiting.index(row.id) + by
    if not 0 <= there < len(waiting):
        return f"it is the {'first' if by < 0 else 'last'} of those that wait."
    return MoveRequested(row.id, places[waiting[there]] - places[row.id])

"""One run of a transfer in the queue: the engine's blocking call, and what its end means for the row."""

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from modelsync.errors import Cancelled, ModelsyncError, StillUploadingError, TokenRefusedError
from modelsync.job import Job
from modelsync.model import Direction
from modelsync.queue import TransferStatus
from modelsync.results import Outcome, TransferResult
from modelsync.transfer.control import Paused

if TYPE_CHECKING:  # it loads HTTP, for which a screen that shows an empty queue must not wait
    from modelsync.sync import Sides

log = logging.getLogger("modelsync.transfers")


@dataclass(frozen=True, slots=True)
class End:
    """How a run ended."""

    status: TransferStatus
    """What the row becomes, unless something else was asked of it meanwhile."""
    error: ModelsyncError | None = None
    result: TransferResult | None = None


def run(job: Job, sides: "Sides") -> End:
    """Pushes or pulls; never raises. A refused token is a pause: only a new sign-in helps."""
    from modelsync.sync import pull, push

    request = job.request
    transfer = partial(push, begun=job.begun) if request.direction is Direction.PUSH else pull
    try:
        result = transfer(request.tag, sides, force=request.force, control=job.control, progress=job.progress)
    except Paused:
        return End(TransferStatus.PAUSED)
    except StillUploadingError as exc:  # not just cancelled: the row says what is left, and can be cancelled once more
        return End(TransferStatus.FAILED, exc)
    except Cancelled:
        return End(TransferStatus.CANCELLED)
    except TokenRefusedError as exc:
        return End(TransferStatus.PAUSED, exc)
    except ModelsyncError as exc:
        log.warning("%s %s failed: %s", request.direction, request.tag, exc.message)
        return End(TransferStatus.FAILED, exc)
    except Exception as exc:  # a defect of ours must end this row, not the program
        log.exception("%s %s", request.direction, request.tag)
        return End(TransferStatus.FAILED, _unexpected(exc))
    skipped = result.outcome is Outcome.SKIPPED
    return End(TransferStatus.SKIPPED if skipped else TransferStatus.DONE, result=result)


def leaves_something(job: Job, sides: "Sides") -> bool:
    """Whether cancelling it now leaves something to clear away."""
    request = job.request
    if request.direction is Direction.PUSH:
        return job.begun
    return sides.journals.exists(sides.journal_key(request.direction, request.tag))


def clear_away(job: Job, sides: "Sides") -> End:
    """Gives up what a paused or failed transfer has left; never raises.

    Failed where something stays that a person should know of: cancelling it again tries again.
    """
    from modelsync.sync import give_up

    request = job.request
    try:
        give_up(request.direction, request.tag, sides)
    except ModelsyncError as exc:
        log.warning("%s %s left something behind: %s", request.direction, request.tag, exc.message)
        return End(TransferStatus.FAILED, exc)
    except Exception as exc:  # a defect of ours must end this row, not the program
        log.exception("giving up %s %s", request.direction, request.tag)
        return End(TransferStatus.FAILED, _unexpected(exc))
    return End(TransferStatus.CANCELLED)


def _unexpected(cause: Exception) -> ModelsyncError:
    error = ModelsyncError("Something unexpected went wrong.", hint="The log file has the details.")
    error.__cause__ = cause
    return error

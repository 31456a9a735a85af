"""The record in the history that every push and pull leaves, whoever asked for it and however it ends."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from modelsync.errors import Cancelled, ModelsyncError
from modelsync.history import Ending, HistoryEntry
from modelsync.model import Direction
from modelsync.program import program_name
from modelsync.results import TransferResult
from modelsync.sync.sides import Sides
from modelsync.tag import Tag
from modelsync.transfer.control import Paused
from modelsync.transfer.progress import Progress

log = logging.getLogger("modelsync.sync")
R = TypeVar("R", bound=TransferResult)


def recorded(sides: Sides, direction: Direction, tag: Tag, progress: Progress, run: Callable[[], R]) -> R:
    """Runs a transfer and adds how it ended to the history of `sides`; raises what it raises."""
    began = datetime.now(UTC)
    progress.begin(f"{direction} {tag}")
    add = partial(_add, sides, direction, tag, progress, began)
    with sides.unrecorded.waiting(partial(add, Ending.CANCELLED, "Interrupted.")) as end:
        try:
            result = run()
        except BaseException as exc:
            end(partial(add, *_ending_of(exc)))
            raise
        resumed, verified = result.resumed, result.verified
        end(partial(add, Ending(result.outcome), result.reason, resumed=resumed, verified=verified))
    return result


def _add(
    sides: Sides,
    direction: Direction,
    tag: Tag,
    progress: Progress,
    began: datetime,
    ending: Ending,
    reason: str,
    *,
    resumed: bool = False,
    verified: bool = False,
) -> None:
    log.info("%s %s: %s, %s bytes moved: %s", direction, tag, ending, f"{progress.bytes_moved:,}", reason)
    if sides.history is None:
        return
    context = sides.registry.context
    ended = datetime.now(UTC)
    sides.history.add(
        HistoryEntry(
            began=began,
            ended=ended,
            direction=direction,
            tag=tag,
            context=context.name,
            host=sides.registry.host,
            organization=context.organization,
            outcome=ending,
            reason=reason,
            resumed=resumed,
            verified=verified,
            bytes_total=progress.bytes_total or 0,
            bytes_moved=progress.bytes_moved,
            retries=progress.retries,
            seconds=progress.elapsed_s,
            program=program_name(),
        )
    )


def _ending_of(exc: BaseException) -> tuple[Ending, str]:
    match exc:
        case Paused():
            return Ending.PAUSED, exc.message
        case Cancelled():
            return Ending.CANCELLED, exc.message
        case KeyboardInterrupt():
            return Ending.CANCELLED, "Interrupted."
        case ModelsyncError():
            return Ending.FAILED, exc.sentence
        case _:
            return Ending.FAILED, f"Something unexpected went wrong ({type(exc).__name__})."

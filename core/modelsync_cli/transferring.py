"""`modelsync push` and `modelsync pull`: one tag after another, each with its line when it ends."""

import logging
import threading
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from modelsync.comparison import Direction
from modelsync.errors import Cancelled, ModelsyncError
from modelsync.model import Json
from modelsync.results import TransferResult
from modelsync.tag import Tag, TagReference
from modelsync.transfer.control import Control
from modelsync.transfer.progress import Progress
from modelsync_cli.interrupts import Interrupts
from modelsync_cli.output import size_text
from modelsync_cli.progress import open_display
from modelsync_cli.session import Session, flag, is_set

if TYPE_CHECKING:
    from modelsync.sync import Sides

REDRAW_EVERY_S = 0.1
EXIT_MIXED = 1

_logger = logging.getLogger("modelsync.command")


def run(session: Session) -> int:
    """Moves every tag that was named; a failure of one does not stop the next.

    Returns the exit code of the failures if all are of one kind, 1 if not, 130 when interrupted.
    """
    direction = Direction(session.args.command)
    jobs = [Job(text, TagReference.parse(text), direction) for text in session.args.tags]
    session.start_log()
    try:
        sides = session.sides()
    except ModelsyncError as error:
        for job in jobs:
            job.error = error
            if session.output.as_json:
                session.output.record(job.record(), ())
        raise
    with closing(sides), Interrupts() as interrupts:
        return exit_code(_run_each(session, sides, jobs, interrupts))


def exit_code(errors: Iterable[ModelsyncError]) -> int:
    """One code for all failures (0 for none); an interrupt outweighs what failed before it."""
    codes = {error.exit_code for error in errors}
    if Cancelled.exit_code in codes:
        return Cancelled.exit_code
    if len(codes) > 1:
        return EXIT_MIXED
    return codes.pop() if codes else 0


def _run_each(session: Session, sides: "Sides", jobs: Iterable["Job"], interrupts: Interrupts) -> list[ModelsyncError]:
    errors: list[ModelsyncError] = []
    for job in jobs:
        interrupts.cancel(job.control)
        thread = threading.Thread(target=job.run, args=(sides, session), name="modelsync-transfer", daemon=True)
        thread.start()
        with open_display(session, f"{job.direction} {job.reference}") as display:
            while not job.ended.wait(REDRAW_EVERY_S):
                display.update(job.progress.snapshot(), interrupts.count > 0)
        if job.crash is not None:
            raise job.crash
        _report(session, job)
        if job.error is not None:
            errors.append(job.error)
            if isinstance(job.error, Cancelled):
                break
    return errors


@dataclass
class Job:
    """One tag of the command line on its way."""

    text: str
    reference: TagReference
    direction: Direction
    control: Control = field(default_factory=Control)
    progress: Progress = field(default_factory=Progress)
    ended: threading.Event = field(default_factory=threading.Event)
    result: TransferResult | None = None
    error: ModelsyncError | None = None
    crash: BaseException | None = None
    """What nobody expected; raised again on the main thread."""
    tag: Tag | None = None
    """What the reference turned out to mean."""

    def run(self, sides: "Sides", session: Session) -> None:
        """Runs on a thread of its own, so that the main thread can hear signals and draw."""
        try:
            self.result = self._move(sides, session)
        except ModelsyncError as error:
            _logger.warning("%s %s: %s: %s", self.direction, self.text, type(error).__name__, error.sentence)
            _logger.debug("it came from here", exc_info=True)
            self.error = error
        except BaseException as crash:  # noqa: BLE001 - it is raised again on the main thread
            self.crash = crash
        finally:
            self.ended.set()

    def _move(self, sides: "Sides", session: Session) -> TransferResult:
        from modelsync.sync import pull, push, resolve_remote

        force = is_set(session.args, "force")
        match self.direction:
            case Direction.PUSH:
                self.tag = sides.store.resolve(self.reference).tag
                return push(self.tag, sides, force=force, control=self.control, progress=self.progress)
            case Direction.PULL:
                query = flag(session.args, "query") or ""
                self.tag = resolve_remote(self.reference, sides.registry, query=query, control=self.control)
                return pull(self.tag, sides, force=force, control=self.control, progress=self.progress)
            case _:
                assert_never(self.direction)

    def record(self) -> Mapping[str, Json]:
        """Its line of JSON."""
        tag = str(self.tag or self.text)
        if self.result is not None:
            result = self.result
            return {
                "tag": tag,
                "outcome": str(result.outcome),
                "reason": result.reason,
                "resumed": result.resumed,
                "bytes_total": result.bytes_total,
                "bytes_moved": result.bytes_moved,
                "retries": result.retries,
                "seconds": round(result.seconds, 3),
                "error": None,
            }
        progress = self.progress
        return {
            "tag": tag,
            "outcome": "failed",
            "reason": "",
            "resumed": False,
            "bytes_total": progress.bytes_total or 0,
            "bytes_moved": progress.bytes_moved,
            "retries": progress.retries,
            "seconds": round(progress.elapsed_s, 3),
            "error": self.error.sentence if self.error else None,
        }


def _report(session: Session, job: Job) -> None:
    record = job.record()
    session.output.record(record, (str(record["outcome"]), str(record["tag"]), str(record["reason"])))
    if job.error is not None:
        session.output.error(job.error, about="" if isinstance(job.error, Cancelled) else str(record["tag"]))
    result = job.result
    if result is None:
        return
    if result.differs:
        session.output.warn(f"{result.tag} is there already, but differs. Replace it with --force.")
    for warning in result.warnings:
        session.output.warn(warning)
    if result.bytes_moved:
        speed = size_text(int(result.bytes_moved / max(result.seconds, 0.001)))
        retries = f", {result.retries} retries" if result.retries else ""
        session.output.note(
            f"{result.tag}: {size_text(result.bytes_moved)} in {result.seconds:.1f} s ({speed}/s{retries})"
        )

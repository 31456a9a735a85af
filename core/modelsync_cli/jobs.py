"""The tags of a command line, one after another: each on a thread of its own, with its line when it ends."""

import logging
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from modelsync.errors import Cancelled, ModelsyncError
from modelsync.model import Json
from modelsync.tag import Tag, TagReference
from modelsync.transfer.control import Control
from modelsync.transfer.progress import Progress
from modelsync_cli.guard import unexpected
from modelsync_cli.interrupts import Interrupts
from modelsync_cli.output import Output
from modelsync_cli.progress import open_display
from modelsync_cli.session import Session

if TYPE_CHECKING:
    from modelsync.sync import Sides

REDRAW_EVERY_S = 0.1
EXIT_MIXED = 1

_logger = logging.getLogger("modelsync.command")


class Job(ABC):
    """One tag of the command line on its way."""

    def __init__(self, text: str, verb: str) -> None:
        """Raises InvalidTagError."""
        self.text = text
        self.reference = TagReference.parse(text)
        self.verb = verb
        self.control = Control()
        self.progress = Progress()
        self.ended = threading.Event()
        self.error: ModelsyncError | None = None
        self.tag: Tag | None = None
        """What the reference turned out to mean."""

    @abstractmethod
    def work(self, session: Session, sides: "Sides") -> None:
        """Does it, and keeps the result; raises ModelsyncError."""

    @abstractmethod
    def record(self) -> Mapping[str, Json]:
        """Its line of JSON, however it ended."""

    @abstractmethod
    def plain(self) -> Sequence[str]:
        """The columns of its line without JSON."""

    @abstractmethod
    def narrate(self, output: Output) -> None:
        """What a person reads on stderr of a result."""

    @property
    def code(self) -> int:
        """Its own exit code."""
        return self.error.exit_code if self.error else 0

    @property
    def shown_tag(self) -> str:
        return str(self.tag or self.text)

    def about(self, error: ModelsyncError) -> str:
        """What stands before the sentence: the tag, unless the sentence has it or it is about all of them."""
        named = re.search(rf"(?<![\w.:-]){re.escape(self.shown_tag)}(?![\w-]|[.:]\w)", error.message)
        return "" if named or isinstance(error, Cancelled) else self.shown_tag

    def run(self, session: Session, sides: "Sides") -> None:
        """Runs on a thread of its own, so that the main thread can hear signals and draw."""
        try:
            self.work(session, sides)
        except ModelsyncError as error:
            _logger.warning("%s %s: %s: %s", self.verb, self.text, type(error).__name__, error.sentence)
            _logger.debug("it came from here", exc_info=True)
            self.error = error
        except Exception:  # noqa: BLE001 - a defect ends this tag, with its line and its sentence, not the others
            self.error = ModelsyncError(
                "Something happened that modelsync did not expect."
            )  # were the log to fail, too
            self.error = unexpected(session)
        finally:
            self.ended.set()


def run_jobs(session: Session, jobs: Sequence[Job]) -> int:
    """Does every job; a failure of one does not stop the next.

    Returns the exit code of the failures if all are of one kind, 1 if not, 130 when interrupted.
    """
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
        try:
            return exit_code(_run_each(session, sides, jobs, interrupts))
        except KeyboardInterrupt:  # the second one: what runs is not waited for
            sides.unrecorded.abandon()
            raise


def exit_code(codes: Iterable[int]) -> int:
    """One code for all that failed (0 for none); an interrupt outweighs what failed before it."""
    failed = set(codes) - {0}
    if Cancelled.exit_code in failed:
        return Cancelled.exit_code
    if len(failed) > 1:
        return EXIT_MIXED
    return failed.pop() if failed else 0


def _run_each(session: Session, sides: "Sides", jobs: Iterable[Job], interrupts: Interrupts) -> list[int]:
    codes: list[int] = []
    for job in jobs:
        interrupts.cancel(job.control)
        thread = threading.Thread(target=job.run, args=(session, sides), name="modelsync-job", daemon=True)
        thread.start()
        with open_display(session, f"{job.verb} {job.reference}") as display:
            while not job.ended.wait(REDRAW_EVERY_S):
                display.update(job.progress, interrupts.count > 0)
        session.output.record(job.record(), job.plain())
        if job.error is None:
            job.narrate(session.output)
        else:
            session.output.error(job.error, about=job.about(job.error))
        codes.append(job.code)
        if isinstance(job.error, Cancelled):
            break
    return codes

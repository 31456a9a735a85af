"""`modelsync verify`: local versions compared with the registry's."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from modelsync.model import Json
from modelsync.results import Verification
from modelsync_cli.jobs import Job, run_jobs
from modelsync_cli.output import Output, size_text
from modelsync_cli.session import Session, is_set

if TYPE_CHECKING:
    from modelsync.sync import Sides

EXIT_DIFFERS: Final = 1
_SHOWN_MAX: Final = 20
"""Differences that a person is told of; JSON has them all."""


def run(session: Session) -> int:
    """Compares every tag that was named; returns the exit code."""
    quick = is_set(session.args, "quick")
    return run_jobs(session, [VerifyJob(text, quick=quick) for text in session.args.tags])


class VerifyJob(Job):
    """One tag that is compared."""

    def __init__(self, text: str, *, quick: bool) -> None:
        super().__init__(text, "verify")
        self.quick = quick
        self.result: Verification | None = None

    def work(self, session: Session, sides: "Sides") -> None:  # noqa: ARG002 - another job's needs it
        from modelsync.sync import verify

        self.tag = sides.store.resolve(self.reference).tag
        self.result = verify(self.tag, sides, quick=self.quick, control=self.control, progress=self.progress)

    @property
    def code(self) -> int:
        return EXIT_DIFFERS if self.result is not None and not self.result.equal else super().code

    def record(self) -> Mapping[str, Json]:
        result = self.result
        differences: list[Json] = []
        if result is not None:
            differences += [{"name": item.name, "kind": str(item.kind)} for item in result.differences]
        return {
            "tag": self.shown_tag,
            "equal": result.equal if result else None,
            "verified": result is not None and result.verified,
            "quick": self.quick,
            "files": result.files if result else 0,
            "differences": differences,
            "bytes_compared": result.bytes_compared if result else 0,
            "seconds": round(result.seconds if result else self.progress.elapsed_s, 3),
            "error": self.error.sentence if self.error else None,
        }

    def plain(self) -> Sequence[str]:
        result = self.result
        if result is None:
            return "failed", self.shown_tag, ""
        if result.verified:
            size = size_text(result.bytes_compared)
            return "verified", self.shown_tag, f"{result.files} files, {size} compared byte for byte"
        if result.equal:
            return "same", self.shown_tag, f"{result.files} files, compared by names and sizes only"
        count = len(result.differences)
        return "differs", self.shown_tag, f"{count} difference{'' if count == 1 else 's'}"

    def narrate(self, output: Output) -> None:
        result = self.result
        if result is None:
            return
        for item in result.differences[:_SHOWN_MAX]:
            output.warn(f"{result.tag}: {item.name}: {item.kind}")
        if (more := len(result.differences) - _SHOWN_MAX) > 0:
            output.warn(f"{result.tag}: and {more} more; --json lists them all")

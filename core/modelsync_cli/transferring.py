"""`modelsync push` and `modelsync pull`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, assert_never

from modelsync.comparison import Direction
from modelsync.model import Json
from modelsync.results import Outcome, PullResult, TransferResult
from modelsync_cli.jobs import Job, run_jobs
from modelsync_cli.output import Output, size_text
from modelsync_cli.session import Session, flag, is_set

if TYPE_CHECKING:
    from modelsync.sync import Sides


def run(session: Session) -> int:
    """Moves every tag that was named; returns the exit code."""
    direction = Direction(session.args.command)
    return run_jobs(session, [TransferJob(text, direction) for text in session.args.tags])


class TransferJob(Job):
    """One tag that is pushed or pulled."""

    def __init__(self, text: str, direction: Direction) -> None:
        super().__init__(text, direction)
        self.direction = direction
        self.result: TransferResult | None = None

    def work(self, session: Session, sides: "Sides") -> None:
        from modelsync import sync  # not before: it loads an HTTP client

        force, dry = is_set(session.args, "force"), is_set(session.args, "dry_run")
        control, progress = self.control, self.progress
        match self.direction:
            case Direction.PUSH:
                self.tag = sync.resolve_local(self.reference, sides.store)
                if dry:
                    self.result = sync.would_push(self.tag, sides, force=force, control=control)
                else:
                    self.result = sync.push(self.tag, sides, force=force, control=control, progress=progress)
            case Direction.PULL:
                query, verify = flag(session.args, "query") or "", is_set(session.args, "verify")
                if query and self.reference.version is not None:
                    session.output.warn(f"{self.reference} is one version already: --query says nothing about it.")
                self.tag = sync.resolve_remote(self.reference, sides.registry, query=query, control=control)
                if dry:
                    self.result = sync.would_pull(self.tag, sides, force=force, control=control)
                else:
                    self.result = sync.pull(
                        self.tag, sides, force=force, verify=verify, control=control, progress=progress
                    )
            case _:
                assert_never(self.direction)

    def record(self) -> Mapping[str, Json]:
        result, progress = self.result, self.progress
        verified: dict[str, Json] = {}
        if self.direction is Direction.PULL:
            verified["verified"] = isinstance(result, PullResult) and result.verified
        if result is not None:
            return {
                "tag": self.shown_tag,
                "outcome": str(result.outcome),
                "reason": result.reason,
                "resumed": result.resumed,
                **verified,
                "bytes_total": result.bytes_total,
                "bytes_moved": result.bytes_moved,
                "retries": result.retries,
                "seconds": round(result.seconds, 3),
                "error": None,
            }
        return {
            "tag": self.shown_tag,
            "outcome": "failed",
            "reason": "",
            "resumed": False,
            **verified,
            "bytes_total": progress.bytes_total or 0,
            "bytes_moved": progress.bytes_moved,
            "retries": progress.retries,
            "seconds": round(progress.elapsed_s, 3),
            "error": self.error.sentence if self.error else None,
        }

    def plain(self) -> Sequence[str]:
        record = self.record()
        return str(record["outcome"]), self.shown_tag, str(record["reason"])

    def narrate(self, output: Output) -> None:
        result = self.result
        if result is None:
            return
        if result.differs:
            output.warn(f"{result.tag} is there already, but differs. Replace it with --force.")
        for warning in result.warnings:
            output.warn(warning)
        if result.outcome in (Outcome.WOULD_PUSH, Outcome.WOULD_PULL):
            moved = "sent" if self.direction is Direction.PUSH else "fetched"
            output.note(f"{result.tag}: about {size_text(result.bytes_total)} would be {moved}; nothing was.")
        if result.bytes_moved:
            speed = size_text(int(result.bytes_moved / max(result.seconds, 0.001)))
            retries = f", {result.retries} retries" if result.retries else ""
            resumed = ", went on from what was there" if result.resumed else ""
            verified = ", verified" if isinstance(result, PullResult) and result.verified else ""
            output.note(
                f"{result.tag}: {size_text(result.bytes_moved)} in {result.seconds:.1f} s "
                f"({speed}/s{retries}){resumed}{verified}"
            )

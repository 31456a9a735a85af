"""Pull: one version of the registry into the local store."""

import logging
from dataclasses import dataclass
from functools import partial

from modelsync.archive.settle import Unpacked
from modelsync.comparison import Decision, Verdict, decide_pull
from modelsync.errors import (
    AuthenticationError,
    BrokenModelError,
    Interrupted,
    NoSpaceError,
    RemoteModelNotFoundError,
    StoreError,
    TransferError,
    UnreachableError,
)
from modelsync.model import Direction, LocalModel, RemoteModel
from modelsync.registry.client import Registry
from modelsync.results import Outcome, PullResult
from modelsync.store import Stage
from modelsync.sync.receiving import Receiving, need_space
from modelsync.sync.recording import recorded
from modelsync.sync.sides import Sides
from modelsync.tag import Tag, TagReference
from modelsync.transfer.control import Control, Paused
from modelsync.transfer.journal import PullRecord
from modelsync.transfer.progress import Phase, Progress

log = logging.getLogger("modelsync.sync")


def resolve_remote(
    reference: TagReference, registry: Registry, *, query: str = "", control: Control | None = None
) -> Tag:
    """The tag meant by `name:version`, or by `name` or `name:latest`: the newest build that was uploaded whole.

    Raises RemoteModelNotFoundError. (Contract 2: what the server calls latest may be an upload that failed.)
    """
    if reference.version is not None:
        return Tag(reference.name, reference.version)
    newest = registry.latest(reference.name, query, control=control)
    if newest is None or newest.tag is None:
        meant = f" that {query!r} means" if query else ""
        raise RemoteModelNotFoundError(
            f"The registry has no finished version of {reference.name}{meant}.",
            hint=f"See what it has: modelsync ls remote {reference.name}",
        )
    return newest.tag


def pull(
    tag: Tag,
    sides: Sides,
    *,
    force: bool = False,
    verify: bool = False,
    control: Control | None = None,
    progress: Progress | None = None,
) -> PullResult:
    """Downloads a version; fetches nothing when the local store has it already.

    With `verify` the object's ETag is recomputed from what arrives (1.5 CPU seconds per GiB), and IntegrityError
    raised when it is another one; where that cannot be done, the result is not `verified` and a warning says why.
    A pull that was cut short goes on from what is in its stage, if the object is still the same.
    It is unpacked beside the store while it arrives, checked, and put in place in one step; with `force` the old
    version stays until then. Raises RemoteModelNotFoundError, NoSpaceError, StoreLockedError, UnsafeArchiveError,
    ArchiveError, RemoteChangedError, the errors of the registry and of the data path, or Cancelled.
    """
    control = control or Control()
    progress = progress or Progress()
    run = partial(_pull, tag, sides, force=force, verify=verify, control=control, progress=progress)
    return recorded(sides, Direction.PULL, tag, progress, run)


def _pull(tag: Tag, sides: Sides, *, force: bool, verify: bool, control: Control, progress: Progress) -> PullResult:
    progress.phase = Phase.LOOK
    remote, local, decision = _look(tag, sides, force=force, control=control)
    if not decision.goes and local is not None:
        progress.end()
        return PullResult(
            tag=tag,
            outcome=Outcome.SKIPPED,
            reason=decision.reason,
            differs=decision.verdict is Verdict.SKIP_DIFFERS,
            seconds=progress.elapsed_s,
            warnings=(f"Nothing was fetched, so nothing was compared: modelsync verify {tag} does.",) if verify else (),
            path=local.path,
        )
    with sides.journals.open(sides.journal_key(Direction.PULL, tag)) as journal:
        earlier = journal.read_pull()
        if earlier is None:
            need_space(sides, remote.size_bytes or 0)
        stage, earlier = _stage(sides, tag, earlier)
        with stage:
            if not force and sides.store.find(tag) is not None:  # someone else pulled it while we looked
                raise StoreError(f"{tag} was put into the store meanwhile.", hint="Pull again to compare.")
            receiving = Receiving(sides, remote, tag, stage, control, progress, journal, earlier, verify)
            return _Pull(receiving, replace=force).run(decision.reason)


def would_pull(tag: Tag, sides: Sides, *, force: bool = False, control: Control | None = None) -> PullResult:
    """What a pull would come to now; changes nothing, and is not in the history.

    `bytes_total` is about what it would fetch: the size of the files as the registry knows it. Raises what a pull
    raises before it fetches.
    """
    remote, local, decision = _look(tag, sides, force=force, control=control or Control())
    if decision.goes:
        need_space(sides, remote.size_bytes or 0)
    return PullResult(
        tag=tag,
        outcome=Outcome.WOULD_PULL if decision.goes else Outcome.SKIPPED,
        reason=decision.reason,
        differs=decision.verdict is Verdict.SKIP_DIFFERS,
        bytes_total=(remote.size_bytes or 0) if decision.goes else 0,
        path=local.path if local is not None else sides.store.models_dir / tag.name / tag.version,
    )


def _look(tag: Tag, sides: Sides, *, force: bool, control: Control) -> tuple[RemoteModel, LocalModel | None, Decision]:
    """What both sides have of it, and what follows from it; raises what a pull raises before it fetches."""
    remote = sides.record(tag, control)
    local = _local(sides, tag, force=force)
    decision = decide_pull(local, remote, force=force)
    if decision.verdict is Verdict.REFUSE:
        hint = "Get it from HuggingFace." if remote.is_reference else "Ask who pushed it, or pick another version."
        raise TransferError(f"{tag} is not pulled: {decision.reason}.", hint=hint)
    return remote, local, decision


@dataclass(slots=True)
class _Pull:
    """One pull that has something to fetch."""

    receiving: Receiving
    replace: bool
    """Whether a version that is there when this one is whole gives way to it."""

    def run(self, reason: str) -> PullResult:
        receiving = self.receiving
        stage, progress, journal = receiving.stage, receiving.progress, receiving.journal
        try:
            total, unpacked = receiving.run()
            progress.phase = Phase.INSTALL
            receiving.control.check()
            sync = receiving.sides.sync_to_disk
            model = stage.install(replace=self.replace, sync=sync, stop=receiving.control)
        except BaseException as exc:
            if isinstance(exc, _WORTH_GOING_ON) and journal.exists:
                stage.keep()
            else:
                journal.remove()
            raise
        journal.remove()
        progress.end()
        return PullResult(
            tag=receiving.tag,
            outcome=Outcome.PULLED,
            reason=reason,
            resumed=receiving.resumed,
            bytes_total=total,
            bytes_moved=progress.bytes_moved,
            retries=progress.retries,
            seconds=progress.elapsed_s,
            warnings=(*receiving.warnings, *_record_warnings(receiving.remote, model, unpacked)),
            verified=receiving.verified,
            path=model.path,
        )


_WORTH_GOING_ON = (Paused, Interrupted, UnreachableError, NoSpaceError, AuthenticationError, KeyboardInterrupt)
"""Ends that a later pull may go on from; after any other one what has arrived is not trusted, or not wanted."""


def _stage(sides: Sides, tag: Tag, earlier: PullRecord | None) -> tuple[Stage, PullRecord | None]:
    """The stage of an earlier run with its record, or an empty one."""
    if earlier is not None:
        stage = sides.store.reopen_stage(tag, earlier.stage)
        if stage is not None:
            return stage, earlier
    return sides.store.new_stage(tag), None


def _record_warnings(remote: RemoteModel, model: LocalModel, unpacked: Unpacked) -> tuple[str, ...]:
    """The record may be older than the content (architecture, invariant 5): that is told, never a failure."""
    if remote.size_bytes is None or remote.size_bytes == model.size_bytes:
        return ()
    return (
        f"The registry's record of {model.tag} says {remote.size_bytes} bytes, its content has "
        f"{model.size_bytes} in {unpacked.files} files: the record is of an earlier push.",
    )


def _local(sides: Sides, tag: Tag, *, force: bool) -> LocalModel | None:
    try:
        return sides.store.find(tag)
    except BrokenModelError:
        if force:
            return None  # replaced, whatever it is
        raise

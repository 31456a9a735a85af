"""What two sides say of one version: the state of a row, and whether a push or pull would move anything."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import assert_never

from modelsync.model import Direction as Direction
from modelsync.model import LocalModel, RemoteModel, UploadStatus
from modelsync.tag import Tag

UPLOAD_STUCK_AFTER = timedelta(hours=1)
"""An upload that began longer ago than this is taken for dead; presigned URLs live as long (contract 4.4)."""


class RowState(StrEnum):
    """What is known of one tag on both sides, from creation time, size and upload status."""

    SAME = "same"
    LOCAL_ONLY = "local only"
    REMOTE_ONLY = "remote only"
    DIFFERS = "differs"
    UPLOADING = "uploading"
    """Registered, and its upload began less than an hour ago (or has not begun)."""
    FAILED = "failed"
    """Registered; whoever uploaded it said that it failed."""
    STUCK = "stuck"
    """Registered; its upload began long ago and never ended."""
    REFERENCE = "reference"
    """A pointer to HuggingFace: nothing to move."""


def same_build(local: LocalModel, remote: RemoteModel) -> bool:
    """Whether the registry's record is of this local version: same size and, to the microsecond, same creation time.

    The wire keeps six digits (contract 1.0, dates), so no finer comparison can hold.
    """
    return remote.size_bytes == local.size_bytes and remote.build_at == local.info.creation_time


def row_state(local: LocalModel | None, remote: RemoteModel | None, now: datetime | None = None) -> RowState:
    """The state of one tag; at least one side must be given."""
    if remote is None:
        return RowState.LOCAL_ONLY
    if remote.is_reference:
        return RowState.REFERENCE
    match remote.status:
        case UploadStatus.SUCCESS:
            if local is None:
                return RowState.REMOTE_ONLY
            return RowState.SAME if same_build(local, remote) else RowState.DIFFERS
        case UploadStatus.FAILED:
            return RowState.FAILED
        case UploadStatus.PENDING | UploadStatus.UPLOADING | UploadStatus.UNKNOWN:
            return RowState.UPLOADING if _is_recent(remote, now) else RowState.STUCK
        case _:
            assert_never(remote.status)


def _is_recent(remote: RemoteModel, now: datetime | None) -> bool:
    began = remote.upload_started_at or remote.created_at
    return began is not None and (now or datetime.now(UTC)) - began < UPLOAD_STUCK_AFTER


class Verdict(StrEnum):
    """What asking for a transfer would lead to."""

    GO = "go"
    SKIP_SAME = "skip: already there"
    SKIP_DIFFERS = "skip: differs"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with its reason, in words for a person."""

    verdict: Verdict
    reason: str

    @property
    def goes(self) -> bool:
        return self.verdict is Verdict.GO


REASON_SAME = "already there (same size and build time)"
REASON_DIFFERS = "differs"


def decide_push(local: LocalModel, remote: RemoteModel | None, *, force: bool = False) -> Decision:
    """Whether a push would send; without force a complete version is never touched."""
    if remote is None:
        return Decision(Verdict.GO, "new in the registry")
    if remote.is_reference:
        return Decision(Verdict.REFUSE, "the registry keeps this tag as a HuggingFace reference")
    state = row_state(local, remote)
    if state is RowState.UPLOADING and remote.status is UploadStatus.UPLOADING and not force:
        return Decision(Verdict.REFUSE, _upload_in_progress(remote))
    if state is RowState.SAME and not force:
        return Decision(Verdict.SKIP_SAME, REASON_SAME)
    if state is RowState.DIFFERS and not force:
        return Decision(Verdict.SKIP_DIFFERS, REASON_DIFFERS)
    if remote.status is UploadStatus.SUCCESS:
        return Decision(Verdict.GO, "replaces the version in the registry")
    return Decision(Verdict.GO, "its last upload did not finish")


def decide_pull(local: LocalModel | None, remote: RemoteModel, *, force: bool = False) -> Decision:
    """Whether a pull would fetch; without force a local version is never touched."""
    if remote.is_reference:
        return Decision(Verdict.REFUSE, "it is a HuggingFace reference: the registry holds no content")
    if remote.tag is None:
        return Decision(Verdict.REFUSE, "its name cannot be kept in a BentoML store")
    if local is not None and not force:
        if same_build(local, remote):
            return Decision(Verdict.SKIP_SAME, REASON_SAME)
        return Decision(Verdict.SKIP_DIFFERS, REASON_DIFFERS)
    if remote.status is not UploadStatus.SUCCESS:
        return Decision(Verdict.REFUSE, _why_not_whole(remote))
    return Decision(Verdict.GO, "replaces the local version" if local else "new in the local store")


def _why_not_whole(remote: RemoteModel) -> str:
    """Why there is nothing to fetch of a version whose upload did not succeed."""
    why = f": {remote.status_reason.rstrip('.')}" if remote.status_reason else ""
    match remote.status:
        case UploadStatus.FAILED:
            return f"its upload failed{why}"
        case UploadStatus.UPLOADING:
            return _upload_in_progress(remote) if _is_recent(remote, None) else "its upload never ended"
        case UploadStatus.PENDING:
            return "its upload has not begun"
        case UploadStatus.UNKNOWN | UploadStatus.SUCCESS:
            return "the registry does not say that its upload succeeded"
        case _:
            assert_never(remote.status)


def _upload_in_progress(remote: RemoteModel) -> str:
    who = remote.creator_email or remote.creator_name or "someone"
    began = remote.upload_started_at or remote.created_at
    when = f" since {began.astimezone():%H:%M}" if began else ""
    return f"{who} is uploading it{when}"


@dataclass(frozen=True, slots=True, eq=False)
class PlanItem:
    """One version of a plan."""

    tag_text: str
    tag: Tag | None
    """None where no local store can keep it; then the verdict is to refuse."""
    size_bytes: int
    decision: Decision
    local: LocalModel | None
    remote: RemoteModel | None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a push or pull of a marked set will do, before it does it."""

    direction: Direction
    force: bool
    items: tuple[PlanItem, ...]

    @property
    def going(self) -> tuple[PlanItem, ...]:
        return tuple(item for item in self.items if item.decision.goes)

    @property
    def bytes_going(self) -> int:
        return sum(item.size_bytes for item in self.going)


def plan_push(models: Iterable[LocalModel], remotes: Mapping[str, RemoteModel], *, force: bool = False) -> Plan:
    """Plans a push; `remotes` by `name:version`."""
    items = []
    for model in models:
        remote = remotes.get(str(model.tag))
        decision = decide_push(model, remote, force=force)
        items.append(PlanItem(str(model.tag), model.tag, model.size_bytes, decision, model, remote))
    return Plan(Direction.PUSH, force, tuple(items))


def plan_pull(models: Iterable[RemoteModel], locals_: Mapping[str, LocalModel], *, force: bool = False) -> Plan:
    """Plans a pull; `locals_` by `name:version`."""
    items = []
    for remote in models:
        local = locals_.get(remote.tag_text)
        decision = decide_pull(local, remote, force=force)
        items.append(PlanItem(remote.tag_text, remote.tag, remote.size_bytes or 0, decision, local, remote))
    return Plan(Direction.PULL, force, tuple(items))

"""Push: one local version to the registry."""

import logging
from dataclasses import dataclass
from functools import partial

from modelsync.comparison import Decision, Verdict, decide_push
from modelsync.errors import (
    Cancelled,
    ModelsyncError,
    PermissionDeniedError,
    SourceChangedError,
    StillUploadingError,
    TokenRefusedError,
    TransferError,
    UploadInProgressError,
)
from modelsync.http.stopping import interruptibly
from modelsync.model import Direction, LocalModel, RemoteModel, UploadStatus
from modelsync.registry.rights import ask_to_push
from modelsync.results import Outcome, PushResult
from modelsync.store import ModelStore
from modelsync.sync.recording import recorded
from modelsync.sync.sending import Sending
from modelsync.sync.sides import Sides
from modelsync.sync.telling import last_words
from modelsync.tag import Tag, TagReference
from modelsync.transfer.control import Control, Paused
from modelsync.transfer.journal import Journal, upload_start
from modelsync.transfer.parts import GiB
from modelsync.transfer.progress import Phase, Progress
from modelsync.transfer.unfinished import began_upload

log = logging.getLogger("modelsync.sync")

SINGLE_PUT_MAX_BYTES = 5 * GiB
"""S3's limit for one PUT (contract 4.3)."""


def resolve_local(reference: TagReference, store: ModelStore) -> Tag:
    """The tag meant by `name:version`, or by `name` or `name:latest`: the store's latest.

    A version that was named is not looked for: whatever is done with it says that it is missing, and a push leaves that
    in the history. Raises LocalModelNotFoundError, BrokenModelError.
    """
    if reference.version is not None:
        return Tag(reference.name, reference.version)
    return store.resolve(reference).tag


def push(
    tag: Tag,
    sides: Sides,
    *,
    force: bool = False,
    begun: bool = False,
    control: Control | None = None,
    progress: Progress | None = None,
) -> PushResult:
    """Uploads a version; sends nothing when the registry has it already.

    `begun`: the caller began this push before, so that what the registry calls uploading is the caller's own; a journal
    knows better, for it says when the upload began.

    A push that was cut short goes on from the parts that the store has, if the files are still the same. The version
    counts as pushed only after every part has its ETag, no file changed meanwhile and the registry knows that it
    succeeded. Any other end but a pause or a refused token tells the registry `failed` with the reason; a person who
    cancelled does not wait longer than TOLD_WITHIN_S for that. Raises LocalModelNotFoundError, UploadInProgressError,
    SourceChangedError, StoreLockedError when another process pushes it, the errors of the registry and of the data
    path, or Cancelled (StillUploadingError where the registry could not be told of it).
    """
    control = control or Control()
    progress = progress or Progress()
    run = partial(_push, tag, sides, force=force, begun=begun, control=control, progress=progress)
    return recorded(sides, Direction.PUSH, tag, progress, run)


def _push(tag: Tag, sides: Sides, *, force: bool, begun: bool, control: Control, progress: Progress) -> PushResult:
    progress.phase = Phase.LOOK
    local, decision = _look(tag, sides, force=force, begun=begun, control=control)
    if decision.goes:
        with sides.journals.open(sides.journal_key(Direction.PUSH, tag)) as journal:
            # Looked at again under the lock: another process may have pushed it while this one looked.
            remote = sides.registry.model(tag, control=control)
            decision = _decide(sides, local, remote, force=force, begun=begun)
            if decision.goes:
                return _Push(sides, local, control, progress, journal).run(remote, decision.reason)
            if decision.verdict is Verdict.SKIP_SAME:
                journal.remove()
    progress.end()
    return PushResult(
        tag=tag,
        outcome=Outcome.SKIPPED,
        reason=decision.reason,
        differs=decision.verdict is Verdict.SKIP_DIFFERS,
        seconds=progress.elapsed_s,
    )


def would_push(tag: Tag, sides: Sides, *, force: bool = False, control: Control | None = None) -> PushResult:
    """What a push would come to now; changes nothing, and is not in the history.

    `bytes_total` is about what it would send: the size of the files. Raises what a push raises before it sends.
    A token that may not push is told by a registry that has any version.
    """
    control = control or Control()
    local, decision = _look(tag, sides, force=force, begun=False, control=control)
    if decision.goes:
        ask_to_push(sides.registry, control=control)
    return PushResult(
        tag=tag,
        outcome=Outcome.WOULD_PUSH if decision.goes else Outcome.SKIPPED,
        reason=decision.reason,
        differs=decision.verdict is Verdict.SKIP_DIFFERS,
        bytes_total=local.size_bytes if decision.goes else 0,
    )


def _look(tag: Tag, sides: Sides, *, force: bool, begun: bool, control: Control) -> tuple[LocalModel, Decision]:
    """What both sides have of it, and what follows from it; raises what a push raises before it sends."""
    if sides.registry.context.read_only:
        raise PermissionDeniedError(
            f"The context {sides.registry.context.name!r} is read-only: nothing is pushed to it.",
            hint="Use another context, or end the mode where it was chosen: flag, setting or sign-in (--writable).",
        )
    local = sides.store.get(tag)
    remote = sides.registry.model(tag, control=control)
    return local, _decide(sides, local, remote, force=force, begun=begun)


def _decide(sides: Sides, local: LocalModel, remote: RemoteModel | None, *, force: bool, begun: bool) -> Decision:
    """What we began ourselves and did not end is no obstacle. Raises TransferError for what must not be touched."""
    decision = decide_push(local, remote, force=force)
    if decision.verdict is not Verdict.REFUSE or remote is None:
        return decision
    tag = local.tag
    if remote.is_reference:
        raise TransferError(f"{tag} is not pushed: {decision.reason}.", hint="Give the local version another name.")
    if began_upload(sides.journals, sides.journal_key(Direction.PUSH, tag), remote, begun=begun):
        return decide_push(local, remote, force=True)
    raise UploadInProgressError(f"{tag} is not pushed: {decision.reason}.", hint="Wait, or push with force.")


@dataclass(slots=True)
class _Push:
    """One push that has something to send."""

    sides: Sides
    local: LocalModel
    control: Control
    progress: Progress
    journal: Journal

    def run(self, remote: RemoteModel | None, reason: str) -> PushResult:
        tag, registry = self.local.tag, self.sides.registry
        self.progress.phase = Phase.LAY_OUT
        lay_out = partial(Sending.lay_out, self.sides, self.local, self.control, self.progress, self.journal)
        sending = interruptibly(lay_out, self.control)  # 100,000 files take seconds
        self.progress.bytes_total = sending.layout.size_bytes
        self.control.check()

        self.progress.phase = Phase.REGISTER
        known = remote
        try:
            if remote is None:
                remote = self._register()
            registry.start_upload(tag, control=self.control)
            self._send(sending, remote)
            self._say_success(sending, remote, known=known is not None)
        except (Paused, TokenRefusedError):  # a refused token could not tell; after a new sign-in it goes on
            raise
        except BaseException as exc:
            if isinstance(exc, SourceChangedError):
                self.journal.remove()
            had_content = known is not None and known.status is UploadStatus.SUCCESS
            self._tell_failed(exc, registered=remote is not None, had_content=had_content)
            raise
        self.journal.remove()
        self.progress.end()
        return PushResult(
            tag=tag,
            outcome=Outcome.PUSHED,
            reason=reason,
            resumed=sending.resumed,
            bytes_total=sending.layout.size_bytes,
            bytes_moved=self.progress.bytes_moved,
            retries=self.progress.retries,
            seconds=self.progress.elapsed_s,
            warnings=tuple(sending.warnings),
            verified=sending.verified,
        )

    def _register(self) -> RemoteModel:
        tag, registry = self.local.tag, self.sides.registry
        if not registry.repository_exists(tag.name, control=self.control):
            registry.create_repository(tag.name, control=self.control)
        return registry.create_model(tag, self.local.info, self.local.size_bytes, control=self.control)

    def _send(self, sending: Sending, remote: RemoteModel) -> None:
        """Sends the archive by the strategy that the registry wants (contract 3.1)."""
        tag, registry = self.local.tag, self.sides.registry
        strategy = remote.transmission_strategy
        if strategy is None and sending.layout.size_bytes <= SINGLE_PUT_MAX_BYTES:
            if registry.presign_upload(tag, control=self.control) is not None:
                sending.whole(sending.presigned)
                return
            strategy = "proxy"
        if strategy == "proxy":
            sending.whole(lambda _control: registry.proxy_upload(tag))
        else:
            started = registry.model(tag, control=self.control)  # the answer to start_upload is stale (contract 3.2)
            if started is not None:
                self.journal.note_start(upload_start(started))
            sending.in_parts()

    def _say_success(self, sending: Sending, remote: RemoteModel, *, known: bool) -> None:
        tag, registry = self.local.tag, self.sides.registry
        self.progress.phase = Phase.COMPLETE
        if known:
            sending.warnings += self._refresh_record()
        if remote.transmission_strategy != "proxy":
            registry.finish_upload(tag, ok=True, control=self.control)
        elif self._status_is_not_success():
            raise TransferError(
                f"The registry took {tag}, but says that its upload did not succeed.", hint="Push it again."
            )

    def _refresh_record(self) -> list[str]:
        """A version that was registered before keeps its first manifest unless told (contract 3.2)."""
        try:
            self.sides.registry.update_record(
                self.local.tag, self.local.info, self.local.size_bytes, control=self.control
            )
        except Cancelled:
            raise
        except ModelsyncError as exc:
            log.warning("record of %s not refreshed: %s", self.local.tag, exc.message)
            return [f"The registry kept its old record of {self.local.tag} (size, labels): {exc.message}"]
        return []

    def _status_is_not_success(self) -> bool:
        record = self.sides.registry.model(self.local.tag, control=self.control)
        return record is None or record.status is not UploadStatus.SUCCESS

    def _tell_failed(self, cause: BaseException, *, registered: bool, had_content: bool) -> None:
        """Leaves a reason in the registry that a colleague can read.

        A registry that is gone cannot be told. A failure says by itself what is wrong; a person who cancelled is told,
        by StillUploadingError, after TOLD_WITHIN_S at the latest.
        """
        reason = cause.message if isinstance(cause, ModelsyncError) else type(cause).__name__
        if had_content:
            reason += " (a forced push; the content before it may still be there)"
        if not isinstance(cause, Exception):
            self.control.cancel()  # Ctrl-C in a program that does not turn it into a cancel
        try:
            with last_words(self.control) as words:
                if registered or self._is_pending(words):
                    self.sides.registry.finish_upload(self.local.tag, ok=False, reason=reason, control=words)
        except ModelsyncError as exc:
            log.warning("the registry could not be told that %s failed: %s", self.local.tag, exc.message)
            if isinstance(cause, Cancelled):
                raise StillUploadingError.of(str(self.local.tag), exc) from exc

    def _is_pending(self, words: Control) -> bool:
        """Whether the version was registered all the same, by the call that was cut short, and nothing came of it."""
        record = self.sides.registry.model(self.local.tag, control=words)
        return record is not None and record.status is UploadStatus.PENDING

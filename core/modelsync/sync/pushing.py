"""Push: one local version to the registry."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from modelsync.archive.layout import ArchiveLayout
from modelsync.comparison import Verdict, decide_push
from modelsync.errors import (
    AnswerLostError,
    Cancelled,
    ModelsyncError,
    PermissionDeniedError,
    RegistryRefusedError,
    RemoteModelNotFoundError,
    SourceChangedError,
    TransferError,
    UploadGoneError,
    UploadInProgressError,
)
from modelsync.model import LocalModel, RemoteModel, UploadStatus
from modelsync.registry.schemas import CompletedPart, UploadId
from modelsync.registry.targets import DataTarget
from modelsync.results import Outcome, PushResult
from modelsync.sync.sides import Sides
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from modelsync.transfer.download import Fetch
from modelsync.transfer.parts import GiB, Part, cut, part_size_for
from modelsync.transfer.progress import PartProgress, Phase, Progress
from modelsync.transfer.upload import Upload, object_etag

log = logging.getLogger("modelsync.sync")

SINGLE_PUT_MAX_BYTES = 5 * GiB
"""S3's limit for one PUT (contract 4.3)."""


def push(
    tag: Tag,
    sides: Sides,
    *,
    force: bool = False,
    control: Control | None = None,
    progress: Progress | None = None,
) -> PushResult:
    """Uploads a version; sends nothing when the registry has it already.

    The version counts as pushed only after every part has its ETag, no file changed meanwhile and the registry knows
    that it succeeded. Any other end tells the registry `failed` with the reason. Raises LocalModelNotFoundError,
    UploadInProgressError, SourceChangedError, the errors of the registry and of the data path, or Cancelled.
    """
    control = control or Control()
    progress = progress or Progress()
    if sides.registry.context.read_only:
        raise PermissionDeniedError(
            f"The context {sides.registry.context.name!r} is read-only: nothing is pushed to it.",
            hint="Use another context.",
        )
    progress.phase = Phase.LOOK
    local = sides.store.get(tag)
    remote = sides.registry.model(tag, control=control)
    decision = decide_push(local, remote, force=force)
    if decision.verdict is Verdict.REFUSE:
        raise UploadInProgressError(f"{tag} is not pushed: {decision.reason}.", hint="Wait, or push with force.")
    if not decision.goes:
        progress.end()
        return PushResult(
            tag=tag,
            outcome=Outcome.SKIPPED,
            reason=decision.reason,
            differs=decision.verdict is Verdict.SKIP_DIFFERS,
            seconds=progress.elapsed_s,
        )
    return _Push(sides, local, control, progress).run(remote, decision.reason)


@dataclass(slots=True)
class _Push:
    """One push that has something to send."""

    sides: Sides
    local: LocalModel
    control: Control
    progress: Progress

    def run(self, remote: RemoteModel | None, reason: str) -> PushResult:
        tag, registry = self.local.tag, self.sides.registry
        self.progress.phase = Phase.LAY_OUT
        threads = self.sides.workers.threads
        layout = ArchiveLayout.of(self.local.path, part_size=lambda total: part_size_for(total, threads))
        self.progress.bytes_total = layout.size_bytes
        self.control.check()

        self.progress.phase = Phase.REGISTER
        known = remote is not None
        if remote is None:
            remote = self._register()
        registry.start_upload(tag, control=self.control)
        try:
            warnings = self._send(layout, remote, known=known)
        except BaseException as exc:
            self._tell_failed(exc)
            raise
        self.progress.end()
        return PushResult(
            tag=tag,
            outcome=Outcome.PUSHED,
            reason=reason,
            bytes_total=layout.size_bytes,
            bytes_moved=self.progress.bytes_moved,
            retries=self.progress.retries,
            seconds=self.progress.elapsed_s,
            warnings=warnings,
        )

    def _register(self) -> RemoteModel:
        tag, registry = self.local.tag, self.sides.registry
        if not registry.repository_exists(tag.name, control=self.control):
            registry.create_repository(tag.name, control=self.control)
        return registry.create_model(tag, self.local.info, self.local.size_bytes, control=self.control)

    def _send(self, layout: ArchiveLayout, remote: RemoteModel, *, known: bool) -> tuple[str, ...]:
        """Sends the archive by the strategy the registry wants (contract 3.1) and says that it succeeded."""
        tag, registry, control = self.local.tag, self.sides.registry, self.control
        warnings: list[str] = []
        if remote.transmission_strategy == "proxy":
            self._send_whole(layout, lambda _control: registry.proxy_upload(tag))
        elif remote.transmission_strategy is None and layout.size_bytes <= SINGLE_PUT_MAX_BYTES:
            if registry.presign_upload(tag, control=control) is None:
                self._send_whole(layout, lambda _control: registry.proxy_upload(tag))
            else:
                self._send_whole(layout, self._presign_whole)
        else:
            self._send_parts(layout)
        self.progress.phase = Phase.COMPLETE
        if known:
            warnings += self._refresh_record()
        if remote.transmission_strategy != "proxy":
            registry.finish_upload(tag, ok=True, control=control)
        elif self._status_is_not_success():
            raise TransferError(
                f"The registry took {tag}, but says that its upload did not succeed.", hint="Push it again."
            )
        return tuple(warnings)

    def _send_parts(self, layout: ArchiveLayout) -> None:
        tag, registry = self.local.tag, self.sides.registry
        upload_id = registry.start_multipart(tag, control=self.control)
        parts = cut(layout.size_bytes, layout.part_size or part_size_for(layout.size_bytes, self.sides.workers.threads))

        def target_for(number: int, control: Control) -> DataTarget:
            return registry.presign_part(tag, upload_id, number, control=control)

        completed = self._upload(layout, parts, target_for)
        self._check_unchanged(layout)
        self.progress.phase = Phase.COMPLETE
        self._complete(layout, upload_id, completed)

    def _complete(self, layout: ArchiveLayout, upload_id: UploadId, completed: tuple[CompletedPart, ...]) -> None:
        """Makes the object; where the answer was lost, looks whether it is there before asking again."""
        registry, tag = self.sides.registry, self.local.tag
        self.control.check()
        try:
            registry.complete_multipart(tag, upload_id, completed, control=self.control)
        except (AnswerLostError, UploadGoneError) as exc:
            if self._is_stored(layout, completed):
                return
            if isinstance(exc, UploadGoneError):
                raise
            registry.complete_multipart(tag, upload_id, completed, control=self.control)

    def _is_stored(self, layout: ArchiveLayout, completed: tuple[CompletedPart, ...]) -> bool:
        """Whether the registry's object is the archive that was sent: same size and the ETag of these parts."""
        fetch = Fetch(self._signed_download, self.sides.data, self.sides.workers.bandwidth, self.sides.retry)
        try:
            head = fetch.head(self.control, PartProgress(0, 0, 0))
        except RemoteModelNotFoundError:
            return False
        return head.total_bytes == layout.size_bytes and head.etag == object_etag(completed)

    def _signed_download(self, control: Control) -> DataTarget:
        target = self.sides.registry.presign_download(self.local.tag, control=control)
        return target or self.sides.registry.proxy_download(self.local.tag)

    def _send_whole(self, layout: ArchiveLayout, target_for: Callable[[Control], DataTarget]) -> None:
        whole = (Part(1, 0, layout.size_bytes),)
        self._upload(layout, whole, lambda _number, control: target_for(control))
        self._check_unchanged(layout)

    def _presign_whole(self, control: Control) -> DataTarget:
        target = self.sides.registry.presign_upload(self.local.tag, control=control)
        if target is None:
            raise RegistryRefusedError("The registry stopped signing upload addresses.", hint="Push it again.")
        return target

    def _upload(
        self, layout: ArchiveLayout, parts: tuple[Part, ...], target_for: Callable[[int, Control], DataTarget]
    ) -> tuple[CompletedPart, ...]:
        counters = [PartProgress(part.number, part.start, part.size) for part in parts]
        self.progress.set_parts(counters)
        self.progress.phase = Phase.SEND
        upload = Upload(layout, parts, target_for, self.sides.data, verify=self.sides.verify, policy=self.sides.retry)
        return upload.run(self.sides.workers, self.control, counters, {})

    def _check_unchanged(self, layout: ArchiveLayout) -> None:
        changed = layout.changed()
        if changed is not None:
            raise SourceChangedError(
                f"{changed} changed while it was sent.", hint="Push again when nothing writes to it."
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

    def _tell_failed(self, cause: BaseException) -> None:
        """Leaves a reason in the registry that a colleague can read; a registry that is gone cannot be told."""
        reason = cause.message if isinstance(cause, ModelsyncError) else type(cause).__name__
        try:
            self.sides.registry.finish_upload(self.local.tag, ok=False, reason=reason)
        except ModelsyncError as exc:
            log.warning("the registry could not be told that %s failed: %s", self.local.tag, exc.message)

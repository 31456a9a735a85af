"""A version's archive on its way to the registry's store: whole or in parts, begun or gone on with."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from modelsync.archive.layout import ArchiveLayout
from modelsync.errors import (
    AnswerLostError,
    RegistryRefusedError,
    RemoteModelNotFoundError,
    SourceChangedError,
    StoreError,
    UploadGoneError,
)
from modelsync.http.stopping import interruptibly
from modelsync.model import LocalModel
from modelsync.registry.schemas import CompletedPart, ETag, UploadId
from modelsync.registry.targets import DataTarget
from modelsync.sync.sides import Sides
from modelsync.transfer.control import Control
from modelsync.transfer.download import Fetch
from modelsync.transfer.files import TransferFiles
from modelsync.transfer.journal import Journal, PushRecord
from modelsync.transfer.parts import Part, cut, part_size_for
from modelsync.transfer.progress import PartProgress, Phase, Progress
from modelsync.transfer.upload import Upload, object_etag

log = logging.getLogger("modelsync.sync")


@dataclass(slots=True)
class Sending:
    """One archive that is sent."""

    sides: Sides
    local: LocalModel
    control: Control
    progress: Progress
    journal: Journal
    layout: ArchiveLayout
    earlier: PushRecord | None
    """What an earlier run of the same bytes left to go on with."""
    warnings: list[str] = field(default_factory=list)
    resumed: bool = False
    verified: bool = False
    """Whether each byte was sent by this run, and compared with what the store says it has."""

    @classmethod
    def lay_out(
        cls, sides: Sides, local: LocalModel, control: Control, progress: Progress, journal: Journal
    ) -> "Sending":
        """Lays the archive out as an earlier run did, if its files are still the same; else anew, saying why."""
        warnings = []
        earlier = journal.read_push()
        if earlier is not None:
            part_size = earlier.part_size
            layout = ArchiveLayout.of(local.path, part_size=lambda _total: part_size)
            if layout.fingerprint() == earlier.fingerprint:
                return cls(sides, local, control, progress, journal, layout, earlier)
            changed = layout.first_difference(earlier.members) or "A file"
            warnings.append(f"{changed} changed since the push that was cut short: it starts from the beginning.")
        threads = sides.workers.threads
        layout = ArchiveLayout.of(local.path, part_size=lambda total: part_size_for(total, threads))
        return cls(sides, local, control, progress, journal, layout, None, warnings)

    def in_parts(self) -> None:
        """Sends what is missing of a multipart upload and makes the object.

        An upload that the store no longer knows, or has not all parts of, begins again, once.
        """
        try:
            self._in_parts(self.earlier)
        except UploadGoneError:
            if self.earlier is None:
                raise
            self.warnings.append("The store no longer knew all of the upload that was cut short: it started again.")
            self.earlier = None
            self.resumed = False
            self._in_parts(None)

    def whole(self, target_for: Callable[[Control], DataTarget]) -> None:
        """Sends the archive in one request (contract 3.1, strategies `proxy` and null)."""
        one = (Part(1, 0, self.layout.size_bytes),)
        counters = self._counters(one, {})
        upload = self._upload(one, lambda _number, control: target_for(control))
        upload.run(self.sides.workers, self.control, counters, {})
        self.verified = self.sides.verify and not upload.unchecked
        self._check_unchanged()

    def presigned(self, control: Control) -> DataTarget:
        """A fresh address for the whole archive."""
        target = self.sides.registry.presign_upload(self.local.tag, control=control)
        if target is None:
            raise RegistryRefusedError("The registry stopped signing upload addresses.", hint="Push it again.")
        return target

    def _in_parts(self, earlier: PushRecord | None) -> None:
        tag, registry = self.local.tag, self.sides.registry
        parts = cut(self.layout.size_bytes, self._part_size())
        done: dict[int, ETag] = {}
        if earlier is not None:
            upload_id = earlier.upload_id
            done = {number: etag for number, etag in earlier.parts.items() if number <= len(parts)}
            self.resumed = bool(done)
            self.journal.go_on()
        else:
            upload_id = registry.start_multipart(tag, control=self.control)
            self._begin_journal(upload_id)

        def target_for(number: int, control: Control) -> DataTarget:
            return registry.presign_part(tag, upload_id, number, control=control)

        counters = self._counters(parts, done)
        upload = self._upload(parts, target_for)
        completed = upload.run(self.sides.workers, self.control, counters, done)
        self.verified = self.sides.verify and not upload.unchecked and not done
        self._check_unchanged()
        self.progress.phase = Phase.COMPLETE
        self._complete(upload_id, completed)

    def _begin_journal(self, upload_id: UploadId) -> None:
        """A push needs no disk: where there is no room for its journal, it goes on and could not be resumed."""
        record = PushRecord(upload_id, self._part_size(), self.layout.fingerprint(), self.layout.remembered())
        try:
            self.journal.begin_push(record)
        except StoreError as exc:
            log.warning("no journal of %s: %s", self.local.tag, exc.message)
            self.journal.remove()  # what is there is of another upload
            self.warnings.append(f"Had this push been cut short, it could not have gone on. {exc.sentence}")

    def _part_size(self) -> int:
        return self.layout.part_size or part_size_for(self.layout.size_bytes, self.sides.workers.threads)

    def _counters(self, parts: tuple[Part, ...], done: dict[int, ETag]) -> list[PartProgress]:
        counters = [PartProgress(part.number, part.start, part.size) for part in parts]
        for part in counters:
            if part.number in done:
                part.finish(done[part.number])
        self.progress.set_parts(counters)
        self.progress.set_files(TransferFiles(self.layout.members))
        self.progress.phase = Phase.SEND
        return counters

    def _upload(self, parts: tuple[Part, ...], target_for: Callable[[int, Control], DataTarget]) -> Upload:
        return Upload(
            self.layout,
            parts,
            target_for,
            self.sides.data,
            verify=self.sides.verify,
            policy=self.sides.retry,
            sent=lambda part, etag: self.journal.add_part(part.number, etag),
        )

    def _check_unchanged(self) -> None:
        changed = interruptibly(self.layout.changed, self.control)
        if changed is not None:
            raise SourceChangedError(
                f"{changed} changed while it was sent.", hint="Push again when nothing writes to it."
            )

    def _complete(self, upload_id: UploadId, completed: tuple[CompletedPart, ...]) -> None:
        """Makes the object; where the answer was lost, looks whether it is there before asking again."""
        registry, tag = self.sides.registry, self.local.tag
        self.control.check()
        try:
            registry.complete_multipart(tag, upload_id, completed, control=self.control)
        except (AnswerLostError, UploadGoneError) as exc:
            if self._is_stored(completed):
                return
            if isinstance(exc, UploadGoneError):
                raise
            registry.complete_multipart(tag, upload_id, completed, control=self.control)

    def _is_stored(self, completed: tuple[CompletedPart, ...]) -> bool:
        """Whether the registry's object is the archive that was sent: same size and the ETag of these parts."""
        fetch = Fetch(self._signed_download, self.sides.data, self.sides.workers.bandwidth, self.sides.retry)
        try:
            head = fetch.head(self.control, PartProgress(0, 0, 0))
        except RemoteModelNotFoundError:
            return False
        return head.total_bytes == self.layout.size_bytes and head.etag == object_etag(completed)

    def _signed_download(self, control: Control) -> DataTarget:
        target = self.sides.registry.presign_download(self.local.tag, control=control)
        return target or self.sides.registry.proxy_download(self.local.tag)

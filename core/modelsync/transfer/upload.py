"""The parts of one archive out to an object store, each checked against the ETag it was given."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from modelsync.archive.layout import ArchiveLayout
from modelsync.errors import IntegrityError
from modelsync.registry.schemas import CompletedPart, ETag
from modelsync.transfer.control import Control
from modelsync.transfer.data import DataClient, Piece
from modelsync.transfer.parts import Part
from modelsync.transfer.progress import PartProgress
from modelsync.transfer.refusals import UrlRefused, refused_for_good
from modelsync.transfer.retry import Retryable, RetryPolicy, signed
from modelsync.transfer.signing import SignedAhead, TargetFor
from modelsync.transfer.workers import Task, Worker, Workers

BY_KERNEL_FROM_BYTES = 64 << 10
"""A shorter stretch of a file is copied with its neighbours sooner than it is sent by calls of its own."""
SMALL_FILE_BYTES = 16 << 10
"""Where the files are smaller than this on average, most of the work is to open them, also where they are digested."""
BY_KERNEL_MAX_BYTES = 8 << 20
"""As much of a file is handed over at once; the kernel gets it in calls of 1 MiB, and each is counted."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One archive on its way out."""

    layout: ArchiveLayout
    parts: Sequence[Part]
    target_for: TargetFor
    client: DataClient
    verify: bool = True
    """Compare each part's MD5 with its ETag, where the ETag is one; costs about 1.5 CPU seconds per GiB."""
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    sent: Callable[[Part, ETag], object] = lambda _part, _etag: None
    """Told of each part that is safely there, on the part's thread."""
    unchecked: set[int] = field(default_factory=set)
    """The numbers of parts whose ETag is no MD5, so that what arrived could not be compared."""

    def run(
        self, workers: Workers, control: Control, progress: Sequence[PartProgress], done: Mapping[int, ETag]
    ) -> tuple[CompletedPart, ...]:
        """Sends every part that is not in `done` and returns all of them, ascending.

        A part that is sent again sends the same bytes. Raises what made the upload impossible: SourceChangedError,
        PermissionDeniedError, UnreachableError, PartError, IntegrityError, or the person's Cancelled.
        """
        etags = dict(done)
        missing = [
            (part, counters) for part, counters in zip(self.parts, progress, strict=True) if part.number not in etags
        ]
        with closing(SignedAhead(self.target_for, [part.number for part, _ in missing])) as targets:

            def task_for(part: Part, counters: PartProgress) -> Task:
                def task(worker: Worker, inner: Control) -> None:
                    etags[part.number] = self._send(part, counters, worker, inner, targets)

                return task

            tasks = (task_for(part, counters) for part, counters in missing)
            workers.run(tasks, control, alone=self._has_small_files)
        return tuple(CompletedPart(part.number, etags[part.number]) for part in self.parts)

    @property
    def _has_small_files(self) -> bool:
        return self.layout.content_bytes < self.layout.files * SMALL_FILE_BYTES

    def _send(self, part: Part, counters: PartProgress, worker: Worker, control: Control, targets: SignedAhead) -> ETag:
        failures = 0
        refused = False
        while True:
            control.check()
            counters.begin()
            try:
                etag = self._try(part, counters, worker, control, targets)
            except UrlRefused as exc:
                if refused:
                    raise refused_for_good(exc.words) from exc
                refused = True
                counters.retry("signed URL expired, asking for a new one")
            except Retryable as exc:
                failures += 1
                refused = False
                worker.pace.trouble(slow_down=exc.slow_down)
                counters.retry(exc.error.message)
                self.policy.pause(failures, exc, control)
            else:
                counters.finish(etag)
                self.sent(part, etag)
                return etag

    def _try(self, part: Part, counters: PartProgress, worker: Worker, control: Control, targets: SignedAhead) -> ETag:
        digest = hashlib.md5(usedforsecurity=False) if self.verify else None
        target = signed(lambda: targets.take(part.number, control))
        by_kernel = digest is None and self.client.sends_files(target)

        def pieces() -> Iterator[Piece]:
            offset = part.start
            with self.layout.open() as reader:
                while offset < part.end:
                    most = BY_KERNEL_MAX_BYTES if by_kernel else len(worker.buffer)
                    length = min(worker.next_piece(most), part.end - offset)
                    worker.bandwidth.take(length, control)
                    if by_kernel:
                        yield from reader.pieces(offset, length, worker.buffer, BY_KERNEL_FROM_BYTES)
                    else:
                        piece = worker.buffer[:length]
                        reader.read_into(offset, piece)
                        if digest is not None:
                            digest.update(piece)
                        yield piece
                    offset += length

        def sent(count: int) -> None:
            counters.add(count)
            worker.moved(count)

        stored = self.client.put(target, part.size, pieces, control=control, on_sent=sent)
        if not stored.etag_is_md5:
            self.unchecked.add(part.number)
        elif digest is not None and stored.etag.strip('"') != digest.hexdigest():
            error = IntegrityError(
                f"Part {part.number} arrived damaged: the store's ETag is not the MD5 of what was sent.",
                hint="Push again; if it stays so, something between here and the store alters bytes.",
            )
            raise Retryable(error)
        return stored.etag


def object_etag(parts: Sequence[CompletedPart]) -> ETag:
    """The ETag that S3 gives an object made of these parts: `md5(md5s)-N` (contract 4.3), with its quotes.

    Empty where the parts' own are no MD5s: then nothing can be said of the object's.
    """
    digest = hashlib.md5(usedforsecurity=False)
    try:
        for part in parts:
            digest.update(bytes.fromhex(part.etag.strip('"')))
    except ValueError:
        return ETag("")
    return ETag(f'"{digest.hexdigest()}-{len(parts)}"')

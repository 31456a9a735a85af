"""A version's archive on its way into a stage: in ranges or as one stream, begun or gone on with."""

from dataclasses import dataclass, field
from typing import assert_never

from modelsync.archive.index import read_index
from modelsync.archive.settle import SPACE_RESERVE_BYTES, Unpacked
from modelsync.archive.unpack import Unpacker
from modelsync.archive.unpack_stream import compression_of
from modelsync.errors import NoSpaceError, StoreError
from modelsync.model import RemoteModel
from modelsync.store import Stage
from modelsync.sync.arrival import StreamArrival
from modelsync.sync.checkpoints import checkpoints
from modelsync.sync.etag_check import EtagCheck, NotComparable, UploadParts, upload_parts
from modelsync.sync.ranges import Gaps, aligned_ranges, bytes_at_once, missing_ranges, range_bytes
from modelsync.sync.sides import Sides
from modelsync.sync.source import open_source
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from modelsync.transfer.download import Fetch, Head, Sink
from modelsync.transfer.files import TransferFiles
from modelsync.transfer.journal import Journal, PullRecord
from modelsync.transfer.parts import GiB, MiB, Part
from modelsync.transfer.progress import PartProgress, Phase, Progress

EXPANSION_MAX = 4
"""A compressed archive may expand to so many times what the registry says of it; beyond, it is taken for a bomb."""


@dataclass(slots=True)
class Receiving:
    """One archive that is fetched."""

    sides: Sides
    remote: RemoteModel
    tag: Tag
    stage: Stage
    control: Control
    progress: Progress
    journal: Journal
    earlier: PullRecord | None
    """What an earlier run left in this stage."""
    verify: bool = False
    """Recompute the object's ETag from what arrives."""
    warnings: list[str] = field(default_factory=list)
    resumed: bool = False
    verified: bool = False
    """Whether every byte was compared with the ETag."""

    def run(self) -> tuple[int, Unpacked]:
        """Fetches and unpacks everything and checks that it is whole; returns the archive's size and what it became."""
        source = open_source(self.sides, self.remote, self.tag, self.control)
        fetch = source.fetch
        self.progress.phase = Phase.RECEIVE
        if not source.signed:
            return self._stream(fetch, None)
        first = PartProgress(1, 0, 0)
        self.progress.set_parts([first])
        head = fetch.head(self.control, first)
        self.progress.bytes_total = head.total_bytes
        if not head.ranged or head.total_bytes is None or compression_of(head.data) is not None:
            need_space(self.sides, head.total_bytes or 0)
            return self._stream(fetch, head)
        return self._ranges(fetch, head, head.total_bytes, first)

    def _ranges(self, fetch: Fetch, head: Head, total: int, first: PartProgress) -> tuple[int, Unpacked]:
        workers, control = self.sides.workers, self.control
        with self._unpacker(head, total) as unpacker:
            need_space(self.sides, max(total, self.remote.size_bytes or 0) - unpacker.done_bytes)
            kept = unpacker.done()
            hashed = self._hashed(head, resumed=bool(kept))
            sink = EtagCheck(hashed, unpacker) if hashed else unpacker
            take_back = control.on_cancel(unpacker.wake)
            try:
                sync = self.sides.sync_to_disk
                with checkpoints(unpacker, self.journal, head.etag, total, self.stage.path, sync=sync):
                    sink.write_all(0, memoryview(head.data), control.check)
                    first.size = len(head.data)
                    first.finish()
                    parts = self._missing(kept, len(head.data), total, unpacker.known_until, hashed)
                    self.progress.bytes_kept = total - len(head.data) - sum(part.size for part in parts)
                    counters = [PartProgress(part.number + 1, part.start, part.size) for part in parts]
                    self.progress.set_parts([first, *counters])
                    self.progress.set_files(TransferFiles(unpacker.members, all_known=lambda: unpacker.all_known))

                    def at_once(part: Part) -> int:
                        threads, active, known = workers.threads, workers.active, unpacker.known_until
                        return bytes_at_once(part, total, known_until=known, threads=threads, active=active)

                    together = None if hashed else at_once
                    fetch.ranges(
                        parts, counters, sink, head.etag, workers, control, total_bytes=total, at_once=together
                    )
            finally:
                take_back()
            self.progress.phase = Phase.CHECK
            self._compare(sink)
            return total, unpacker.finish(stopped=control.check)

    def _missing(
        self, kept: Gaps, start: int, total: int, known_until: int, hashed: UploadParts | None
    ) -> tuple[Part, ...]:
        threads = self.sides.workers.threads
        if hashed:
            return aligned_ranges(start, total, hashed.range_bytes(range_bytes(total, threads)))
        return missing_ranges(kept, start, total, known_until=known_until, threads=threads)

    def _hashed(self, head: Head | None, *, resumed: bool = False) -> UploadParts | None:
        """What is to be hashed on its way in; None, with a warning if it was wished, where nothing can be compared."""
        if not self.verify:
            return None
        parts: UploadParts | NotComparable
        if head is None:
            parts = NotComparable("the registry passes the content on without an ETag")
        elif resumed:
            parts = NotComparable("a part of it arrived in an earlier run")
        else:
            index = read_index(head.data, head.total_bytes) if head.ranged else None
            parts = upload_parts(head, index)
        match parts:
            case UploadParts():
                return parts
            case NotComparable(reason):
                self._not_compared(reason)
                return None
            case _:
                assert_never(parts)

    def _compare(self, sink: Sink) -> None:
        if isinstance(sink, EtagCheck):
            self.verified = sink.verified(self.tag)
            if not self.verified:
                self._not_compared("the size of the parts it was uploaded in is not known for certain")

    def _not_compared(self, reason: str) -> None:
        self.warnings.append(
            f"{self.tag} was checked by size and structure only: {reason}. Compare it with: modelsync verify {self.tag}"
        )

    def _unpacker(self, head: Head, total: int) -> Unpacker:
        """Goes on in the stage if the object is still the same, else empties it and begins, saying why."""
        earlier = self.earlier
        if earlier is not None and (earlier.etag, earlier.total_bytes) == (head.etag, total):
            try:
                unpacker = Unpacker.resume(self.stage.path, total_bytes=total, checkpoint=earlier.checkpoint)
            except StoreError as exc:
                self.warnings.append(f"The pull that was cut short cannot go on, it starts again: {exc.message}")
            else:
                self.resumed = unpacker.done_bytes > 0
                return unpacker
        elif earlier is not None:
            self.warnings.append(
                f"{self.tag} was replaced in the registry since the pull was cut short: it starts again."
            )
        if earlier is not None:
            self.earlier = None
            self.stage.clear()
        return Unpacker(self.stage.path, total_bytes=total, index=read_index(head.data, total))

    def _stream(self, fetch: Fetch, head: Head | None) -> tuple[int, Unpacked]:
        limit = self.sides.store.free_bytes() - SPACE_RESERVE_BYTES
        if self.remote.size_bytes:
            limit = min(limit, EXPANSION_MAX * self.remote.size_bytes + SPACE_RESERVE_BYTES)
        first = PartProgress(1, 0, 0)
        self.progress.set_parts([first])
        if self.earlier is not None:
            self.earlier = None
            self.stage.clear()
        hashed = self._hashed(head)
        unpacker = Unpacker(self.stage.path, total_bytes=None)
        with StreamArrival(unpacker, max_bytes=limit) as arrival:
            self.progress.set_files(
                TransferFiles(unpacker.members, reach=lambda: arrival.plain_bytes, all_known=lambda: unpacker.all_known)
            )
            sink = EtagCheck(hashed, arrival) if hashed else arrival
            pinned = head.etag if head else None
            total = fetch.stream(sink, first, self.sides.workers, self.control, pinned=pinned)
            self.progress.bytes_total = total
            self.progress.phase = Phase.CHECK
            self._compare(sink)
            return total, arrival.finish(self.control.check)


def need_space(sides: Sides, needed: int) -> None:
    """Raises NoSpaceError when so many bytes, and a reserve, do not fit on the store's disk."""
    free = sides.store.free_bytes()
    if needed + SPACE_RESERVE_BYTES > free:
        raise NoSpaceError(
            f"The model needs {_room(needed)}, with {_room(SPACE_RESERVE_BYTES)} to spare, and the store's disk has "
            f"{_room(free)} free.",
            hint="Delete versions you no longer need, or set BENTOML_HOME to a larger disk.",
        )


def _room(size_bytes: int) -> str:
    return f"{size_bytes / GiB:.1f} GiB" if size_bytes >= GiB else f"{size_bytes / MiB:.0f} MiB"

"""Verify: one version of the local store compared with the registry's; neither side is changed.

How it works: the archive comes as in a pull, but each piece is compared with the local file at its place and
forgotten. A quick comparison reads the members' names and sizes only: from the archive's index where it carries one,
else from header to header.
"""

from dataclasses import dataclass

from modelsync.archive.compare import Comparer
from modelsync.archive.index import ArchiveIndex, read_index
from modelsync.archive.layout import ArchiveLayout
from modelsync.archive.settle import SPACE_RESERVE_BYTES
from modelsync.archive.unpack_stream import compression_of
from modelsync.comparison import Verdict, decide_pull
from modelsync.errors import ArchiveError, SourceChangedError, TransferError
from modelsync.model import LocalModel, RemoteModel
from modelsync.results import Verification
from modelsync.sync.arrival import StreamArrival
from modelsync.sync.peek import HOP_BYTES, index_of_stream
from modelsync.sync.ranges import bytes_at_once, missing_ranges
from modelsync.sync.receiving import EXPANSION_MAX
from modelsync.sync.sides import Sides
from modelsync.sync.source import open_source
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from modelsync.transfer.download import Fetch, Head
from modelsync.transfer.parts import Part
from modelsync.transfer.progress import PartProgress, Phase, Progress

HOPS_MAX = 10_000
"""Beyond so many requests a quick comparison is none."""


def verify(
    tag: Tag,
    sides: Sides,
    *,
    quick: bool = False,
    control: Control | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Compares a local version with the remote one, byte for byte, or with `quick` by names and sizes only.

    Names, kinds, content, the owner's right to execute and the targets of links count; times, owners and other
    rights do not. Nothing is written to disk. Raises LocalModelNotFoundError, RemoteModelNotFoundError, TransferError
    for a version whose upload never ended, RemoteChangedError or SourceChangedError when a side changes meanwhile,
    ArchiveError for a damaged archive, the errors of the registry and of the data path, or Cancelled.
    """
    control = control or Control()
    progress = progress or Progress()
    progress.begin(f"verify {tag}")
    progress.phase = Phase.LOOK
    local = sides.store.get(tag)
    remote = _remote(tag, sides, control)
    progress.phase = Phase.LAY_OUT
    layout = ArchiveLayout.of(local.path, index=False)
    comparer = _Comparison(sides, tag, local, remote, layout, quick, control, progress).run()
    differences = comparer.differences(control.check)
    changed = layout.changed()
    if changed is not None:
        raise SourceChangedError(
            f"{changed} changed while it was compared.", hint="Verify again when nothing writes to it."
        )
    progress.end()
    return Verification(
        tag=tag,
        equal=not differences,
        verified=not differences and not quick,
        quick=quick,
        files=comparer.files_compared,
        differences=differences,
        bytes_compared=comparer.bytes_compared,
        seconds=progress.elapsed_s,
    )


def _remote(tag: Tag, sides: Sides, control: Control) -> RemoteModel:
    remote = sides.record(tag, control)
    decision = decide_pull(None, remote)
    if decision.verdict is Verdict.REFUSE:
        hint = "Pick another version." if remote.is_reference else "Push it, or pick another version."
        raise TransferError(f"{tag} cannot be compared: {decision.reason}.", hint=hint)
    return remote


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One archive on its way past the local files."""

    sides: Sides
    tag: Tag
    local: LocalModel
    remote: RemoteModel
    layout: ArchiveLayout
    quick: bool
    control: Control
    progress: Progress

    def run(self) -> Comparer:
        """Returns when everything has been compared that was to be."""
        source = open_source(self.sides, self.remote, self.tag, self.control)
        self.progress.phase = Phase.RECEIVE
        first = PartProgress(1, 0, 0)
        self.progress.set_parts([first])
        if not source.signed:
            return self._stream(source.fetch)
        head = source.fetch.head(self.control, first)
        first.size = len(head.data)
        first.finish()
        if not head.ranged or head.total_bytes is None or compression_of(head.data) is not None:
            return self._stream(source.fetch)
        index = read_index(head.data, head.total_bytes)
        if not self.quick:
            return self._bytes(source.fetch, head, head.total_bytes, index, first)
        if index is not None:
            return Comparer(self.layout, total_bytes=head.total_bytes, index=index, names_only=True)
        return self._hop(source.fetch, head, head.total_bytes, first)

    def _bytes(self, fetch: Fetch, head: Head, total: int, index: ArchiveIndex | None, first: PartProgress) -> Comparer:
        """Everything, in ranges side by side."""
        workers, control = self.sides.workers, self.control
        self.progress.bytes_total = total
        with Comparer(self.layout, total_bytes=total, index=index) as comparer:
            take_back = control.on_cancel(comparer.wake)
            try:
                comparer.write_all(0, head.data, control.check)
                known_until, threads = comparer.known_until, workers.threads
                parts = missing_ranges((), len(head.data), total, known_until=known_until, threads=threads)
                counters = [PartProgress(part.number + 1, part.start, part.size) for part in parts]
                self.progress.set_parts([first, *counters])

                def at_once(part: Part) -> int:
                    threads, active, known = workers.threads, workers.active, comparer.known_until
                    return bytes_at_once(part, total, known_until=known, threads=threads, active=active)

                fetch.ranges(parts, counters, comparer, head.etag, workers, control, total_bytes=total, at_once=at_once)
            finally:
                take_back()
            self.progress.phase = Phase.CHECK
            comparer.finish()
            return comparer

    def _hop(self, fetch: Fetch, head: Head, total: int, first: PartProgress) -> Comparer:
        """From header to header: files' content between them is not fetched where it is long."""
        workers, control = self.sides.workers, self.control
        comparer = Comparer(self.layout, total_bytes=total, names_only=True)
        comparer.write_all(0, head.data, control.check)
        counters = [first]
        while not comparer.all_known and (at := comparer.known_until) < total:
            if len(counters) > HOPS_MAX:
                raise TransferError(
                    f"The archive of {self.tag} carries no index and has too many files for a quick comparison.",
                    hint="Compare all of it: leave out --quick.",
                )
            part = Part(len(counters), at, min(HOP_BYTES, total - at))
            counters.append(PartProgress(part.number + 1, part.start, part.size))
            self.progress.set_parts(counters)
            fetch.ranges([part], counters[-1:], comparer, head.etag, workers, control, total_bytes=total)
        if not comparer.all_known:
            raise ArchiveError(
                f"The archive of {self.tag} in the registry is cut: its end is missing.",
                hint="Push it again with force.",
            )
        return comparer

    def _stream(self, fetch: Fetch) -> Comparer:
        """Everything, in order over one connection: from the registry itself, or compressed."""
        workers, control = self.sides.workers, self.control
        if self.quick and (index := index_of_stream(fetch, workers, control)) is not None:
            return Comparer(self.layout, total_bytes=None, index=index, names_only=True)
        limit = EXPANSION_MAX * max(self.local.size_bytes, self.remote.size_bytes or 0) + SPACE_RESERVE_BYTES
        comparer = Comparer(self.layout, total_bytes=None, names_only=self.quick)
        first = PartProgress(1, 0, 0)
        self.progress.set_parts([first])
        with StreamArrival(comparer, max_bytes=limit) as arrival:
            self.progress.bytes_total = fetch.stream(arrival, first, workers, control)
            self.progress.phase = Phase.CHECK
            arrival.finish(control.check)
        return comparer

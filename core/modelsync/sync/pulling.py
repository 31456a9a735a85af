"""Pull: one version of the registry into the local store."""

import errno
import logging
from dataclasses import dataclass

from modelsync.archive.index import read_head
from modelsync.archive.settle import Unpacked
from modelsync.archive.unpack import Unpacker
from modelsync.archive.unpack_stream import compression_of
from modelsync.comparison import Verdict, decide_pull
from modelsync.errors import (
    BrokenModelError,
    NoSpaceError,
    RegistryRefusedError,
    RemoteModelNotFoundError,
    StoreError,
    TransferError,
)
from modelsync.model import LocalModel, RemoteModel
from modelsync.registry.client import Registry
from modelsync.registry.targets import DataTarget
from modelsync.results import Outcome, PullResult
from modelsync.store import Stage
from modelsync.sync.arrival import StreamArrival
from modelsync.sync.sides import Sides
from modelsync.tag import Tag, TagReference
from modelsync.transfer.control import Control
from modelsync.transfer.download import Fetch, Head
from modelsync.transfer.parts import cut, part_size_for
from modelsync.transfer.progress import PartProgress, Phase, Progress

log = logging.getLogger("modelsync.sync")

RANGE_BYTES_MAX = 32 << 20
"""Smaller than an upload's parts may be: a range has no price at the store, and what waits for a header stays small."""
EXPANSION_MAX = 4
"""A compressed archive may expand to so many times what the registry says of it; beyond, it is taken for a bomb."""
SPACE_RESERVE_BYTES = 64 << 20
"""What a pull leaves free on the store's disk."""


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
        raise RemoteModelNotFoundError(
            f"The registry has no finished version of {reference.name}.",
            hint=f"See what it has: modelsync ls remote {reference.name}",
        )
    return newest.tag


def pull(
    tag: Tag,
    sides: Sides,
    *,
    force: bool = False,
    control: Control | None = None,
    progress: Progress | None = None,
) -> PullResult:
    """Downloads a version; fetches nothing when the local store has it already.

    It is unpacked beside the store while it arrives, checked, and put in place in one step; with `force` the old
    version stays until then. Raises RemoteModelNotFoundError, NoSpaceError, StoreLockedError, UnsafeArchiveError,
    ArchiveError, RemoteChangedError, the errors of the registry and of the data path, or Cancelled.
    """
    control = control or Control()
    progress = progress or Progress()
    progress.phase = Phase.LOOK
    remote = sides.registry.model(tag, control=control)
    if remote is None:
        raise RemoteModelNotFoundError(
            f"The registry has no {tag}.", hint=f"See what it has: modelsync ls remote {tag.name}"
        )
    local = _local(sides, tag, force=force)
    decision = decide_pull(local, remote, force=force)
    if decision.verdict is Verdict.REFUSE:
        raise TransferError(
            f"{tag} is not pulled: {decision.reason}.", hint="Ask who pushed it, or pick another version."
        )
    if not decision.goes and local is not None:
        progress.end()
        return PullResult(
            tag=tag,
            outcome=Outcome.SKIPPED,
            reason=decision.reason,
            differs=decision.verdict is Verdict.SKIP_DIFFERS,
            seconds=progress.elapsed_s,
            path=local.path,
        )
    _need_space(sides, remote.size_bytes or 0)
    with sides.store.new_stage(tag) as stage:
        if not force and sides.store.find(tag) is not None:  # someone else pulled it while we waited for the lock
            raise StoreError(f"{tag} was put into the store meanwhile.", hint="Pull again to compare.")
        return _Pull(sides, remote, tag, stage, control, progress).run(decision.reason)


@dataclass(slots=True)
class _Pull:
    """One pull that has something to fetch."""

    sides: Sides
    remote: RemoteModel
    tag: Tag
    stage: Stage
    control: Control
    progress: Progress

    def run(self, reason: str) -> PullResult:
        try:
            total, unpacked = self._receive()
        except OSError as exc:
            raise _disk_trouble(exc) from exc
        self.progress.phase = Phase.INSTALL
        self.control.check()
        model = self.stage.install(replace=True, sync=self.sides.sync_to_disk)
        self.progress.end()
        return PullResult(
            tag=self.tag,
            outcome=Outcome.PULLED,
            reason=reason,
            bytes_total=total,
            bytes_moved=self.progress.bytes_moved,
            retries=self.progress.retries,
            seconds=self.progress.elapsed_s,
            warnings=self._warnings(model, unpacked),
            path=model.path,
        )

    def _receive(self) -> tuple[int, Unpacked]:
        signed = self._signs_downloads()
        target_for = self._presigned if signed else self._proxied
        fetch = Fetch(target_for, self.sides.data, self.sides.workers.bandwidth, self.sides.retry)
        self.progress.phase = Phase.RECEIVE
        if not signed:
            return self._receive_stream(fetch)
        first = PartProgress(1, 0, 0)
        self.progress.set_parts([first])
        head = fetch.head(self.control, first)
        self.progress.bytes_total = head.total_bytes
        if head.total_bytes is not None:
            _need_space(self.sides, max(head.total_bytes, self.remote.size_bytes or 0))
        if not head.ranged or head.total_bytes is None or compression_of(head.data) is not None:
            return self._receive_stream(fetch)
        return self._receive_ranges(fetch, head, head.total_bytes, first)

    def _receive_ranges(self, fetch: Fetch, head: Head, total: int, first: PartProgress) -> tuple[int, Unpacked]:
        workers, control = self.sides.workers, self.control
        unpacker = Unpacker(self.stage.path, total_bytes=total, index=read_head(head.data, total).index)
        with unpacker:
            take_back = control.on_cancel(unpacker.wake)
            try:
                unpacker.write_all(0, head.data, control.check)
                first.size = len(head.data)
                first.finish()
                size = min(part_size_for(total, workers.threads), RANGE_BYTES_MAX)
                parts = cut(total, size, start=len(head.data))
                counters = [PartProgress(part.number + 1, part.start, part.size) for part in parts]
                self.progress.set_parts([first, *counters])
                fetch.ranges(parts, counters, unpacker, head.etag, workers, control)
            finally:
                take_back()
            self.progress.phase = Phase.CHECK
            return total, unpacker.finish()

    def _receive_stream(self, fetch: Fetch) -> tuple[int, Unpacked]:
        limit = self.sides.store.free_bytes() - SPACE_RESERVE_BYTES
        if self.remote.size_bytes:
            limit = min(limit, EXPANSION_MAX * self.remote.size_bytes + SPACE_RESERVE_BYTES)
        first = PartProgress(1, 0, 0)
        self.progress.set_parts([first])
        with StreamArrival(self.stage.path, max_bytes=limit) as arrival:
            total = fetch.stream(arrival, first, self.sides.workers, self.control)
            self.progress.bytes_total = total
            self.progress.phase = Phase.CHECK
            return total, arrival.finish()

    def _signs_downloads(self) -> bool:
        """By the registry's strategy (contract 3.1); one that signs nothing is asked for the bytes itself."""
        if self.remote.transmission_strategy == "proxy":
            return False
        return self.sides.registry.presign_download(self.tag, control=self.control) is not None

    def _presigned(self, control: Control) -> DataTarget:
        target = self.sides.registry.presign_download(self.tag, control=control)
        if target is None:
            raise RegistryRefusedError("The registry stopped signing download addresses.", hint="Pull it again.")
        return target

    def _proxied(self, _control: Control) -> DataTarget:
        return self.sides.registry.proxy_download(self.tag)

    def _warnings(self, model: LocalModel, unpacked: Unpacked) -> tuple[str, ...]:
        """The record may be older than the content (architecture, invariant 5): that is told, never a failure."""
        if self.remote.size_bytes is not None and self.remote.size_bytes != model.size_bytes:
            return (
                f"The registry's record of {self.tag} says {self.remote.size_bytes} bytes, its content has "
                f"{model.size_bytes} in {unpacked.files} files: the record is of an earlier push.",
            )
        return ()


def _local(sides: Sides, tag: Tag, *, force: bool) -> LocalModel | None:
    try:
        return sides.store.find(tag)
    except BrokenModelError:
        if force:
            return None  # replaced, whatever it is
        raise


def _need_space(sides: Sides, needed: int) -> None:
    free = sides.store.free_bytes()
    if needed + SPACE_RESERVE_BYTES > free:
        raise NoSpaceError(
            f"The model needs {needed / 1e9:.1f} GB and the store's disk has {free / 1e9:.1f} GB free.",
            hint="Delete versions you no longer need, or set BENTOML_HOME to a larger disk.",
        )


def _disk_trouble(exc: OSError) -> StoreError:
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpaceError("The store's disk is full.", hint="Delete versions you no longer need, then pull again.")
    return StoreError(f"The store cannot be written: {exc.strerror or exc}.", hint="Check its permissions.")

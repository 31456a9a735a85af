"""The bytes of one object in, in ranges, each written once by whoever takes them."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from modelsync.errors import IntegrityError, RegistryUnavailableError, RemoteChangedError
from modelsync.registry.schemas import ETag
from modelsync.registry.targets import DataTarget
from modelsync.transfer.address import SignedAddress, TargetFor
from modelsync.transfer.bandwidth import Bandwidth
from modelsync.transfer.control import Control
from modelsync.transfer.data import DataClient, Download, Version
from modelsync.transfer.parts import MiB, Part
from modelsync.transfer.progress import PartProgress
from modelsync.transfer.refusals import UrlRefused, refused_for_good
from modelsync.transfer.retry import Retryable, RetryPolicy, signed
from modelsync.transfer.workers import Task, Worker, Workers

HEAD_BYTES = 1 * MiB
"""The first request: enough for the archive's own index (512 KiB at most) and for a small model as a whole."""
FLUSH_AFTER_S = 0.1
"""On a slow link a piece is handed on when this old, so that little is lost by a cut."""


class Sink(Protocol):
    """Takes the object's bytes at any offset, from several threads."""

    def write_all(self, offset: int, data: memoryview, stopped: Callable[[], None]) -> None:
        """Takes all of `data`; calls `stopped` while it waits, which raises when nobody wants the bytes any more."""
        ...


@dataclass(frozen=True, slots=True)
class Head:
    """What the first request told of an object."""

    total_bytes: int | None
    """None where the server does not say; then the object comes in one stream."""
    etag: ETag | None
    data: bytes
    ranged: bool
    """Whether ranges of it can be asked for."""
    encrypted: bool = False
    """Whether its ETag is none of MD5s, by the store's own word."""


class _Position:
    """How far one range has come; survives a failed try."""

    __slots__ = ("at", "digest", "etag", "failures", "refused", "target")

    def __init__(self, at: int, etag: ETag | None = None) -> None:
        self.at = at
        self.etag = etag
        """Of the version that a stream's bytes up to here are of, where the server told."""
        self.digest = hashlib.sha256()
        """Of a stream's bytes up to here, where it did not."""
        self.failures = 0
        self.refused = False
        self.target: DataTarget | None = None
        """The address of the last try."""

    def came_on(self) -> None:
        """New bytes came: what failed before them counts no more."""
        self.failures = 0
        self.refused = False


_Run = list[tuple[Part, PartProgress]]
"""Parts that follow one another without a gap, fetched by one thread in one request."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """One object on its way in."""

    target_for: TargetFor
    client: DataClient
    bandwidth: Bandwidth
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    _address: SignedAddress = field(default_factory=SignedAddress, init=False, repr=False)

    def head(self, control: Control, counters: PartProgress) -> Head:
        """Asks for the first MiB; raises what makes the download impossible."""
        position = _Position(0)
        while True:
            counters.begin()
            try:
                target = self._target(position, control)
                with self.client.get(target, start=0, end=HEAD_BYTES, pinned=Version(), control=control) as answer:
                    if answer.start != 0:
                        raise _range_ignored()
                    ranged = answer.partial and answer.total_bytes is not None
                    wanted = min(HEAD_BYTES, answer.total_bytes or 0) if ranged else 0
                    data = bytearray(wanted)
                    count, trouble = _fill(answer, memoryview(data), counters)
                    if count < wanted:
                        raise trouble or _cut_short()
                    return Head(answer.total_bytes, answer.etag, bytes(data), ranged, answer.encrypted)
            except (UrlRefused, Retryable) as exc:
                self._again(exc, position, counters, control)

    def ranges(
        self,
        parts: Sequence[Part],
        progress: Sequence[PartProgress],
        sink: Sink,
        pinned: ETag | None,
        workers: Workers,
        control: Control,
        *,
        total_bytes: int | None = None,
        at_once: Callable[[Part], int] | None = None,
    ) -> None:
        """Fetches every part in parallel, started in order, into the sink.

        `at_once` says how many bytes from a part on may be asked for in one request, as far as parts follow it without
        a gap; it is asked when the part's turn comes. Else each part is a request.
        A part that is cut goes on where it stopped. Raises RemoteChangedError when the object is no longer the pinned
        version, or of another size than `total_bytes`, and whatever else makes the download impossible.
        """
        version = Version(pinned, total_bytes)

        def task_for(run: _Run) -> Task:
            def task(worker: Worker, inner: Control) -> None:
                self._range(run, sink, version, worker, inner)

            return task

        workers.run((task_for(run) for run in _runs(zip(parts, progress, strict=True), at_once)), control)

    def stream(
        self,
        sink: Sink,
        counters: PartProgress,
        workers: Workers,
        control: Control,
        *,
        pinned: ETag | None = None,
    ) -> int:
        """Fetches the whole object over one connection and returns its size; for servers without ranges.

        A cut stream is asked for again from its beginning, and what the sink has already is passed over. Raises
        RemoteChangedError when what is passed over is not what came before, or the object not the pinned version.
        """
        position = _Position(0, pinned)

        def task(worker: Worker, inner: Control) -> None:
            while True:
                counters.begin(position.at)
                try:
                    self._stream_try(sink, counters, worker, inner, position)
                except (UrlRefused, Retryable) as exc:
                    self._again(exc, position, counters, inner)
                else:
                    counters.size = position.at
                    counters.finish()
                    return

        workers.run((task,), control)
        return position.at

    def _range(self, run: _Run, sink: Sink, version: Version, worker: Worker, control: Control) -> None:
        end = run[-1][0].end
        position = _Position(run[0][0].start)
        index = 0
        while index < len(run):
            part, counters = run[index]
            control.check()
            counters.begin(position.at - part.start)
            before = position.at
            try:
                target = self._target(position, control)
                wanted = self.client.get(target, start=position.at, end=end, pinned=version, control=control)
                with wanted as answer:
                    if answer.start != position.at:
                        raise _range_ignored()
                    while True:
                        self._pump(answer, part.end, sink, counters, worker, control, position)
                        counters.finish()
                        index += 1
                        if index == len(run):
                            return
                        part, counters = run[index]
                        counters.begin()
            except (UrlRefused, Retryable) as exc:
                if isinstance(exc, Retryable):
                    worker.pace.trouble(slow_down=exc.slow_down)
                if position.at > before:
                    position.came_on()
                self._again(exc, position, counters, control)

    def _pump(
        self,
        answer: Download,
        end: int,
        sink: Sink,
        counters: PartProgress,
        worker: Worker,
        control: Control,
        position: _Position,
    ) -> None:
        while position.at < end:
            piece = worker.buffer[: min(worker.next_piece(), end - position.at)]
            count, trouble = _fill(answer, piece, counters, flush_after_s=FLUSH_AFTER_S)
            if count:
                sink.write_all(position.at, piece[:count], control.check)
                position.at += count
                counters.kept = position.at - counters.start
                worker.pace.moved(count)
            if trouble is not None:
                raise trouble
            if count == 0:
                raise _cut_short()
            self.bandwidth.take(count, control)
            control.check()

    def _stream_try(
        self, sink: Sink, counters: PartProgress, worker: Worker, control: Control, position: _Position
    ) -> None:
        at = 0
        target = self._target(position, control)
        with self.client.get(target, start=0, end=None, pinned=Version(position.etag), control=control) as answer:
            if answer.start != 0:
                raise _range_ignored()
            if position.at == 0:  # later, the ETag of an answer says nothing of the bytes that came before it
                position.etag = answer.etag
            passed = hashlib.sha256()
            while True:
                piece = worker.buffer[: worker.next_piece()]
                count, trouble = _fill(answer, piece, counters, flush_after_s=FLUSH_AFTER_S)
                if count == 0 and trouble is None:
                    break
                fresh = min(count, max(0, position.at - at))
                if position.etag is None:
                    passed.update(piece[:fresh])
                    if count > fresh and passed.digest() != position.digest.digest():
                        raise _replaced()
                    passed.update(piece[fresh:count])
                if count > fresh:
                    sink.write_all(at + fresh, piece[fresh:count], control.check)
                    position.digest = passed.copy()
                    position.came_on()
                at += count
                position.at = max(position.at, at)
                if trouble is not None:
                    raise trouble
                self.bandwidth.take(count, control)
                control.check()
            if at < max(position.at, answer.total_bytes or 0):
                raise _cut_short()
            if position.etag is None and passed.digest() != position.digest.digest():
                raise _replaced()

    def _target(self, position: _Position, control: Control) -> DataTarget:
        position.target = signed(lambda: self._address.get(self.target_for, control))
        return position.target

    def _again(
        self, exc: "UrlRefused | Retryable", position: _Position, counters: PartProgress, control: Control
    ) -> None:
        if isinstance(exc, UrlRefused):
            self._address.drop(position.target)
            if position.refused:
                raise refused_for_good(exc.words) from exc
            position.refused = True
            counters.retry("signed URL expired, asking for a new one")
            return
        position.failures += 1
        position.refused = False
        counters.retry(exc.error.message)
        self.policy.pause(position.failures, exc, control)


def _runs(parts: Iterable[tuple[Part, PartProgress]], at_once: Callable[[Part], int] | None) -> Iterator[_Run]:
    run: _Run = []
    until = 0
    for part, counters in parts:
        if run and (part.start != run[-1][0].end or part.end > until):
            yield run
            run = []
        if not run:
            until = part.start + at_once(part) if at_once else part.end
        run.append((part, counters))
    if run:
        yield run


def _fill(
    answer: Download, buffer: memoryview, counters: PartProgress, flush_after_s: float | None = None
) -> tuple[int, httpx.TransportError | None]:
    """Receives until the buffer is full, the body ends, the line fails or, with `flush_after_s`, the piece is that old.

    Returns how many bytes came, and how the line failed: what came before is good, and on a line that drops every
    connection it is all there is.
    """
    filled = 0
    began = time.monotonic()
    while filled < len(buffer):
        try:
            count = answer.readinto(buffer[filled:])
        except httpx.TransportError as exc:
            return filled, exc
        if count == 0:
            break
        filled += count
        counters.add(count)
        if flush_after_s is not None and time.monotonic() - began > flush_after_s:
            break
    return filled, None


def _cut_short() -> Retryable:
    return Retryable(
        IntegrityError("The object store sent less than it promised.", hint="Pull it again; it may be damaged there.")
    )


def _replaced() -> RemoteChangedError:
    return RemoteChangedError(
        "Someone replaced this version in the registry while it was read.", hint="Pull it again to get the new one."
    )


def _range_ignored() -> Retryable:
    return Retryable(
        RegistryUnavailableError(
            "The object store sent another range than was asked for.", hint="Try again; a proxy may be in the way."
        )
    )

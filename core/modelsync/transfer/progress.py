"""The counters of one transfer, and the frozen snapshot made from them.

How it works: each part thread adds to counters of its own part, without a lock (one writer each); whoever draws asks
for a snapshot, a few times a second. Nothing is sent anywhere on the hot path.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelsync.transfer.files import FilesNow, TransferFiles

log = logging.getLogger("modelsync.transfer")

SPEED_WINDOW_S = 5.0
"""Speed is that of the last seconds: long enough to be calm, short enough to be true."""
STALL_SHOWN_AFTER_S = 3.0
"""A part without a byte for this long says so."""


class Phase(StrEnum):
    """What a transfer is doing; each takes a visible time of its own."""

    WAITING = "waiting"
    LOOK = "look"
    """Asking both sides what is there."""
    LAY_OUT = "lay out"
    REGISTER = "register"
    SEND = "send"
    COMPLETE = "complete"
    RECEIVE = "receive"
    CHECK = "check"
    INSTALL = "install"
    DONE = "done"


class PartState(StrEnum):
    WAITING = "waiting"
    ACTIVE = "active"
    RETRY = "retry"
    DONE = "done"

    @property
    def is_under_way(self) -> bool:
        """Whether a thread has it in hand."""
        return self in (PartState.ACTIVE, PartState.RETRY)

    @property
    def is_done(self) -> bool:
        return self is PartState.DONE


@dataclass(frozen=True, slots=True)
class PartSnapshot:
    """One part as a person sees it."""

    number: int
    """Counted from 1, as in S3."""
    start: int
    """Offset in the archive, in bytes."""
    size: int
    done: int
    """Bytes of it that are confirmed or in flight; a part that starts again gives its bytes back."""
    state: PartState
    attempts: int
    """1 on the first try."""
    speed: float
    """Bytes per second, now."""
    idle_s: float
    """Seconds since its last byte, while active; 0 else."""
    note: str
    """The last error, or the ETag when done; empty else."""


@dataclass(frozen=True, slots=True)
class ProgressSnapshot:
    """One transfer at one moment."""

    phase: Phase
    bytes_total: int | None
    """Of the archive on the wire; None until known."""
    bytes_done: int
    bytes_moved: int
    """What really went over the wire in this run, repeated bytes included."""
    retries: int
    speed: float
    """Bytes per second over the last seconds."""
    eta_s: float | None
    elapsed_s: float
    parts: tuple[PartSnapshot, ...]
    files: "FilesNow | None" = None
    """None until it is known which files there are."""

    @property
    def fraction(self) -> float:
        """0.0 to 1.0."""
        return self.bytes_done / self.bytes_total if self.bytes_total else 0.0

    @property
    def stalled(self) -> tuple[PartSnapshot, ...]:
        return tuple(part for part in self.parts if part.idle_s >= STALL_SHOWN_AFTER_S)


class PartProgress:
    """The counters of one part; written by the one thread that moves it."""

    __slots__ = ("attempts", "done", "kept", "last_byte_at", "moved", "note", "number", "of", "size", "start", "state")

    def __init__(self, number: int, start: int, size: int) -> None:
        self.number = number
        self.start = start
        self.size = size
        self.done = 0
        self.kept = 0
        """Of an unfinished one: bytes that a later run need not move again."""
        self.moved = 0
        self.attempts = 0
        self.state = PartState.WAITING
        self.note = ""
        self.of = ""
        """Which transfer it is a part of, for the log; empty where nobody said."""
        self.last_byte_at = 0.0

    def begin(self, at: int = 0) -> None:
        """A try begins with `at` bytes of the part already there."""
        self.attempts += 1
        self.done = at
        self.state = PartState.ACTIVE
        self.note = ""
        self.last_byte_at = time.monotonic()

    def add(self, count: int) -> None:
        self.done += count
        self.moved += count
        self.last_byte_at = time.monotonic()

    def retry(self, note: str) -> None:
        """The try failed; the part waits for its next one."""
        self.state = PartState.RETRY
        self.note = note
        of = f" of {self.of}" if self.of else ""
        log.info("part %d%s is tried again, %d so far: %s", self.number, of, self.attempts, note)

    def finish(self, note: str = "") -> None:
        self.done = self.size
        self.state = PartState.DONE
        self.note = note

    def stop(self) -> None:
        """Nobody moves it any more; unless it is finished, it gives back the bytes that a later run moves again."""
        if self.state is not PartState.DONE:
            self.done = self.kept
            self.state = PartState.WAITING
            self.note = ""


class Progress:
    """The counters of one transfer."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock()
        self._ended: float | None = None
        self._parts: Sequence[PartProgress] = ()
        self._files: TransferFiles | None = None
        self._samples: deque[tuple[float, int]] = deque()
        self._part_speeds: dict[int, tuple[float, int, float]] = {}
        self._resting: dict[int, PartSnapshot] = {}
        """Of parts that nobody moves, which are thousands of a large model: each is made once."""
        self._subject = ""
        self.phase = Phase.WAITING
        self.bytes_total: int | None = None
        self.bytes_kept = 0
        """Bytes that an earlier run moved already and that no part of this one stands for."""

    def begin(self, subject: str = "") -> None:
        """Starts the clock: what was asked for long before it runs has not been at it since.

        `subject` names the transfer in the log, where the parts of several run side by side: `push iris:v1`.
        """
        self._began = self._clock()
        self._subject = subject

    def set_parts(self, parts: Sequence[PartProgress]) -> None:
        """`parts` ascend; what none of them stands for was moved by an earlier run."""
        for part in parts:
            part.of = self._subject
        self._parts = parts

    def set_files(self, files: "TransferFiles") -> None:
        """What the parts are parts of; to be told when the parts are."""
        self._files = files

    def end(self) -> None:
        """Stops the clock, when no thread moves a part any more: what was in flight counts no longer."""
        self.phase = Phase.DONE
        self._ended = self._clock()
        for part in self._parts:
            part.stop()

    @property
    def bytes_moved(self) -> int:
        return sum(part.moved for part in self._parts)

    @property
    def retries(self) -> int:
        return sum(max(0, part.attempts - 1) for part in self._parts)

    @property
    def elapsed_s(self) -> float:
        return (self._clock() if self._ended is None else self._ended) - self._began

    def snapshot(self) -> ProgressSnapshot:
        """What is true now; it keeps the samples that speed is made of."""
        with self._lock:
            return self._snapshot(self._clock())

    def _snapshot(self, now: float) -> ProgressSnapshot:
        moved = self.bytes_moved
        self._samples.append((now, moved))
        while len(self._samples) > 2 and now - self._samples[1][0] >= SPEED_WINDOW_S:
            self._samples.popleft()
        (then, moved_then) = self._samples[0]
        speed = (moved - moved_then) / (now - then) if now - then > 0.2 else 0.0
        done = self.bytes_kept + sum(part.done for part in self._parts)
        left = None if self.bytes_total is None else max(0, self.bytes_total - done)
        moving = self.phase in (Phase.SEND, Phase.RECEIVE)
        parts = tuple(self._part(part, now) for part in self._parts)
        return ProgressSnapshot(
            phase=self.phase,
            bytes_total=self.bytes_total,
            bytes_done=done,
            bytes_moved=moved,
            retries=self.retries,
            speed=speed if moving else 0.0,
            eta_s=left / speed if left is not None and speed > 0 and moving else None,
            elapsed_s=self.elapsed_s,
            parts=parts,
            files=self._files.now(parts) if self._files is not None else None,
        )

    def _part(self, part: PartProgress, now: float) -> PartSnapshot:
        state = part.state
        if state is PartState.ACTIVE:
            return self._made(part, state, now)
        known = self._resting.get(part.number)
        if known is None or not _still_is(known, part):
            known = self._resting[part.number] = self._made(part, state, now)
            self._part_speeds.pop(part.number, None)
        return known

    def _made(self, part: PartProgress, state: PartState, now: float) -> PartSnapshot:
        then, moved_then, speed = self._part_speeds.get(part.number, (now, part.moved, 0.0))
        if now - then >= 0.5:
            speed = (part.moved - moved_then) / (now - then)
            then, moved_then = now, part.moved
        self._part_speeds[part.number] = (then, moved_then, speed)
        active = state is PartState.ACTIVE
        return PartSnapshot(
            number=part.number,
            start=part.start,
            size=part.size,
            done=part.done,
            state=state,
            attempts=part.attempts,
            speed=speed if active else 0.0,
            idle_s=max(0.0, time.monotonic() - part.last_byte_at) if active else 0.0,
            note=part.note,
        )


def _still_is(known: PartSnapshot, part: PartProgress) -> bool:
    return (
        known.state is part.state
        and known.done == part.done
        and known.attempts == part.attempts
        and known.start == part.start
        and known.size == part.size
        and known.note == part.note
    )

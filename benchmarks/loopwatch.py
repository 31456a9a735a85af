"""How late a 1 ms timer of the application's event loop is, and beside it one of a process that does nothing else.

How it works: a task of the loop sleeps 1 ms again and again and notes by how much it woke late: that long the loop
could run nothing else. The same task in a process of its own says what the machine does to anybody. Both note the
monotonic clock, which all processes share, so that any stretch of time can be compared afterwards.

Usage: python -m benchmarks.loopwatch; prints `TIME LATE_MS` for every tick that was late, until it is terminated.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.beds import ROOT

PERIOD_S = 0.001
NOTED_FROM_S = 0.002
"""A tick that is less late is not kept."""


@dataclass(frozen=True, slots=True)
class Late:
    """One tick that was late."""

    woke: float
    """On the monotonic clock."""
    late_s: float
    own_s: float
    """CPU time of the loop's own thread meanwhile."""
    process_s: float
    """CPU time of all threads of the process; what is missing to `late_s` the machine gave to others."""


async def watch(note: Callable[[Late], object], each: Callable[[], object] | None = None) -> None:
    """Ticks until it is cancelled; `each` is called at every tick."""
    while True:
        due, own, process = time.monotonic() + PERIOD_S, time.thread_time(), time.process_time()
        await asyncio.sleep(PERIOD_S)
        now = time.monotonic()
        if now - due >= NOTED_FROM_S:
            note(Late(now, now - due, time.thread_time() - own, time.process_time() - process))
        if each is not None:
            each()


def worst(ticks: list[Late], begin: float, end: float) -> Late:
    """The latest tick of a stretch of time; one that woke after it was due in it."""
    inside = [tick for tick in ticks if begin <= tick.woke and tick.woke - tick.late_s <= end]
    return max(inside, key=lambda tick: tick.late_s, default=Late(end, 0.0, 0.0, 0.0))


class Machine:
    """The ticks of the process that does nothing else; there when it was ended."""

    def __init__(self) -> None:
        self.ticks: list[Late] = []


@contextmanager
def machine(notes: Path) -> Iterator[Machine]:
    """Runs the other process; its ticks are known afterwards."""
    found = Machine()
    with notes.open("w") as file:
        process = subprocess.Popen([sys.executable, "-m", "benchmarks.loopwatch"], stdout=file, cwd=ROOT)
        try:
            yield found
        finally:
            process.terminate()
            process.wait()
    for line in notes.read_text().splitlines():
        woke, late_ms = (float(word) for word in line.split())
        found.ticks.append(Late(woke, late_ms / 1000, 0.0, 0.0))


def _print(tick: Late) -> None:
    print(f"{tick.woke:.6f} {tick.late_s * 1000:.3f}", flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(watch(_print))

"""How late a 10 ms timer of an asyncio loop is while the same process pushes or pulls at full speed.

How it works: the screen draws from such a loop in the main thread, the part threads share its interpreter. The child
process runs a loop that sleeps 10 ms again and again and notes by how much it woke late, while a thread moves one model
REPEATS times. By the time somebody presses a key the application has imported everything and taken what is there out
of the collector's sight; so has this process.

Usage: python -m benchmarks.lateness push|pull TAG THREADS; prints one line of JSON. The account, the store and the
settings come from the environment, as for the command.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles

PERIOD_S = 0.010
REPEATS = 3
TIME_LIMIT_S = 600


@dataclass(frozen=True, slots=True)
class Lateness:
    """The timer's delays during one transfer."""

    direction: str
    threads: int
    seconds: float
    ticks: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def lateness_of(direction: str, tag: str, threads: int, environment: Mapping[str, str], root: Path) -> Lateness:
    """Measures in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.lateness", direction, tag, str(threads)],
        env=dict(environment),
        cwd=root,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return Lateness(**json.loads(done.stdout))


async def _delays(direction: str, tag: str, threads: int) -> tuple[list[float], float]:
    import yaml  # noqa: F401 - the application has read a store

    from modelsync import api  # only the child needs it

    gc.collect()
    gc.freeze()
    move = api.push if direction == "push" else api.pull

    def work_through() -> None:
        for _ in range(REPEATS):
            result = move(tag, threads=threads, force=True)
            if result.bytes_moved == 0:
                raise RuntimeError(f"nothing was moved: {result.reason}")

    delays: list[float] = []
    began = time.monotonic()
    work = asyncio.create_task(asyncio.to_thread(work_through))
    while not work.done():
        due = time.monotonic() + PERIOD_S
        await asyncio.sleep(PERIOD_S)
        delays.append(max(0.0, time.monotonic() - due))
    await work
    return delays, time.monotonic() - began


def main() -> int:
    direction, tag, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    delays, seconds = asyncio.run(_delays(direction, tag, threads))
    hundredths = quantiles(delays, n=100, method="inclusive")
    found = Lateness(
        direction,
        threads,
        round(seconds, 3),
        len(delays),
        *(round(value * 1000, 2) for value in (hundredths[49], hundredths[98], max(delays))),
    )
    print(json.dumps(asdict(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

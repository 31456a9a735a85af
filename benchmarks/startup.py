"""How soon something is to be seen: the commands' start, the list of a big store, the application's first frame.

How it works: the application runs in a pseudo-terminal of 120x40, and the clock stops when the text that it was asked
for arrives there. A bare Textual application of two lines is measured beside it in turn.

Usage: python -m benchmarks.startup [--runs N] [--no-keep]
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import report
from benchmarks.contenders import Surroundings, program
from benchmarks.measuring import measure
from benchmarks.models import tiny_versions

RESULT = Path(__file__).with_name("last_startup")
FEW, MANY = 3, 10_000
FRAME_WITHIN_S = 30.0
COLUMNS, LINES = 120, 40
FRAME, BARE_FRAME = "modelsync-tui, first frame", "a bare Textual application, first frame"
FRAME_GOAL_S = 0.400
FRAME_RATIO_MAX = 1.6
NOBODY = "http://127.0.0.1:9"
"""A registry that does not answer: the first frame must not wait for one."""
BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("Local")
Bare().run()
"""
BARE_COMMAND = (sys.executable, "-c", BARE)


@dataclass(frozen=True, slots=True)
class Timing:
    """One thing, measured several times."""

    name: str
    seconds: tuple[float, ...]
    goal_s: float | None

    @property
    def median_s(self) -> float:
        return median(self.seconds)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.startup", description="Measures how soon one sees something."
    )
    parser.add_argument("--runs", type=int, default=5, metavar="N")
    parser.add_argument("--no-keep", dest="keep", action="store_false", help="do not write benchmarks/last_startup.*")
    options = parser.parse_args()
    facts: dict[str, Mapping[str, str]] = {"machine": report.machine(), "versions": report.versions()}
    with tempfile.TemporaryDirectory(prefix="modelsync-startup-") as base:
        timings = _measure(Path(base), options.runs)
    text = _text(timings, facts)
    print(text)
    if options.keep:
        RESULT.with_suffix(".txt").write_text(text + "\n")
        rows = {timing.name: [round(value, 4) for value in timing.seconds] for timing in timings}
        RESULT.with_suffix(".json").write_text(json.dumps({**facts, "seconds": rows}, indent=1) + "\n")
    return 0


def _measure(base: Path, runs: int) -> list[Timing]:
    few, many = base / "few", base / "many"
    tiny_versions(few, FEW)
    tiny_versions(many, MANY)
    listing = (program("modelsync"), "ls", "local")
    bentoml = (program("bentoml"), "models", "list")

    def command(argv: Sequence[str], home: Path, state: str) -> Callable[[], float]:
        around = Surroundings(home, NOBODY, base / state)

        def once() -> float:
            environment = around.environment()
            return measure(argv, environment, directory=base, output=base / "output.txt").wall_s

        return once

    def cold() -> float:
        return command(listing, many, f"cold-{time.monotonic_ns()}")()

    def frame(argv: Sequence[str]) -> Callable[[], float]:
        environment = on_terminal(Surroundings(few, NOBODY, base / "few-state"))
        return lambda: until_shown(argv, environment, b"Local")

    warm = command(listing, many, "many-state")
    warm()
    measured: list[tuple[str, Callable[[], float], float | None]] = [
        ("modelsync --help", command((program("modelsync"), "--help"), few, "few-state"), 0.150),
        (f"modelsync ls local, {FEW} versions", command(listing, few, "few-state"), 0.150),
        (f"modelsync ls local, {MANY} versions, known", warm, 0.5),
        (f"modelsync ls local, {MANY} versions, never seen", cold, 2.0),
        (FRAME, frame((program("modelsync-tui"),)), FRAME_GOAL_S),
        (BARE_FRAME, frame(BARE_COMMAND), None),
    ]
    seconds: dict[str, list[float]] = {name: [] for name, _, _ in measured}
    for _ in range(runs):
        for name, once, _ in measured:
            seconds[name].append(once())
    timings = [Timing(name, tuple(seconds[name]), goal) for name, _, goal in measured]
    timings.append(Timing(f"bentoml models list, {MANY} versions, once", (command(bentoml, many, "other")(),), None))
    return timings


def on_terminal(around: Surroundings) -> dict[str, str]:
    """The environment of an application in a terminal."""
    return around.environment(
        TERM="xterm-256color", COLORTERM="truecolor", PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring"
    )


class Shown:
    """A program in a terminal, and what came out of it."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self._terminal = terminal
        self._seen = b""

    def until(self, text: bytes) -> None:
        """Returns when `text` came out; RuntimeError when it does not in time, or the program ended."""
        while text not in self._seen:
            if not self._read(FRAME_WITHIN_S):
                raise RuntimeError(f"it showed no {text!r} within {FRAME_WITHIN_S:g} s")

    def read_for(self, seconds: float) -> None:
        """Reads what it writes, so that it never waits for its terminal."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read(left)

    def _read(self, wait_s: float) -> bool:
        if not select.select([self._terminal], [], [], wait_s)[0]:
            return False
        try:
            self._seen += os.read(self._terminal, 1 << 16)
        except OSError as error:
            raise RuntimeError(f"it ended early: {self._seen[-2000:].decode(errors='replace')}") from error
        return True


@contextmanager
def in_terminal(argv: Sequence[str], environment: Mapping[str, str]) -> Iterator[Shown]:
    """Runs a program in a pseudo-terminal; kills it at the end."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    process = subprocess.Popen(
        argv, env=dict(environment), stdin=inside, stdout=inside, stderr=inside, start_new_session=True
    )
    os.close(inside)
    try:
        yield Shown(process, terminal)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


def until_shown(argv: Sequence[str], environment: Mapping[str, str], text: bytes) -> float:
    """Seconds from the start of a program in a terminal until `text` came out of it."""
    began = time.monotonic()
    with in_terminal(argv, environment) as shown:
        shown.until(text)
        return time.monotonic() - began


def _text(timings: Sequence[Timing], facts: Mapping[str, Mapping[str, str]]) -> str:
    lines = [
        f"{name}: {', '.join(f'{key} {value}' for key, value in values.items())}" for name, values in facts.items()
    ]
    lines.append("medians of whole processes, in turn; milliseconds (min-max)")
    by_name = {timing.name: timing for timing in timings}
    for timing in timings:
        spread = f"{timing.median_s * 1000:.0f} ({min(timing.seconds) * 1000:.0f}-{max(timing.seconds) * 1000:.0f})"
        verdict = (
            ""
            if timing.goal_s is None
            else _verdict(timing.median_s <= timing.goal_s, f"{timing.goal_s * 1000:.0f} ms")
        )
        lines.append(f"  {timing.name:<48}{spread:>22}  {verdict}")
    ours, bare = by_name[FRAME], by_name[BARE_FRAME]
    ratio = median(mine / theirs for mine, theirs in zip(ours.seconds, bare.seconds, strict=True))
    verdict = _verdict(ratio <= FRAME_RATIO_MAX, f"{FRAME_RATIO_MAX}x")
    lines.append(f"  {'first frame, over the bare one, pair by pair':<48}{f'{ratio:.2f}x':>22}  {verdict}")
    return "\n".join(lines)


def _verdict(met: bool, limit: str) -> str:
    return f"{'ok    ' if met else 'FAILED'}  at most {limit} wanted"


if __name__ == "__main__":
    sys.exit(main())

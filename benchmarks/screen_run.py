"""Runs the application over big lists, action by action, with both timers beside it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import Surroundings
from benchmarks.loopwatch import machine, watch, worst
from benchmarks.screen_actions import ACTIONS, Stage
from benchmarks.screen_parts import DRAWS, TURN, full, small, turn
from benchmarks.screen_sides import ValueSession, remote_values, write_store
from modelsync.model import RemoteModel
from modelsync.paths import Paths
from modelsync.settings import Settings
from modelsync.store import ModelStore, StoreListing
from modelsync_tui.app import ModelsyncApp

SIZE = (120, 40)
NOBODY = "http://127.0.0.1:9"
IDLE_S = 10.0
IDLE = "idle"
"""The action that is none."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many versions have one name."""

    name: str
    versions_per_name: int


SHAPES = (Shape("20 versions a name", 20), Shape("one version a name", 1))


@dataclass(frozen=True, slots=True)
class Row:
    """One action of one run, in milliseconds; `cpu_share` is of one core."""

    shape: str
    action: str
    run: int
    block_ms: float
    """The worst moment of the application's event loop."""
    own_ms: float
    """CPU time of the loop's own thread in it."""
    process_ms: float
    """CPU time of the whole process in it: what is missing to the block, other programs had."""
    machine_ms: float
    """The worst moment of the process that does nothing else, in the same time."""
    until_done_ms: float
    done: bool = True
    """False: it did not come to an end within a minute."""
    first_rows_ms: float | None = None
    cpu_share: float | None = None


async def run_shape(shape: Shape, rows: int, runs: int, base: Path, stores: Path, only: Sequence[str]) -> list[Row]:
    """Every action, in every run."""
    names = max(1, rows // shape.versions_per_name)
    store = stores / f"store-{rows}-{names}"
    if not store.exists():
        _say(f"{shape.name}: {rows} versions are written")
        write_store(store, rows, names)
    _say(f"{shape.name}: they are read")
    around = Surroundings(store, NOBODY, stores / f"state-{rows}-{names}")
    paths = Paths.of_platform(around.environment())
    scanned = ModelStore(store, cache_file=paths.cache_dir / "store.json").scan()  # what was read once is cached
    sizes = {str(model.tag): model.size_bytes for model in scanned.models}
    values = remote_values(rows, names, sizes)
    del scanned, sizes
    found: list[Row] = []
    for run in range(runs):
        _say(f"{shape.name}: run {run + 1} of {runs}")
        found += await _run(shape, values, rows, run, around.environment(), base, only)
    return found


async def _run(
    shape: Shape,
    values: tuple[RemoteModel, ...],
    rows: int,
    run: int,
    environ: dict[str, str],
    base: Path,
    only: Sequence[str],
) -> list[Row]:
    paths = Paths.of_platform(environ)
    session = ValueSession(Settings.load({}, environ=environ, paths=paths), paths, environ, values)
    app = ModelsyncApp(session, _Nothing())
    gc.unfreeze()
    gc.collect()  # the application of the run before
    times: list[tuple[str, float, float]] = []
    never: set[str] = set()
    shares: dict[str, float] = {}
    with machine(base / f"machine-{time.monotonic_ns()}") as other:
        async with app.run_test(size=SIZE):
            stage = Stage(app, session, rows)
            await stage.until(lambda: app.main.loader.local_read)
            ticking = asyncio.create_task(watch(stage.ticks.append, stage.look_for_rows))
            for action in ACTIONS:
                if only and action.name not in only and not action.name.startswith("fill"):
                    continue
                if action.before:
                    await action.before(stage)
                await asyncio.sleep(0.1)
                began = time.monotonic()
                stage.never_done = False
                await action.do(stage)
                times.append((action.name, began, time.monotonic()))
                if stage.never_done:
                    never.add(action.name)
                if action.after:
                    await action.after(stage)
            if not only or TURN in only:
                began = time.monotonic()
                await turn(stage)
                times.append((TURN, began, time.monotonic()))
            for name, draw in DRAWS.items():
                if not only or name in only:
                    await full(stage)
                    began = time.monotonic()
                    shares[name] = await draw(stage)
                    times.append((name, began, time.monotonic()))
                    await small(stage)
            ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticking
            await stage.until(lambda: True)  # what is still at work would be measured as idle, or by the next run
            idle = await _idle() if run == 0 and not only else None
    found = []
    for name, began, ended in times:
        late, theirs = worst(stage.ticks, began, ended), worst(other.ticks, began, ended)
        first = stage.first_rows.get(name.removeprefix("fill ")) if name.startswith("fill ") else None
        block, own, process, beside = (s * 1000 for s in (late.late_s, late.own_s, late.process_s, theirs.late_s))
        first_ms = None if first is None else first * 1000
        took, done = (ended - began) * 1000, name not in never
        found.append(Row(shape.name, name, run, block, own, process, beside, took, done, first_ms, shares.get(name)))
    if idle is not None:
        found.append(Row(shape.name, IDLE, run, 0, 0, 0, 0, IDLE_S * 1000, cpu_share=idle))
    return found


def _say(text: str) -> None:
    """A run of all takes a quarter of an hour, and its table comes at the end."""
    print(text, file=sys.stderr, flush=True)


class _Nothing:
    """A first reading of the store that finds nothing: the lists are filled later, while the timers run."""

    ready = True

    def __call__(self) -> StoreListing:
        return StoreListing((), ())


async def _idle() -> float:
    """The share of one core that the application takes while nobody does anything."""
    await asyncio.sleep(1)
    began, at = time.process_time(), time.monotonic()
    await asyncio.sleep(IDLE_S)
    return (time.process_time() - began) / (time.monotonic() - at)

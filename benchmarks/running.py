"""Runs the cases: makes models and archives, starts beds, and measures the contenders in turn, round by round."""

from __future__ import annotations

import filecmp
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import beds
from benchmarks.beds import Server
from benchmarks.cases import CURL_TAR, Archive, Bed, Case, Direction
from benchmarks.contenders import (
    BENTOML,
    CURL,
    OURS,
    Command,
    Surroundings,
    pull_bentoml,
    pull_curl,
    pull_curl_tar,
    pull_ours,
    push_bentoml,
    push_curl,
    push_ours,
)
from benchmarks.measuring import RunFailedError, Usage, measure
from benchmarks.models import MAKERS, Model, archive_of_bentoml, archive_of_ours

SHARED_MEMORY = Path("/dev/shm")
LOG_SHOWN_BYTES = 4000
SETTINGS_SHOWN = ("MODELSYNC_SYNC",)
"""Of the environment: what makes one command different from another of the same words."""
SPACE_FACTOR = 5
"""Sizes of the model that the disk must hold: the model, and what the real client writes for one pull."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measured run."""

    case: str
    contender: str
    round: int
    usage: Usage
    servers_cpu_s: float
    model_bytes: int
    model_files: int
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Workshop:
    """The directories that a run works in."""

    work: Path
    """On the disk that is measured."""
    memory: Path
    """Where nginx's files are: tmpfs when it has room."""

    @property
    def home(self) -> Path:
        """The BentoML home that pushes read from."""
        return self.work / "home"

    @contextmanager
    def pulled(self) -> Iterator[Path]:
        """A new empty BentoML home, removed afterwards."""
        path = self._fresh("pulled")
        try:
            yield path
        finally:
            shutil.rmtree(path)

    @contextmanager
    def around(self, home: Path, registry: Server) -> Iterator[Surroundings]:
        """A new HOME and TMPDIR for one command, removed afterwards."""
        scratch = self._fresh("scratch")
        try:
            yield Surroundings(home, registry.address, scratch)
        finally:
            shutil.rmtree(scratch)

    def _fresh(self, name: str) -> Path:
        path = self.work / f"{name}-{secrets.token_hex(4)}"
        path.mkdir()
        return path

    def model(self, name: str, size: int) -> Model:
        """Makes a model, and removes the one before it: only one is on the disk at a time."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.memory, ignore_errors=True)
        self.memory.mkdir(parents=True)
        model = MAKERS[name](self.home, size)
        os.sync()
        return model


@contextmanager
def workshop(base: Path, size: int) -> Iterator[Workshop]:
    """Makes the directories, and removes them with all that is in them."""
    in_memory = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > 2 * size
    memory = (SHARED_MEMORY if in_memory else base) / f"modelsync-benchmark-{os.getpid()}"
    if shutil.disk_usage(base).free < SPACE_FACTOR * size:
        raise SystemExit(
            f"{base} has no room for {SPACE_FACTOR} times the size: choose a smaller --size or another --work"
        )
    _spread(base)
    try:
        yield Workshop(base, memory)
    finally:
        shutil.rmtree(memory, ignore_errors=True)


def _spread(base: Path) -> None:
    """Asks ext4 to put each directory below `base` into a block group of its own.

    It searches past every inode that was deleted in the last minutes, which makes creating 2,000 files beside 2,000
    just deleted ones twice as expensive: one contender would pay for what the one before it removed.
    """
    if shutil.which("chattr"):
        subprocess.run(["chattr", "+T", str(base)], check=False, stderr=subprocess.DEVNULL)


def run_case(case: Case, model: Model, shop: Workshop, runs: int) -> Iterator[Row]:
    """Yields each run as it ends; contenders take turns, ours first."""
    match case.direction:
        case Direction.PUSH:
            yield from _pushes(case, model, shop, runs)
        case Direction.PULL:
            yield from _pulls(case, model, shop, runs)


def _pushes(case: Case, model: Model, shop: Workshop, runs: int) -> Iterator[Row]:
    with ExitStack() as stack:
        store: Server | None = None
        archive = shop.memory / "ready.tar"
        if case.bed is not Bed.OWN:
            store = stack.enter_context(beds.sink(shop.work, md5=case.bed is Bed.SINK_MD5))
        if CURL in case.peers:
            archive_of_bentoml(model, archive)
        for number in range(runs):
            for contender in (OURS, *case.peers):
                # A registry of its own for every run, so that none has the version already.
                with _push_registry(shop, store) as registry, shop.around(shop.home, registry) as around:
                    match contender:
                        case "curl":
                            assert store is not None
                            command = push_curl(archive, store.address, around)
                        case "bentoml":
                            command = push_bentoml(model.tag, around)
                        case _:
                            command = push_ours(model.tag, around, verify=case.verify)
                    yield _row(case, number, model, command, around, [registry, *([store] if store else [])])


@contextmanager
def _push_registry(shop: Workshop, store: Server | None) -> Iterator[Server]:
    data = shop.work / "registry"
    shutil.rmtree(data, ignore_errors=True)
    made = beds.bed_registry(shop.work, data, store.address) if store else beds.own_registry(shop.work, data)
    try:
        with made as registry:
            yield registry
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _pulls(case: Case, model: Model, shop: Workshop, runs: int) -> Iterator[Row]:
    data = shop.work / "registry"
    shutil.rmtree(data, ignore_errors=True)
    objects = shop.memory / "objects"
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, data, ignore_errors=True)
        store: Server | None = None
        if case.bed is Bed.OWN:
            registry = stack.enter_context(beds.own_registry(shop.work, data))
            with shop.around(shop.home, registry) as around:
                _prepare(push_ours(model.tag, around, verify=True))
        else:
            archive = beds.object_path(objects, model)
            archive.parent.mkdir(parents=True, exist_ok=True)
            (archive_of_ours if case.archive is Archive.OURS else archive_of_bentoml)(model, archive)
            stack.callback(archive.unlink)
            store = stack.enter_context(beds.nginx(shop.work, objects))
            registry = stack.enter_context(beds.bed_registry(shop.work, data, store.address))
            beds.register(registry, model, model.version)
        servers = [registry, *([store] if store else [])]
        for number in range(runs):
            for contender in (OURS, *case.peers):
                with shop.pulled() as target, shop.around(target, registry) as around:
                    command = _pull_command(case, contender, model, around, target, store)
                    yield _row(case, number, model, command, around, servers)
                    if number == 0 and contender in (OURS, BENTOML):
                        _compare(model.path, target / "models" / model.name / model.version)


def _pull_command(
    case: Case, contender: str, model: Model, around: Surroundings, target: Path, store: Server | None
) -> Command:
    url = f"{store.address}/models/default/{model.name}/{model.version}.tar.gz" if store else ""
    if contender == BENTOML:
        return pull_bentoml(model.tag, around, sync=case.sync)
    if contender == CURL:
        return pull_curl(url, target / "archive.tar", around, sync=case.sync)
    if contender == CURL_TAR:
        return pull_curl_tar(url, target, around)
    return pull_ours(model.tag, around, sync=case.sync)


def _row(
    case: Case, number: int, model: Model, command: Command, around: Surroundings, servers: Sequence[Server]
) -> Row:
    os.sync()  # what the run before left to be written would be paid by this one
    before = sum(server.cpu_s() for server in servers)
    output = around.scratch / "output.txt"
    try:
        usage = measure(command.argv, command.environment, directory=around.scratch, output=output)
    except RunFailedError as error:
        log = around.scratch / "state" / "modelsync.log"
        if log.exists():
            error.add_note(log.read_text(errors="replace")[-LOG_SHOWN_BYTES:])
        raise
    used = sum(server.cpu_s() for server in servers) - before
    shown = tuple(f"{name}={value}" for name, value in command.environment.items() if name in SETTINGS_SHOWN)
    return Row(
        case.name, command.contender, number, usage, used, model.size_bytes, model.files, (*shown, *command.argv)
    )


def _prepare(command: Command) -> None:
    subprocess.run(command.argv, env=command.environment, check=True, stdout=subprocess.DEVNULL)


def _compare(one: Path, other: Path) -> None:
    """A pull that is fast and wrong is no pull."""
    names = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    there = sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file())
    if names != there or not all(filecmp.cmp(one / name, other / name, shallow=False) for name in names):
        raise SystemExit(f"what was pulled to {other} is not what is in {one}")

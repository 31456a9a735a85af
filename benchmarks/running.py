"""Runs the cases: makes models and archives, starts beds, and measures the contenders in turn, round by round."""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from benchmarks import beds
from benchmarks.beds import Server
from benchmarks.cases import CURL_TAR, Archive, Bed, Case, Direction
from benchmarks.contenders import (
    BENTOML,
    CURL,
    LIMIT,
    OURS,
    S5CMD,
    Command,
    Surroundings,
    copy_s5cmd,
    fetch,
    limit_files,
    pull_bentoml,
    pull_curl,
    pull_curl_tar,
    pull_limit,
    pull_ours,
    push_bentoml,
    push_curl,
    push_limit,
    push_ours,
)
from benchmarks.limit_files import write_plan
from benchmarks.measuring import RunFailedError, Usage, measure
from benchmarks.models import Model, archive_of_bentoml, archive_of_ours
from benchmarks.seaweed import bucket, seaweed
from benchmarks.workshop import Workshop

LOG_SHOWN_BYTES = 4000
SETTINGS_SHOWN = ("MODELSYNC_SYNC",)
"""Of the environment: what makes one command different from another of the same words."""
FEW_FILES = 100
"""More than these s5cmd copies as a folder of objects, else as one archive made before."""


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


def run_case(case: Case, model: Model, shop: Workshop, runs: int) -> Iterator[Row]:
    """Yields each run as it ends; contenders take turns, ours first."""
    match case.direction:
        case Direction.PUSH:
            yield from _pushes(case, model, shop, runs)
        case Direction.PULL:
            yield from _pulls(case, model, shop, runs)
        case Direction.FETCH:
            yield from _fetches(case, model, shop, runs)


@dataclass(frozen=True, slots=True)
class Store:
    """What stands behind the registry of one case."""

    address: str
    """Where clients find it; empty where the registry keeps the objects itself."""
    servers: tuple[Server, ...]
    seaweed: Server | None = None
    ca_file: Path | None = None


@contextmanager
def _store(bed: Bed, shop: Workshop) -> Iterator[Store]:
    objects = shop.memory / "objects"
    with ExitStack() as stack:
        match bed:
            case Bed.OWN:
                yield Store("", ())
            case Bed.SEAWEED:
                server = stack.enter_context(seaweed(shop.work))
                yield Store(server.address, (server,), seaweed=server)
            case Bed.SINK | Bed.SINK_MD5:
                server = stack.enter_context(beds.sink(shop.work, md5=bed is Bed.SINK_MD5))
                yield Store(server.address, (server,))
            case Bed.SINK_TLS:
                pem = beds.certificate(shop.work)
                server = stack.enter_context(beds.sink(shop.work, tls=pem))
                yield Store(server.address, (server,), ca_file=pem)
            case Bed.NGINX:
                server = stack.enter_context(beds.nginx(shop.work, objects))
                yield Store(server.address, (server,))
            case Bed.NGINX_TLS:
                pem = beds.certificate(shop.work)
                server = stack.enter_context(beds.nginx(shop.work, objects, pem))
                yield Store(server.address, (server,), ca_file=pem)
            case Bed.SLOW_SINK | Bed.SLOW_NGINX:
                slow = beds.sink(shop.work) if bed is Bed.SLOW_SINK else beds.nginx(shop.work, objects)
                server = stack.enter_context(slow)
                link = stack.enter_context(beds.slow_link(shop.work, server))
                yield Store(link.address, (server, link))
            case _:
                assert_never(bed)


@contextmanager
def _registry(shop: Workshop, store: Store) -> Iterator[tuple[Server, str]]:
    """A new registry before the store, and the bucket of its objects, if it has one."""
    data = shop.work / "registry"
    shutil.rmtree(data, ignore_errors=True)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, data, ignore_errors=True)
        name = ""
        if store.seaweed is not None:
            name = stack.enter_context(bucket(store.seaweed))
            made = beds.s3_registry(shop.work, data, store.seaweed, name)
        elif store.address:
            made = beds.bed_registry(shop.work, data, store.address)
        else:
            made = beds.own_registry(shop.work, data)
        yield stack.enter_context(made), name


def _pushes(case: Case, model: Model, shop: Workshop, runs: int) -> Iterator[Row]:
    archive = shop.memory / "ready.tar"
    if {CURL, S5CMD, LIMIT} & set(case.peers):
        archive_of_bentoml(model, archive)
        _plan_limit(case, archive, shop)
    with _store(case.bed, shop) as store:
        first = -1 if case.bed is Bed.SINK_MD5 else 0  # that sink hashes what it sees for the first time
        for number in range(first, runs):
            for contender in (OURS, *case.peers):
                # A registry of its own for every run, so that none has the version already.
                with (
                    _registry(shop, store) as (registry, name),
                    shop.around(shop.home, registry, store.ca_file) as around,
                ):
                    match contender:
                        case "curl":
                            command = push_curl(archive, store.address, around)
                        case "limit" if model.files > FEW_FILES:
                            url = f"{store.address}/limit.tar"
                            command = limit_files("push", _plan(shop), model.path, url, around)
                        case "limit":
                            command = push_limit(archive, store.address, around, verify=case.verify)
                        case "s5cmd":
                            many = model.files > FEW_FILES
                            source = f"{model.path}/" if many else str(archive)
                            target = f"s3://{name or 'bucket'}/s5cmd{'/' if many else '.tar'}"
                            command = copy_s5cmd(source, target, store.address, around)
                        case "bentoml":
                            command = push_bentoml(model.tag, around)
                        case _:
                            command = push_ours(model.tag, around, verify=case.verify)
                    row = _row(case, number, model, command, around, [registry, *store.servers])
                    if number >= 0:
                        yield row


def _pulls(case: Case, model: Model, shop: Workshop, runs: int) -> Iterator[Row]:
    with _store(case.bed, shop) as store, _registry(shop, store) as (registry, name), ExitStack() as stack:
        if case.bed in (Bed.OWN, Bed.SEAWEED):
            with shop.around(shop.home, registry) as around:
                _prepare(push_ours(model.tag, around, verify=True))
        else:
            archive = _place_archive(case, model, shop)
            stack.callback(archive.unlink)
            _plan_limit(case, archive, shop)
            beds.register(registry, model, model.version)
        for number in range(runs):
            for contender in (OURS, *case.peers):
                with shop.pulled() as target, shop.around(target, registry) as around:
                    command = _pull_command(case, contender, model, shop, around, target, store.address, name)
                    yield _row(case, number, model, command, around, [registry, *store.servers])
                    if number == 0 and contender in (OURS, BENTOML):
                        _compare(model.path, target / "models" / model.name / model.version)


def _fetches(case: Case, model: Model, shop: Workshop, runs: int) -> Iterator[Row]:
    with _store(case.bed, shop) as store, ExitStack() as stack:
        assert store.ca_file is not None
        archive = _place_archive(case, model, shop)
        stack.callback(archive.unlink)
        url = f"{store.address}/{archive.relative_to(shop.memory / 'objects')}"
        for number in range(runs):
            for contender in (OURS, *case.peers):
                with shop.around(shop.home, store.servers[0]) as around:
                    command = fetch(contender, url, store.ca_file, around)
                    yield _row(case, number, model, command, around, store.servers)


def _plan(shop: Workshop) -> Path:
    """Where the files of the case's archive lie, for the limit."""
    return shop.memory / "plan.json"


def _plan_limit(case: Case, archive: Path, shop: Workshop) -> None:
    if LIMIT in case.peers:
        write_plan(archive, _plan(shop))


def _place_archive(case: Case, model: Model, shop: Workshop) -> Path:
    """Puts the case's archive where nginx serves it."""
    archive = beds.object_path(shop.memory / "objects", model)
    archive.parent.mkdir(parents=True, exist_ok=True)
    (archive_of_ours if case.archive is Archive.OURS else archive_of_bentoml)(model, archive)
    return archive


def _pull_command(
    case: Case,
    contender: str,
    model: Model,
    shop: Workshop,
    around: Surroundings,
    target: Path,
    address: str,
    bucket_name: str,
) -> Command:
    key = f"models/default/{model.name}/{model.version}.tar.gz"
    match contender:
        case "bentoml":
            return pull_bentoml(model.tag, around, sync=case.sync)
        case "curl":
            return pull_curl(f"{address}/{key}", target / "archive.tar", around, sync=case.sync)
        case "limit" if model.files > FEW_FILES:
            return limit_files("pull", _plan(shop), target, f"{address}/{key}", around)
        case "limit":
            return pull_limit(f"{address}/{key}", target / "archive.tar", around, sync=case.sync)
        case "s5cmd":
            # nginx serves the same path, whose first part stands where a bucket's name would.
            source = f"s3://{bucket_name}/{key}" if bucket_name else f"s3://{key}"
            return copy_s5cmd(source, str(target / "archive.tar"), address, around, sync=case.sync)
        case _ if contender == CURL_TAR:
            return pull_curl_tar(f"{address}/{key}", target, around)
        case _:
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

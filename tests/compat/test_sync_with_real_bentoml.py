"""The judge: what we push the real `bentoml` pulls and loads, and what it pushes we pull, byte for byte."""

import os
import subprocess
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelsync.archive.index import read_index
from modelsync.archive.layout import ArchiveLayout
from modelsync.results import Outcome
from modelsync.sync import pull, push, resolve_remote
from modelsync.tag import Tag, TagReference
from modelsync_registry.config import TransmissionStrategy
from support.command import Command
from support.local_store import CREATED, read_tree, write_model
from support.real_bentoml import REAL_BYTES_MIN, REAL_TAG, RealBentoml
from support.registry_server import TOKEN, RegistryFactory, RegistryServer
from support.two_sides import SidesFactory

KiB = 1 << 10
MiB = 1 << 20
TAG = Tag("sentiment", "v1")
REAL = Tag.parse(REAL_TAG)

Mover = Callable[[str, Path, RegistryServer, SidesFactory], None]
"""Pushes or pulls a tag between the store at a home and a registry, one of our two ways."""


def by_the_engine(verb: str, home: Path, server: RegistryServer, make_sides: SidesFactory) -> None:
    sides = make_sides(server, str(home))
    result = (push if verb == "push" else pull)(REAL, sides)
    assert (result.outcome, result.retries) == (Outcome.PUSHED if verb == "push" else Outcome.PULLED, 0)
    assert result.bytes_moved >= result.bytes_total > REAL_BYTES_MIN


def by_the_command(verb: str, home: Path, server: RegistryServer, make_sides: SidesFactory) -> None:
    command = Command.in_folder(
        home.parent, BENTOML_HOME=str(home), BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=server.url
    )
    done = command.run(verb, REAL_TAG, "--json")
    assert done.code == 0, done.err
    (record,) = done.records
    assert (record["tag"], record["outcome"], record["error"]) == (REAL_TAG, f"{verb}ed", None)


BOTH_WAYS = pytest.mark.parametrize("ours", [by_the_engine, by_the_command])


def small_source(tmp_path: Path) -> Path:
    """Files as models have them: nested, empty, with names beyond ASCII and beyond what plain tar holds."""
    source = tmp_path / "source"
    (source / "tokenizer").mkdir(parents=True)
    (source / "weights.bin").write_bytes(os.urandom(300 * KiB + 7))
    (source / "empty.txt").write_bytes(b"")
    (source / "tokenizer" / "vocab ä 模型 🌍.txt").write_text("hello", encoding="utf-8")
    (source / "tokenizer" / f"{'long' * 45}.json").write_text("{}")
    return source


@pytest.mark.needs("real-weights")
@BOTH_WAYS
def test_the_real_bentoml_pulls_and_loads_real_weights_that_we_pushed(
    ours: Mover, registry_server: RegistryServer, make_sides: SidesFactory, real_home: Path, tmp_path: Path
) -> None:
    ours("push", real_home, registry_server, make_sides)
    theirs = RealBentoml(tmp_path / "theirs", registry_server.url)
    theirs.pull(REAL_TAG)
    found = theirs.facts(REAL_TAG)
    assert read_tree(found.path) == read_tree(real_home / "models/minilm/v1")
    assert (found.labels, found.metadata) == ({"stage": "dev"}, {"dimensions": 384})
    assert theirs.load_weights(REAL_TAG) == RealBentoml(real_home).load_weights(REAL_TAG)


@pytest.mark.needs("real-weights")
@BOTH_WAYS
def test_we_pull_real_weights_that_the_real_bentoml_pushed_and_it_lists_and_loads_them(
    ours: Mover, registry_server: RegistryServer, make_sides: SidesFactory, real_home: Path, tmp_path: Path
) -> None:
    RealBentoml(real_home, registry_server.url).push(REAL_TAG)
    home = tmp_path / "ours"
    ours("pull", home, registry_server, make_sides)
    theirs = RealBentoml(home)
    assert theirs.listed() == [REAL_TAG]
    found = theirs.facts("minilm:latest")
    assert (found.tag, found.path.resolve()) == (REAL_TAG, (home / "models/minilm/v1").resolve())
    assert read_tree(found.path) == read_tree(real_home / "models/minilm/v1")
    assert theirs.load_weights(REAL_TAG) == RealBentoml(real_home).load_weights(REAL_TAG)


@pytest.mark.parametrize("strategy", [*TransmissionStrategy, None])
def test_each_reads_what_the_other_pushed_by_every_strategy(
    strategy: TransmissionStrategy | None, make_registry: RegistryFactory, make_sides: SidesFactory, tmp_path: Path
) -> None:
    server = make_registry(strategy=strategy)
    author = RealBentoml(tmp_path / "author", server.url)
    source = small_source(tmp_path)
    by_them = author.create("sentiment:theirs", source, labels={"stage": "dev"}, metadata={"accuracy": 0.9})
    by_us = author.create("sentiment:ours", source, labels={"stage": "prod"})

    author.push("sentiment:theirs")
    assert push(Tag("sentiment", "ours"), make_sides(server, "author")).outcome is Outcome.PUSHED

    assert read_tree(pull(Tag("sentiment", "theirs"), make_sides(server, "ours")).path) == read_tree(by_them)
    reader = RealBentoml(tmp_path / "reader", server.url)
    reader.pull("sentiment:ours")
    assert read_tree(reader.facts("sentiment:ours").path) == read_tree(by_us)
    assert RealBentoml(tmp_path / "ours").facts("sentiment:theirs").metadata == {"accuracy": 0.9}


def test_each_skips_what_the_other_has_moved_already(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    real = RealBentoml(tmp_path / "home", registry_server.url)
    real.create("sentiment:v1", small_source(tmp_path))
    real.push("sentiment:v1")
    sides = make_sides(registry_server, "home")
    assert push(TAG, sides).reason == "already there (same size and build time)"
    assert pull(TAG, sides).reason == "already there (same size and build time)"

    ours = make_sides(registry_server, "ours")
    path = pull(TAG, ours).path
    before = (path.stat().st_ino, read_tree(path))
    theirs = RealBentoml(tmp_path / "ours", registry_server.url)
    theirs.pull("sentiment:v1")
    theirs.push("sentiment:v1")
    assert (path.stat().st_ino, read_tree(path)) == before


def test_latest_means_the_same_version_to_both_whatever_the_order_they_came_in(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    author = tmp_path / "author"
    for version, month in (("spring", 4), ("winter", 12), ("summer", 7)):
        write_model(author, f"sentiment:{version}", created=datetime(2025, month, 1, tzinfo=UTC))
        push(Tag("sentiment", version), make_sides(registry_server, "author"))
    sides = make_sides(registry_server, "ours")
    theirs = RealBentoml(tmp_path / "ours")
    reference = TagReference("sentiment", None)
    for version, newest in (("summer", "summer"), ("spring", "summer"), ("winter", "winter")):
        pull(Tag("sentiment", version), sides)
        assert sides.store.resolve(reference).tag == Tag("sentiment", newest)
        assert theirs.facts("sentiment:latest").tag == f"sentiment:{newest}"
    assert theirs.listed() == ["sentiment:spring", "sentiment:summer", "sentiment:winter"]

    assert resolve_remote(reference, sides.registry) == Tag("sentiment", "winter")
    fresh = RealBentoml(tmp_path / "fresh", registry_server.url)
    fresh.pull("sentiment")
    assert fresh.listed() == ["sentiment:winter"]


def test_a_service_finds_what_we_pulled_without_a_network(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    author = RealBentoml(tmp_path / "author", registry_server.url)
    author.create("sentiment:v1", small_source(tmp_path))
    author.push("sentiment:v1")
    path = pull(TAG, make_sides(registry_server, "ours")).path
    theirs = RealBentoml(tmp_path / "ours")
    for tag in ("sentiment:v1", "sentiment:latest"):
        assert theirs.resolve_offline(tag).resolve() == path.resolve()


def test_each_replaces_by_force_what_the_other_pushed_and_the_other_gets_the_new_content(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    theirs = RealBentoml(tmp_path / "theirs", registry_server.url)
    source = small_source(tmp_path)
    theirs.create("sentiment:v1", source, labels={"by": "them"})
    theirs.push("sentiment:v1")
    ours = make_sides(registry_server, "ours")
    mine = pull(TAG, ours).path

    (mine / "weights.bin").write_bytes(os.urandom(400 * KiB))
    assert push(TAG, ours, force=True).warnings == ()
    theirs.pull("sentiment:v1", force=True)
    assert read_tree(theirs.facts("sentiment:v1").path) == read_tree(mine)

    (tmp_path / "theirs/models/sentiment/v1/weights.bin").write_bytes(os.urandom(100 * KiB))
    theirs.push("sentiment:v1", force=True)
    result = pull(TAG, ours, force=True)
    assert read_tree(result.path) == read_tree(tmp_path / "theirs/models/sentiment/v1")
    # The real client does not tell the registry the new size (contract 3.2): we say so, and keep what arrived.
    assert "record" in result.warnings[0]
    assert RealBentoml(tmp_path / "ours").listed() == ["sentiment:v1"]


def test_our_archive_with_its_index_is_an_ordinary_tar(tmp_path: Path) -> None:
    model = RealBentoml(tmp_path / "home").create("sentiment:v1", small_source(tmp_path))
    (model / "hollow").mkdir()
    layout = ArchiveLayout.of(model, part_size=lambda _total: 5 * MiB)
    data = bytearray(layout.size_bytes)
    with layout.open() as reader:
        assert reader.read_into(0, memoryview(data)) == layout.size_bytes
    assert read_index(bytes(data), len(data)) is not None
    archive = tmp_path / "model.tar"
    archive.write_bytes(data)

    by_python = tmp_path / "python"
    with tarfile.open(archive) as tar:
        tar.extractall(by_python, filter="data")
    assert read_tree(by_python) == read_tree(model)
    assert (by_python / "hollow").is_dir()

    by_gnu = tmp_path / "gnu"
    by_gnu.mkdir()
    done = subprocess.run(
        ["tar", "-xf", str(archive), "-C", str(by_gnu)],
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert read_tree(by_gnu) == read_tree(model)
    assert (by_gnu / "hollow").is_dir()


def test_the_real_bentoml_lists_a_store_that_a_cut_pull_has_touched(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    author = make_sides(registry_server, "author")
    write_model(tmp_path / "author", "sentiment:v1", files={"weights.bin": os.urandom(MiB)}, created=CREATED)
    push(TAG, author)
    ours = make_sides(registry_server, "ours")
    with ours.store.new_stage(TAG) as stage:  # as a pull leaves it that is killed now
        (stage.path / "weights.bin").write_bytes(b"half")
        assert RealBentoml(tmp_path / "ours").listed() == []
    pull(TAG, ours)
    assert RealBentoml(tmp_path / "ours").listed() == ["sentiment:v1"]

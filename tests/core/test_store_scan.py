"""The local list: every version that can be read, and everything else shown as what it is."""

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from modelsync.errors import BrokenModelError, LocalModelNotFoundError, StoreError
from modelsync.model import EntryProblem
from modelsync.store import ModelStore
from modelsync.tag import Tag, TagReference
from support.local_store import CREATED, model_yaml, write_model


def tags(store: ModelStore) -> list[str]:
    return [str(model.tag) for model in store.scan().models]


def settled(directory: Path) -> None:
    """Waits until the model.yaml is old enough to be kept in the cache; its ctime cannot be set back."""
    changed_ns = (directory / "model.yaml").stat().st_ctime_ns
    while time.time_ns() - changed_ns < 150_000_000:
        time.sleep(0.01)


def test_a_store_that_does_not_exist_is_empty_and_stays_so(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "none")
    assert store.scan().models == ()
    assert store.find(Tag("a", "b")) is None
    assert not (tmp_path / "none").exists()


def test_versions_are_listed_by_tag_with_size_and_latest(tmp_path: Path) -> None:
    write_model(tmp_path, "zoo:v1", files={"a.bin": b"x" * 100, "sub/deep/b.bin": b"y" * 11})
    write_model(tmp_path, "iris:v1", latest=False)
    write_model(tmp_path, "iris:v2", labels={"stage": "dev"})
    listing = ModelStore(tmp_path).scan()
    assert [(str(model.tag), model.is_latest) for model in listing.models] == [
        ("iris:v1", False),
        ("iris:v2", True),
        ("zoo:v1", True),
    ]
    assert listing.models[1].info.labels == {"stage": "dev"}
    assert listing.models[2].size_bytes == 111 + (tmp_path / "models/zoo/v1/model.yaml").stat().st_size
    assert listing.models[2].path == tmp_path / "models/zoo/v1"
    assert listing.broken == ()


def test_odd_entries_are_shown_as_what_they_are_and_hide_nothing(tmp_path: Path) -> None:
    write_model(tmp_path, "iris:v1")
    models = tmp_path / "models"
    (models / ".cache").mkdir()
    (models / "Upper").mkdir()
    (models / "notes.txt").write_text("harmless")
    (models / "empty").mkdir()
    (models / "iris" / "half").mkdir()
    (models / "iris" / "half" / "weights.bin").write_bytes(b"x")
    (models / "iris" / ".partial").mkdir()
    (models / "iris" / "bad").mkdir()
    (models / "iris" / "bad" / "model.yaml").write_text("{[")
    (models / "iris" / "gone").symlink_to(tmp_path / "nowhere")
    (models / "iris" / "circle").symlink_to("circle")
    write_model(tmp_path, "iris:other", latest=False)
    (models / "iris" / "other" / "model.yaml").write_text(model_yaml("iris:v9"))
    listing = ModelStore(tmp_path).scan()
    assert [str(model.tag) for model in listing.models] == ["iris:v1"]
    assert [(entry.name, entry.version, entry.problem) for entry in listing.broken] == [
        (".cache", "", EntryProblem.FOREIGN),
        ("Upper", "", EntryProblem.FOREIGN),
        ("iris", ".partial", EntryProblem.FOREIGN),
        ("iris", "bad", EntryProblem.BROKEN),
        ("iris", "circle", EntryProblem.BROKEN),
        ("iris", "gone", EntryProblem.BROKEN),
        ("iris", "half", EntryProblem.HALF_WRITTEN),
        ("iris", "other", EntryProblem.BROKEN),
    ]
    assert all(entry.reason.endswith(".") for entry in listing.broken)
    assert "names iris:v9" in listing.broken[-1].reason


def test_a_directory_named_latest_is_no_version(tmp_path: Path) -> None:
    write_model(tmp_path, "iris:v1", latest=False)
    (tmp_path / "models/iris/latest").mkdir()
    listing = ModelStore(tmp_path).scan()
    assert [(entry.version, entry.problem) for entry in listing.broken] == [("latest", EntryProblem.FOREIGN)]
    assert listing.models[0].is_latest


def test_a_link_to_a_version_is_a_version(tmp_path: Path) -> None:
    elsewhere = write_model(tmp_path / "big-disk", "iris:v1", files={"w": b"12345"})
    (tmp_path / "models/iris").mkdir(parents=True)
    (tmp_path / "models/iris/v1").symlink_to(elsewhere)
    (model,) = ModelStore(tmp_path).scan().models
    assert model.size_bytes == 5 + (elsewhere / "model.yaml").stat().st_size


def test_linked_files_count_once(tmp_path: Path) -> None:
    directory = write_model(tmp_path, "iris:v1", files={"w.bin": b"x" * 1000})
    own = (directory / "model.yaml").stat().st_size + 1000
    (tmp_path / "blob").write_bytes(b"y" * 77)
    (directory / "again").symlink_to("w.bin")
    (directory / "blob-1").symlink_to(tmp_path / "blob")
    (directory / "blob-2").symlink_to(tmp_path / "blob")
    (directory / "nowhere").symlink_to("missing")
    (directory / "up").symlink_to("..", target_is_directory=True)
    (model,) = ModelStore(tmp_path).scan().models
    assert model.size_bytes == own + 77


def test_models_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("")
    with pytest.raises(StoreError, match="is a file where a directory should be") as caught:
        ModelStore(tmp_path).scan()
    assert "BENTOML_HOME" in caught.value.hint


def test_a_version_is_found_exactly_never_by_prefix(tmp_path: Path) -> None:
    write_model(tmp_path, "iris:v10")
    store = ModelStore(tmp_path)
    assert store.find(Tag("iris", "v1")) is None
    with pytest.raises(LocalModelNotFoundError) as caught:
        store.get(Tag("iris", "v1"))
    assert "iris:v10" in caught.value.hint
    with pytest.raises(LocalModelNotFoundError) as caught:
        store.get(Tag("iri", "v1"))
    assert "iris" in caught.value.hint


def test_a_broken_version_is_said_to_be_broken(tmp_path: Path) -> None:
    directory = write_model(tmp_path, "iris:v1")
    (directory / "model.yaml").write_text("")
    with pytest.raises(BrokenModelError, match="iris:v1 in the local store is broken"):
        ModelStore(tmp_path).find(Tag("iris", "v1"))


@pytest.mark.parametrize("recorded", [None, "v9", "", "no/version", "\udcff"])
def test_without_a_valid_latest_file_the_newest_is_the_latest(tmp_path: Path, recorded: str | None) -> None:
    write_model(tmp_path, "iris:v2", latest=False)
    write_model(tmp_path, "iris:v1", created=CREATED + timedelta(days=1), latest=False)
    latest = tmp_path / "models/iris/latest"
    if recorded is not None:
        latest.write_bytes(recorded.encode("utf-8", "surrogateescape"))
    store = ModelStore(tmp_path)
    assert store.resolve(TagReference("iris", None)).tag == Tag("iris", "v1")
    assert [model.is_latest for model in store.versions("iris")] == [True, False]
    assert latest.exists() == (recorded is not None)  # reading repairs nothing


def test_a_pipe_in_the_place_of_the_latest_file_hangs_nothing(tmp_path: Path) -> None:
    write_model(tmp_path, "iris:v1", latest=False)
    os.mkfifo(tmp_path / "models/iris/latest")
    store = ModelStore(tmp_path)
    assert [model.is_latest for model in store.scan().models] == [True]
    assert store.resolve(TagReference("iris", None)).tag == Tag("iris", "v1")


def test_the_latest_file_wins_over_creation_times(tmp_path: Path) -> None:
    write_model(tmp_path, "iris:v1", latest=True)
    write_model(tmp_path, "iris:v2", created=CREATED + timedelta(days=1), latest=False)
    (tmp_path / "models/iris/latest").write_text("v1\n")
    store = ModelStore(tmp_path)
    assert store.resolve(TagReference("iris", None)).tag == Tag("iris", "v1")
    assert store.get(Tag("iris", "v1")).is_latest
    assert not store.get(Tag("iris", "v2")).is_latest


def test_a_known_model_yaml_is_not_read_again(tmp_path: Path) -> None:
    directory = write_model(tmp_path, "iris:v1", labels={"a": "1"}, metadata={"x": [1, True]})
    cache = tmp_path / "cache" / "models.json"
    settled(directory)
    first = ModelStore(tmp_path, cache_file=cache).scan()
    directory.joinpath("model.yaml").chmod(0o600)
    (kept,) = cache.parent.iterdir()
    kept.write_text(kept.read_text().replace('"a":"1"', '"a":"from the cache"'))
    (model,) = ModelStore(tmp_path, cache_file=cache).scan().models
    assert model.info.labels == {"a": "from the cache"}
    assert model.info.metadata == first.models[0].info.metadata


def test_a_changed_model_yaml_is_read_again(tmp_path: Path) -> None:
    directory = write_model(tmp_path, "iris:v1", labels={"a": "1"})
    cache = tmp_path / "cache" / "models.json"
    settled(directory)
    store = ModelStore(tmp_path, cache_file=cache)
    store.scan()
    write_model(tmp_path, "iris:v1", labels={"a": "2"})
    for other in (store, ModelStore(tmp_path, cache_file=cache)):
        assert other.scan().models[0].info.labels == {"a": "2"}


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", '{"format":1}', "\x00\xff", "truncate", "line", "entries", "fields", "stamp", "format", "store"],
)
def test_a_damaged_cache_is_as_good_as_none(tmp_path: Path, damage: str) -> None:
    directory = write_model(tmp_path, "iris:v1", labels={"a": "1"})
    cache = tmp_path / "cache" / "models.json"
    settled(directory)
    ModelStore(tmp_path, cache_file=cache).scan()
    (kept,) = cache.parent.iterdir()
    text = kept.read_text()
    head, versions = (json.loads(line) for line in text.splitlines())
    entry = versions["iris/v1"]
    match damage:
        case "truncate":
            damage = text[:-10]
        case "line":
            damage = f"{json.dumps(head)}\n[]"
        case "entries":
            damage = f"{json.dumps(head)}\n{json.dumps({'iris/v1': [1, 2]})}"
        case "fields":
            damage = f"{json.dumps(head)}\n{json.dumps({'iris/v1': [*entry[:5], 7, *entry[6:]]})}"
        case "stamp":
            damage = f"{json.dumps(head)}\n{json.dumps({'iris/v1': [[*entry[0][:2], 'x'], *entry[1:]]})}"
        case "format" | "store":
            damage = f"{json.dumps({**head, damage: 'another'})}\n" + json.dumps(versions).replace('"1"', '"wrong"')
    kept.write_text(damage)
    (model,) = ModelStore(tmp_path, cache_file=cache).scan().models
    assert model.info.labels == {"a": "1"}


def test_a_cache_that_cannot_be_written_hurts_nobody(tmp_path: Path) -> None:
    settled(write_model(tmp_path, "iris:v1"))
    (tmp_path / "file").write_text("")
    store = ModelStore(tmp_path, cache_file=tmp_path / "file" / "models.json")
    assert tags(store) == ["iris:v1"]


def test_the_list_imports_neither_yaml_nor_sockets_nor_archives_when_all_is_known(tmp_path: Path) -> None:
    settled(write_model(tmp_path, "iris:v1"))
    program = (
        "import sys; from pathlib import Path; from modelsync.store import ModelStore\n"
        "models = ModelStore(Path(sys.argv[1]), cache_file=Path(sys.argv[1]) / 'cache.json').scan().models\n"
        "unneeded = 'yaml', 'httpx', 'keyring', 'ctypes', 'socket', 'shutil'\n"
        "print(len(models), [name for name in unneeded if name in sys.modules])\n"
    )
    runs = [subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True) for _ in range(2)]
    assert [run.stdout.strip() for run in runs] == ["1 ['yaml']", "1 []"], runs[1].stderr

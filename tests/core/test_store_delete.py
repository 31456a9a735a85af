"""A version leaves the store in one step, and what is left stays right."""

import os
from pathlib import Path

import pytest

from modelsync.errors import LocalModelNotFoundError, StoreError
from modelsync.store import ModelStore
from modelsync.tag import Tag, TagReference
from support.local_store import install, latest, left_in_tmp, write_model

IRIS = Tag("iris", "v1")


def test_deleting_moves_latest_and_removes_the_last_name(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    for number in (1, 3, 2):
        install(store, f"iris:v{number}", days=number)
    size = store.get(Tag("iris", "v3")).size_bytes
    assert store.delete(Tag("iris", "v3")) == size
    assert latest(store) == "v2"
    assert store.resolve(TagReference("iris", None)).tag == Tag("iris", "v2")
    store.delete(Tag("iris", "v1"))
    assert latest(store) == "v2"
    store.delete(Tag("iris", "v2"))
    assert list(store.models_dir.iterdir()) == []
    assert left_in_tmp(tmp_path) == []


def test_a_broken_version_can_be_deleted_and_a_link_without_its_target(tmp_path: Path) -> None:
    elsewhere = write_model(tmp_path / "elsewhere", "iris:v2")
    (tmp_path / "models/iris/v1").mkdir(parents=True)
    (tmp_path / "models/iris/v2").symlink_to(elsewhere)
    (tmp_path / "models/iris/v3").symlink_to(tmp_path / "nowhere")
    store = ModelStore(tmp_path)
    assert [store.delete(Tag("iris", version)) for version in ("v1", "v2", "v3")] == [0, 0, 0]
    assert (elsewhere / "model.yaml").exists()
    assert list(store.models_dir.iterdir()) == []


@pytest.mark.parametrize(("name", "levels"), [("a", 1500), ("long" * 50, 50)])
def test_what_lies_deeper_than_a_walk_or_a_path_can_reach_is_removed(tmp_path: Path, name: str, levels: int) -> None:
    below = os.open(write_model(tmp_path, "iris:v1"), os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=below)
        above, below = below, os.open(name, os.O_RDONLY, dir_fd=below)
        os.close(above)
    os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=below))
    os.close(below)
    store = ModelStore(tmp_path)
    store.delete(IRIS)
    assert list(store.models_dir.iterdir()) == []
    assert left_in_tmp(tmp_path) == []


@pytest.mark.parametrize("others", [(), ("iris:v0",)])
def test_a_directory_in_the_place_of_latest_is_named_and_the_version_is_gone(
    tmp_path: Path, others: tuple[str, ...]
) -> None:
    for tag in (*others, "iris:v1"):
        write_model(tmp_path, tag, latest=False)
    (tmp_path / "models/iris/latest").mkdir()
    store = ModelStore(tmp_path)
    with pytest.raises(StoreError, match=r"note in `latest` that iris:v1 was removed: .*/models/iris/latest"):
        store.delete(IRIS)
    assert store.find(IRIS) is None
    with pytest.raises(StoreError, match=r"note in `latest` that iris:v1 is in the store now: .*/models/iris/latest"):
        install(store, "iris:v1", days=9)
    assert store.find(IRIS) is not None
    assert left_in_tmp(tmp_path) == []


def test_a_version_that_is_not_there_is_not_deleted(tmp_path: Path) -> None:
    with pytest.raises(LocalModelNotFoundError, match="The local store has no iris:v1"):
        ModelStore(tmp_path).delete(IRIS)

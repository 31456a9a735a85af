"""A version that arrives while the power or the disk may fail: it is there for good, or the store is as it was."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from modelsync.errors import StoreError
from modelsync.store import ModelStore
from modelsync.tag import Tag
from support.local_store import fill_model, install, latest, left_in_tmp, read_tree, write_model

IRIS = Tag("iris", "v1")
ExchangeOf = Callable[[Path, Path], bool]


class Synced:
    """What was brought to the disk before a version was in place, and what from then on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        self.before: set[str] = set()
        self.after: set[str] = set()
        self._home = home
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self._note)

    def _note(self, handle: int) -> None:
        self._fsync(handle)
        path = Path(f"/proc/self/fd/{handle}").readlink()
        there = (self._home / "models/iris/v1/new.bin").exists()
        (self.after if there else self.before).add(path.relative_to(self._home).as_posix())


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the names of open files are read from /proc")
@pytest.mark.parametrize("replace", [False, True], ids=["new", "in the place of another"])
def test_a_version_is_on_the_disk_before_it_is_in_place_and_its_name_when_the_call_returns(
    replace: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if replace:
        write_model(tmp_path, "iris:v1", files={"old.bin": b"old"})
    store = ModelStore(tmp_path)
    with store.new_stage(IRIS) as stage:
        fill_model(stage.path, "iris:v1", files={"new.bin": b"new", "sub/more.bin": b"more"})
        synced = Synced(monkeypatch, tmp_path)
        at = stage.path.relative_to(tmp_path)
        stage.install(replace=replace, sync=True)
    content = {"", "/new.bin", "/sub", "/sub/more.bin", "/model.yaml"}
    record = {at.parent.as_posix()}
    assert synced.before >= {f"{at.as_posix()}{path}" for path in content} | record
    assert synced.after >= {"models/iris", "models", "."}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the names of open files are read from /proc")
def test_without_sync_an_installation_does_not_wait_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = Synced(monkeypatch, tmp_path)
    install(ModelStore(tmp_path), "iris:v1")
    assert synced.before | synced.after == set()


def broken_disk(_new: Path, _old: Path) -> bool:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def lose_the_new_one(new: Path, _old: Path) -> bool:
    """The directories cannot be exchanged, and the second of two renames instead will fail."""
    if new.exists():
        new.rename(new.with_name("lost"))
    return False


@pytest.mark.parametrize("exchange", [broken_disk, lose_the_new_one])
def test_a_replacement_that_the_disk_refuses_leaves_the_old_version_in_place(
    exchange: ExchangeOf, tmp_path: Path
) -> None:
    old = read_tree(write_model(tmp_path, "iris:v1", files={"old.bin": b"old"}))
    store = ModelStore(tmp_path, exchange=exchange)
    with store.new_stage(IRIS) as stage:
        fill_model(stage.path, "iris:v1", files={"new.bin": b"new"})
        with pytest.raises(StoreError, match="Cannot put iris:v1 into the store"):
            stage.install(replace=True, sync=False)
    assert read_tree(tmp_path / "models/iris/v1") == old
    assert latest(store) == "v1"
    assert left_in_tmp(tmp_path) == []


def test_a_stage_that_cannot_be_emptied_says_so(tmp_path: Path) -> None:
    with ModelStore(tmp_path).new_stage(IRIS) as stage:
        stage.path.parent.rename(tmp_path / "moved")
        with pytest.raises(StoreError, match="Cannot make room for iris:v1 in the store"):
            stage.clear()

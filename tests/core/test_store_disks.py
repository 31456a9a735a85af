"""Disks of every kind: another one, a read-only one, a full one, one with files where directories should be."""

import ctypes  # noqa: F401 - imported before a test gives up the right to read the library
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modelsync.errors import NoSpaceError, StoreError
from modelsync.store import ModelStore
from modelsync.store.disk import store_error
from modelsync.tag import Tag
from support.local_store import fill_model, install, latest, left_in_tmp, write_model

IRIS = Tag("iris", "v1")
NOBODY = 65534


@contextmanager
def ordinary_rights() -> Iterator[None]:
    """Permissions mean nothing to root: for a while this process is nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_home() -> Iterator[Path]:
    """A store's home that nobody may enter, too."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o777)
    yield path
    for directory, _, _ in os.walk(path):
        Path(directory).chmod(0o777)
    shutil.rmtree(path)


def test_a_store_on_a_disk_of_its_own_is_staged_on_that_disk(tmp_path: Path) -> None:
    with other_disk(tmp_path) as other:
        (other / "models").mkdir()
        home = tmp_path / "home"
        home.mkdir()
        (home / "models").symlink_to(other / "models")
        store = ModelStore(home)
        assert store.stage_root == other / ".modelsync-stage"
        install(store, "iris:v1")
        install(store, "iris:v1", replace=True)
        with store.new_stage(IRIS) as stage:
            stage.keep()
        assert store.clean_stages() == 1
        assert [path.name for path in (other / "models/iris").iterdir()] == ["v1", "latest"] or latest(store) == "v1"
        assert list((other / ".modelsync-stage").iterdir()) == []
        store.delete(IRIS)


def test_a_tmp_on_another_disk_is_not_used(tmp_path: Path) -> None:
    with other_disk(tmp_path) as other:
        (tmp_path / "tmp").symlink_to(other)
        store = ModelStore(tmp_path)
        install(store, "iris:v1")
        assert store.stage_root == tmp_path / ".modelsync-stage"
        assert store.get(IRIS).is_latest


def test_a_name_on_a_disk_of_its_own_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with other_disk(tmp_path) as other:
        (tmp_path / "models").mkdir()
        (tmp_path / "models/iris").symlink_to(other)
        with pytest.raises(StoreError, match="is on a disk of its own") as caught:
            ModelStore(tmp_path).new_stage(IRIS)
        assert str(tmp_path / "tmp") in caught.value.hint
        assert list(other.iterdir()) == []


@contextmanager
def other_disk(here: Path) -> Iterator[Path]:
    shared_memory = Path("/dev/shm")
    if not shared_memory.is_dir() or shared_memory.stat().st_dev == here.stat().st_dev:
        pytest.skip("this machine has one file system only")
    path = Path(tempfile.mkdtemp(dir=shared_memory))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def test_a_read_only_store_says_so_and_is_still_listed(open_home: Path) -> None:
    write_model(open_home, "iris:v1")
    open_home.chmod(0o555)
    store = ModelStore(open_home)
    with ordinary_rights():
        assert [str(model.tag) for model in store.scan().models] == ["iris:v1"]
        for change in (lambda: store.new_stage(IRIS), lambda: store.delete(IRIS)):
            with pytest.raises(StoreError, match="no permission for") as caught:
                change()
            assert "BENTOML_HOME" in caught.value.hint


def test_an_install_that_is_refused_leaves_no_empty_name(open_home: Path) -> None:
    (open_home / "models").mkdir()
    (open_home / "tmp").mkdir(mode=0o777)
    (open_home / "tmp").chmod(0o777)
    store = ModelStore(open_home)
    with ordinary_rights(), store.new_stage(IRIS) as stage:
        fill_model(stage.path, "iris:v1")
        with pytest.raises(StoreError, match="no permission for"):
            stage.install(replace=False, sync=False)
    assert list((open_home / "models").iterdir()) == []
    assert left_in_tmp(open_home) == []


def test_a_version_that_may_not_be_read_does_not_hide_the_others(open_home: Path) -> None:
    write_model(open_home, "iris:v1")
    (write_model(open_home, "iris:v2") / "secret").mkdir(mode=0)
    write_model(open_home, "zoo:v1").parent.chmod(0)
    with ordinary_rights():
        listing = ModelStore(open_home).scan()
    assert [str(model.tag) for model in listing.models] == ["iris:v1"]
    assert [(entry.name, entry.version) for entry in listing.broken] == [("iris", "v2"), ("zoo", "")]


@pytest.mark.parametrize("place", ["models", "models/iris", "tmp"])
def test_a_file_where_a_directory_should_be_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("")
    words = f"{tmp_path / place} is a file where a directory should be"
    with pytest.raises(StoreError, match=words):
        install(ModelStore(tmp_path), "iris:v1")


def test_a_home_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(StoreError, match="home is a file where a directory should be"):
        ModelStore(tmp_path / "home").new_stage(IRIS)


def test_a_full_disk_is_its_own_error(tmp_path: Path) -> None:
    error = store_error(OSError(errno.ENOSPC, "No space left on device", "/data/x"), "put iris:v1 into it", tmp_path)
    assert isinstance(error, NoSpaceError)
    assert error.sentence == (
        "Cannot put iris:v1 into it: no space is left on the disk of /data/x. Free some space, then run it again."
    )


def test_free_bytes_are_those_of_the_disk(tmp_path: Path) -> None:
    facts = os.statvfs(tmp_path)
    free = ModelStore(tmp_path / "not" / "yet").free_bytes()
    assert free == pytest.approx(facts.f_bavail * facts.f_frsize, rel=0.05)

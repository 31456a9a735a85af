"""A version arrives beside the store and is put in place in one step, or not at all."""

import os
import stat
from pathlib import Path

import pytest

from modelsync.errors import ArchiveError, StoreError
from modelsync.store import ModelStore
from modelsync.tag import Tag
from support.local_store import fill_model, install, latest, left_in_tmp, model_yaml, read_tree, write_model

IRIS = Tag("iris", "v1")


def cannot_exchange(_first: Path, _second: Path) -> bool:
    return False


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("files", [1, 100])
def test_an_installed_version_is_whole_and_nothing_else_stays(tmp_path: Path, sync: bool, files: int) -> None:
    store = ModelStore(tmp_path / "home")
    contents = {f"part-{number}.bin": os.urandom(100) for number in range(files)} | {"sub/empty": b""}
    with store.new_stage(IRIS) as stage:
        assert stage.path.is_dir()
        assert stage.path.is_relative_to(store.stage_root)
        assert not store.models_dir.exists()
        fill_model(stage.path, "iris:v1", files=contents)
        (stage.path / "no-files").mkdir()
        whole = read_tree(stage.path)
        model = stage.install(replace=False, sync=sync)
    assert model.tag == IRIS
    assert model.is_latest
    assert model.path == tmp_path / "home/models/iris/v1"
    assert read_tree(model.path) == whole
    assert (model.path / "no-files").is_dir()
    assert latest(store) == "v1"
    assert sorted(path.name for path in store.models_dir.iterdir()) == ["iris"]
    assert sorted(path.name for path in (store.models_dir / "iris").iterdir()) == ["latest", "v1"]
    assert left_in_tmp(tmp_path / "home") == []


def test_replacing_exchanges_the_versions_whole(tmp_path: Path) -> None:
    write_model(tmp_path, "iris:v1", files={"old.bin": b"old"})
    store = ModelStore(tmp_path)
    with store.new_stage(IRIS) as stage:
        fill_model(stage.path, "iris:v1", files={"new.bin": b"new"})
        stage.install(replace=True, sync=False)
    assert set(read_tree(tmp_path / "models/iris/v1")) == {"new.bin", "model.yaml"}
    assert left_in_tmp(tmp_path) == []


def test_replacing_works_where_directories_cannot_be_exchanged(tmp_path: Path) -> None:
    write_model(tmp_path, "iris:v1", files={"old.bin": b"old"})
    store = ModelStore(tmp_path, exchange=cannot_exchange)
    with store.new_stage(IRIS) as stage:
        fill_model(stage.path, "iris:v1", files={"new.bin": b"new"})
        stage.install(replace=True, sync=True)
    assert set(read_tree(tmp_path / "models/iris/v1")) == {"new.bin", "model.yaml"}
    assert left_in_tmp(tmp_path) == []


@pytest.mark.parametrize("what", ["nothing", "an empty directory", "a link", "a file", "a read-only directory"])
def test_with_replace_anything_may_be_in_its_place(tmp_path: Path, what: str) -> None:
    version = tmp_path / "models/iris/v1"
    version.parent.mkdir(parents=True)
    elsewhere = write_model(tmp_path / "elsewhere", "iris:v1")
    match what:
        case "an empty directory":
            version.mkdir()
        case "a link":
            version.symlink_to(elsewhere)
        case "a file":
            version.write_text("")
        case "a read-only directory":
            (version / "sub").mkdir(parents=True)
            (version / "sub" / "file").write_text("")
            (version / "sub").chmod(0o555)
            version.chmod(0o555)
    install(ModelStore(tmp_path), "iris:v1", replace=True)
    assert ModelStore(tmp_path).get(IRIS).path == version
    assert not version.is_symlink()
    assert (elsewhere / "model.yaml").exists()
    assert left_in_tmp(tmp_path) == []


@pytest.mark.parametrize("what", ["a version", "an empty directory"])
def test_without_replace_a_version_that_came_meanwhile_stays(tmp_path: Path, what: str) -> None:
    store = ModelStore(tmp_path)
    with store.new_stage(IRIS) as stage:
        fill_model(stage.path, "iris:v1")
        if what == "a version":
            write_model(tmp_path, "iris:v1", files={"theirs": b"x"})
        else:
            (tmp_path / "models/iris/v1").mkdir(parents=True)
        before = read_tree(tmp_path / "models")
        with pytest.raises(StoreError, match="iris:v1 is in the store already"):
            stage.install(replace=False, sync=False)
    assert read_tree(tmp_path / "models") == before
    assert left_in_tmp(tmp_path) == []


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        (None, r"is no model: .* has no model\.yaml"),
        ("{[", "is no model: .* not YAML"),
        (model_yaml("iris:v2"), "What arrived as iris:v1 names itself iris:v2"),
    ],
)
def test_what_is_not_the_model_is_not_installed(tmp_path: Path, yaml: str | None, words: str) -> None:
    store = ModelStore(tmp_path)
    with store.new_stage(IRIS) as stage:
        if yaml is not None:
            (stage.path / "model.yaml").write_text(yaml)
        with pytest.raises(ArchiveError, match=words):
            stage.install(replace=True, sync=False)
    assert not store.models_dir.exists()
    assert left_in_tmp(tmp_path) == []


def test_a_stage_that_is_left_without_installing_is_removed(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    with store.new_stage(IRIS) as stage:
        fill_model(stage.path, "iris:v1")
        (stage.path / "sub").mkdir(mode=0o500)
    assert not stage.path.exists()
    assert not store.models_dir.exists()
    assert left_in_tmp(tmp_path) == []


def test_a_cleared_stage_is_empty_and_can_be_filled_again(tmp_path: Path) -> None:
    with ModelStore(tmp_path).new_stage(IRIS) as stage:
        fill_model(stage.path, "iris:v1", files={"old/half.bin": b"x"})
        stage.clear()
        assert list(stage.path.iterdir()) == []
        fill_model(stage.path, "iris:v1", files={"new.bin": b"x"})
        stage.install(replace=False, sync=False)
    assert set(read_tree(tmp_path / "models/iris/v1")) == {"new.bin", "model.yaml"}


def test_a_kept_stage_is_reopened_by_its_path(tmp_path: Path) -> None:
    with ModelStore(tmp_path).new_stage(IRIS) as stage:
        (stage.path / "half.bin").write_bytes(b"half")
        stage.keep()
    store = ModelStore(tmp_path)
    assert store.clean_stages(keep=[stage.path]) == 0
    again = store.reopen_stage(IRIS, stage.path)
    assert again is not None
    with again:
        assert (again.path / "half.bin").read_bytes() == b"half"
        fill_model(again.path, "iris:v1", files={})
        again.install(replace=False, sync=False)
    assert set(read_tree(tmp_path / "models/iris/v1")) == {"half.bin", "model.yaml"}


def test_only_a_stage_of_this_tag_is_reopened(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    with store.new_stage(IRIS) as stage:
        stage.keep()
    strange = tmp_path / "tmp" / "strange" / "model"
    strange.mkdir(parents=True)
    for tag, path in ((Tag("iris", "v2"), stage.path), (IRIS, strange), (IRIS, tmp_path / "models"), (IRIS, tmp_path)):
        assert store.reopen_stage(tag, path) is None
    assert store.clean_stages() == 1
    assert store.reopen_stage(IRIS, stage.path) is None


def test_only_our_own_orphans_are_cleaned(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    tmp = tmp_path / "tmp"
    with store.new_stage(Tag("held", "v1")) as held:
        for tag in ("iris:v1", "kept:v1"):
            with store.new_stage(Tag.parse(tag)) as stage:
                stage.keep()
        foreign = [tmp / "bentoml-model-iris-x", tmp / "modelsync-iris@v1-notours", tmp / "modelsync-iris@v1-0123456"]
        for path in foreign:
            path.mkdir()
        (tmp / "modelsync-gone@v1-01234567.old").mkdir()
        (tmp / "modelsync-gone@v1-01234567.latest").write_text("v1")
        assert store.clean_stages(keep=[stage.path]) == 3
        assert held.path.is_dir()
        assert stage.path.is_dir()
        assert all(path.is_dir() for path in foreign)
        assert not list(tmp.glob("*iris@v1-????????"))
        assert not list(tmp.glob("*gone*"))


def test_files_keep_their_times_and_the_version_has_the_mode_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        store = ModelStore(tmp_path)
        with store.new_stage(IRIS) as stage:
            fill_model(stage.path, "iris:v1", files={"w.bin": b"x"})
            os.utime(stage.path / "w.bin", ns=(1, 1_500_000_000_123_456_789))
            assert stat.S_IMODE(stage.path.parent.stat().st_mode) == 0o700
            model = stage.install(replace=False, sync=True)
    finally:
        os.umask(before)
    assert (model.path / "w.bin").stat().st_mtime_ns == 1_500_000_000_123_456_789
    assert stat.S_IMODE(model.path.stat().st_mode) == 0o750
    assert stat.S_IMODE((model.path.parent / "latest").stat().st_mode) == 0o640


def test_latest_follows_creation_times_not_the_order_of_arrival(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    install(store, "iris:v2", days=2)
    install(store, "iris:v1", days=1)
    assert latest(store) == "v2"
    install(store, "iris:v3", days=2)
    assert latest(store) == "v3"  # an equal time counts as newer
    (store.models_dir / "iris/latest").write_text("gone")
    install(store, "iris:v0", days=0)
    assert latest(store) == "v3"
    (store.models_dir / "iris/latest").unlink()
    install(store, "iris:v4", days=1)
    assert latest(store) == "v3"
    install(store, "iris:v3", days=0, replace=True)
    assert latest(store) == "v2"

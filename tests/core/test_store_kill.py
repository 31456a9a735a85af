"""A process that is killed while it installs or deletes leaves the old or the new version, whole."""

import subprocess
import sys
from pathlib import Path

import pytest

from modelsync.store import ModelStore
from modelsync.tag import Tag
from support.local_store import fill_model, latest, left_in_tmp, read_tree, write_model
from support.real_bentoml import RealBentoml

IRIS = Tag("iris", "v1")
KILLS = 30
KILLS_MAX = 300
"""Until both versions were seen: on a busy machine a process comes less far in the same time."""

LOOP = """
import sys
from pathlib import Path
from modelsync.store import ModelStore
from modelsync.store.exchange import exchange
from modelsync.tag import Tag
sys.path.insert(0, sys.argv[3])
from support.local_store import fill_model

def cannot(first, second):
    return False

store = ModelStore(Path(sys.argv[1]), exchange=exchange if sys.argv[2] == "exchange" else cannot)
tag = Tag("iris", "v1")
store.clean_stages()
print("ready", flush=True)
turn = 0
while True:
    turn += 1
    letter = "ab"[turn % 2]
    with store.new_stage(tag) as stage:
        fill_model(stage.path, "iris:v1", files={f"{letter}/{number}.bin": letter.encode() * 99 for number in range(9)})
        stage.install(replace=True, sync=turn % 3 == 0)
    if turn % 5 == 0:
        store.delete(tag)
"""

DIE_INSIDE = """
import os, sys
from pathlib import Path
from modelsync.store import ModelStore
from modelsync.store.exchange import exchange
from modelsync.tag import Tag
sys.path.insert(0, sys.argv[3])
from support.local_store import fill_model

def die(stage, version):
    if sys.argv[2] == "between the renames":
        version.rename(stage.parent / "old")
    if sys.argv[2] == "after the exchange":
        exchange(stage, version)
    os.kill(os.getpid(), 9)

with ModelStore(Path(sys.argv[1]), exchange=die).new_stage(Tag("iris", "v1")) as stage:
    fill_model(stage.path, "iris:v1", files={"new.bin": b"new"})
    print(stage.path, flush=True)
    stage.keep()
    stage.install(replace=True, sync=True)
"""

TESTS = str(Path(__file__).parent.parent)


def start(program: str, home: Path, what: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", program, str(home), what, TESTS], stdout=subprocess.PIPE, text=True, bufsize=1
    )


@pytest.mark.parametrize("how", ["exchange", "two renames"])
def test_a_kill_at_any_instant_leaves_a_whole_version(tmp_path: Path, how: str) -> None:
    whole = []
    for letter in "ab":
        fill_model(tmp_path / letter, "iris:v1", files={f"{letter}/{n}.bin": letter.encode() * 99 for n in range(9)})
        whole.append(read_tree(tmp_path / letter))
    home = tmp_path / "home"
    seen: set[int] = set()
    for kill in range(KILLS_MAX):
        if kill >= KILLS and seen == {0, 1}:
            break
        process = start(LOOP, home, how)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.001 + 0.0017 * kill)
        process.kill()
        process.communicate()
        store = ModelStore(home)
        if how == "two renames":
            store.clean_stages()  # between two renames the version is gone until the next start
        listing = store.scan()
        assert listing.broken == ()
        names = [path.name for path in store.models_dir.iterdir()] if store.models_dir.exists() else []
        assert names in ([], ["iris"])
        for model in listing.models:
            tree = read_tree(model.path)
            assert tree in whole
            seen.add(whole.index(tree))
    store.clean_stages()
    assert left_in_tmp(home) == []
    assert seen == {0, 1}


def test_the_real_bentoml_finds_a_whole_version_after_a_kill_at_any_instant(tmp_path: Path) -> None:
    whole = []
    for letter in "ab":
        fill_model(tmp_path / letter, "iris:v1", files={f"{letter}/{n}.bin": letter.encode() * 99 for n in range(9)})
        whole.append(read_tree(tmp_path / letter))
    home = tmp_path / "home"
    for kill in range(3):
        process = start(LOOP, home, "exchange")
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.02 + 0.013 * kill)
        process.kill()
        process.communicate()
        listed = RealBentoml(home).listed()
        assert listed in ([], ["iris:v1"])
        if listed:
            assert read_tree(RealBentoml(home).facts("iris:v1").path) in whole


@pytest.mark.parametrize("moment", ["before the exchange", "after the exchange", "between the renames"])
def test_the_next_start_finishes_what_was_begun(tmp_path: Path, moment: str) -> None:
    write_model(tmp_path, "iris:v1", files={"old.bin": b"old"}, latest=False)
    with start(DIE_INSIDE, tmp_path, moment) as process:
        assert process.stdout is not None
        stage_path = Path(process.stdout.readline().strip())
    assert process.returncode == -9
    store = ModelStore(tmp_path)
    stage = store.reopen_stage(IRIS, stage_path)
    if moment == "before the exchange":
        assert (tmp_path / "models/iris/v1/old.bin").exists()
        assert stage is not None
        with stage:
            stage.install(replace=True, sync=False)
    else:
        assert stage is None  # it is in the store, and what lies there now is the old version
        assert latest(store) == "v1"
    assert (tmp_path / "models/iris/v1/new.bin").exists()
    assert store.clean_stages(keep=[stage_path]) == (moment != "before the exchange")
    assert left_in_tmp(tmp_path) == []
    assert store.scan().broken == ()


def test_the_old_version_comes_back_to_nobody_who_removed_the_new_one(tmp_path: Path) -> None:
    write_model(tmp_path, "iris:v1", files={"old.bin": b"old"})
    process = start(DIE_INSIDE, tmp_path, "after the exchange")
    process.communicate()
    assert process.returncode == -9
    store = ModelStore(tmp_path)
    store.delete(IRIS)
    store.clean_stages()
    assert store.scan().models == ()
    assert left_in_tmp(tmp_path) == []


def test_a_new_pull_finishes_an_interrupted_replacement_first(tmp_path: Path) -> None:
    write_model(tmp_path, "iris:v1", files={"old.bin": b"old"})
    process = start(DIE_INSIDE, tmp_path, "between the renames")
    process.communicate()
    store = ModelStore(tmp_path)
    assert store.find(IRIS) is None
    with store.new_stage(IRIS):
        assert store.get(IRIS).path.joinpath("new.bin").exists()

"""The real bentoml and our store on one directory: each reads what the other wrote, and agrees on what is there."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from modelsync.errors import ArchiveError, LocalModelNotFoundError
from modelsync.store import ModelStore
from modelsync.tag import Tag, TagReference
from support.local_store import fill_model, install, write_model

SAVE = """
import datetime
import bentoml
for version, acc in (("v1", 0.5), ("v2", 0.9)):
    with bentoml.models.create(
        f"iris:{version}",
        module="bentoml.picklable_model",
        labels={"stage": "dev", "n": "3"},
        metadata={"acc": acc, "day": datetime.date(2026, 1, 2), "at": datetime.datetime(2026, 1, 2, 3, 4)},
        signatures={"predict": {"batchable": True, "batch_dim": (0, 0)}},
        custom_objects={"x": 1},
    ) as model:
        with open(model.path_of("weights.bin"), "wb") as file:
            file.write(b"w" * 1000)
        (__import__("pathlib").Path(model.path) / "sub").mkdir()
        (__import__("pathlib").Path(model.path) / "sub" / "config.json").write_text("{}")
"""

SHOW = """
import json, sys
import bentoml
found = {str(m.tag): [m.info.creation_time.isoformat(), m.info.labels, m.file_size, str(m.info.metadata)]
         for m in bentoml.models.list()}
latest = {name: str(bentoml.models.get(f"{name}:latest").tag) for name in sys.argv[1:]}
print(json.dumps([found, latest]))
"""


def bentoml(home: Path, program: str, *arguments: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "BENTOML_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def models_list(home: Path) -> list[str]:
    """The tags that `bentoml models list` prints; it must not stumble over anything."""
    run = subprocess.run(
        [sys.executable, "-m", "bentoml", "models", "list", "-o", "json"],
        env={**os.environ, "BENTOML_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return sorted(entry["tag"] for entry in json.loads(run.stdout))


def agree(home: Path, *names: str) -> None:
    """The real bentoml and we see the same versions, facts and latest ones."""
    store = ModelStore(home)
    listing = store.scan()
    found, latest = json.loads(bentoml(home, SHOW, *names))
    assert listing.broken == ()
    assert {
        str(model.tag): [model.info.creation_time.isoformat(), dict(model.info.labels), model.size_bytes]
        for model in listing.models
    } == {tag: facts[:3] for tag, facts in found.items()}
    assert latest == {name: str(store.resolve(TagReference(name, None)).tag) for name in names}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    bentoml(tmp_path, SAVE)
    return tmp_path


def test_models_saved_by_bentoml_are_read_as_it_reads_them(home: Path) -> None:
    agree(home, "iris")
    model = ModelStore(home).get(Tag("iris", "v2"))
    assert model.is_latest
    assert model.info.module == "bentoml.picklable_model"
    assert model.info.metadata == {"acc": 0.9, "day": "2026-01-02", "at": "2026-01-02T03:04:00"}
    assert model.info.signatures == {"predict": {"batchable": True, "batch_dim": [0, 0]}}
    assert model.info.context["bentoml_version"]


def test_bentoml_lists_and_resolves_what_we_installed_replaced_and_deleted(home: Path) -> None:
    store = ModelStore(home)
    now = datetime.now(tz=ModelStore(home).get(Tag("iris", "v2")).info.creation_time.tzinfo)
    install(store, "iris:old", days=-1000)
    agree(home, "iris")
    with store.new_stage(Tag("iris", "new")) as stage:
        fill_model(stage.path, "iris:new", created=now + timedelta(days=1))
        assert models_list(home) == ["iris:old", "iris:v1", "iris:v2"]  # nothing of a stage is seen
        stage.install(replace=False, sync=True)
    install(store, "zoo:v1")
    agree(home, "iris", "zoo")
    with store.new_stage(Tag("iris", "v1")) as stage:
        fill_model(stage.path, "iris:v1", labels={"replaced": "yes"})
        stage.install(replace=True, sync=True)
    store.delete(Tag("zoo", "v1"))
    agree(home, "iris")
    store.delete(Tag("iris", "new"))
    agree(home, "iris")
    assert models_list(home) == ["iris:old", "iris:v1", "iris:v2"]


def test_what_bentoml_deletes_is_gone_for_us(home: Path) -> None:
    bentoml(home, "import bentoml; bentoml.models.delete('iris:v2')")
    agree(home, "iris")
    bentoml(home, "import bentoml; bentoml.models.delete('iris:v1')")
    with pytest.raises(LocalModelNotFoundError):
        ModelStore(home).resolve(TagReference("iris", None))


def test_what_bentoml_stops_at_is_what_we_show_as_broken(tmp_path: Path) -> None:
    write_model(tmp_path, "iris:v1")
    assert models_list(tmp_path) == ["iris:v1"]
    for broken in (".partial", "Upper", "iris/half"):
        path = tmp_path / "models" / broken
        path.mkdir()
        run = subprocess.run(
            [sys.executable, "-m", "bentoml", "models", "list"],
            env={**os.environ, "BENTOML_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        listing = ModelStore(tmp_path).scan()
        assert run.returncode != 0
        assert [entry.path for entry in listing.broken] == [path]
        assert [str(model.tag) for model in listing.models] == ["iris:v1"]
        path.rmdir()


@pytest.mark.parametrize("metadata", [{"note": None}, {"deep": [1, {"note": None}]}])
def test_metadata_that_stops_bentoml_is_shown_as_broken_and_not_moved_to_other_stores(
    metadata: dict[str, object], tmp_path: Path
) -> None:
    write_model(tmp_path, "iris:v1")
    write_model(tmp_path, "iris:v2", metadata=metadata, latest=False)
    run = subprocess.run(
        [sys.executable, "-m", "bentoml", "models", "list"],
        env={**os.environ, "BENTOML_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode != 0
    store = ModelStore(tmp_path)
    listing = store.scan()
    assert [entry.path for entry in listing.broken] == [tmp_path / "models/iris/v2"]
    assert [str(model.tag) for model in listing.models] == ["iris:v1"]
    with store.new_stage(Tag("iris", "v3")) as stage:
        fill_model(stage.path, "iris:v3", metadata=metadata)
        with pytest.raises(ArchiveError, match="without a value in"):
            stage.install(replace=False, sync=True)

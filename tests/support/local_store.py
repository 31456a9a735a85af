"""Writes BentoML-style models for tests: the directories that the real bentoml would have saved."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from modelsync.store import ModelStore
from modelsync.tag import Tag

CREATED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""When a model was made whose test does not care."""


def model_yaml(
    tag: str,
    *,
    created: datetime | str = CREATED,
    labels: Mapping[str, str] | None = None,
    metadata: Mapping[str, object] | None = None,
    module: str = "",
) -> str:
    """A model.yaml as bentoml writes it (registry contract 5.3); JSON is YAML, so values need no YAML library."""
    name, _, version = tag.partition(":")
    moment = created if isinstance(created, str) else created.isoformat()
    context = {
        "framework_name": "",
        "framework_versions": {},
        "bentoml_version": "1.4.39",
        "python_version": "3.11.7",
    }
    return (
        f"name: {json.dumps(name)}\n"
        f"version: {json.dumps(version)}\n"
        f"module: {json.dumps(module)}\n"
        f"labels: {json.dumps(dict(labels or {}))}\n"
        "options: {}\n"
        f"metadata: {json.dumps(dict(metadata or {}))}\n"
        f"context: {json.dumps(context)}\n"
        "signatures: {}\n"
        "api_version: v1\n"
        f"creation_time: {json.dumps(moment)}\n"
    )


def write_model(
    home: Path,
    tag: str,
    *,
    files: Mapping[str, bytes] | None = None,
    created: datetime | str = CREATED,
    labels: Mapping[str, str] | None = None,
    metadata: Mapping[str, object] | None = None,
    module: str = "",
    latest: bool = True,
) -> Path:
    """Writes one version under `home`/models and returns its directory; `latest` names it unless told otherwise.

    `files` are paths inside the model and their bytes; without them it has one small file of random bytes.
    """
    name, _, version = tag.partition(":")
    directory = home / "models" / name / version
    fill_model(directory, tag, files=files, created=created, labels=labels, metadata=metadata, module=module)
    if latest:
        (directory.parent / "latest").write_text(version)
    return directory


def fill_model(
    directory: Path,
    tag: str,
    *,
    files: Mapping[str, bytes] | None = None,
    created: datetime | str = CREATED,
    labels: Mapping[str, str] | None = None,
    metadata: Mapping[str, object] | None = None,
    module: str = "",
) -> None:
    """Writes the content of one version into `directory`, wherever that is: a stage, for instance."""
    directory.mkdir(parents=True, exist_ok=True)
    contents = {"weights.bin": os.urandom(64)} if files is None else files
    for name, data in contents.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    text = model_yaml(tag, created=created, labels=labels, metadata=metadata, module=module)
    (directory / "model.yaml").write_text(text, encoding="utf-8")


def read_tree(directory: Path) -> dict[str, bytes]:
    """Every file below a directory by its relative path: for comparing two versions byte by byte."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def install(store: ModelStore, tag: str, *, replace: bool = False, sync: bool = False, days: int = 0) -> None:
    """Puts a small model into a store as a pull does; it was created `days` after CREATED."""
    with store.new_stage(Tag.parse(tag)) as stage:
        fill_model(stage.path, tag, created=CREATED + timedelta(days=days))
        stage.install(replace=replace, sync=sync)


def arrived_in_tmp(home: Path, suffix: str = ".bin") -> int:
    """Bytes on the disk of such files in the place for stages, where somebody else makes and removes directories."""
    found = 0
    for folder, _, names in os.walk(home / "tmp"):  # which passes over what is gone when it comes there
        for name in names:
            if name.endswith(suffix):
                with suppress(FileNotFoundError):
                    found += (Path(folder) / name).stat().st_blocks * 512
    return found


def left_in_tmp(home: Path) -> list[str]:
    """What is in the place for stages: nothing but the directory of locks, when all has ended well."""
    return [path.name for path in (home / "tmp").rglob("*") if path.name != ".modelsync-locks"]


def latest(store: ModelStore, name: str = "iris") -> str:
    """What the file `latest` of a name says."""
    return (store.models_dir / name / "latest").read_text()

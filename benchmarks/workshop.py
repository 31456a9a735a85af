"""The directories that a run of the benchmark works in, and what is made and removed there."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.beds import Server
from benchmarks.contenders import Surroundings
from benchmarks.models import MAKERS, Model

SHARED_MEMORY = Path("/dev/shm")
SPACE_FACTOR = 5
"""Sizes of the model that the disk must hold: the model, and what the real client writes for one pull."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """The directories that a run works in."""

    work: Path
    """On the disk that is measured."""
    memory: Path
    """Where nginx's files are: tmpfs when it has room."""

    @property
    def home(self) -> Path:
        """The BentoML home that pushes read from."""
        return self.work / "home"

    @contextmanager
    def pulled(self) -> Iterator[Path]:
        """A new empty BentoML home, removed afterwards."""
        path = self._fresh("pulled")
        try:
            yield path
        finally:
            shutil.rmtree(path)

    @contextmanager
    def around(self, home: Path, registry: Server, ca_file: Path | None = None) -> Iterator[Surroundings]:
        """A new HOME and TMPDIR for one command, removed afterwards."""
        scratch = self._fresh("scratch")
        try:
            yield Surroundings(home, registry.address, scratch, ca_file)
        finally:
            shutil.rmtree(scratch)

    def _fresh(self, name: str) -> Path:
        path = self.work / f"{name}-{secrets.token_hex(4)}"
        path.mkdir()
        return path

    def model(self, name: str, size: int) -> Model:
        """Makes a model, and removes the one before it: only one is on the disk at a time."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.memory, ignore_errors=True)
        self.memory.mkdir(parents=True)
        model = MAKERS[name](self.home, size)
        os.sync()
        return model


@contextmanager
def workshop(base: Path, size: int) -> Iterator[Workshop]:
    """Makes the directories, and removes them with all that is in them."""
    in_memory = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > 2 * size
    memory = (SHARED_MEMORY if in_memory else base) / f"modelsync-benchmark-{os.getpid()}"
    if shutil.disk_usage(base).free < SPACE_FACTOR * size:
        raise SystemExit(
            f"{base} has no room for {SPACE_FACTOR} times the size: choose a smaller --size or another --work"
        )
    _spread(base)
    try:
        yield Workshop(base, memory)
    finally:
        shutil.rmtree(memory, ignore_errors=True)


def _spread(base: Path) -> None:
    """Asks ext4 to put each directory below `base` into a block group of its own.

    It searches past every inode that was deleted in the last minutes, which makes creating 2,000 files beside 2,000
    just deleted ones twice as expensive: one contender would pay for what the one before it removed.
    """
    if shutil.which("chattr"):
        subprocess.run(["chattr", "+T", str(base)], check=False, stderr=subprocess.DEVNULL)

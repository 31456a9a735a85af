"""What is inside one version of the store: its files, and the beginning of one of them."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from modelsync.errors import StoreError
from modelsync.model import ModelFile
from modelsync.store.disk import store_error


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first bytes of a file."""

    data: bytes
    size_bytes: int
    """Of the whole file."""


def files_of(directory: Path, *, check: Callable[[], None] = lambda: None) -> tuple[ModelFile, ...]:
    """Every file and link below a version's directory, sorted by name; nothing is opened, no link is followed.

    Whatever the directory is: a broken or half-written version has files too. `check` is called on the way and may
    raise to stop. Raises StoreError for what cannot be read.
    """
    root = os.path.realpath(directory)
    try:
        found = [_file(root, entry) for entry in _walk(root, check)]
    except OSError as error:
        raise store_error(error, "list the files of this version", Path(error.filename or directory)) from error
    return tuple(sorted(found, key=lambda file: file.name))


def read_beginning(path: Path, max_bytes: int) -> Beginning:
    """At most `max_bytes` from the start of a file, links followed.

    Raises StoreError for what cannot be read and for what is no file: a named pipe must not hang whoever looks.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb", buffering=0) as file:  # noqa: PTH123 - opened by its descriptor
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode):
                raise StoreError(f"{path} is no file.", hint="Look at it in a shell.")
            pieces = bytearray()
            while len(pieces) < max_bytes and (piece := file.read(max_bytes - len(pieces))):
                pieces += piece
            return Beginning(bytes(pieces), facts.st_size)
    except OSError as error:
        raise store_error(error, "read this file", path) from error


def _walk(directory: str, check: Callable[[], None]) -> Iterator[os.DirEntry[str]]:
    """Everything below that is no directory. A loop, not a recursion: how deep it goes is not ours to say."""
    waiting = [directory]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                check()
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    yield entry


def _file(root: str, entry: os.DirEntry[str]) -> ModelFile:
    name = os.fsencode(os.path.relpath(entry.path, root)).decode("utf-8", "backslashreplace")
    size = None if entry.is_symlink() else entry.stat(follow_symlinks=False).st_size
    return ModelFile(name, size, Path(entry.path))

"""The files of one version on both sides beside each other, compared by names and sizes."""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from modelsync.archive.differences import DifferenceKind
from modelsync.model import ModelFile
from modelsync.results import NotListed, RemoteFiles, Verification
from modelsync_tui.answers import Answer, Reading, Told


class FileState(StrEnum):
    """What names and sizes tell of one file, or its bytes where those were compared."""

    SAME_BYTES = "same bytes"
    BYTES_DIFFER = "bytes differ"
    SAME_SIZE = "same size"
    DIFFERS = "size differs"
    LOCAL_ONLY = "local only"
    REMOTE_ONLY = "remote only"
    NOT_COMPARED = ""
    """The other side has no such version, or its files are not known."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file of a version."""

    name: str
    local: ModelFile | None
    remote: ModelFile | None
    state: FileState

    @property
    def path(self) -> Path | None:
        """Where it lies on this machine."""
        return self.local.path if self.local else None


@dataclass(frozen=True, slots=True)
class FileTable:
    """What is known of the files so far."""

    local: Answer[tuple[ModelFile, ...]] | None = None
    """None: this side has no such version."""
    remote: Answer[RemoteFiles | NotListed] | None = None
    """As `local`."""
    rows: tuple[FileRow, ...] = ()
    """Sorted by name."""
    counts: Mapping[FileState, int] = field(default_factory=dict)
    step: int = 0
    """Grows with what is known."""

    @property
    def remote_files(self) -> RemoteFiles | None:
        """The registry's files and where they stand, where that is known."""
        told = self.remote.value if isinstance(self.remote, Told) else None
        return told if isinstance(told, RemoteFiles) else None

    @property
    def compared(self) -> bool:
        """Whether both sides' files are known."""
        return _here(self.local) is not None and self.remote_files is not None

    @property
    def reading(self) -> bool:
        """Whether more is on its way."""
        return isinstance(self.local, Reading) or isinstance(self.remote, Reading)


class FileReading:
    """Puts the answers of both sides together as they come; any thread may bring one."""

    def __init__(self, *, local: bool, remote: bool) -> None:
        """Whether each side has the version at all."""
        self._lock = threading.Lock()
        self._table = FileTable(Reading() if local else None, Reading() if remote else None)

    @property
    def table(self) -> FileTable:
        return self._table

    def take_local(self, answer: Answer[tuple[ModelFile, ...]]) -> FileTable:
        """The local files are known, or cannot be."""
        with self._lock:
            self._table = _table(answer, self._table.remote, self._table.step + 1)
            return self._table

    def take_remote(self, answer: Answer[RemoteFiles | NotListed]) -> FileTable:
        """The registry's files are known, or cannot be."""
        with self._lock:
            self._table = _table(self._table.local, answer, self._table.step + 1)
            return self._table


def with_bytes(table: FileTable, found: Verification) -> FileTable:
    """The same with what a comparison of every byte found, where the files of both sides are known."""
    if not table.compared:
        return table
    how = {difference.name: difference.kind for difference in found.differences}
    rows = tuple(replace(row, state=_by_bytes(row, how.get(row.name))) for row in table.rows)
    return replace(table, rows=rows, counts=Counter(row.state for row in rows))


def _by_bytes(row: FileRow, how: DifferenceKind | None) -> FileState:
    if row.local is None or row.remote is None or row.state is FileState.DIFFERS:
        return row.state
    return FileState.SAME_BYTES if how is None else FileState.BYTES_DIFFER


def _table(
    local: Answer[tuple[ModelFile, ...]] | None, remote: Answer[RemoteFiles | NotListed] | None, step: int
) -> FileTable:
    here, there = _here(local), _there(remote)
    compared = here is not None and there is not None
    rows = tuple(_rows(here or (), there or (), compared=compared))
    return FileTable(local, remote, rows, Counter(row.state for row in rows), step)


def _rows(here: Iterable[ModelFile], there: Iterable[ModelFile], *, compared: bool) -> Iterable[FileRow]:
    locals_, remotes = {file.name: file for file in here}, {file.name: file for file in there}
    for name in sorted(locals_.keys() | remotes.keys()):
        local, remote = locals_.get(name), remotes.get(name)
        yield FileRow(name, local, remote, _state(local, remote) if compared else FileState.NOT_COMPARED)


def _state(local: ModelFile | None, remote: ModelFile | None) -> FileState:
    if remote is None:
        return FileState.LOCAL_ONLY
    if local is None:
        return FileState.REMOTE_ONLY
    return FileState.SAME_SIZE if local.size_bytes == remote.size_bytes else FileState.DIFFERS


def _here(answer: Answer[tuple[ModelFile, ...]] | None) -> tuple[ModelFile, ...] | None:
    return answer.value if isinstance(answer, Told) else None


def _there(answer: Answer[RemoteFiles | NotListed] | None) -> tuple[ModelFile, ...] | None:
    return answer.value.files if isinstance(answer, Told) and isinstance(answer.value, RemoteFiles) else None

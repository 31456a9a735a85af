"""An archive that arrives in pieces and is compared with a local directory; nothing of it is kept."""

import threading
from collections.abc import Callable
from typing import Final

from modelsync.archive.checkpoint import Start
from modelsync.archive.differences import DifferenceKind, FileDifference
from modelsync.archive.incoming import IncomingArchive
from modelsync.archive.index import ArchiveIndex
from modelsync.archive.layout import ArchiveLayout
from modelsync.archive.safe_names import FileSystem
from modelsync.archive.table import Kind, MemberTable

_BLOCK_BYTES: Final = 256 * 1024


class Comparer(IncomingArchive):
    """One archive on its way past one directory."""

    def __init__(
        self,
        layout: ArchiveLayout,
        *,
        total_bytes: int | None,
        index: ArchiveIndex | None = None,
        names_only: bool = False,
    ) -> None:
        """`layout` is that of the local directory. With `names_only` no local file is opened."""
        table = index.table if index else MemberTable()
        self._compared = _ComparedFiles(layout, table, names_only=names_only)
        start = Start(table, whole=index is not None)
        super().__init__(self._compared, FileSystem(), start, total_bytes)

    @property
    def bytes_compared(self) -> int:
        """Of files' content; it stops counting in a file where it found a difference."""
        return self._compared.bytes_compared

    @property
    def files_compared(self) -> int:
        """Files that both sides have, by the members known so far."""
        return self._compared.files()

    def differences(self, stopped: Callable[[], None]) -> tuple[FileDifference, ...]:
        """By name; holds once every member is known and, unless only names are compared, once `finish` has returned.

        A hard link is compared with the local copy of what it links to; `stopped` is called meanwhile, and may raise.
        Raises SourceChangedError, StoreError.
        """
        try:
            return self._compared.differences(stopped)
        finally:
            self._compared.close()  # a hard link's file was opened once more

    def _settle(self, stopped: Callable[[], None]) -> tuple[int, int]:  # noqa: ARG002 - nothing is left to be done
        return self._table.files, self._table.content_bytes


class _ComparedFiles:
    """The members of one local directory, each read where bytes for it come."""

    def __init__(self, layout: ArchiveLayout, table: MemberTable, *, names_only: bool) -> None:
        self._layout = layout
        self._table = table
        self._names_only = names_only
        self._local = layout.members
        self._local_rows = {self._local.name(row): row for row in range(len(self._local))}
        self._directories: set[bytes] = {b""}
        self._differs = bytearray()
        self._lock = threading.Lock()
        self._own = threading.local()
        self._readings: list[_Reading] = []
        self.bytes_compared = 0
        self.grow()

    def grow(self) -> None:
        self._differs.extend(bytes(len(self._table) - len(self._differs)))

    def make_directory(self, name: bytes) -> None:
        self._directories.add(name)

    def write(self, row: int, position: int, data: memoryview) -> None:
        if self._names_only or self._differs[row]:
            return
        local = self._local_rows.get(self._table.name(row), -1)
        if local < 0 or not self._local.kind(local).is_file or self._local.sizes[local] != self._table.sizes[row]:
            return
        if not self._reading().same(self._local.data_at[local] + position, data):
            self._differs[row] = 1
        with self._lock:
            self.bytes_compared += len(data)

    def last_bytes(self, row: int, end: int, count: int) -> bytes:  # noqa: ARG002 - nothing is kept
        return b""

    def close(self) -> None:
        with self._lock:
            readings, self._readings = self._readings, []
            self._own = threading.local()
        for reading in readings:
            reading.close()

    def files(self) -> int:
        return sum(
            self._table.kind(row) not in (Kind.DIRECTORY, Kind.SYMLINK)
            and (local := self._local_rows.get(self._table.name(row), -1)) >= 0
            and self._local.kind(local).is_file
            for row in range(len(self._table))
        )

    def differences(self, stopped: Callable[[], None]) -> tuple[FileDifference, ...]:
        found: dict[bytes, FileDifference] = {}
        seen = bytearray(len(self._local))
        for name in self._directories:
            local = self._local_rows.get(name, -1)
            if local < 0:
                found[name] = _difference(name, Kind.DIRECTORY, DifferenceKind.ONLY_REMOTE)
            else:
                seen[local] = 1
                if self._local.kind(local) is not Kind.DIRECTORY:
                    found[name] = _difference(name, Kind.FILE, DifferenceKind.TYPE)
        for row in range(len(self._table)):
            name, kind = self._table.name(row), self._table.kind(row)
            if kind is Kind.DIRECTORY:
                continue
            local = self._local_rows.get(name, -1)
            if local < 0:
                found[name] = _difference(name, kind, DifferenceKind.ONLY_REMOTE)
                continue
            seen[local] = 1
            how = self._how(row, local, stopped)
            if how is None and kind is Kind.HARDLINK and (original := found.get(self._table.link(row))):
                how = original.kind  # what it links to came earlier, and is another file there
            if how is not None:
                found[name] = _difference(name, kind, how)
        for local in range(len(self._local)):
            if not seen[local]:
                name = self._local.name(local)
                found[name] = _difference(name, self._local.kind(local), DifferenceKind.ONLY_LOCAL)
        return tuple(found[name] for name in sorted(found))

    def _how(self, row: int, local: int, stopped: Callable[[], None]) -> DifferenceKind | None:
        ours, theirs = self._local.kind(local), self._table.kind(row)
        if theirs is Kind.HARDLINK and ours.is_file:
            return self._how_linked(row, local, stopped)
        if theirs is Kind.SYMLINK or not ours.is_file:
            if theirs is not ours:
                return DifferenceKind.TYPE
            return None if self._local.link(local) == self._table.link(row) else DifferenceKind.LINK
        if self._local.sizes[local] != self._table.sizes[row]:
            return DifferenceKind.SIZE
        if self._differs[row]:
            return DifferenceKind.BYTES
        return None if ours is theirs else DifferenceKind.EXECUTABLE

    def _how_linked(self, row: int, local: int, stopped: Callable[[], None]) -> DifferenceKind | None:
        original = self._local_rows.get(self._table.link(row), -1)
        if original < 0 or not self._local.kind(original).is_file:
            return DifferenceKind.BYTES  # there is nothing here to compare it with
        if self._local.sizes[original] != self._local.sizes[local]:
            return DifferenceKind.SIZE
        if self._names_only or original == local:
            return None
        at, size = self._local.data_at[original], self._local.sizes[original]
        with self._layout.open() as reader:
            for start in range(0, size, _BLOCK_BYTES):
                stopped()
                block = memoryview(bytearray(min(_BLOCK_BYTES, size - start)))
                reader.read_into(at + start, block)
                if not self._reading().same(self._local.data_at[local] + start, block):
                    return DifferenceKind.BYTES
        with self._lock:
            self.bytes_compared += size
        return None

    def _reading(self) -> "_Reading":
        """This thread's own."""
        reading: _Reading | None = getattr(self._own, "reading", None)
        if reading is None:
            reading = self._own.reading = _Reading(self._layout)
            with self._lock:
                self._readings.append(reading)
        return reading


class _Reading:
    """One thread's open local file, and the block that it is read into."""

    def __init__(self, layout: ArchiveLayout) -> None:
        self._reader = layout.open()
        self._block = bytearray(_BLOCK_BYTES)

    def close(self) -> None:
        self._reader.close()

    def same(self, at: int, data: memoryview) -> bool:
        """Whether these bytes stand at this offset of the layout."""
        for start in range(0, len(data), _BLOCK_BYTES):
            piece = data[start : start + _BLOCK_BYTES]
            block = self._block if len(piece) == _BLOCK_BYTES else bytearray(len(piece))
            self._reader.read_into(at + start, memoryview(block))
            # A bytearray on the left compares by memcmp; two memoryviews go byte by byte, with the GIL held.
            if block != piece:
                return False
        return True


def _difference(name: bytes, kind: Kind, how: DifferenceKind) -> FileDifference:
    text = name.decode("utf-8", "backslashreplace")
    return FileDifference(f"{text}/" if kind is Kind.DIRECTORY else text, how)

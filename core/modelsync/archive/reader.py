"""Reads the archive of a directory at any offset, from its files as they lie there.

How it works: headers are made when they are read. A file is compared with what was laid out whenever it is opened and
again when its last byte was taken; one that is read as a whole into the caller's buffer only then.
"""

import errno
import os
import stat
from array import array
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from modelsync.archive.headers import encode_header
from modelsync.archive.safe_names import shown
from modelsync.archive.table import Kind, MemberTable, padded
from modelsync.errors import SourceChangedError, StoreError
from modelsync.http.extents import FileExtent

_READING: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""Without waiting: a pipe that was put in the place of a file would be waited for, for ever."""
_CHANGED_HINT: Final = "Wait until nothing writes to the model, then try again."
_NO_FILE_BYTES: Final = 1 << 62


class ArchiveReader:
    """Reads one layout at any offset; for one thread. Holds at most one file open between two calls, until `close`."""

    def __init__(self, root: bytes, table: MemberTable, inodes: "array[int]", head: bytes, size_bytes: int) -> None:
        self._root = root
        self._table = table
        self._inodes = inodes
        self._head = head
        self._size_bytes = size_bytes
        self._row = -1
        self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        fd, self._fd, self._row = self._fd, -1, -1
        if fd >= 0:
            os.close(fd)

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fills the buffer from that offset of the archive; less only where the archive ends. Returns bytes filled.

        Raises SourceChangedError, naming the file, when a file is not the one that was laid out.
        """
        filled = 0
        for piece in self.pieces(offset, len(buffer), buffer, _NO_FILE_BYTES):
            filled = len(piece)
        return filled

    def pieces(
        self, offset: int, length: int, buffer: memoryview, file_from_bytes: int
    ) -> Iterator[memoryview | FileExtent]:
        """The same bytes: long stretches of files as such, all between them through the buffer.

        A piece is good until the next is asked for. Many small files so become few pieces.
        """
        end = min(offset + length, self._size_bytes)
        room = len(buffer)
        filled = 0
        while offset < end:
            whole = self._whole_members(offset, end, buffer[filled:], file_from_bytes)
            if whole:
                filled += whole
                offset += whole
                continue
            extent = self._extent(offset, end)
            size = len(extent)
            offset += size
            if isinstance(extent, FileExtent) and size >= file_from_bytes:
                if filled:
                    yield buffer[:filled]
                    filled = 0
                yield extent
                self._check_left(extent)
                continue
            for begin in range(0, size, room):
                part = min(room, size - begin)
                if filled + part > room:
                    yield buffer[:filled]
                    filled = 0
                if isinstance(extent, FileExtent):
                    self._read(extent.fd, self._row, extent.offset + begin, buffer[filled : filled + part])
                else:
                    buffer[filled : filled + part] = extent[begin : begin + part]
                filled += part
            self._check_left(extent)
        if filled:
            yield buffer[:filled]

    def _extent(self, offset: int, end: int) -> bytes | FileExtent:
        """What begins there, of one kind: at least one byte, for an offset before `end`."""
        table = self._table
        if offset < len(self._head):
            return self._head[offset:end]
        row = table.find(offset)
        if row >= 0 and offset < (data_end := table.data_at[row] + table.sizes[row]):
            return FileExtent(self._open(row), offset - table.data_at[row], min(end, data_end) - offset)
        member_end = table.end(row)
        if offset >= member_end and row + 1 < len(table):
            return self._header(row + 1)[offset - member_end : min(end, table.data_at[row + 1]) - member_end]
        return bytes((min(end, member_end) if offset < member_end else end) - offset)

    def _whole_members(self, offset: int, end: int, view: memoryview, below_bytes: int) -> int:
        """Fills the view with members below that size, from one whose header begins at `offset`, and the next header.

        Returns bytes filled. A file is looked at once, after it was read: what was read of another one goes nowhere.
        """
        table = self._table
        first = table.find(offset) + 1
        if offset != table.end(first - 1):
            return 0
        room = min(len(view), end - offset)
        filled = 0
        for row in range(first, len(table)):
            size = table.sizes[row]
            data_at = table.data_at[row] - offset
            data_end = data_at + size
            member_end = data_at + padded(size)
            if data_at > room:
                break
            view[filled:data_at] = self._header(row)
            filled = data_at
            if size >= below_bytes or member_end > room:
                break
            if size:
                fd = self._opened(row)
                try:
                    self._read(fd, row, 0, view[data_at:data_end])
                    self._check_unchanged(fd, row)
                finally:
                    os.close(fd)
                if data_end != member_end:
                    view[data_end:member_end] = bytes(member_end - data_end)
            filled = member_end
        return filled

    def _header(self, row: int) -> bytes:
        table = self._table
        return encode_header(table.name(row), table.kind(row), table.sizes[row], table.mtimes[row], table.link(row))

    def _read(self, fd: int, row: int, offset: int, view: memoryview) -> None:
        position = 0
        while position < len(view):
            try:
                count = os.preadv(fd, [view[position:] if position else view], offset + position)
            except OSError as exc:
                self._check_unchanged(fd, row)
                raise StoreError(
                    f"{self._shown(row)} cannot be read: {exc.strerror}.", hint="Look at the disk it is on."
                ) from exc
            if count == 0:
                raise self._changed(row, "became shorter while it was read")
            position += count

    def _open(self, row: int) -> int:
        if row != self._row:
            self.close()
            self._fd, self._row = self._opened(row), row
            self._check_unchanged(self._fd, row)
        return self._fd

    def _opened(self, row: int) -> int:
        try:
            return os.open(path_of(self._root, self._table.name(row)), _READING)
        except (FileNotFoundError, NotADirectoryError) as exc:
            raise self._changed(row, "was removed while the model was read") from exc
        except OSError as exc:
            if exc.errno == errno.ELOOP:
                raise self._changed(row, "became a link while the model was read") from exc
            raise StoreError(
                f"{self._shown(row)} cannot be read: {exc.strerror}.", hint="Look at its owner and permissions."
            ) from exc

    def _check_left(self, extent: bytes | FileExtent) -> None:
        """A file is looked at again when its last byte was taken."""
        if isinstance(extent, FileExtent) and extent.offset + extent.length == self._table.sizes[self._row]:
            self._check_unchanged(self._fd, self._row)

    def _check_unchanged(self, fd: int, row: int) -> None:
        if not same_facts(self._table, self._inodes, row, os.fstat(fd)):
            raise self._changed(row, "changed while the model was read")

    def _changed(self, row: int, how: str) -> SourceChangedError:
        return SourceChangedError(f"{self._shown(row)} {how}.", hint=_CHANGED_HINT)

    def _shown(self, row: int) -> str:
        return shown(path_of(self._root, self._table.name(row)))


def same_facts(table: MemberTable, inodes: "array[int]", row: int, facts: os.stat_result) -> bool:
    """Whether a file or link is still the one of that row."""
    return (
        (facts.st_size == table.sizes[row] or table.kinds[row] == Kind.SYMLINK)
        and facts.st_mtime_ns == table.mtimes[row]
        and facts.st_ino == inodes[row]
        and stat.S_IFMT(facts.st_mode) == (stat.S_IFLNK if table.kinds[row] == Kind.SYMLINK else stat.S_IFREG)
    )


def path_of(root: bytes, name: bytes) -> bytes:
    """Where a member lies."""
    return root + b"/" + name if name else root

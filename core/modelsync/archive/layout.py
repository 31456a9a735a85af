"""A model directory as an uncompressed PAX tar of known size, readable at any offset and never written to disk.

How it works: one walk takes names, sizes and times into columns; the place of every byte follows from them. Headers are
made when they are read, file data comes straight from the file into the caller's buffer. The same directory gives the
same bytes, in the order the real client writes them (registry contract 4.2).
"""

# Names are bytes here, as they need not be UTF-8, and pathlib takes none.
# ruff: noqa: PTH115, PTH208

import hashlib
import os
import stat
import zlib
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from modelsync.archive.headers import encode_header, header_bytes
from modelsync.archive.index import archive_bytes, encode_index
from modelsync.archive.safe_names import LEVELS_MAX, leads_out, shown
from modelsync.archive.table import Kind, MemberTable, TableError
from modelsync.errors import SourceChangedError, StoreError
from modelsync.http.extents import FileExtent

FORMAT: Final = b"modelsync archive 1"
_CHANGED_HINT: Final = "Wait until nothing writes to the model, then try again."
_REFUSED_HINT: Final = "Remove it from the model's directory, then push again."
_REMEMBERED_BYTES_MAX: Final = 1 << 28
_OWNER_EXECUTES: Final = 0o100


class ArchiveLayout:
    """One directory as an archive. Immutable; any number of readers may be open at once."""

    def __init__(
        self, root: bytes, table: MemberTable, inodes: "array[int]", head: bytes, part_size: int | None
    ) -> None:
        self.part_size = part_size
        """As recorded in the index."""
        self.size_bytes = archive_bytes(table.members_end)
        self.files = table.files
        self.content_bytes = table.content_bytes
        self._root = root
        self._table = table
        self._inodes = inodes
        self._head = head

    @classmethod
    def of(
        cls, directory: Path, *, index: bool = True, part_size: Callable[[int], int] | None = None
    ) -> "ArchiveLayout":
        """Walks and stats a directory; no file is opened.

        `part_size` tells the size of an upload's parts from the archive's size without its index (at most 513 KiB
        less than `size_bytes`); it is called once, recorded in the index and kept as `part_size`.
        Raises StoreError for what cannot be read, and by name for what cannot travel: sockets, devices, named pipes,
        and symlinks that are absolute or lead out of the model.
        """
        root = os.path.realpath(os.fsencode(directory))
        table, inodes = MemberTable(), array("Q")
        position = 0
        for name, facts in _walk(root):
            kind, link = _kind(root, name, facts)
            size = facts.st_size if kind.is_file else 0
            position += header_bytes(name, kind, size, facts.st_mtime_ns, link)
            table.append(name, kind, size, facts.st_mtime_ns, link, position)
            inodes.append(facts.st_ino)
            position = table.members_end
        chosen = part_size(archive_bytes(position)) if part_size else None
        head = encode_index(table, chosen) if index else b""
        table.moved(len(head))
        return cls(root, table, inodes, head, chosen)

    @property
    def members(self) -> MemberTable:
        """What the archive holds; only to be read."""
        return self._table

    def open(self) -> "ArchiveReader":
        return ArchiveReader(self._root, self._table, self._inodes, self._head, self.size_bytes)

    def changed(self) -> Path | None:
        """The first file or link that is not as it was when the layout was made (size, mtime, inode), or None."""
        table = self._table
        for row in range(len(table)):
            if table.kinds[row] == Kind.DIRECTORY:
                continue
            path = _path(self._root, table.name(row))
            try:
                same = _same(table, self._inodes, row, os.lstat(path))
            except OSError:
                same = False
            if not same:
                return Path(os.fsdecode(path))
        return None

    def remembered(self) -> bytes:
        """What a journal keeps, to say later by `first_difference` which file changed; some 15 bytes a file."""
        return zlib.compress(self._inodes.tobytes()) + self._table.encode({"part_size": self.part_size})

    def first_difference(self, remembered: bytes) -> str | None:
        """The name of the first member that is new, gone or has another size, time or inode than was remembered."""
        inodes, unpacker = array("Q"), zlib.decompressobj()
        try:
            inodes.frombytes(unpacker.decompress(remembered, _REMEMBERED_BYTES_MAX))
            before, _ = MemberTable.decode(unpacker.unused_data, first_at=0, limit_bytes=_REMEMBERED_BYTES_MAX)
        except (zlib.error, ValueError, TableError):
            return None
        if len(inodes) != len(before):
            return None
        old, new = _facts_by_name(before, inodes), _facts_by_name(self._table, self._inodes)
        names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        return shown(names[0]) if names else None

    def fingerprint(self) -> str:
        """Changes whenever the archive's bytes may have: names, sizes, times, inodes, links, part size, format."""
        digest = hashlib.sha256(FORMAT)
        parts = (*self._table.digest_parts(), self._inodes.tobytes(), b"%d" % (self.part_size or 0), self._root)
        for part in parts:
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return digest.hexdigest()


class ArchiveReader:
    """Reads one layout at any offset; for one thread. Holds at most one file open, until `close`."""

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
        for extent in self.extents(offset, len(buffer)):
            if isinstance(extent, FileExtent):
                self._read_file(extent, buffer[filled : filled + extent.length])
                filled += extent.length
            else:
                buffer[filled : filled + len(extent)] = extent
                filled += len(extent)
        return filled

    def extents(self, offset: int, length: int) -> Iterator[bytes | FileExtent]:
        """The same bytes as literal pieces and stretches of open files, for a caller that sends files itself.

        Such a caller must treat a short read of a file as a change of it.
        """
        end = min(offset + length, self._size_bytes)
        table = self._table
        if offset < min(end, len(self._head)):
            piece = self._head[offset:end]
            yield piece
            offset += len(piece)
        row = table.find(offset)
        while offset < end:
            if row >= 0 and offset < (data_end := table.data_at[row] + table.sizes[row]):
                stop = min(end, data_end)
                yield FileExtent(self._open(row), offset - table.data_at[row], stop - offset)
                if stop == data_end:
                    self._check_unchanged(row)
            elif offset < (member_end := table.end(row)):
                stop = min(end, member_end)
                yield bytes(stop - offset)
            elif row + 1 < len(table):
                row += 1
                header = self._header(row)
                stop = min(end, table.data_at[row])
                yield header[offset - member_end : stop - member_end]
            else:
                stop = end
                yield bytes(stop - offset)
            offset = stop

    def pieces(
        self, offset: int, length: int, buffer: memoryview, file_from_bytes: int
    ) -> Iterator[memoryview | FileExtent]:
        """The same bytes: long stretches of files as such, all between them through the buffer.

        A piece is good until the next is asked for. Many small files so become few pieces.
        """
        filled = 0
        for extent in self.extents(offset, length):
            if isinstance(extent, FileExtent) and len(extent) >= file_from_bytes:
                if filled:
                    yield buffer[:filled]
                    filled = 0
                yield extent
                continue
            for begin in range(0, len(extent), len(buffer)):
                part = min(len(buffer), len(extent) - begin)
                if filled + part > len(buffer):
                    yield buffer[:filled]
                    filled = 0
                if isinstance(extent, FileExtent):
                    stretch = FileExtent(extent.fd, extent.offset + begin, part)
                    self._read_file(stretch, buffer[filled : filled + part])
                else:
                    buffer[filled : filled + part] = extent[begin : begin + part]
                filled += part
        if filled:
            yield buffer[:filled]

    def _header(self, row: int) -> bytes:
        table = self._table
        return encode_header(table.name(row), table.kind(row), table.sizes[row], table.mtimes[row], table.link(row))

    def _read_file(self, extent: FileExtent, view: memoryview) -> None:
        position = 0
        while position < len(view):
            try:
                count = os.preadv(extent.fd, [view[position:]], extent.offset + position)
            except OSError as exc:
                raise StoreError(
                    f"{self._shown(self._row)} cannot be read: {exc.strerror}.", hint="Look at the disk it is on."
                ) from exc
            if count == 0:
                raise self._changed(self._row, "became shorter while it was read")
            position += count

    def _open(self, row: int) -> int:
        if row == self._row:
            return self._fd
        self.close()
        try:
            fd = os.open(_path(self._root, self._table.name(row)), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError) as exc:
            raise self._changed(row, "was removed while the model was read") from exc
        except OSError as exc:
            raise StoreError(
                f"{self._shown(row)} cannot be read: {exc.strerror}.", hint="Look at its owner and permissions."
            ) from exc
        self._fd, self._row = fd, row
        self._check_unchanged(row)
        return fd

    def _check_unchanged(self, row: int) -> None:
        if not _same(self._table, self._inodes, row, os.fstat(self._fd)):
            raise self._changed(row, "changed while the model was read")

    def _changed(self, row: int, how: str) -> SourceChangedError:
        return SourceChangedError(f"{self._shown(row)} {how}.", hint=_CHANGED_HINT)

    def _shown(self, row: int) -> str:
        return shown(_path(self._root, self._table.name(row)))


def _walk(root: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    """Relative names and facts: the root, then children by name, each directory followed by what is in it."""
    yield b"", _facts(root)
    levels = [(b"", iter(_children(root)))]
    while levels:
        prefix, children = levels[-1]
        child = next(children, None)
        if child is None:
            levels.pop()
            continue
        name = prefix + child
        path = _path(root, name)
        facts = _facts(path)
        yield name, facts
        if stat.S_ISDIR(facts.st_mode):
            if len(levels) > LEVELS_MAX:
                raise StoreError(
                    f"{shown(name)} has more than {LEVELS_MAX} directories within one another.", hint=_REFUSED_HINT
                )
            levels.append((name + b"/", iter(_children(path))))


def _children(path: bytes) -> list[bytes]:
    try:
        return sorted(os.listdir(path))
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def _facts(path: bytes) -> os.stat_result:
    try:
        return os.lstat(path)
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def _unreadable(path: bytes, exc: OSError) -> StoreError:
    return StoreError(f"{shown(path)} cannot be read: {exc.strerror}.", hint="Look at its owner and permissions.")


def _kind(root: bytes, name: bytes, facts: os.stat_result) -> tuple[Kind, bytes]:
    mode = facts.st_mode
    if stat.S_ISREG(mode):
        return Kind.EXECUTABLE if mode & _OWNER_EXECUTES else Kind.FILE, b""
    if stat.S_ISDIR(mode):
        return Kind.DIRECTORY, b""
    if stat.S_ISLNK(mode):
        path = _path(root, name)
        target = os.readlink(path)
        inside = os.path.realpath(path)
        if leads_out(name, target) or (inside != root and not inside.startswith(root + b"/")):
            raise StoreError(
                f"{shown(name)} is a link to {shown(target)}, outside of the model.",
                hint="Put the file itself in its place, then push again.",
            )
        return Kind.SYMLINK, target
    raise StoreError(f"{shown(name)} is neither a file nor a directory nor a link.", hint=_REFUSED_HINT)


def _facts_by_name(table: MemberTable, inodes: "array[int]") -> dict[bytes, tuple[int, int, int, int]]:
    return {
        table.name(row): (table.kinds[row], table.sizes[row], table.mtimes[row], inodes[row])
        for row in range(len(table))
        if table.kinds[row] != Kind.DIRECTORY
    }


def _same(table: MemberTable, inodes: "array[int]", row: int, facts: os.stat_result) -> bool:
    return (
        (facts.st_size == table.sizes[row] or table.kinds[row] == Kind.SYMLINK)
        and facts.st_mtime_ns == table.mtimes[row]
        and facts.st_ino == inodes[row]
        and stat.S_IFMT(facts.st_mode) == (stat.S_IFLNK if table.kinds[row] == Kind.SYMLINK else stat.S_IFREG)
    )


def _path(root: bytes, name: bytes) -> bytes:
    return root + b"/" + name if name else root

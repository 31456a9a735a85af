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
from typing import Final

from modelsync.archive.headers import header_bytes
from modelsync.archive.index import archive_bytes, encode_index
from modelsync.archive.reader import ArchiveReader, path_of, same_facts
from modelsync.archive.safe_names import LEVELS_MAX, leads_out, shown
from modelsync.archive.table import Kind, MemberTable, TableError, padded
from modelsync.errors import StoreError

FORMAT: Final = b"modelsync archive 1"
_REFUSED_HINT: Final = "Remove it from the model's directory, then push again."
_REMEMBERED_BYTES_MAX: Final = 1 << 28
_QUICK_LEVEL: Final = 1
"""Of compression: a tenth longer than the usual, in a third of the time."""
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
            position += padded(size)
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
            path = path_of(self._root, table.name(row))
            try:
                same = same_facts(table, self._inodes, row, os.lstat(path))
            except OSError:
                same = False
            if not same:
                return Path(os.fsdecode(path))
        return None

    def remembered(self) -> bytes:
        """What a journal keeps, to say later by `first_difference` which file changed; some 15 bytes a file."""
        facts = {"part_size": self.part_size}
        return zlib.compress(self._inodes.tobytes(), _QUICK_LEVEL) + self._table.encode(facts, _QUICK_LEVEL)

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
        path = path_of(root, name)
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
        path = path_of(root, name)
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

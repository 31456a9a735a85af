"""The members of one archive and where their bytes lie, as columns instead of objects: 100,000 files in a few MiB."""

import json
import sys
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from enum import IntEnum
from itertools import accumulate, chain
from operator import sub
from typing import Final

BLOCK_BYTES: Final = 512
RECORD_BYTES: Final = 10_240
END_BYTES: Final = 2 * BLOCK_BYTES

FORMAT: Final = 1
_OFFSET_MAX: Final = 1 << 62
_HEADER_BLOCKS_MAX: Final = 8192
"""4 MiB: more than the special headers of one member may take together."""
_COMPRESSION_LEVEL: Final = 6


def padded(size: int, unit: int = BLOCK_BYTES) -> int:
    """`size` rounded up to whole blocks."""
    return -(-size // unit) * unit


class Kind(IntEnum):
    """What a member is; the numbers are part of the table's stored form."""

    FILE = 0
    EXECUTABLE = 1
    """A file whose owner may execute it."""
    DIRECTORY = 2
    SYMLINK = 3
    HARDLINK = 4

    @property
    def is_file(self) -> bool:
        return self <= Kind.EXECUTABLE

    @property
    def is_link(self) -> bool:
        return self >= Kind.SYMLINK


_KINDS: Final = tuple(Kind)
"""By number: a look-up is ten times as fast as the enumeration's own."""
_FIRST_LINK: Final = int(Kind.SYMLINK)


class TableError(ValueError):
    """A stored table that cannot be read; never leaves the archive package."""


class MemberTable:
    """Members in the order of the archive, each with its header directly before its data.

    Names are relative, without `./` and without a trailing slash, and are bytes: the root is the empty name. Rows are
    appended under a lock of the owner's; reading a row that is there already needs none.
    """

    __slots__ = ("_name_ends", "_names", "data_at", "first_at", "kinds", "links", "mtimes", "sizes")

    def __init__(self, first_at: int = 0) -> None:
        self.first_at = first_at
        """Where the header of the first member begins, in bytes from the start of the archive."""
        self.kinds = bytearray()
        self.sizes = array("Q")
        self.mtimes = array("q")
        self.links: dict[int, bytes] = {}
        self.data_at = array("Q")
        self._names = bytearray()
        self._name_ends = array("Q")

    def __len__(self) -> int:
        return len(self.data_at)

    def append(self, name: bytes, kind: Kind, size: int, mtime_ns: int, link: bytes, data_at: int) -> None:
        self.kinds.append(kind)
        self.sizes.append(size)
        self.mtimes.append(mtime_ns)
        if kind >= _FIRST_LINK:
            self.links[len(self.data_at)] = link
        self._names += name
        self._name_ends.append(len(self._names))
        self.data_at.append(data_at)  # last: a reader finds rows by it

    def name(self, row: int) -> bytes:
        return bytes(self._names[self._name_ends[row - 1] if row else 0 : self._name_ends[row]])

    def kind(self, row: int) -> Kind:
        return _KINDS[self.kinds[row]]

    def link(self, row: int) -> bytes:
        """The target of a link, empty for everything else."""
        return self.links.get(row, b"")

    def header_at(self, row: int) -> int:
        return self.end(row - 1)

    def end(self, row: int) -> int:
        """Where the member's padded data ends and the next header begins; for row -1, where the first header begins."""
        return self.data_at[row] + padded(self.sizes[row]) if row >= 0 else self.first_at

    @property
    def members_end(self) -> int:
        return self.end(len(self) - 1)

    def find(self, offset: int) -> int:
        """The last row whose data begins at or before `offset`; -1 before the first."""
        return bisect_right(self.data_at, offset) - 1

    @property
    def files(self) -> int:
        """Regular files and hard links (which become files)."""
        return len(self) - self.kinds.count(Kind.DIRECTORY) - self.kinds.count(Kind.SYMLINK)

    @property
    def content_bytes(self) -> int:
        return sum(self.sizes)

    def moved(self, first_at: int) -> None:
        """The same members with the first header at `first_at`."""
        by = first_at - self.first_at
        self.data_at = array("Q", (at + by for at in self.data_at))
        self.first_at = first_at

    def same_row(self, row: int, name: bytes, kind: Kind, size: int, mtime_ns: int, link: bytes) -> bool:
        return (
            self.sizes[row] == size
            and self.kinds[row] == kind
            and self.mtimes[row] == mtime_ns
            and self.name(row) == name
            and self.link(row) == link
        )

    def digest_parts(self) -> tuple[bytes, ...]:
        """Every column as bytes, for a fingerprint."""
        links = b"\0".join(self.links[row] for row in sorted(self.links))
        return (
            bytes(self.kinds),
            self.data_at.tobytes(),
            self.sizes.tobytes(),
            self.mtimes.tobytes(),
            self._name_ends.tobytes(),
            bytes(self._names),
            links,
        )

    def encode(self, facts: Mapping[str, int | str | None], level: int = _COMPRESSION_LEVEL) -> bytes:
        """The table and a few facts about the archive, compressed (zlib's level).

        Offsets are relative to the first header, so the result does not depend on where it will stand.
        """
        return b"".join(self._packed(facts, level))

    def encode_within(self, facts: Mapping[str, int | str | None], limit_bytes: int) -> bytes | None:
        """The same, or None as soon as it proves longer than the limit."""
        packed = bytearray()
        for piece in self._packed(facts, _COMPRESSION_LEVEL):
            packed += piece
            if len(packed) > limit_bytes:
                return None
        return bytes(packed)

    def _packed(self, facts: Mapping[str, int | str | None], level: int) -> Iterator[bytes]:
        links = [self.links[row] for row in sorted(self.links)]
        head = {
            "format": FORMAT,
            "members": len(self),
            "names_bytes": len(self._names),
            "links_bytes": sum(map(len, links)),
            "facts": dict(facts),
        }
        compressor = zlib.compressobj(level)
        yield compressor.compress(json.dumps(head, separators=(",", ":")).encode() + b"\n")
        for column in self._columns(links):
            yield compressor.compress(column)
        yield compressor.flush()

    def _columns(self, links: list[bytes]) -> Iterator[bytes | bytearray]:
        # One at a time: each is as long as a few MiB.
        yield self._names
        yield _little(array("H", map(sub, self._name_ends, chain((0,), self._name_ends))))
        yield self.kinds
        yield _little(array("I", self._header_blocks()))
        yield _little(self.sizes)
        yield _little(self.mtimes)
        yield _little(array("H", map(len, links)))
        yield b"".join(links)

    def _header_blocks(self) -> Iterator[int]:
        header_at = self.first_at
        for data_at, size in zip(self.data_at, self.sizes, strict=True):
            yield (data_at - header_at) // BLOCK_BYTES
            header_at = data_at + padded(size)

    @classmethod
    def decode(cls, data: bytes, *, first_at: int, limit_bytes: int) -> "tuple[MemberTable, dict[str, object]]":
        """A stored table, with its facts; TableError for anything that `encode` would not have written.

        `limit_bytes` bounds what is decompressed, so the memory of a hostile one.
        """
        try:
            unpacker = zlib.decompressobj()
            plain = unpacker.decompress(data, limit_bytes)
        except zlib.error as exc:
            raise TableError("not compressed as it should be") from exc
        if not unpacker.eof or unpacker.unused_data:
            raise TableError("too long, cut, or followed by something else")
        return _parse(plain, first_at)


def _parse(plain: bytes, first_at: int) -> tuple[MemberTable, dict[str, object]]:
    line, _, _ = plain[:4096].partition(b"\n")
    try:
        head = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise TableError("its first line is not JSON") from exc
    if not isinstance(head, dict) or head.get("format") != FORMAT or not isinstance(head.get("facts"), dict):
        raise TableError("another format")
    count, names_bytes, links_bytes = (_count(head.get(key)) for key in ("members", "names_bytes", "links_bytes"))
    if count > len(plain):
        raise TableError("more members than bytes")
    columns = _Columns(memoryview(plain)[len(line) + 1 :])

    table = MemberTable(first_at)
    table._names = bytearray(columns.take(names_bytes))
    table._name_ends = array("Q", accumulate(columns.numbers("H", count)))
    table.kinds = bytearray(columns.take(count))
    if count and max(table.kinds) > max(Kind):
        raise TableError("a kind that does not exist")
    headers = columns.numbers("I", count)
    table.sizes = columns.numbers("Q", count)
    table.mtimes = columns.numbers("q", count)
    link_rows = [row for row, kind in enumerate(table.kinds) if kind >= Kind.SYMLINK]
    link_ends = list(accumulate(columns.numbers("H", len(link_rows))))
    links = bytes(columns.take(links_bytes))
    if columns.left or (table._name_ends[-1] if count else 0) != names_bytes:
        raise TableError("columns that do not fit together")
    if (link_ends[-1] if link_ends else 0) != links_bytes:
        raise TableError("columns that do not fit together")
    spans = _spans(link_ends)
    table.links = {row: links[start:end] for row, (start, end) in zip(link_rows, spans, strict=True)}

    position = first_at
    for row in range(count):
        size = table.sizes[row]
        if not 0 < headers[row] <= _HEADER_BLOCKS_MAX or size > _OFFSET_MAX or (size and not table.kind(row).is_file):
            raise TableError("a member that cannot be")
        position += headers[row] * BLOCK_BYTES
        table.data_at.append(position)
        position += padded(size)
        if position > _OFFSET_MAX:
            raise TableError("offsets beyond any archive")
    return table, head["facts"]


class _Columns:
    """Cuts the columns off one after the other."""

    def __init__(self, data: memoryview) -> None:
        self.left = data

    def take(self, size: int) -> memoryview:
        if size > len(self.left):
            raise TableError("cut")
        taken, self.left = self.left[:size], self.left[size:]
        return taken

    def numbers(self, typecode: str, count: int) -> "array[int]":
        column = array(typecode)
        column.frombytes(self.take(count * column.itemsize))
        if sys.byteorder == "big":
            column.byteswap()
        return column


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _OFFSET_MAX:
        raise TableError("a count that is none")
    return value


def _little(column: "array[int]") -> bytes:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()


def _spans(ends: "array[int] | list[int]") -> "zip[tuple[int, int]]":
    return zip([0, *ends][: len(ends)], ends, strict=True)

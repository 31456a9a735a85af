"""The table of an archive's members that the archive carries itself, at its very start.

How it works: a PAX global header may hold records of anybody's; readers that do not know one ignore it (tried: Python's
tarfile, GNU tar, the real client). Ours, `MODELSYNC.index`, holds the format version, a colon, and base64 of the
compressed table, so that no long run of digits stands in it (one makes tarfile's pattern take minutes). It is a hint
from outside: an unpacker reads and compares every real header before the archive counts.
"""

import binascii
from dataclasses import dataclass
from typing import Final

from modelsync.archive.headers import extension, pax_record
from modelsync.archive.members import EXTENSION_BYTES_MAX, INDEX_KEY, HeaderScanner, pax_records
from modelsync.archive.table import (
    BLOCK_BYTES,
    END_BYTES,
    FORMAT,
    RECORD_BYTES,
    MemberTable,
    TableError,
    padded,
)
from modelsync.errors import IntegrityError

INDEX_BYTES_MAX: Final = 512 * 1024
"""Of the record's value; a longer index is left out (libarchive and Go refuse special headers over 1 MiB)."""
_DECOMPRESSED_BYTES_MAX: Final = 16 * 1024 * 1024
_PREFIX: Final = b"%d:" % FORMAT
_PACKED_BYTES_MAX: Final = (INDEX_BYTES_MAX - len(_PREFIX)) // 4 * 3
"""Before base64."""


@dataclass(frozen=True, slots=True)
class ArchiveIndex:
    """What an archive says about itself before it has been read."""

    table: MemberTable
    part_size: int | None
    """Bytes per part of the multipart upload that carried it; None where it was not recorded."""


def read_index(data: bytes | bytearray | memoryview, total_bytes: int | None = None) -> ArchiveIndex | None:
    """The index in the first bytes of an archive, None where they hold no whole one. Never raises.

    A broken index is no index. `total_bytes` is the archive's size, where known; an index of an archive of another
    size is none.
    """
    head = bytes(data[:BLOCK_BYTES])
    if len(head) < BLOCK_BYTES or head[156:157] != b"g":
        return None
    scanner = HeaderScanner()
    try:
        scanner.accept(head, 0)
        body_at = BLOCK_BYTES + scanner.wanted
        if len(data) < body_at:
            return None
        size = int(head[124:136].split(b"\0", 1)[0].strip() or b"0", 8)
        value = pax_records(bytes(data[BLOCK_BYTES : BLOCK_BYTES + size]), BLOCK_BYTES).get(INDEX_KEY)
        if value is None or body_at > BLOCK_BYTES + EXTENSION_BYTES_MAX:
            return None
        return _decode(value, body_at, total_bytes)
    except (TableError, IntegrityError, ValueError):
        return None


def encode_index(table: MemberTable, part_size: int | None) -> bytes:
    """The global header that stands before the first member; empty when the index would be too long to carry."""
    packed = table.encode_within({"part_size": part_size}, _PACKED_BYTES_MAX)
    if packed is None:
        return b""
    value = _PREFIX + binascii.b2a_base64(packed, newline=False)
    return extension(b"g", pax_record(INDEX_KEY, value))


def archive_bytes(members_end: int) -> int:
    """The size of an archive whose last member ends there: two zero blocks, then zeros up to a whole record."""
    return padded(members_end + END_BYTES, RECORD_BYTES)


def _decode(value: bytes, body_at: int, total_bytes: int | None) -> ArchiveIndex:
    if not value.startswith(_PREFIX) or len(value) > INDEX_BYTES_MAX:
        raise TableError("another format")
    packed = binascii.a2b_base64(value[len(_PREFIX) :], strict_mode=True)
    table, facts = MemberTable.decode(packed, first_at=body_at, limit_bytes=_DECOMPRESSED_BYTES_MAX)
    table.first_at = 0  # for a reader of headers, ours belongs to the first member's
    total = archive_bytes(table.members_end)
    if not len(table) or (total_bytes is not None and total != total_bytes):
        raise TableError("the index of another archive")
    part_size = facts.get("part_size")
    if part_size is not None and (not isinstance(part_size, int) or isinstance(part_size, bool) or part_size <= 0):
        raise TableError("a part size that is none")
    return ArchiveIndex(table, part_size)

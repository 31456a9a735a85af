"""Writes tar headers: ustar where it suffices, PAX records (POSIX.1-2001) for what it cannot hold."""

import zlib
from functools import lru_cache
from struct import Struct
from typing import Final

from modelsync.archive.table import BLOCK_BYTES, Kind, padded

_USTAR: Final = Struct("100s8s8s8s12s12s8s1s100s8s32s32s8s8s155s12x")
_NAME_BYTES: Final = 100
_PLAIN_NAME_BYTES: Final = _NAME_BYTES - len("./") - len("/")
"""A name as long as this fits whatever it is the name of."""
_OCTAL_11_MAX: Final = 8**11 - 1
"""The largest size (8 GiB - 1) and time that eleven octal digits hold."""
_NS: Final = 1_000_000_000
_TYPES: Final = {Kind.FILE: b"0", Kind.EXECUTABLE: b"0", Kind.HARDLINK: b"1", Kind.SYMLINK: b"2", Kind.DIRECTORY: b"5"}
_MODES: Final = {
    Kind.FILE: 0o644,
    Kind.EXECUTABLE: 0o755,
    Kind.HARDLINK: 0o644,
    Kind.SYMLINK: 0o777,
    Kind.DIRECTORY: 0o755,
}


def encode_header(name: bytes, kind: Kind, size: int, mtime_ns: int, link: bytes = b"") -> bytes:
    """The header blocks of one member, as the real client would name it (`./`-prefixed, registry contract 4.2).

    Owner and group are left empty: an archive does not tell who made it. A name that is not UTF-8 travels in a PAX
    record marked `hdrcharset=BINARY`.
    """
    full = _full_name(name, kind)
    records = _records(full, size, mtime_ns, link)
    seconds = mtime_ns // _NS
    header = _ustar(
        _ascii(full),
        _TYPES[kind],
        mode=_MODES[kind],
        size=size if size <= _OCTAL_11_MAX else 0,
        mtime=min(max(seconds, 0), _OCTAL_11_MAX),
        link=_ascii(link),
    )
    return extension(b"x", records) + header if records else header


def header_bytes(name: bytes, kind: Kind, size: int, mtime_ns: int, link: bytes = b"") -> int:
    """How long `encode_header` will be."""
    if len(name) <= _PLAIN_NAME_BYTES and name.isascii() and not link and size <= _OCTAL_11_MAX:
        seconds, fraction = divmod(mtime_ns, _NS)
        # The one record that may be left is that of the time, far shorter than a block.
        return 3 * BLOCK_BYTES if fraction or not 0 <= seconds <= _OCTAL_11_MAX else BLOCK_BYTES
    records = _records(_full_name(name, kind), size, mtime_ns, link)
    return 2 * BLOCK_BYTES + padded(len(records)) if records else BLOCK_BYTES


def extension(typeflag: bytes, records: bytes) -> bytes:
    """A PAX extended header (`x`) or global header (`g`) that holds `records`."""
    return _extension_header(typeflag, len(records)) + records + bytes(padded(len(records)) - len(records))


@lru_cache(64)
def _extension_header(typeflag: bytes, size: int) -> bytes:
    """The same for many members: most records are a time, of one length."""
    return _ustar(b"././@PaxHeader", typeflag, mode=0, size=size, mtime=0, link=b"")


def byte_sum(block: bytes) -> int:
    """The sum of the bytes of one block, at most 512."""
    if block.isascii():  # 512 times 127 is below Adler's modulus, so its lower half is their very sum
        return zlib.adler32(block, 0) & 0xFFFF
    return sum(block.translate(None, b"\0"))


def pax_record(key: bytes, value: bytes) -> bytes:
    """`<length> <key>=<value>` and a newline, where the length counts its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def _full_name(name: bytes, kind: Kind) -> bytes:
    return b"./" + name + b"/" if kind is Kind.DIRECTORY and name else b"./" + name


def _records(full: bytes, size: int, mtime_ns: int, link: bytes) -> bytes:
    records = b"" if _fits(full) and not link else _name_records(full, link)
    if size > _OCTAL_11_MAX:
        records += pax_record(b"size", b"%d" % size)
    seconds, fraction = divmod(mtime_ns, _NS)
    if fraction or not 0 <= seconds <= _OCTAL_11_MAX:
        records += pax_record(b"mtime", _decimal(mtime_ns))
    return records


def _name_records(full: bytes, link: bytes) -> bytes:
    records = b"" if _is_utf8(full) and _is_utf8(link) else pax_record(b"hdrcharset", b"BINARY")
    if not _fits(full):
        records += pax_record(b"path", full)
    if not _fits(link):
        records += pax_record(b"linkpath", link)
    return records


def _decimal(mtime_ns: int) -> bytes:
    seconds, fraction = divmod(abs(mtime_ns), _NS)
    text = f"{seconds}.{fraction:09d}".rstrip("0").rstrip(".")
    return f"{'-' if mtime_ns < 0 else ''}{text}".encode()


def _fits(name: bytes) -> bool:
    return len(name) <= _NAME_BYTES and name.isascii()


def _is_utf8(name: bytes) -> bool:
    if name.isascii():
        return True
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _ascii(name: bytes) -> bytes:
    """What a reader without PAX sees; the true name stands in the record."""
    if name.isascii():
        return name[:_NAME_BYTES]
    return name.decode("ascii", "replace").replace("\ufffd", "?").encode()[:_NAME_BYTES]


def _ustar(name: bytes, typeflag: bytes, *, mode: int, size: int, mtime: int, link: bytes) -> bytes:
    zero = b"0000000\0"
    block = _USTAR.pack(
        name,
        b"%07o\0" % mode,
        zero,
        zero,
        b"%011o\0" % size,
        b"%011o\0" % mtime,
        b"        ",
        typeflag,
        link,
        b"ustar\x0000",
        b"",
        b"",
        zero,
        zero,
        b"",
    )
    return block[:148] + b"%06o\0 " % byte_sum(block) + block[156:]

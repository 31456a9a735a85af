"""The quick way to read a file's headers says what the thorough one says, or nothing."""

import io
import random
import tarfile
from typing import Literal

import pytest

from modelsync.archive.headers import byte_sum, encode_header
from modelsync.archive.members import HeaderScanner, Member, ScanResult, usual_file
from modelsync.archive.table import BLOCK_BYTES, Kind
from modelsync.errors import ModelsyncError

TarFormat = Literal[0, 1, 2]
FORMATS: dict[str, TarFormat] = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
NAMES = ("a", "sub/deep/x.bin", "n" * 97, "n" * 140, "long/" * 25 + "x", "ünï", "with space", "dir.", "..hidden")
TIMES = (0, 1_700_000_000_000_000_000, 1_700_000_000_123_456_789, -1_500_000_000, 5)


def _by_scanner(data: bytes) -> tuple[Member, int] | None:
    """The member that these blocks begin with, and where its data begins; None for none, or an error."""
    scanner, position = HeaderScanner(), 0
    try:
        while position + scanner.wanted <= len(data):
            block = data[position : position + scanner.wanted]
            position += len(block)
            match scanner.accept(block, 0):
                case Member() as member:
                    return member, position
                case ScanResult.END:
                    return None
                case ScanResult.MORE:
                    continue
    except ModelsyncError:
        pass
    return None


def _agrees(data: bytes) -> bool:
    """Whether the quick way took it; fails where it says anything else than the thorough one."""
    try:
        usual = usual_file(memoryview(data), 0)
    except ModelsyncError:
        assert _by_scanner(data) is None
        return False
    if usual is None:
        return False
    name, kind, size, mtime_ns, data_at = usual
    assert _by_scanner(data) == (Member(name, kind, size, mtime_ns, b""), data_at)
    return True


def _python_header(name: str, size: int, mtime: float, mode: int, tar_format: TarFormat) -> bytes:
    info = tarfile.TarInfo(f"./{name}")
    info.size, info.mtime, info.mode = size, mtime, mode
    return info.tobuf(tar_format, "utf-8", "surrogateescape")


def _with_sum(block: bytes) -> bytes:
    return block[:148] + b"%06o\0 " % (byte_sum(block) - sum(block[148:156]) + 8 * 0x20) + block[156:]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mtime_ns", TIMES)
def test_our_own_headers_and_tarfiles_are_read_alike(name: str, mtime_ns: int) -> None:
    for size in (0, 1, 1024, 8**11 - 1, 8**11):
        for kind in Kind:
            _agrees(encode_header(name.encode(), kind, size if kind.is_file else 0, mtime_ns, b"to" * kind.is_link))
        for tar_format in FORMATS.values():
            for mode in (0o644, 0o755):
                if mtime_ns >= 0 and not (tar_format == tarfile.USTAR_FORMAT and (size == 8**11 or len(name) > 97)):
                    _agrees(_python_header(name, size, mtime_ns / 10**9, mode, tar_format))


@pytest.mark.parametrize("tar_format", FORMATS.values(), ids=FORMATS)
def test_what_nearly_all_files_have_is_taken_the_quick_way(tar_format: TarFormat) -> None:
    assert _agrees(encode_header(b"shard-00/part-00001.bin", Kind.FILE, 1024, 1_700_000_000_123_456_789))
    assert _agrees(encode_header(b"run.sh", Kind.EXECUTABLE, 10, 1_700_000_000_000_000_000))
    assert _agrees(_python_header("shard-00/part-00001.bin", 1024, 1_700_000_000.125, 0o600, tar_format))


@pytest.mark.parametrize("seed", range(4))
def test_headers_with_wrong_bytes_are_never_read_otherwise(seed: int) -> None:
    rng = random.Random(seed)
    whole = [
        encode_header(b"sub/a.bin", Kind.FILE, 77, 1_700_000_000_123_456_789),
        _python_header("sub/a.bin", 77, 1_700_000_000.5, 0o755, tarfile.PAX_FORMAT),
        _python_header("sub/a.bin", 77, 1_700_000_000, 0o644, tarfile.GNU_FORMAT),
    ]
    taken = 0
    for _ in range(6000):
        data = bytearray(rng.choice(whole))
        for _ in range(rng.randrange(1, 4)):
            at = rng.choice(
                (rng.randrange(len(data)), rng.choice((100, 124, 136, 156, 257, 345, 512)) + rng.randrange(12))
            )
            data[at % len(data)] = rng.choice(
                (0, 0x20, 0x2D, 0x2F, 0x30, 0x37, 0x39, 0x5F, 0x78, 0x80, rng.randrange(256))
            )
        if rng.random() < 0.8:
            for at in (0, len(data) - BLOCK_BYTES):
                data[at : at + BLOCK_BYTES] = _with_sum(bytes(data[at : at + BLOCK_BYTES]))
        taken += _agrees(bytes(data))
    assert taken > 100


def test_a_header_that_is_not_there_as_a_whole_is_left_to_the_thorough_way() -> None:
    header = encode_header(b"sub/a.bin", Kind.FILE, 77, 1_700_000_000_123_456_789)

    assert usual_file(memoryview(header), 0) is not None
    for end in range(len(header)):
        assert usual_file(memoryview(header[:end]), 0) is None


@pytest.mark.parametrize("filling", [b"\0", b"\x7f", b"\x80", b"\xff", bytes(range(256)), b"ab\0"])
def test_the_sum_of_a_block_is_that_of_its_bytes(filling: bytes) -> None:
    block = (filling * BLOCK_BYTES)[:BLOCK_BYTES]

    assert byte_sum(block) == sum(io.BytesIO(block).read())

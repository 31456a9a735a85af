"""The headers that an archive is written with."""

import random

import pytest

from modelsync.archive.headers import byte_sum, encode_header, header_bytes
from modelsync.archive.table import Kind

NAMES = [
    b"",
    b"f",
    *(letter.encode() * length for letter in ("a", "ü") for length in (47, 48, 49, 50, 96, 97, 98, 99, 100, 120)),
    b"\xff" * 40,
    "sub/né".encode(),
]
TIMES = [0, 1, 10**9, 1_772_366_400_123_456_789, -1, -(10**9), (8**11 - 1) * 10**9, 8**11 * 10**9]
SIZES = [0, 1, 8**11 - 1, 8**11]


@pytest.mark.parametrize("name", NAMES)
def test_the_length_of_a_header_is_known_before_it_is_made(name: bytes) -> None:
    for mtime_ns in TIMES:
        for kind, size, link in (
            *((Kind.FILE, size, b"") for size in SIZES),
            (Kind.DIRECTORY, 0, b""),
            (Kind.SYMLINK, 0, b"there"),
            (Kind.SYMLINK, 0, name),
        ):
            header = encode_header(name, kind, size, mtime_ns, link)
            assert header_bytes(name, kind, size, mtime_ns, link) == len(header)


@pytest.mark.parametrize("block", [bytes(512), b"\x7f" * 512, b"\xff" * 512, random.Random(5).randbytes(512), b"short"])
def test_the_sum_of_a_header_is_that_of_its_bytes(block: bytes) -> None:
    assert byte_sum(block) == sum(block)

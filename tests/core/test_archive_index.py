"""The table that an archive carries at its start, and what is made of a broken one."""

import binascii
import json
import os
import random
import zlib
from pathlib import Path

import pytest

from modelsync.archive.headers import extension, pax_record
from modelsync.archive.index import INDEX_BYTES_MAX, read_index
from modelsync.archive.layout import ArchiveLayout
from modelsync.archive.members import INDEX_KEY
from support.archives import Entry, files_of, python_tar, sample_model, whole


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return sample_model(tmp_path / "model")


def test_the_index_names_every_file_with_its_size(model: Path) -> None:
    data = whole(ArchiveLayout.of(model, part_size=lambda _total: 8 << 20))

    index = read_index(data, len(data))

    assert index is not None
    table = index.table
    sizes = {table.name(row).decode(): table.sizes[row] for row in range(len(table)) if table.kind(row).is_file}
    assert sizes == {name: len(content) for name, content in files_of(model).items()}
    assert index.part_size == 8 << 20
    assert table.files == len(sizes)


def test_the_part_size_is_asked_once_for_nearly_the_size_of_the_archive(model: Path) -> None:
    asked: list[int] = []

    def part_size(total: int) -> int:
        asked.append(total)
        return 5 << 20

    layout = ArchiveLayout.of(model, part_size=part_size)

    assert len(asked) == 1
    assert 0 <= layout.size_bytes - asked[0] <= INDEX_BYTES_MAX + 10_240
    assert layout.part_size == 5 << 20


def test_an_index_of_which_a_byte_is_missing_is_none(model: Path) -> None:
    layout = ArchiveLayout.of(model)
    data, size = whole(layout), layout.members.first_at

    assert read_index(data[:size], len(data)) is not None
    assert [read_index(data[:have], len(data)) for have in (0, 1, 511, 512, size // 2, size - 1)] == [None] * 6


def test_archives_of_others_have_no_index() -> None:
    plain = python_tar([Entry("./model.yaml", b"a")])
    with_a_comment = python_tar([Entry("./model.yaml", b"a")], pax_headers={"comment": "c" * 40})

    for data in (plain, with_a_comment, b"\x1f\x8b" + bytes(1000), bytes(10_240)):
        assert read_index(data) is None


def test_an_index_that_would_be_too_long_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    rng = random.Random(1)
    for _ in range(6000):
        (tmp_path / "m" / rng.randbytes(60).hex()).touch()

    layout = ArchiveLayout.of(tmp_path / "m")
    head = bytearray(4096)
    with layout.open() as reader:
        reader.read_into(0, memoryview(head))

    assert read_index(head) is None
    assert head[156:157] != b"g"


def test_the_value_has_no_long_run_of_digits(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    for number in range(2000):
        (tmp_path / "m" / f"{number:050d}").touch()
    data = whole(ArchiveLayout.of(tmp_path / "m"))
    value = data[512 : 512 + int(data[124:135], 8)]

    longest = max(map(len, "".join(chr(byte) if chr(byte).isdigit() else " " for byte in value).split()))

    assert read_index(data) is not None
    assert longest < 20


def test_an_index_of_an_archive_of_another_size_is_none(model: Path) -> None:
    data = whole(ArchiveLayout.of(model))

    assert read_index(data, len(data) - 10_240) is None


def test_no_damage_to_an_index_raises(model: Path) -> None:
    data = whole(ArchiveLayout.of(model))
    rng = random.Random(5)
    for _ in range(1500):
        broken = bytearray(data[:4096])
        for _ in range(rng.randrange(1, 4)):
            broken[rng.randrange(2000)] = rng.randrange(256)
        read_index(broken[: rng.randrange(len(broken))], len(data))
        read_index(broken)


def _with(plain: bytes, prefix: bytes = b"1:") -> bytes:
    value = prefix + binascii.b2a_base64(zlib.compress(plain), newline=False)
    return extension(b"g", pax_record(INDEX_KEY, value))


def _table(head: object, columns: bytes = b"") -> bytes:
    return json.dumps(head).encode() + b"\n" + columns


HOSTILE = {
    "another version": _with(_table({}), b"2:"),
    "not base64": extension(b"g", pax_record(INDEX_KEY, b"1:###")),
    "not compressed": extension(b"g", pax_record(INDEX_KEY, b"1:AAAA")),
    "a bomb": _with(bytes(200 << 20)),
    "no JSON": _with(b"[" * 4000),
    "a list": _with(_table([])),
    "a huge count": _with(_table({"format": 1, "members": 1 << 60, "names_bytes": 0, "links_bytes": 0, "facts": {}})),
    "a negative count": _with(_table({"format": 1, "members": -1, "names_bytes": 0, "links_bytes": 0, "facts": {}})),
    "a true count": _with(_table({"format": 1, "members": True, "names_bytes": 0, "links_bytes": 0, "facts": {}})),
    "no members": _with(_table({"format": 1, "members": 0, "names_bytes": 0, "links_bytes": 0, "facts": {}}, bytes(2))),
    "no header": _with(
        _table({"format": 1, "members": 1, "names_bytes": 1, "links_bytes": 0, "facts": {}}, b"a\x01\0\0" + bytes(20))
    ),
    "a size beyond all": _with(
        _table(
            {"format": 1, "members": 1, "names_bytes": 1, "links_bytes": 0, "facts": {}},
            b"a\x01\0\0\x01\0\0\0" + b"\xff" * 8 + bytes(8),
        )
    ),
    "an unknown kind": _with(
        _table(
            {"format": 1, "members": 1, "names_bytes": 1, "links_bytes": 0, "facts": {}},
            b"a\x01\0\x63\x01\0\0\0" + bytes(16),
        )
    ),
}


@pytest.mark.parametrize("head", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_index_is_no_index(head: bytes) -> None:
    assert read_index(head + os.urandom(10), None) is None

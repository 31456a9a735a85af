"""A file over 8 GiB, where sizes in plain tar headers and offsets of 33 bits end: what happens around there."""

import os
from itertools import pairwise
from pathlib import Path

import pytest

from modelsync.archive.checkpoint import Checkpoint
from modelsync.archive.index import read_index
from modelsync.archive.layout import ArchiveLayout
from modelsync.archive.ranges import Ranges
from modelsync.archive.reader import ArchiveReader
from modelsync.archive.unpack import Unpacker
from support.local_store import write_model

EDGE = 8 << 30
"""The first size that eleven octal digits cannot hold."""
SIZE = EDGE + (3 << 20) + 77
NEAR = 10_000
HEAD_BYTES = 1 << 20


def sparse(path: Path, *places: int) -> None:
    """A file of SIZE whose bytes are all zero but near some places; it takes hardly any disk."""
    with path.open("wb") as file:
        file.truncate(SIZE)
        for place in places:
            start, end = max(0, place - NEAR), min(SIZE, place + NEAR)
            file.seek(start)
            file.write(os.urandom(end - start))


def near(path: Path, place: int) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, place - NEAR))
        return file.read(2 * NEAR)


def send(reader: ArchiveReader, unpacker: Unpacker, start: int, end: int) -> None:
    piece = memoryview(bytearray(end - start))
    assert reader.read_into(start, piece) == len(piece)
    assert unpacker.write(start, piece) == len(piece)


@pytest.mark.parametrize("indexed", [True, False], ids=["with an index", "without"])
def test_a_file_over_eight_gibibytes_is_read_unpacked_and_gone_on_with_around_there(
    indexed: bool, tmp_path: Path
) -> None:
    """Zeros between what is sent are called done by a checkpoint: a file of its full size has them already."""
    model = write_model(tmp_path, "iris:v1", files={"last.txt": b"behind it"})
    huge = model / "huge.bin"
    sparse(huge, 0, EDGE, SIZE)
    layout = ArchiveLayout.of(model, index=indexed)
    total = layout.size_bytes
    stage = tmp_path / "stage"
    stage.mkdir()
    with layout.open() as reader:
        head = bytearray(HEAD_BYTES)
        reader.read_into(0, memoryview(head))
        index = read_index(bytes(head), total)
        assert (index is not None) == indexed
        with Unpacker(stage, total_bytes=total, index=index) as first:
            send(reader, first, 0, HEAD_BYTES)
            (row,) = (row for row in range(len(first.members)) if first.members.name(row) == b"huge.bin")
            at = first.members.data_at[row]
            in_file = (at + EDGE - NEAR, at + EDGE - 1, at + EDGE, at + EDGE + 1, at + EDGE + NEAR)
            assert in_file[0] < EDGE < in_file[-1]  # so that offsets in the archive pass the edge there as well
            edges = sorted({*in_file, EDGE - 1, EDGE, EDGE + 1})
            for start, end in pairwise(edges):
                send(reader, first, start, end)
            send(reader, first, at + SIZE - NEAR, total)
            noted = first.checkpoint()
        zeros = ((HEAD_BYTES, edges[0]), (edges[-1], at + SIZE - NEAR))
        done = tuple(Ranges(sorted((*noted.done, *zeros))))
        with Unpacker.resume(stage, total_bytes=total, checkpoint=Checkpoint(done, noted.members)) as second:
            for start, end in Ranges(second.done()).missing(0, total):
                assert end - start < HEAD_BYTES
                send(reader, second, start, end)
            unpacked = second.finish()
    assert unpacked.archive_bytes == total
    assert (stage / "huge.bin").stat().st_size == SIZE
    for place in (0, EDGE, SIZE):
        assert near(stage / "huge.bin", place) == near(huge, place), place
    assert (stage / "last.txt").read_bytes() == b"behind it"

"""An index is believed only as far as the real headers say the same, also those that come in two pieces."""

import os
from pathlib import Path

import pytest

from modelsync.archive.index import read_index
from modelsync.archive.layout import ArchiveLayout
from modelsync.archive.unpack import Unpacker
from modelsync.errors import ArchiveError
from support.archives import whole


def unpack_in_two(stage: Path, data: bytes, cut: int, *, last_first: bool) -> None:
    index = read_index(data, len(data))
    assert index is not None
    stage.mkdir()
    pieces = [(0, data[:cut]), (cut, data[cut:])]
    with Unpacker(stage, total_bytes=len(data), index=index) as unpacker:
        for offset, piece in reversed(pieces) if last_first else pieces:
            assert unpacker.write(offset, piece) == len(piece)
        unpacker.finish()


def renamed(data: bytes, at: int) -> bytes:
    """The same archive with another name in the header there, whose checksum is right."""
    header = bytearray(data[at : at + 512].replace(b"weights", b"Weights"))
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return data[:at] + header + data[at + 512 :]


@pytest.mark.parametrize("last_first", [False, True])
def test_a_header_that_is_not_what_the_index_says_is_found_wherever_it_is_torn(
    last_first: bool, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    (model / "sub").mkdir(parents=True)
    (model / "model.yaml").write_bytes(b"name: m\n")
    (model / "sub/weights.bin").write_bytes(os.urandom(1500))
    data = whole(ArchiveLayout.of(model))
    at = data.rindex(b"./sub/weights.bin\0")  # its own header; the index stands before it
    for cut in range(at, at + 512, 50):
        unpack_in_two(tmp_path / f"whole-{cut}", data, cut, last_first=last_first)
        with pytest.raises(ArchiveError, match=r"not what its index says: the header of 'sub/weights\.bin' differs"):
            unpack_in_two(tmp_path / f"other-{cut}", renamed(data, at), cut, last_first=last_first)

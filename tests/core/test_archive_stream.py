"""Compressed archives, as other tools of BentoML's make them."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from modelsync.archive.layout import ArchiveLayout
from modelsync.archive.unpack import Unpacker
from modelsync.archive.unpack_stream import Compression, StreamUnpacker, compression_of
from modelsync.errors import ArchiveError
from support.archives import files_of, sample_model, tree, whole

COMPRESSORS: dict[Compression, Callable[[bytes], bytes]] = {
    Compression.GZIP: gzip.compress,
    Compression.XZ: lzma.compress,
    Compression.BZIP2: bz2.compress,
}
every_compression = pytest.mark.parametrize("compression", COMPRESSORS)


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    path = tmp_path / "stage"
    path.mkdir()
    return path


def _unpack(stage: Path, data: bytes, compression: Compression, *, piece: int = 4096, max_bytes: int = 1 << 30) -> None:
    with Unpacker(stage, total_bytes=None) as unpacker:
        stream = StreamUnpacker(unpacker, compression, max_bytes=max_bytes)
        for offset in range(0, len(data), piece):
            stream.write(memoryview(data)[offset : offset + piece])
        stream.finish()


@every_compression
@pytest.mark.parametrize("piece", [1, 777, 1 << 20])
def test_a_compressed_archive_becomes_the_model(
    tmp_path: Path, stage: Path, compression: Compression, piece: int
) -> None:
    model = sample_model(tmp_path / "model")
    data = COMPRESSORS[compression](whole(ArchiveLayout.of(model)))

    assert compression_of(data[:6]) is compression
    _unpack(stage, data, compression, piece=piece)

    assert tree(stage) == tree(model)


@every_compression
def test_what_tarfile_compressed_is_read(tmp_path: Path, stage: Path, compression: Compression) -> None:
    model = sample_model(tmp_path / "model")
    buffer = io.BytesIO()
    mode = {"gzip": "w:gz", "xz": "w:xz", "bzip2": "w:bz2"}[compression]
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        tar.add(model, arcname="./")

    _unpack(stage, buffer.getvalue(), compression)

    assert files_of(stage) == files_of(model)


@every_compression
def test_several_streams_and_padding_are_one_archive(tmp_path: Path, stage: Path, compression: Compression) -> None:
    plain = whole(ArchiveLayout.of(sample_model(tmp_path / "model")))
    compress = COMPRESSORS[compression]

    _unpack(stage, compress(plain[:9000]) + compress(plain[9000:]) + bytes(512), compression)

    assert files_of(stage) == files_of(tmp_path / "model")


@every_compression
def test_a_cut_or_damaged_stream_is_noticed(tmp_path: Path, compression: Compression) -> None:
    data = COMPRESSORS[compression](whole(ArchiveLayout.of(sample_model(tmp_path / "model"))))
    damaged = bytearray(data)
    damaged[len(data) // 2] ^= 0xFF

    for number, bad in enumerate([data[:-1], data[: len(data) // 2], data[:0], bytes(damaged), data + b'{"error":1}']):
        (tmp_path / f"stage{number}").mkdir()
        with pytest.raises(ArchiveError) as caught:
            _unpack(tmp_path / f"stage{number}", bad, compression)
        assert caught.value.hint


@every_compression
def test_a_bomb_is_stopped_before_it_fills_the_disk(tmp_path: Path, stage: Path, compression: Compression) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "zeros").write_bytes(bytes(30 << 20))
    bomb = COMPRESSORS[compression](whole(ArchiveLayout.of(tmp_path / "m")))

    with pytest.raises(ArchiveError, match="expands"):
        _unpack(stage, bomb, compression, max_bytes=2 << 20)

    assert (stage / "zeros").stat().st_blocks * 512 <= 3 << 20


def test_a_plain_archive_is_not_compressed(tmp_path: Path) -> None:
    assert compression_of(whole(ArchiveLayout.of(sample_model(tmp_path / "model")))[:6]) is None
    assert compression_of(b"") is None

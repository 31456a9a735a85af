"""Makes model directories and archives of every kind for the tests of archives, and compares what came out."""

import io
import os
import random
import stat
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from modelsync.archive.layout import ArchiveLayout
from modelsync.archive.unpack import Unpacker

RECORD = 10_240
MTIME_NS = 1_700_000_000_123_456_789


@dataclass(frozen=True)
class Facts:
    """What must survive a round trip."""

    kind: int
    executable: bool
    mtime_ns: int
    content: bytes | str


def sample_model(directory: Path) -> Path:
    """A directory with everything that a model may hold."""
    directory.mkdir(parents=True)
    rng = random.Random(7)
    files = {
        "model.yaml": b"name: sample\n",
        "weights.bin": rng.randbytes(70_001),
        "empty.txt": b"",
        ".hidden": b"h",
        "block.bin": rng.randbytes(512),
        "sub/deep/x.txt": b"x" * 1000,
        "sub/ünïcode \u4e2d.txt": b"u",
        "sub/" + "long" * 40 + ".bin": rng.randbytes(1500),
        "with\nnewline": b"n",
    }
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (directory / "run.sh").write_bytes(b"#!/bin/sh\n")
    (directory / "run.sh").chmod(0o755)
    (directory / "emptydir").mkdir()
    (directory / "link").symlink_to("sub/deep/x.txt")
    (directory / "sub" / "up").symlink_to("../emptydir")
    (directory / "dangling").symlink_to("sub/nothing")
    for number, path in enumerate(sorted(directory.rglob("*"), reverse=True)):
        os.utime(path, ns=(MTIME_NS + number, MTIME_NS + number), follow_symlinks=False)
    os.utime(directory / "model.yaml", ns=(10**18, 10**18))
    os.utime(directory, ns=(MTIME_NS, MTIME_NS))
    return directory


def tree(directory: Path) -> dict[str, Facts]:
    """Everything below a directory, and the directory itself."""
    return {str(path.relative_to(directory)): _facts(path) for path in [directory, *directory.rglob("*")]}


def whole(layout: ArchiveLayout) -> bytes:
    data = bytearray(layout.size_bytes)
    with layout.open() as reader:
        assert reader.read_into(0, memoryview(data)) == len(data)
    return bytes(data)


def pieces(rng: random.Random, total: int, count: int) -> list[tuple[int, int]]:
    """`[0, total)` cut at random."""
    cuts = sorted({0, total, *(rng.randrange(total) for _ in range(count))})
    return list(pairwise(cuts))


def unpack_in_order(directory: Path, data: bytes, piece: int = 1 << 20) -> None:
    """Unpacks an archive without an index from pieces in order; raises what the unpacker raises."""
    directory.mkdir(exist_ok=True)
    with Unpacker(directory, total_bytes=len(data)) as unpacker:
        for offset in range(0, len(data), piece):
            unpacker.write(offset, data[offset : offset + piece])
        unpacker.finish()


@dataclass
class Entry:
    """One member of an archive made by Python's tarfile."""

    name: str
    content: bytes = b""
    kind: bytes = tarfile.REGTYPE
    link: str = ""
    mode: int = 0o644
    mtime: float = 1_700_000_000
    pax: dict[str, str] = field(default_factory=dict)


def python_tar(
    entries: Iterable[Entry], tar_format: int = tarfile.PAX_FORMAT, pax_headers: dict[str, str] | None = None
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tar_format, pax_headers=pax_headers) as tar:
        for entry in entries:
            info = tarfile.TarInfo(entry.name)
            info.type, info.linkname, info.mode, info.mtime = entry.kind, entry.link, entry.mode, entry.mtime
            info.pax_headers = dict(entry.pax)
            if entry.kind == tarfile.REGTYPE:
                info.size = len(entry.content)
            tar.addfile(info, io.BytesIO(entry.content))
    return buffer.getvalue()


def files_of(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def _facts(path: Path) -> Facts:
    info = path.lstat()
    content: bytes | str = b""
    if stat.S_ISREG(info.st_mode):
        content = path.read_bytes()
    elif stat.S_ISLNK(info.st_mode):
        content = str(path.readlink())
    executable = stat.S_ISREG(info.st_mode) and bool(info.st_mode & 0o100)
    return Facts(stat.S_IFMT(info.st_mode), executable, info.st_mtime_ns, content)

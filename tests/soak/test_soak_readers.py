"""Everything that reads what others wrote, given what nobody would write: it refuses in its own words or it reads."""

import io
import random
import tarfile
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from modelsync.archive.index import read_index
from modelsync.archive.layout import ArchiveLayout
from modelsync.archive.unpack import Unpacker
from modelsync.archive.unpack_stream import compression_of
from modelsync.errors import BrokenModelError, InvalidTagError, ModelsyncError, SettingsError
from modelsync.model import Direction
from modelsync.paths import Paths, write_private
from modelsync.settings import Settings
from modelsync.store.model_yaml import parse_model_yaml
from modelsync.sync.arrival import StreamArrival
from modelsync.tag import Tag, TagReference
from modelsync.transfer.journal import JournalKey, Journals
from modelsync_tui.filter import Filter
from support.archives import sample_model
from support.local_store import model_yaml
from support.soaking import check_words, rounds

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

NOW = datetime(2026, 11, 22, tzinfo=UTC)
MUTATIONS_MAX = 12


def mutated(data: bytes, luck: random.Random) -> bytes:
    """The same with some bytes other, gone, doubled, or from elsewhere in it."""
    changed = bytearray(data)
    for _ in range(luck.randrange(1, MUTATIONS_MAX)):
        at = luck.randrange(len(changed) + 1)
        match luck.randrange(6):
            case 0:
                changed[at : at + 1] = luck.randbytes(1)
            case 1:
                del changed[at : at + luck.choice((1, 8, 512, 5000))]
            case 2:
                changed[at:at] = luck.randbytes(luck.choice((1, 8, 512)))
            case 3:
                start = luck.randrange(len(changed) + 1)
                changed[at:at] = changed[start : start + luck.choice((12, 512, 1024))]
            case 4:
                changed[at : at + 12] = luck.choice((b"7" * 11 + b"\0", b"\x80" + b"\xff" * 11, b"-1", b"\0" * 12))
            case _:
                changed[at : at + 2] = luck.choice((b"..", b"/", b"\n", b"=\n", b'"', b"[[", b": ", b"\xff\xfe"))
    return bytes(changed)


def mended(tar: bytes, luck: random.Random) -> bytes:
    """Checksums of headers made right again, so that what is changed in them is read and not refused at once."""
    data = bytearray(tar)
    for at in range(0, len(data) - 511, 512):
        if data[at + 257 : at + 262] == b"ustar" and luck.random() < 0.9:
            total = sum(data[at : at + 148]) + 8 * 32 + sum(data[at + 156 : at + 512])
            data[at + 148 : at + 156] = b"%06o\0 " % total
    return bytes(data)


def seeds(folder: Path) -> list[bytes]:
    """Archives of ours and of others, plain and compressed."""
    model = sample_model(folder / "sample")
    layout = ArchiveLayout.of(model)
    ours = bytearray(layout.size_bytes)
    with layout.open() as reader:
        reader.read_into(0, memoryview(ours))
    found = [bytes(ours)]
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        for mode in ("w", "w:gz", "w:xz"):
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode=mode, format=form) as tar:
                tar.add(model, arcname="./")
            found.append(buffer.getvalue())
    return found


def unpack(data: bytes, directory: Path, luck: random.Random) -> None:
    """By ranges in any order where its size is known and its head holds an index or nothing strange; else in order."""
    if compression_of(data) is None and luck.random() < 0.5:
        index = read_index(data[: 1 << 20], len(data))
        pieces = sorted({0, len(data), *(luck.randrange(len(data) + 1) for _ in range(9))})
        with Unpacker(directory, total_bytes=len(data), index=index) as unpacker:
            for start, end in pairwise(pieces):
                unpacker.write_all(start, data[start:end], lambda: None)
            unpacker.finish()
        return
    with StreamArrival(Unpacker(directory, total_bytes=None), max_bytes=1 << 26) as arrival:
        for start in range(0, len(data), 7000):
            arrival.write_all(start, memoryview(data)[start : start + 7000], lambda: None)
        arrival.finish()


def test_no_archive_leaves_its_directory_or_ends_in_an_error_that_is_not_ours(tmp_path: Path) -> None:
    known = seeds(tmp_path)
    (tmp_path / "outside").mkdir()
    guard = tmp_path / "outside" / "file"
    guard.write_bytes(b"untouched")
    before = sorted(tmp_path.iterdir())
    for luck in rounds(0.2):
        for _ in range(50):
            directory = tmp_path / "outside" / f"stage-{luck.random()}"
            directory.mkdir()
            data = mutated(luck.choice(known), luck)
            try:
                unpack(mended(data, luck) if luck.random() < 0.8 else data, directory, luck)
            except ModelsyncError as exc:
                check_words(exc)
            assert guard.read_bytes() == b"untouched"
            assert sorted((tmp_path / "outside").iterdir()) == sorted([guard, directory])
            remove(directory)
        assert sorted(tmp_path.iterdir()) == before


def remove(directory: Path) -> None:
    for path in sorted(directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    directory.rmdir()


SETTINGS = b'threads = 8\nbandwidth = "40 MiB/s"\nverify = false\n[keys]\nquit = "ctrl+q"\n'
FILTERS = ("iris label:stage=prod -state:same", 'size:>2GiB age:<7d "a b"', "module:sklearn creator:@me", "-x:")
TAGS = ("iris:v1", "iris", "iris:latest", "a.b-c_d:1.2+x")
JOURNAL = (
    b'{"format": 2, "direction": "pull", "etag": "x", "total_bytes": 9, "stage": "2f", "done": [[0, 9]]}\n{"a":1}\n'
)


def test_no_text_that_a_person_or_a_program_wrote_ends_in_an_error_that_is_not_ours(tmp_path: Path) -> None:
    paths = Paths.of_platform({f"MODELSYNC_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "STATE", "CACHE")})
    key = JournalKey(Direction.PULL, Tag("iris", "v1"), "https://x", None, tmp_path)
    yaml = model_yaml("iris:v1", labels={"a": "b"}, metadata={"c": [1, {"d": 1.5}]}).encode()
    (tmp_path / "STATE").mkdir()
    for luck in rounds(0.2):
        for _ in range(200):
            text = mutated(luck.choice(FILTERS).encode(), luck).decode("utf-8", "surrogateescape")
            Filter.parse(text, NOW)
            tag = mutated(luck.choice(TAGS).encode(), luck).decode("utf-8", "surrogateescape")
            for parse in (Tag.parse, TagReference.parse):
                try:
                    parse(tag)
                except InvalidTagError as exc:
                    check_words(exc)
            try:
                parse_model_yaml(mutated(yaml, luck), tmp_path / "model.yaml")
            except BrokenModelError as exc:
                check_words(exc)
            write_private(paths.config_file, mutated(SETTINGS, luck).decode("utf-8", "replace"))
            try:
                Settings.load(environ={}, paths=paths)
            except SettingsError as exc:
                check_words(exc)
            (tmp_path / "STATE" / key.file_name).write_bytes(mutated(JOURNAL, luck))
            journals = Journals(tmp_path / "STATE")
            journals.stages()
            with journals.open(key) as journal:
                journal.read_pull()
                journal.read_push()

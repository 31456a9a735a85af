"""What is inside a version, on either side, without moving it."""

import gzip
import os
import tarfile
from pathlib import Path

import pytest

from modelsync.errors import ArchiveError, Cancelled, RemoteChangedError, StoreError, TransferError
from modelsync.model import ModelFile, RemoteModel, UploadStatus
from modelsync.results import NotListed, RemoteFiles
from modelsync.store.files import Beginning, files_of, read_beginning
from modelsync.sync import Sides, push
from modelsync.sync.peek import read_remote, remote_files
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from modelsync.transfer.parts import MiB
from modelsync.transfer.retry import RetryPolicy
from modelsync_registry.config import TransmissionStrategy
from support.archives import Entry, python_tar
from support.local_store import write_model
from support.registry_server import RegistryFactory, RegistryServer, put_object, register_model
from support.two_sides import SidesFactory

pytest_plugins = ["support.two_sides"]


def sizes(files: tuple[ModelFile, ...] | RemoteFiles | NotListed) -> dict[str, int | None]:
    assert not isinstance(files, NotListed), files.reason
    listed = files.files if isinstance(files, RemoteFiles) else files
    return {file.name: file.size_bytes for file in listed}


@pytest.mark.parametrize("strategy", list(TransmissionStrategy))
def test_the_files_of_both_sides_have_the_same_names_and_sizes(
    tmp_path: Path, make_registry: RegistryFactory, make_sides: SidesFactory, strategy: TransmissionStrategy
) -> None:
    files = {"config.json": b"{}", "deep/er/weights.bin": os.urandom(3_000_000), "empty": b"", "ünï.txt": b"x"}
    directory = write_model(tmp_path / "home", "bert:v1", files=files)
    (directory / "link").symlink_to("config.json")
    sides = make_sides(make_registry(strategy=strategy))
    push(Tag.parse("bert:v1"), sides)
    remote = sides.registry.model(Tag.parse("bert:v1"))
    assert remote is not None
    here, there = sizes(files_of(directory)), sizes(remote_files(remote, sides))
    assert here == there
    assert here["deep/er/weights.bin"] == 3_000_000
    assert here["link"] is None
    assert list(here) == sorted(here)


def other_program(server: RegistryServer, data: bytes) -> None:
    """bert:v1, as a program pushed it that writes no index."""
    parts = [data[at : at + 5 * MiB] for at in range(0, len(data), 5 * MiB)]
    put_object(server.api, register_model(server.api, "bert", "v1"), parts)


def looked(sides: Sides) -> tuple[RemoteModel, RemoteFiles]:
    remote = sides.registry.model(Tag.parse("bert:v1"))
    assert remote is not None
    found = remote_files(remote, sides)
    assert isinstance(found, RemoteFiles)
    return remote, found


def test_the_files_of_another_programs_archive_are_found_from_header_to_header(
    registry_server: RegistryServer, make_sides: SidesFactory
) -> None:
    weights = os.urandom(6 * MiB)
    entries = [
        Entry("./", kind=tarfile.DIRTYPE),
        Entry("./weights.bin", weights),
        Entry("./deep/er/" + "long" * 40 + ".txt", b"deep"),
        Entry("./link", kind=tarfile.SYMTYPE, link="config.json"),
        Entry("./again.bin", kind=tarfile.LNKTYPE, link="./weights.bin"),
        Entry("./weights2.bin", weights[: 5 * MiB]),
        Entry("./config.json", b'{"a": 1}'),
    ]
    other_program(registry_server, python_tar(entries))
    sides = make_sides(registry_server)
    remote, found = looked(sides)
    assert sizes(found) == {
        "again.bin": 6 * MiB,
        "config.json": 8,
        "deep/er/" + "long" * 40 + ".txt": 4,
        "link": None,
        "weights.bin": 6 * MiB,
        "weights2.bin": 5 * MiB,
    }
    for name, beginning in (("config.json", b'{"a": 1}'), ("again.bin", weights[:100]), ("weights.bin", weights[:100])):
        assert read_remote(remote, found, name, 100, sides).data == beginning
    with pytest.raises(TransferError, match="is a link"):
        read_remote(remote, found, "link", 100, sides)


def test_a_look_at_a_big_archive_fetches_only_headers(
    registry_server: RegistryServer, make_sides: SidesFactory
) -> None:
    big = bytes(4 * MiB)
    other_program(registry_server, python_tar([Entry(f"./{number}.bin", big) for number in range(10)]))
    registry_server.faults.cut_download_after = 2 * MiB  # more than any one request of a look
    _, found = looked(make_sides(registry_server, retry=RetryPolicy(tries=1)))
    assert len(found.files) == 10


def test_too_many_files_to_be_listed_from_afar_are_told(
    registry_server: RegistryServer, make_sides: SidesFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelsync.sync.peek.PEEK_HOPS_MAX", 3)
    entries = [Entry(f"./{number}.bin", bytes(MiB)) for number in range(10)]
    other_program(registry_server, python_tar(entries))
    sides = make_sides(registry_server)
    remote = sides.registry.model(Tag.parse("bert:v1"))
    assert remote is not None
    found = remote_files(remote, sides)
    assert isinstance(found, NotListed)
    assert found.reason == "It has more than 4 files: they are listed after a pull."


def test_a_compressed_archive_says_so(registry_server: RegistryServer, make_sides: SidesFactory) -> None:
    other_program(registry_server, gzip.compress(python_tar([Entry("./a", b"x")])))
    sides = make_sides(registry_server)
    remote = sides.registry.model(Tag.parse("bert:v1"))
    assert remote is not None
    found = remote_files(remote, sides)
    assert isinstance(found, NotListed)
    assert "compressed with gzip" in found.reason


def test_an_archive_that_is_none_is_a_sentence(registry_server: RegistryServer, make_sides: SidesFactory) -> None:
    other_program(registry_server, b"<html>" * 1000)
    with pytest.raises(ArchiveError, match="malformed"):
        looked(make_sides(registry_server))


@pytest.mark.parametrize("strategy", list(TransmissionStrategy))
def test_the_beginning_of_a_remote_file_is_read_and_no_more(
    tmp_path: Path, make_registry: RegistryFactory, make_sides: SidesFactory, strategy: TransmissionStrategy
) -> None:
    files = {"a.bin": os.urandom(9_000_000), "config.json": b"{}", "empty": b"", "z.txt": b"z" * 100_000}
    write_model(tmp_path / "home", "bert:v1", files=files)
    server = make_registry(strategy=strategy)
    sides = make_sides(server)
    push(Tag.parse("bert:v1"), sides)
    remote, found = looked(sides)
    assert read_remote(remote, found, "empty", 10, sides) == Beginning(b"", 0)
    assert read_remote(remote, found, "a.bin", 1000, sides) == Beginning(files["a.bin"][:1000], 9_000_000)
    if strategy is TransmissionStrategy.PROXY:
        with pytest.raises(TransferError, match="one stream"):
            read_remote(remote, found, "z.txt", 65_536, sides)
    else:
        server.faults.cut_download_after = 70_000
        assert read_remote(remote, found, "z.txt", 65_536, sides) == Beginning(b"z" * 65_536, 100_000)
        assert read_remote(remote, found, "config.json", 10, sides) == Beginning(b"{}", 2)


def test_a_version_that_was_pushed_again_since_it_was_looked_at_is_not_read(
    tmp_path: Path, registry_server: RegistryServer, make_sides: SidesFactory
) -> None:
    sides = make_sides(registry_server)
    write_model(tmp_path / "home", "bert:v1", files={"config.json": b"old"})
    push(Tag.parse("bert:v1"), sides)
    remote, found = looked(sides)
    (tmp_path / "home/models/bert/v1/config.json").write_bytes(b"new")
    push(Tag.parse("bert:v1"), sides, force=True)
    with pytest.raises(RemoteChangedError):
        read_remote(remote, found, "config.json", 10, sides)


def test_a_version_without_content_is_refused_with_its_reason(
    registry_server: RegistryServer, make_sides: SidesFactory
) -> None:
    sides = make_sides(registry_server)
    reference = RemoteModel("bert", "v1", status=UploadStatus.PENDING, metadata={"registry": "huggingface"})
    for remote, reason in (
        (RemoteModel("bert", "v1", status=UploadStatus.FAILED, status_reason="disk full"), "disk full"),
        (reference, "HuggingFace"),
        (RemoteModel("Be rt", "v/1", status=UploadStatus.SUCCESS), "cannot be kept"),
    ):
        with pytest.raises(TransferError, match=reason):
            remote_files(remote, sides)


def test_who_looked_away_gets_no_answer(registry_server: RegistryServer, make_sides: SidesFactory) -> None:
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        remote_files(
            RemoteModel("bert", "v1", status=UploadStatus.SUCCESS), make_sides(registry_server), control=control
        )


def test_a_broken_version_has_files_too_and_links_out_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "weights.bin").write_bytes(b"12345")
    (tmp_path / "half" / "away").symlink_to("/")
    assert sizes(files_of(tmp_path / "half")) == {"away": None, "weights.bin": 5}


def test_a_name_that_is_not_utf_8_is_listed_and_can_be_read(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.txt")).write_bytes(b"text")
    (file,) = files_of(tmp_path)
    assert file.name == "a\\xff.txt"
    assert file.path is not None
    assert read_beginning(file.path, 10).data == b"text"


def test_listing_stops_when_asked(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        files_of(tmp_path, check=control.check)


def test_a_directory_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="list the files"):
        files_of(tmp_path / "gone")


def test_only_the_beginning_of_a_long_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"ab" * 100_000)
    beginning = read_beginning(tmp_path / "long", 1000)
    assert (beginning.data, beginning.size_bytes) == (b"ab" * 500, 200_000)


def test_a_pipe_and_a_file_that_is_gone_are_sentences(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="is no file"):
        read_beginning(tmp_path / "pipe", 10)
    with pytest.raises(StoreError, match="read this file"):
        read_beginning(tmp_path / "gone", 10)

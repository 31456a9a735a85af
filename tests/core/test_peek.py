"""What is inside a version, on either side, without moving it."""

import os
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from modelsync.errors import Cancelled, StoreError, TransferError
from modelsync.model import ModelFile, RemoteModel, UploadStatus
from modelsync.store.files import files_of, read_beginning
from modelsync.sync import push
from modelsync.sync.peek import remote_files
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from modelsync_registry.config import TransmissionStrategy
from support.local_store import write_model
from support.registry_server import RegistryFactory, RegistryServer, put_object, register_model
from support.two_sides import SidesFactory

pytest_plugins = ["support.two_sides"]


def sizes(files: tuple[ModelFile, ...] | None) -> dict[str, int | None]:
    assert files is not None
    return {file.name: file.size_bytes for file in files}


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


def test_an_archive_of_another_program_has_no_list(registry_server: RegistryServer, make_sides: SidesFactory) -> None:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.yaml"))
    put_object(registry_server.api, register_model(registry_server.api, "bert", "v1"), [buffer.getvalue()])
    sides = make_sides(registry_server)
    remote = sides.registry.model(Tag.parse("bert:v1"))
    assert remote is not None
    assert remote_files(remote, sides) is None


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

"""What the directory store makes of a data directory that a crash, a backup or another program has had its hands on."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import httpx
import pytest

from modelsync_registry.directory import SWEEP_EVERY, UPLOAD_LIFETIME
from support.registry_server import (
    PART_SIZE_MIN,
    RegistryServer,
    complete,
    presign_get,
    presign_part,
    put_object,
    register_model,
    start_multipart,
)

PARTS = [b"a" * PART_SIZE_MIN, b"b" * 10]


@pytest.fixture
def model(registry_server: RegistryServer) -> str:
    return register_model(registry_server.api, "bert", "v1")


def send_parts(registry: RegistryServer, model: str) -> tuple[str, list[tuple[int, str]]]:
    """An upload of PARTS that is not completed: its id, and what the store answered."""
    upload_id = start_multipart(registry.api, model)
    urls = [presign_part(registry.api, model, upload_id, number) for number in (1, 2)]
    etags = [httpx.put(url, content=part).headers["etag"] for url, part in zip(urls, PARTS, strict=True)]
    return upload_id, list(enumerate(etags, start=1))


def killed_in_complete(registry: RegistryServer, model: str, aside: Path) -> tuple[str, list[tuple[int, str]]]:
    """As after a kill when the object was there and the upload not gone yet; the registry runs again."""
    upload_id, etags = send_parts(registry, model)
    directory = registry.data / "uploads" / upload_id
    shutil.copytree(directory, aside)
    assert complete(registry.api, model, upload_id, etags).status_code == 200
    registry.stop()
    shutil.copytree(aside, directory)
    registry.start()
    return upload_id, etags


def settled(registry: RegistryServer) -> None:
    """What was to be deleted beside the answers is deleted, and the registry runs again."""
    registry.stop()
    registry.start()


def test_completing_again_after_a_kill_in_the_middle_keeps_the_object(
    registry_server: RegistryServer, model: str, tmp_path: Path
) -> None:
    upload_id, etags = killed_in_complete(registry_server, model, tmp_path / "aside")
    again = complete(registry_server.api, model, upload_id, etags)
    assert (again.status_code, "NoSuchUpload" in again.text) == (400, True)
    settled(registry_server)
    assert httpx.get(presign_get(registry_server.api, model)).content == b"".join(PARTS)


def test_a_part_sent_again_after_a_kill_in_complete_takes_nothing_from_the_object(
    registry_server: RegistryServer, model: str, tmp_path: Path
) -> None:
    upload_id, _ = killed_in_complete(registry_server, model, tmp_path / "aside")
    assert httpx.put(presign_part(registry_server.api, model, upload_id, 1), content=b"other").status_code == 404
    settled(registry_server)
    assert httpx.get(presign_get(registry_server.api, model)).content == b"".join(PARTS)


@pytest.mark.parametrize(
    "stray", ["uploads/.DS_Store", "uploads/lost+found/", "objects/lost+found/", "blobs/.DS_Store", "blobs/lost+found/"]
)
def test_what_others_leave_in_the_data_directory_stops_nothing_and_stays(
    registry_server: RegistryServer, model: str, stray: str
) -> None:
    put_object(registry_server.api, model, PARTS)
    registry_server.stop()
    path = registry_server.data / stray
    if stray.endswith("/"):
        path.mkdir()
    else:
        path.write_bytes(b"\0\1")
    registry_server.start()
    assert path.exists()
    assert httpx.get(presign_get(registry_server.api, model)).content == b"".join(PARTS)


@pytest.mark.parametrize("rubbish", [b"\xff\xfe", b"null", b"{}", b"[]", b'{"key":"k","etag":"e","pieces":[["b"]]}'])
def test_a_record_of_any_rubbish_costs_that_object_only(
    registry_server: RegistryServer, model: str, rubbish: bytes
) -> None:
    other = register_model(registry_server.api, "bert", "v2")
    for one in (model, other):
        put_object(registry_server.api, one, PARTS)
    registry_server.stop()
    (record,) = (path for path in (registry_server.data / "objects").rglob("*.json") if "bert/v1" in path.read_text())
    record.write_bytes(rubbish)
    registry_server.start()
    assert [httpx.get(presign_get(registry_server.api, one)).status_code for one in (model, other)] == [404, 200]


def test_an_object_whose_bytes_are_not_all_there_is_missing_and_the_rest_of_them_stay(
    registry_server: RegistryServer, model: str
) -> None:
    put_object(registry_server.api, model, PARTS)
    registry_server.stop()
    blobs = registry_server.data / "blobs"
    lost = next(blobs.iterdir())
    lost.rename(registry_server.data / lost.name)  # as a copy of the directory that was cut short
    registry_server.start()
    assert httpx.get(presign_get(registry_server.api, model)).status_code == 404
    registry_server.stop()
    (registry_server.data / lost.name).rename(lost)
    registry_server.start()
    assert httpx.get(presign_get(registry_server.api, model)).content == b"".join(PARTS)


def test_an_upload_that_nobody_completes_is_given_up_while_the_registry_runs(
    registry_server: RegistryServer, model: str
) -> None:
    old, etags = send_parts(registry_server, model)
    registry_server.clock.advance((UPLOAD_LIFETIME / 2).total_seconds())
    young, young_etags = send_parts(registry_server, model)
    registry_server.clock.advance((UPLOAD_LIFETIME / 2 + SWEEP_EVERY).total_seconds())
    start_multipart(registry_server.api, model)
    deadline = time.monotonic() + 10
    while len(list((registry_server.data / "blobs").iterdir())) != len(PARTS):
        assert time.monotonic() < deadline
    assert complete(registry_server.api, model, old, etags).status_code == 400
    assert complete(registry_server.api, model, young, young_etags).status_code == 200
    assert httpx.get(presign_get(registry_server.api, model)).content == b"".join(PARTS)

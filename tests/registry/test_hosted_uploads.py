"""A model's upload in the registry: its states, the ways bytes are moved, and the faults that can be switched on."""

from __future__ import annotations

import socket
import time

import httpx
import pytest

from modelsync_registry.config import TransmissionStrategy
from support.registry_server import (
    TOKEN,
    RegistryFactory,
    RegistryServer,
    client,
    complete,
    items_of,
    json_of,
    model_path,
    presign_get,
    presign_part,
    put_object,
    register_model,
    start_multipart,
    text_of,
)

DATA = bytes(range(256)) * 1024
DEADLINE_S = 10.0


@pytest.fixture
def model(registry_server: RegistryServer) -> str:
    return register_model(registry_server.api, "bert", "v1")


def status(registry: RegistryServer, model: str) -> str:
    return text_of(json_of(registry.api.get(model)), "upload_status")


def test_an_upload_goes_from_pending_over_uploading_to_success(registry_server: RegistryServer, model: str) -> None:
    api = registry_server.api
    assert status(registry_server, model) == "pending"
    started = json_of(api.patch(f"{model}/start_upload"))
    assert started["upload_status"] == "uploading"
    assert started["upload_started_at"] is not None
    finished = json_of(api.patch(f"{model}/finish_upload", json={"status": "success", "reason": "ok"}))
    assert (finished["upload_status"], finished["upload_finished_reason"]) == ("success", "ok")
    assert finished["upload_finished_at"] is not None
    assert status(registry_server, model) == "success"


def test_a_failed_upload_keeps_its_reason_and_may_start_again(registry_server: RegistryServer, model: str) -> None:
    api = registry_server.api
    json_of(api.patch(f"{model}/finish_upload", json={"status": "failed", "reason": "part 3 refused"}))
    again = json_of(api.patch(f"{model}/start_upload"))
    assert (again["upload_status"], again["upload_finished_reason"]) == ("uploading", "part 3 refused")


def test_a_status_that_does_not_exist_is_refused(registry_server: RegistryServer, model: str) -> None:
    answer = registry_server.api.patch(f"{model}/finish_upload", json={"status": "done"})
    assert answer.status_code == 400
    assert "invalid input value for enum" in answer.json()["error"]
    untouched = json_of(registry_server.api.patch(f"{model}/finish_upload", json={"reason": "only this"}))
    assert (untouched["upload_status"], untouched["upload_finished_reason"]) == ("pending", "only this")


def test_stale_answers_show_the_status_before_the_change(registry_server: RegistryServer, model: str) -> None:
    registry_server.faults.stale_statuses = True
    assert json_of(registry_server.api.patch(f"{model}/start_upload"))["upload_status"] == "pending"
    assert status(registry_server, model) == "uploading"


def test_every_finished_push_is_an_event(registry_server: RegistryServer, model: str) -> None:
    api = registry_server.api
    json_of(api.patch(f"{model}/finish_upload", json={"status": "failed", "reason": ""}))
    put_object(api, model, [DATA])
    events = items_of(api.get("/api/v1/current_org/events"))
    assert [(row["status"], row["operation_name"], row["name"]) for row in events] == [
        ("success", "pushed", "v1"),
        ("failed", "pushed", "v1"),
    ]
    assert isinstance(events[0]["creator"], dict)
    assert events[0]["creator"]["name"] == "mia"


@pytest.mark.parametrize(
    ("strategy", "shown"),
    [(TransmissionStrategy.PRESIGNED_URL, "presigned_url"), (TransmissionStrategy.PROXY, "proxy"), (None, None)],
)
def test_the_strategy_is_told_and_presigned_urls_work_with_each(
    make_registry: RegistryFactory, strategy: TransmissionStrategy | None, shown: str | None
) -> None:
    api = make_registry(strategy=strategy).api
    model = register_model(api, "bert", "v1")
    assert json_of(api.get(model))["transmission_strategy"] == shown
    put_object(api, model, [DATA])
    assert httpx.get(presign_get(api, model)).content == DATA


def test_a_single_presigned_put_stores_the_whole_object(registry_server: RegistryServer, model: str) -> None:
    api = registry_server.api
    url = text_of(json_of(api.patch(f"{model}/presign_upload_url")), "presigned_upload_url")
    assert httpx.put(url, content=DATA).status_code == 200
    assert httpx.get(presign_get(api, model)).content == DATA


@pytest.mark.parametrize("version", [None, "1.0.5", "1.0.0rc1"])
def test_an_old_client_gets_no_presigned_url(registry_server: RegistryServer, model: str, version: str | None) -> None:
    with client(registry_server.url, TOKEN, version) as old:
        answer = json_of(old.patch(f"{model}/presign_download_url"))
    assert (answer["presigned_download_url"], answer["presigned_urls_deprecated"]) == ("", True)


def test_a_client_version_that_is_none_is_refused(registry_server: RegistryServer, model: str) -> None:
    with client(registry_server.url, TOKEN, "latest") as odd:
        answer = odd.patch(f"{model}/presign_upload_url")
    assert answer.status_code == 400
    assert "X-Bentoml-Version" in answer.json()["error"]


@pytest.mark.parametrize("version", ["1.0.6", "1.4.39", "1.4.40.dev3+gabc", "2.0"])
def test_a_new_client_gets_a_presigned_url(registry_server: RegistryServer, model: str, version: str) -> None:
    with client(registry_server.url, TOKEN, version) as new:
        assert text_of(json_of(new.patch(f"{model}/presign_download_url")), "presigned_download_url")


@pytest.mark.parametrize("public_url", ["https://models.acme.io", "https://acme.io/models/"])
def test_presigned_urls_begin_with_the_public_address(make_registry: RegistryFactory, public_url: str) -> None:
    api = make_registry(public_url=public_url).api
    model = register_model(api, "bert", "v1")
    assert presign_get(api, model).startswith(f"{public_url.rstrip('/')}/objects/models/default/bert/v1.tar.gz?")


def test_a_model_that_is_not_there_has_no_urls(registry_server: RegistryServer, model: str) -> None:
    missing = model_path("bert", "v9")
    for call in ("start_upload", "presign_upload_url", "presign_download_url", "start_multipart_upload"):
        answer = registry_server.api.patch(f"{missing}/{call}")
        assert answer.status_code == 404
        assert answer.json()["error"].endswith("record not found")


@pytest.mark.parametrize("body", [{}, {"upload_id": "x"}, {"upload_id": "x", "part_number": 0}, {"part_number": 1}])
def test_a_part_needs_an_upload_and_a_number(
    registry_server: RegistryServer, model: str, body: dict[str, object]
) -> None:
    assert registry_server.api.patch(f"{model}/presign_multipart_upload_url", json=body).status_code == 400


def test_completing_an_upload_twice_says_that_it_is_gone(registry_server: RegistryServer, model: str) -> None:
    api = registry_server.api
    upload_id = start_multipart(api, model)
    etag = httpx.put(presign_part(api, model, upload_id, 1), content=DATA).headers["ETag"]
    json_of(complete(api, model, upload_id, [(1, etag)]))
    again = complete(api, model, upload_id, [(1, etag)])
    assert again.status_code == 400
    assert again.json()["error"].startswith("failed to complete multipart upload: new multipart upload: NoSuchUpload")


def test_a_proxy_upload_sets_the_status_itself(registry_server: RegistryServer, model: str) -> None:
    answer = registry_server.api.put(f"{model}/upload", content=DATA)
    assert (answer.status_code, answer.content) == (200, b"")
    assert status(registry_server, model) == "success"
    assert len(items_of(registry_server.api.get("/api/v1/current_org/events"))) == 1


def test_a_proxy_download_has_no_length_and_no_ranges(registry_server: RegistryServer, model: str) -> None:
    put_object(registry_server.api, model, [DATA])
    answer = registry_server.api.get(f"{model}/download", headers={"Range": "bytes=0-9"})
    assert answer.status_code == 200
    assert answer.content == DATA
    assert "content-length" not in answer.headers
    assert answer.headers["transfer-encoding"] == "chunked"


def test_a_proxy_download_of_what_is_not_there_is_a_500(registry_server: RegistryServer, model: str) -> None:
    for path in (model, model_path("bert", "v9")):
        answer = registry_server.api.get(f"{path}/download")
        assert answer.status_code == 500
        assert "error" in answer.json()


def test_a_cut_proxy_download_ends_with_rubbish_in_a_200(registry_server: RegistryServer, model: str) -> None:
    put_object(registry_server.api, model, [DATA])
    registry_server.faults.cut_download_after = 1000
    answer = registry_server.api.get(f"{model}/download")
    assert answer.status_code == 200
    assert answer.content[:1000] == DATA[:1000]
    assert answer.content[1000:].startswith(b'{"error"')


def test_a_proxy_upload_that_is_cut_fails_and_changes_nothing(registry_server: RegistryServer, model: str) -> None:
    put_object(registry_server.api, model, [DATA])
    address = httpx.URL(registry_server.url)
    with socket.create_connection((address.host, address.port or 0)) as connection:
        head = f"PUT {model}/upload HTTP/1.1\r\nHost: x\r\nX-YATAI-API-TOKEN: {TOKEN}\r\nContent-Length: 9000\r\n\r\n"
        connection.sendall(head.encode() + b"short")
    deadline = time.monotonic() + DEADLINE_S
    while status(registry_server, model) != "failed":
        assert time.monotonic() < deadline
    assert registry_server.api.get(f"{model}/download").content == DATA


def test_storage_trouble_is_a_400_as_often_as_asked_for(registry_server: RegistryServer, model: str) -> None:
    registry_server.faults.storage_failures = 2
    answers = [registry_server.api.patch(f"{model}/presign_download_url") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 400, 200]


def test_presigning_can_be_made_slow(registry_server: RegistryServer, model: str) -> None:
    registry_server.faults.presign_delay_s = 0.3
    before = time.monotonic()
    presign_get(registry_server.api, model)
    assert time.monotonic() - before >= 0.3


def test_parts_are_told_to_slow_down_as_often_as_asked_for(registry_server: RegistryServer, model: str) -> None:
    upload_id = start_multipart(registry_server.api, model)
    url = presign_part(registry_server.api, model, upload_id, 1)
    registry_server.faults.slow_down_parts = 1
    refused, taken = httpx.put(url, content=DATA), httpx.put(url, content=DATA)
    assert (refused.status_code, taken.status_code) == (503, 200)
    assert "<Code>SlowDown</Code>" in refused.text

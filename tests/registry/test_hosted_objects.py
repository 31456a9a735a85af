"""Signed URLs of the registry answer as those of S3 do."""

from __future__ import annotations

import base64
import hashlib
import socket
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import quote
from xml.etree import ElementTree

import httpx
import pytest

from support.registry_server import (
    PART_SIZE_MIN,
    TOKEN,
    RegistryServer,
    complete,
    json_of,
    md5_etag,
    presign_get,
    presign_part,
    put_object,
    register_model,
    start_multipart,
)

PARTS = [bytes([65 + number]) * (PART_SIZE_MIN + number) for number in range(3)]
DATA = b"".join(PARTS)
LARGE = 32 * 1024 * 1024  # bytes; more than the sockets of `slow_reader` hold


@pytest.fixture
def model(registry_server: RegistryServer) -> str:
    return register_model(registry_server.api, "bert", "v1")


@pytest.fixture
def url(registry_server: RegistryServer, model: str) -> str:
    """Where DATA, uploaded in three parts, can be read."""
    put_object(registry_server.api, model, PARTS)
    return presign_get(registry_server.api, model)


def wait_for_blobs(registry: RegistryServer, count: int) -> None:
    """Unused blobs are deleted beside the answers."""
    deadline = time.monotonic() + 10
    while len(list((registry.data / "blobs").iterdir())) != count:
        assert time.monotonic() < deadline


def slow_reader() -> httpx.Client:
    """A client that takes little at a time, so that the registry is still sending a LARGE object when it changes."""
    options = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)]
    return httpx.Client(transport=httpx.HTTPTransport(socket_options=options), timeout=30)


def error_code(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/xml"
    error = ElementTree.fromstring(answer.content)
    assert error.tag == "Error"
    assert error.findtext("Message")
    assert error.findtext("RequestId")
    return error.findtext("Code") or ""


def test_the_whole_object_comes_with_its_length_date_and_etag(url: str) -> None:
    answer = httpx.get(url)
    assert answer.status_code == 200
    assert answer.content == DATA
    assert answer.headers["content-length"] == str(len(DATA))
    assert answer.headers["accept-ranges"] == "bytes"
    assert parsedate_to_datetime(answer.headers["last-modified"])
    digests = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in PARTS)
    assert answer.headers["etag"] == md5_etag(digests)[:-1] + '-3"'


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-99", 10, 100),
        (f"bytes={PART_SIZE_MIN - 5}-{PART_SIZE_MIN + 5}", PART_SIZE_MIN - 5, PART_SIZE_MIN + 6),
        (f"bytes=5-{3 * PART_SIZE_MIN}", 5, 3 * PART_SIZE_MIN + 1),
        ("bytes=100-", 100, len(DATA)),
        ("bytes=-7", len(DATA) - 7, len(DATA)),
        ("bytes=5-999999999", 5, len(DATA)),
        ("bytes=-999999999", 0, len(DATA)),
    ],
)
def test_a_range_is_answered_with_206_and_exactly_its_bytes(url: str, header: str, start: int, stop: int) -> None:
    answer = httpx.get(url, headers={"Range": header})
    assert answer.status_code == 206
    assert answer.content == DATA[start:stop]
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(DATA)}"


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "bytes=9-3", "bytes=-", "lines=1-2", "bytes=a-b"])
def test_a_range_that_is_not_understood_is_ignored(url: str, header: str) -> None:
    answer = httpx.get(url, headers={"Range": header})
    assert (answer.status_code, len(answer.content)) == (200, len(DATA))


@pytest.mark.parametrize("header", [f"bytes={len(DATA)}-", f"bytes={len(DATA) + 5}-{len(DATA) + 9}", "bytes=-0"])
def test_a_range_behind_the_end_is_a_416(url: str, header: str) -> None:
    answer = httpx.get(url, headers={"Range": header})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(DATA)}"
    assert error_code(answer) == "InvalidRange"


def test_a_read_can_be_tied_to_one_version(registry_server: RegistryServer, model: str, url: str) -> None:
    etag = httpx.get(url).headers["etag"]
    assert httpx.get(url, headers={"If-Match": etag, "Range": "bytes=0-9"}).status_code == 206
    unchanged = httpx.get(url, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    put_object(registry_server.api, model, [b"other"])
    changed = httpx.get(url, headers={"If-Match": etag})
    assert (changed.status_code, error_code(changed)) == (412, "PreconditionFailed")
    assert httpx.get(url, headers={"If-None-Match": etag}).content == b"other"


def test_a_range_of_a_version_that_was_replaced_is_the_whole_of_the_new_one(
    registry_server: RegistryServer, model: str, url: str
) -> None:
    first = httpx.get(url).headers
    for same in (first["etag"], first["last-modified"]):
        assert httpx.get(url, headers={"If-Range": same, "Range": "bytes=0-2"}).status_code == 206
    registry_server.clock.advance(2)
    put_object(registry_server.api, model, [b"other"])
    for old in (first["etag"], first["last-modified"], 'W/"x"'):
        answer = httpx.get(url, headers={"If-Range": old, "Range": "bytes=0-2"})
        assert (answer.status_code, answer.content) == (200, b"other")


def test_what_was_never_uploaded_is_a_404(registry_server: RegistryServer, model: str) -> None:
    answer = httpx.get(presign_get(registry_server.api, model))
    assert (answer.status_code, error_code(answer)) == (404, "NoSuchKey")


def test_a_part_answers_the_quoted_md5_of_its_bytes(registry_server: RegistryServer, model: str) -> None:
    upload_id = start_multipart(registry_server.api, model)
    answer = httpx.put(presign_part(registry_server.api, model, upload_id, 1), content=PARTS[0])
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["etag"] == md5_etag(PARTS[0])


def test_a_part_sent_again_replaces_the_first(registry_server: RegistryServer, model: str) -> None:
    api = registry_server.api
    upload_id = start_multipart(api, model)
    url = presign_part(api, model, upload_id, 1)
    first, second = (httpx.put(url, content=part).headers["etag"] for part in (b"first", b"second"))
    refused = complete(api, model, upload_id, [(1, first)])
    assert refused.status_code == 400
    assert "InvalidPart" in refused.json()["error"]
    json_of(complete(api, model, upload_id, [(1, second)]))
    assert httpx.get(presign_get(api, model)).content == b"second"
    wait_for_blobs(registry_server, 1)


@pytest.mark.parametrize(
    ("sizes", "order", "code"),
    [
        ([10, 10], [1, 2], "EntityTooSmall"),
        ([PART_SIZE_MIN, 10], [2, 1], "InvalidPartOrder"),
        ([PART_SIZE_MIN, 10], [1, 1], "InvalidPartOrder"),
        ([PART_SIZE_MIN, 10], [1, 3], "InvalidPart"),
        ([10], [], "MalformedXML"),
    ],
)
def test_an_upload_that_breaks_the_rules_of_s3_is_not_completed(
    registry_server: RegistryServer, model: str, sizes: list[int], order: list[int], code: str
) -> None:
    api = registry_server.api
    upload_id = start_multipart(api, model)
    etags = {
        number: httpx.put(presign_part(api, model, upload_id, number), content=b"x" * size).headers["etag"]
        for number, size in enumerate(sizes, start=1)
    }
    answer = complete(api, model, upload_id, [(number, etags.get(number, md5_etag(b""))) for number in order])
    assert answer.status_code == 400
    assert code in answer.json()["error"]
    assert httpx.get(presign_get(api, model)).status_code == 404


def test_an_object_may_leave_uploaded_parts_out(registry_server: RegistryServer, model: str) -> None:
    api = registry_server.api
    upload_id = start_multipart(api, model)
    etags = [httpx.put(presign_part(api, model, upload_id, n), content=PARTS[n]).headers["etag"] for n in (1, 2)]
    json_of(complete(api, model, upload_id, [(2, etags[1].strip('"'))]))
    assert httpx.get(presign_get(api, model)).content == PARTS[2]
    wait_for_blobs(registry_server, 1)
    assert list((registry_server.data / "uploads").iterdir()) == []


@pytest.mark.parametrize("upload_id", ["0" * 32, "unknown", "../../objects", "0" * 31 + "/"])
def test_a_part_of_an_unknown_upload_is_a_404(registry_server: RegistryServer, model: str, upload_id: str) -> None:
    answer = httpx.put(presign_part(registry_server.api, model, upload_id, 1), content=b"x")
    assert (answer.status_code, error_code(answer)) == (404, "NoSuchUpload")


def test_an_upload_of_one_model_takes_no_part_of_another(registry_server: RegistryServer, model: str) -> None:
    other = register_model(registry_server.api, "bert", "v2")
    upload_id = start_multipart(registry_server.api, model)
    answer = httpx.put(presign_part(registry_server.api, other, upload_id, 1), content=b"x")
    assert error_code(answer) == "NoSuchUpload"


def test_a_part_number_over_10_000_is_refused(registry_server: RegistryServer, model: str) -> None:
    upload_id = start_multipart(registry_server.api, model)
    answer = httpx.put(presign_part(registry_server.api, model, upload_id, 10_001), content=b"x")
    assert (answer.status_code, error_code(answer)) == (400, "InvalidArgument")


def test_a_body_with_another_md5_than_it_says_is_refused(registry_server: RegistryServer, model: str) -> None:
    upload_id = start_multipart(registry_server.api, model)
    url = presign_part(registry_server.api, model, upload_id, 1)
    digest = base64.b64encode(hashlib.md5(b"said", usedforsecurity=False).digest()).decode()
    refused = httpx.put(url, content=b"sent", headers={"Content-MD5": digest})
    assert (refused.status_code, error_code(refused)) == (400, "BadDigest")
    assert httpx.put(url, content=b"said", headers={"Content-MD5": digest}).status_code == 200
    for odd in (b"odd", b"\xe9"):
        answer = httpx.put(url, content=b"said", headers={b"Content-MD5": odd})
        assert (answer.status_code, error_code(answer)) == (400, "InvalidDigest")
    wait_for_blobs(registry_server, 1)


def test_a_body_of_unknown_length_is_refused(registry_server: RegistryServer, model: str) -> None:
    upload_id = start_multipart(registry_server.api, model)

    def chunks() -> Iterator[bytes]:
        yield b"x"

    url = presign_part(registry_server.api, model, upload_id, 1)
    for headers in ({}, {"Content-Length": "1", "Transfer-Encoding": "chunked"}):
        answer = httpx.put(url, content=chunks(), headers=headers)
        assert (answer.status_code, error_code(answer)) == (411, "MissingContentLength")


@pytest.mark.parametrize("header", ["X-YATAI-API-TOKEN", "Authorization"])
def test_a_token_sent_to_a_signed_url_is_refused(url: str, header: str) -> None:
    answer = httpx.get(url, headers={header: TOKEN})
    assert (answer.status_code, error_code(answer)) == (400, "InvalidArgument")


def test_a_signed_url_works_for_its_own_method_only(url: str) -> None:
    assert httpx.head(url).status_code == 403
    for method in ("PUT", "DELETE", "POST"):
        answer = httpx.request(method, url)
        assert (answer.status_code, error_code(answer)) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    ("before", "after"),
    [("bert/v1", "bert/v2"), ("X-Expires=1", "X-Expires=9"), ("X-Signature=", "X-Signature=0"), ("?", "?uploadId=x&")],
)
def test_an_altered_url_is_refused(url: str, before: str, after: str) -> None:
    answer = httpx.get(url.replace(before, after))
    assert (answer.status_code, error_code(answer)) == (403, "SignatureDoesNotMatch")


def test_a_url_without_a_signature_is_refused(registry_server: RegistryServer) -> None:
    assert httpx.get(f"{registry_server.url}/objects/models/default/bert/v1.tar.gz").status_code == 403


def test_a_url_expires_after_an_hour(registry_server: RegistryServer, url: str) -> None:
    registry_server.clock.advance(3590)
    assert httpx.get(url).status_code == 200
    registry_server.clock.advance(20)
    answer = httpx.get(url)
    assert (answer.status_code, error_code(answer)) == (403, "AccessDenied")
    assert "Request has expired" in answer.text


def test_urls_can_be_made_to_expire_sooner(registry_server: RegistryServer, model: str, url: str) -> None:
    registry_server.faults.url_lifetime_s = 0.5
    short = presign_get(registry_server.api, model)
    registry_server.clock.advance(1)
    assert (httpx.get(short).status_code, httpx.get(url).status_code) == (403, 200)


def test_an_empty_object_is_stored_and_read(registry_server: RegistryServer, model: str) -> None:
    put_object(registry_server.api, model, [b""])
    url = presign_get(registry_server.api, model)
    answer = httpx.get(url)
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
    assert httpx.get(url, headers={"Range": "bytes=0-0"}).status_code == 416


def test_a_reader_of_a_replaced_object_keeps_reading_the_old_bytes(registry_server: RegistryServer, model: str) -> None:
    size = LARGE
    put_object(registry_server.api, model, [b"a" * (size // 2), b"b" * (size // 2)])
    with slow_reader() as reader, reader.stream("GET", presign_get(registry_server.api, model)) as answer:
        stream = answer.iter_raw()
        seen = len(next(stream))
        put_object(registry_server.api, model, [b"new"])
        assert httpx.get(presign_get(registry_server.api, model)).content == b"new"
        assert len(list((registry_server.data / "blobs").iterdir())) == 3
        tail = b""
        for chunk in stream:
            seen += len(chunk)
            tail = chunk
    assert seen == size
    assert set(tail) == {ord("b")}
    put_object(registry_server.api, model, [b"newer"])
    wait_for_blobs(registry_server, 1)


@pytest.mark.parametrize("way", ["presigned", "proxy"])
def test_a_reader_that_hangs_up_lets_go_of_the_object(registry_server: RegistryServer, model: str, way: str) -> None:
    api = registry_server.api
    put_object(api, model, [b"a" * LARGE])
    url, headers = presign_get(api, model), {}
    if way == "proxy":
        url, headers = f"{registry_server.url}{model}/download", {"X-YATAI-API-TOKEN": TOKEN}
    with slow_reader() as reader, reader.stream("GET", url, headers=headers) as answer:
        stream = answer.iter_raw()  # kept: an iterator that is let go of closes the connection
        next(stream)
        put_object(api, model, [b"new"])
        assert len(list((registry_server.data / "blobs").iterdir())) == 2
    wait_for_blobs(registry_server, 1)


@pytest.mark.parametrize("name", ["Größe", "a%2Fb", "a b", "x" * 128])
def test_a_model_of_an_odd_name_has_its_object(registry_server: RegistryServer, name: str) -> None:
    api = registry_server.api
    json_of(api.post("/api/v1/model_repositories", json={"name": name}))
    path = f"/api/v1/model_repositories/{quote(name)}/models"
    json_of(api.post(path, json={"version": "v1", "build_at": "2026-11-22 07:35:54.512873"}))
    put_object(api, f"{path}/v1", [name.encode()])
    assert httpx.get(presign_get(api, f"{path}/v1")).content == name.encode()

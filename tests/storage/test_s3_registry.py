"""A registry whose objects are in a real S3: what it asks of the store, and what it answers when the store refuses."""

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from modelsync_registry import s3_store
from modelsync_registry.config import MIB, S3Location, TransmissionStrategy
from modelsync_registry.objects import StoreUnusableError
from support.registry_process import serve
from support.registry_server import (
    RegistryFactory,
    client,
    complete,
    json_of,
    md5_etag,
    model_path,
    presign_get,
    presign_part,
    put_object,
    register_model,
    start_multipart,
    text_of,
)
from support.relay import relay_to
from support.seaweed import S3Bench
from support.waiting import wait_for

pytestmark = pytest.mark.needs("seaweedfs")


def upload_part(api: httpx.Client, model: str, upload_id: str, number: int, data: bytes) -> httpx.Response:
    return httpx.put(presign_part(api, model, upload_id, number), content=data, trust_env=False)


@pytest.mark.parametrize("prefix", ["", "team/models-of-us/"])
def test_an_object_is_where_the_contract_puts_it_in_a_bucket_that_the_registry_makes(s3: S3Bench, prefix: str) -> None:
    server = s3.registry(prefix=prefix)
    parts = [os.urandom(5 * MIB), os.urandom(1000)]
    put_object(server.api, register_model(server.api, "bert", "v 1+ä"), parts)
    assert s3.seaweed.keys(s3.bucket) == [f"{prefix}models/default/bert/v 1+ä.tar.gz"]
    answer = httpx.get(presign_get(server.api, model_path("bert", "v 1+ä")), trust_env=False)
    assert answer.content == b"".join(parts)
    digests = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in parts)
    assert answer.headers["etag"] == md5_etag(digests)[:-1] + '-2"'


def test_urls_lead_to_the_store_sign_nothing_but_the_host_and_live_an_hour(s3: S3Bench) -> None:
    server = s3.registry()
    model = register_model(server.api, "bert", "v1")
    upload_id = start_multipart(server.api, model)
    single = text_of(json_of(server.api.patch(f"{model}/presign_upload_url")), "presigned_upload_url")
    for text in (presign_part(server.api, model, upload_id, 7), single, presign_get(server.api, model)):
        url = httpx.URL(text)
        assert text.startswith(f"{s3.seaweed.url}/{s3.bucket}/")
        assert (url.params["X-Amz-SignedHeaders"], url.params["X-Amz-Expires"]) == ("host", "3600")
        assert not [name for name in url.params if "checksum" in name.lower()]
    assert httpx.get(f"{server.url}/objects/models/default/bert/v1.tar.gz", trust_env=False).text.startswith(
        "<!doctype"
    )


def test_a_part_with_another_md5_is_refused_and_one_with_another_etag_makes_no_object(s3: S3Bench) -> None:
    api = s3.registry().api
    model = register_model(api, "bert", "v1")
    upload_id = start_multipart(api, model)
    url = presign_part(api, model, upload_id, 1)
    wrong = httpx.put(url, content=b"abc", headers={"Content-MD5": "A" * 22 + "=="}, trust_env=False)
    assert (wrong.status_code, "BadDigest" in wrong.text) == (400, True)
    assert upload_part(api, model, upload_id, 1, b"abc").headers["etag"] == md5_etag(b"abc")
    answer = complete(api, model, upload_id, [(1, md5_etag(b"something else"))])
    assert answer.status_code == 400
    assert "failed to complete multipart upload: new multipart upload: " in answer.json()["error"]
    assert s3.seaweed.keys(s3.bucket) == []


def test_what_the_store_says_of_an_upload_is_in_the_words_of_the_contract(s3: S3Bench) -> None:
    api = s3.registry().api
    model = register_model(api, "bert", "v1")
    upload_id = start_multipart(api, model)
    small = [(number, upload_part(api, model, upload_id, number, b"small").headers["etag"]) for number in (1, 2)]
    for parts, code in ((small, "EntityTooSmall"), (small[::-1], "InvalidPartOrder")):
        answer = complete(api, model, upload_id, parts)
        assert answer.status_code == 400
        assert answer.json()["error"].startswith(f"failed to complete multipart upload: new multipart upload: {code}: ")
    s3.seaweed.abort(s3.bucket, "models/default/bert/v1.tar.gz", upload_id)
    gone = complete(api, model, upload_id, small[:1])
    assert gone.status_code == 400
    assert "NoSuchUpload: The specified multipart upload does not exist" in gone.json()["error"]


def test_an_expired_url_is_refused_by_the_store(s3: S3Bench) -> None:
    server = s3.registry()
    model = register_model(server.api, "bert", "v1")
    put_object(server.api, model, [b"content"])
    server.faults.url_lifetime_s = 0.5
    url = presign_get(server.api, model)
    assert httpx.URL(url).params["X-Amz-Expires"] == "1"  # the least there is
    wait_for(lambda: httpx.get(url, trust_env=False).status_code == 403, what="the URL's end")
    assert "expired" in httpx.get(url, trust_env=False).text


@pytest.mark.parametrize("size", [0, 1000, s3_store.PART_BYTES, 2 * s3_store.PART_BYTES + 5])
def test_an_archive_that_the_registry_carries_arrives_and_comes_back_whole(s3: S3Bench, size: int) -> None:
    server = s3.registry(strategy=TransmissionStrategy.PROXY)
    model = register_model(server.api, "bert", "v1")
    data = os.urandom(size)
    assert server.api.put(f"{model}/upload", content=data).status_code == 200
    assert json_of(server.api.get(model))["upload_status"] == "success"
    assert server.api.get(f"{model}/download").content == data
    assert s3.seaweed.uploads(s3.bucket) == []


def test_a_carried_archive_whose_client_hangs_up_leaves_nothing_in_the_store(s3: S3Bench) -> None:
    server = s3.registry(strategy=TransmissionStrategy.PROXY)
    model = register_model(server.api, "bert", "v1")

    def body() -> Iterator[bytes]:
        yield os.urandom(2 * s3_store.PART_BYTES)
        wait_for(lambda: s3.seaweed.uploads(s3.bucket), what="the upload's beginning")
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        server.api.put(f"{model}/upload", content=body(), headers={"Content-Length": str(9 * s3_store.PART_BYTES)})
    wait_for(lambda: json_of(server.api.get(model))["upload_status"] == "failed", what="the end of the upload")
    wait_for(lambda: not s3.seaweed.uploads(s3.bucket), what="the abort of the upload")
    assert s3.seaweed.keys(s3.bucket) == []


def test_a_carried_archive_that_the_store_refuses_is_told_with_its_reason(s3: S3Bench) -> None:
    server = s3.registry(strategy=TransmissionStrategy.PROXY)
    model = register_model(server.api, "bert", "v1")

    def body() -> Iterator[bytes]:
        yield os.urandom(s3_store.PART_BYTES + 2 * MIB)
        wait_for(lambda: s3.seaweed.uploads(s3.bucket), what="the upload's beginning")
        ((key, upload_id),) = s3.seaweed.uploads(s3.bucket)
        s3.seaweed.abort(s3.bucket, key, upload_id)
        yield os.urandom(s3_store.PART_BYTES)

    length = {"Content-Length": str(2 * s3_store.PART_BYTES + 2 * MIB)}
    answer = server.api.put(f"{model}/upload", content=body(), headers=length)
    assert (answer.status_code, "NoSuchUpload" in answer.text) == (500, True)
    record = json_of(server.api.get(model))
    assert record["upload_status"] == "failed"
    assert text_of(record, "upload_finished_reason").startswith("storage: NoSuchUpload: ")


def test_a_store_that_is_down_is_a_400_and_the_rest_of_the_registry_answers(s3: S3Bench) -> None:
    with relay_to(s3.seaweed.url) as relay:
        server = s3.registry(endpoint=relay.url)
        model = register_model(server.api, "bert", "v1")
        upload_id = start_multipart(server.api, model)
    answer = server.api.patch(f"{model}/start_multipart_upload")
    host = httpx.URL(relay.url).netloc.decode()
    assert answer.status_code == 400
    assert answer.json() == {"error": f"storage: the object store {host} does not answer (EndpointConnectionError)"}
    assert complete(server.api, model, upload_id, [(1, md5_etag(b""))]).json() == answer.json()
    assert upload_id not in answer.text
    assert server.api.get(f"{model}/download").status_code == 500
    assert json_of(server.api.get(model))["upload_status"] == "pending"


def test_a_registry_starts_before_its_store_and_makes_the_bucket_when_it_is_there(
    s3: S3Bench, caplog: pytest.LogCaptureFixture
) -> None:
    s3.seaweed.kill()
    server = s3.registry()
    assert "does not answer" in caplog.text
    model = register_model(server.api, "bert", "v1")
    assert server.api.patch(f"{model}/start_multipart_upload").status_code == 400
    s3.seaweed.start()
    put_object(server.api, model, [b"content"])
    assert httpx.get(presign_get(server.api, model), trust_env=False).content == b"content"


def test_a_slow_store_holds_up_nobody_else(s3: S3Bench) -> None:
    with relay_to(s3.seaweed.url) as relay:
        server = s3.registry(endpoint=relay.url)
        model = register_model(server.api, "bert", "v1")
        relay.hold()
        answers: list[int] = []

        def start() -> None:
            with client(server.url) as api:
                answers.append(api.patch(f"{model}/start_multipart_upload").status_code)

        waiting = threading.Thread(target=start)
        waiting.start()
        assert relay.held.wait(10)
        assert json_of(server.api.get(model))["upload_status"] == "pending"
        assert answers == []
        relay.release()
        waiting.join(30)
        assert answers == [200]


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("AWS_ACCESS_KEY_ID", "nobody", "InvalidAccessKeyId"),
        ("AWS_SECRET_ACCESS_KEY", "wrong", "SignatureDoesNotMatch"),
        ("AWS_ACCESS_KEY_ID", "", "the registry has no credentials"),
        ("AWS_PROFILE", "missing", "could not be found"),
    ],
)
def test_credentials_that_are_no_good_are_told_at_the_start(
    s3: S3Bench, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(StoreUnusableError, match=words):
        s3.registry()


def test_a_bucket_that_cannot_be_is_told_at_the_start(s3: S3Bench, make_registry: RegistryFactory) -> None:
    with pytest.raises(StoreUnusableError, match="InvalidBucketName"):
        make_registry(objects=S3Location(bucket="NOT_ALLOWED", endpoint=s3.seaweed.url))


def test_the_command_serves_objects_from_s3(s3: S3Bench, tmp_path: Path) -> None:
    process = serve(tmp_path, "--objects", f"s3://{s3.bucket}/some/where/", "--s3-endpoint", s3.seaweed.url)
    try:
        assert process.stdout is not None
        with client(process.stdout.readline().strip()) as api:
            put_object(api, register_model(api, "bert", "v1"), [b"content"])
            assert httpx.get(presign_get(api, model_path("bert", "v1")), trust_env=False).content == b"content"
        assert s3.seaweed.keys(s3.bucket) == ["some/where/models/default/bert/v1.tar.gz"]
        assert [path.name for path in (tmp_path / "data").iterdir() if path.is_dir()] == []
    finally:
        process.terminate()
        _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, "")

"""What the client says when the registry refuses or talks nonsense, and what it never gives away."""

import json
import logging
from collections.abc import Iterator
from contextlib import closing

import pytest

from modelsync.errors import (
    ModelsyncError,
    NotARegistryError,
    PermissionDeniedError,
    RegistryRefusedError,
    RegistryUnavailableError,
    RemoteModelNotFoundError,
    TokenRefusedError,
    UnreachableError,
)
from modelsync.registry.client import Registry
from modelsync.registry.schemas import UploadId
from modelsync.transfer.control import Control
from modelsync.transfer.data import DataClient
from support.registry_account import PAGE, PARTS, TAG, TOKEN, connect, refusal, says_error
from support.strange_registry import Answer, StrangeRegistry


@pytest.fixture
def server() -> Iterator[StrangeRegistry]:
    with StrangeRegistry() as strange:
        yield strange


@pytest.fixture
def registry(server: StrangeRegistry) -> Iterator[Registry]:
    with connect(server.url) as opened:
        yield opened


def test_a_web_page_is_no_registry(server: StrangeRegistry, registry: Registry) -> None:
    server.says(PAGE)
    error = refusal(registry)
    assert isinstance(error, NotARegistryError)
    assert "web page" in error.message
    with pytest.raises(NotARegistryError):
        registry.complete_multipart(TAG, UploadId("u"), PARTS)
    with pytest.raises(NotARegistryError):
        registry.finish_upload(TAG, ok=True)


def test_a_web_page_with_404_does_not_mean_that_a_model_is_missing(server: StrangeRegistry, registry: Registry) -> None:
    server.says(Answer(PAGE.body, status=404, content_type=""))
    with pytest.raises(NotARegistryError):
        registry.model(TAG)
    with pytest.raises(NotARegistryError):
        registry.latest("m")


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"ok"', b"{", b"{}", b"\x00\xff", b"[" * 50_000])
def test_json_that_is_no_answer_is_no_registry(server: StrangeRegistry, registry: Registry, body: bytes) -> None:
    server.says(Answer(body))
    assert isinstance(refusal(registry), NotARegistryError)
    with pytest.raises(NotARegistryError):
        registry.models()


def test_a_missing_model_is_none_however_it_is_said(server: StrangeRegistry, registry: Registry) -> None:
    for answer in (
        says_error("get modelRepository m: record not found", 404),
        says_error("get model: record not found", 400),
        says_error("no such thing", 404),
        Answer(b"", status=404),
    ):
        server.says(answer)
        assert registry.model(TAG) is None
        assert not registry.repository_exists("m")
        assert registry.latest("m") is None
        with pytest.raises(RemoteModelNotFoundError, match="m:v1"):
            registry.presign_download(TAG)


def test_an_unknown_route_does_not_mean_that_a_model_is_missing(server: StrangeRegistry, registry: Registry) -> None:
    server.says(Answer(b'{"message":"not found this router with method GET"}', status=404))
    with pytest.raises(RegistryRefusedError, match="does not know GET"):
        registry.model(TAG)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(b'{"message":"get api token: record not found"}', status=403), TokenRefusedError, "accept the token"),
        (Answer(b'{"message":"the api token is expired"}', status=403), TokenRefusedError, "expired"),
        (Answer(b"", status=401), TokenRefusedError, "accept the token"),
        (says_error("Forbidden", 403), PermissionDeniedError, "Forbidden"),
        (
            says_error("check: the api_token need the scopes: read_organization or write_organization"),
            PermissionDeniedError,
            "need the scopes",
        ),
        (says_error("user tom cannot view this organization: acme"), PermissionDeniedError, "cannot view"),
        (Answer(PAGE.body, status=403, content_type="text/html"), NotARegistryError, "before"),
        (says_error("x", 413), RegistryRefusedError, "x"),
        (says_error("parse build at: bad"), RegistryRefusedError, "parse build at"),
        (says_error("", 418), RegistryRefusedError, "status 418"),
        (Answer(b"", status=407), UnreachableError, "proxy"),
        (Answer(b"Client sent an HTTP request to an HTTPS server.\n", status=400), NotARegistryError, "https"),
        (Answer(b"{}", status=201), RegistryRefusedError, "201"),
    ],
)
def test_a_refusal_is_told_by_its_kind(
    server: StrangeRegistry, registry: Registry, answer: Answer, kind: type[ModelsyncError], words: str
) -> None:
    server.says(answer)
    error = refusal(registry)
    assert type(error) is kind
    assert words in error.message
    assert len(server.asked) == 1  # asking again would not help


def test_the_registrys_words_and_the_next_step_are_two_sentences(server: StrangeRegistry, registry: Registry) -> None:
    for words in ("Forbidden", "Forbidden."):
        server.says(says_error(words, 403))
        assert "Forbidden. Pulling needs" in refusal(registry).sentence


def test_server_trouble_names_the_trace_id(server: StrangeRegistry, registry: Registry) -> None:
    server.says(Answer(b"oops", status=500, headers={"x-trace-id": "4bf92f35"}))
    error = refusal(registry)
    assert isinstance(error, RegistryUnavailableError)
    assert "4bf92f35" in error.message
    assert len(server.asked) == 5


def test_an_unknown_organization_is_told_from_a_missing_model(server: StrangeRegistry) -> None:
    server.says(Answer(b"", status=404, content_type=""))
    with connect(server.url, organization="acme") as registry:
        with pytest.raises(PermissionDeniedError, match="'acme'"):
            registry.model(TAG)
        with pytest.raises(PermissionDeniedError, match="'acme'"):
            registry.latest("m")


def test_no_secret_and_no_control_character_leaves_in_a_message_or_the_log(
    server: StrangeRegistry, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="modelsync")
    url = "https://s3.example/b/m.tar.gz?X-Amz-Credential=AKIA&X-Amz-Signature=5ec4e7"
    server.says(says_error(f'token {TOKEN}\x1b[31m at Put "{url}": \u202edial tcp: X-Amz-Signature=5ec4e7 denied\n'))
    with pytest.raises(RegistryUnavailableError) as trouble:
        registry.presign_part(TAG, UploadId("u"), 1)
    server.says(Answer(json.dumps({"version": "v1", "presigned_upload_url": url}).encode()))
    target = registry.presign_upload(TAG)
    server.says(Answer(b"", status=302, headers={"Location": url}))
    with pytest.raises(NotARegistryError) as moved:
        registry.models(search="m", query="label:k=v")
    shown = [
        trouble.value.sentence,
        repr(trouble.value),
        repr(target),
        moved.value.sentence,
        repr(registry),
        caplog.text,
    ]
    for text in shown:
        assert TOKEN not in text
        assert "5ec4e7" not in text
        assert "AKIA" not in text
    assert trouble.value.sentence.isprintable()
    assert "dial tcp" in trouble.value.message


def test_an_address_that_is_none_is_not_used(server: StrangeRegistry, registry: Registry) -> None:
    server.says(Answer(b'{"presigned_upload_url": "file:///etc/passwd"}'))
    with pytest.raises(NotARegistryError):
        registry.presign_upload(TAG)
    server.says(Answer(b'{"presigned_upload_url": ""}'))
    assert registry.presign_upload(TAG) is None
    server.says(Answer(b'{"presigned_upload_url": null}'))
    assert registry.presign_upload(TAG) is None
    with pytest.raises(RegistryRefusedError, match="no address for part 3"):
        registry.presign_part(TAG, UploadId("u"), 3)
    with pytest.raises(RegistryRefusedError, match="no upload id"):
        registry.start_multipart(TAG)


def test_the_routes_of_the_registry_itself_carry_the_token(server: StrangeRegistry) -> None:
    with connect(f"{server.url}/base", organization="acme") as registry:
        target = registry.proxy_download(TAG)
        assert target.url == f"{server.url}/base/api/v1/model_repositories/m/models/v1/download"
        assert target.headers["X-YATAI-API-TOKEN"] == TOKEN
        assert target.headers["X-Yatai-Organization"] == "acme"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (says_error("get model: record not found", 500), RemoteModelNotFoundError),
        (says_error("the token's scopes do not allow this", 500), PermissionDeniedError),
        (Answer(b'{"message":"get api token: record not found"}', status=403), TokenRefusedError),
        (Answer(b'{"message":"the api token is expired"}', status=401), TokenRefusedError),
    ],
)
def test_the_routes_of_the_registry_itself_refuse_in_its_words(
    server: StrangeRegistry, registry: Registry, answer: Answer, kind: type[ModelsyncError]
) -> None:
    server.says(answer)
    with closing(DataClient()) as data, pytest.raises(kind) as refused:
        data.put(
            registry.proxy_upload(TAG),
            3,
            lambda: iter([memoryview(b"abc")]),
            control=Control(),
            on_sent=lambda _count: None,
        )
    assert TOKEN not in refused.value.sentence

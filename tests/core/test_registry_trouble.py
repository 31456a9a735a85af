"""The client against a server that misbehaves: what it says, what it tries again, and what it never gives away."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.errors import (
    AnswerLostError,
    Cancelled,
    ModelsyncError,
    NotARegistryError,
    PermissionDeniedError,
    RegistryRefusedError,
    RegistryUnavailableError,
    RemoteModelNotFoundError,
    SettingsError,
    TlsError,
    TokenRefusedError,
    UnreachableError,
    UploadGoneError,
    UsageError,
)
from modelsync.model import ModelInfo
from modelsync.registry.client import Registry
from modelsync.registry.retry import Backoff
from modelsync.registry.schemas import CompletedPart, ETag, UploadId
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from support.certificates import EXPIRED_PEM, GOOD_PEM, OTHER_NAME_PEM
from support.strange_registry import Answer, StrangeRegistry, free_port, https_file

TOKEN = "tok-secret-0123456789"
TAG = Tag("m", "v1")
ME = Answer(b'{"name": "mia", "email": "mia@acme.io"}')
MODEL = Answer(b'{"version": "v1", "upload_status": "success"}')
PAGE = Answer(b"<!doctype html><html><body>Welcome</body></html>", content_type="text/html; charset=utf-8")
INFO = ModelInfo(TAG, "", {}, {}, {}, {}, {}, "v1", datetime(2026, 11, 22, tzinfo=UTC))
PARTS = [CompletedPart(1, ETag('"0"'))]
QUICK = Backoff(tries=5, first_s=0.001, longest_s=0.001)


def says_error(text: str, status: int = 400) -> Answer:
    return Answer(json.dumps({"error": text}).encode(), status=status)


@pytest.fixture
def server() -> Iterator[StrangeRegistry]:
    with StrangeRegistry() as strange:
        yield strange


def connect(
    url: str,
    *,
    token: str = TOKEN,
    organization: str | None = None,
    plain_http: bool = False,
    ca_file: Path | None = None,
    timeout_s: float = 5.0,
    backoff: Backoff = QUICK,
    sleep: Callable[[float], None] = lambda _seconds: None,
) -> Registry:
    context = Context("test", url, organization=organization, plain_http=plain_http)
    account = Account(context, Token(token), TokenSource.SESSION)
    return Registry(account, ca_file=ca_file, timeout_s=timeout_s, backoff=backoff, sleep=sleep)


@pytest.fixture
def registry(server: StrangeRegistry) -> Iterator[Registry]:
    with connect(server.url) as opened:
        yield opened


def refusal(registry: Registry) -> ModelsyncError:
    """What asking for the user ends in, checked for what every error must be."""
    with pytest.raises(ModelsyncError) as refused:
        registry.current_user()
    error = refused.value
    assert registry.host in error.message
    assert error.hint
    assert "\n" not in error.sentence
    assert TOKEN not in error.sentence
    return error


def test_every_request_carries_the_headers_of_the_contract(server: StrangeRegistry) -> None:
    server.says(ME)
    with connect(server.url, organization="acme") as registry:
        registry.current_user()
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("GET", "/api/v1/auth/current")
    assert asked.headers["x-yatai-api-token"] == TOKEN
    assert asked.headers["x-bentoml-version"] == "1.4.39"
    assert asked.headers["x-yatai-organization"] == "acme"
    assert asked.headers["user-agent"].startswith("modelsync/")
    assert "authorization" not in asked.headers


def test_no_organization_is_named_when_the_context_has_none(server: StrangeRegistry, registry: Registry) -> None:
    server.says(ME)
    registry.current_user()
    assert "x-yatai-organization" not in server.asked[0].headers


def test_a_body_less_patch_says_so(server: StrangeRegistry, registry: Registry) -> None:
    registry.start_upload(TAG)
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("PATCH", "/api/v1/model_repositories/m/models/v1/start_upload")
    assert asked.headers["content-length"] == "0"
    assert "content-type" not in asked.headers


def test_a_base_path_and_strange_names_reach_the_server_escaped(server: StrangeRegistry) -> None:
    server.says(MODEL)
    with connect(f"{server.url}/bento/cloud/") as registry:
        registry.model(Tag("a/../b?c", "v#1%"))
        registry.repository_exists("..")
    assert [asked.path for asked in server.asked] == [
        "/bento/cloud/api/v1/model_repositories/a%2F..%2Fb%3Fc/models/v%231%25",
        "/bento/cloud/api/v1/model_repositories/%2E%2E",
    ]


def test_a_cookie_is_not_kept(server: StrangeRegistry, registry: Registry) -> None:
    server.says(Answer(ME.body, headers={"Set-Cookie": "yatai-session-v2=abc; Path=/"}))
    registry.current_user()
    registry.current_user()
    assert "cookie" not in server.asked[1].headers


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


def test_server_trouble_names_the_trace_id(server: StrangeRegistry, registry: Registry) -> None:
    server.says(Answer(b"oops", status=500, headers={"x-trace-id": "4bf92f35"}))
    error = refusal(registry)
    assert isinstance(error, RegistryUnavailableError)
    assert "4bf92f35" in error.message
    assert len(server.asked) == 5


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=503),
        Answer(PAGE.body, status=502, content_type="text/html"),
        Answer(status=429),
        Answer(status=408),
        says_error("dial tcp 10.0.0.5:9000: connect: connection refused"),
        Answer(ME.body, cut_after=7),
        Answer(cut_after=-1),
    ],
)
def test_trouble_that_passes_is_waited_out(server: StrangeRegistry, registry: Registry, answer: Answer) -> None:
    server.says(answer, answer, ME)
    assert registry.current_user().name == "mia"
    assert len(server.asked) == 3


def test_storage_trouble_in_any_words_is_waited_out(server: StrangeRegistry, registry: Registry) -> None:
    url = Answer(b'{"version": "v1", "presigned_download_url": "https://s3/x?sig=1"}')
    server.says(says_error("presign model: something odd"), says_error("Access Denied."), url)
    assert registry.presign_download(TAG) is not None
    server.says(says_error("something odd"))
    with pytest.raises(RegistryRefusedError):
        registry.update_record(TAG, INFO, 1)  # needs no storage: odd words are a no


def test_the_wait_a_registry_asks_for_is_kept(server: StrangeRegistry) -> None:
    waits: list[float] = []
    server.says(Answer(status=503, headers={"Retry-After": "7"}), Answer(status=503), ME)
    with connect(server.url, sleep=waits.append) as registry:
        registry.current_user()
    assert waits[0] == 7.0
    assert waits[1] <= QUICK.longest_s


def test_a_wait_of_an_hour_is_not_waited(server: StrangeRegistry) -> None:
    waits: list[float] = []
    server.says(Answer(status=503, headers={"Retry-After": "3600"}), ME)
    with connect(server.url, sleep=waits.append) as registry, pytest.raises(RegistryUnavailableError):
        registry.current_user()
    assert waits == []


def test_a_lost_answer_to_a_creation_is_settled_by_looking(server: StrangeRegistry, registry: Registry) -> None:
    taken = says_error('duplicate key value violates unique constraint "uk_model_modelRepositoryId_version"')
    server.says(Answer(cut_after=-1), taken, MODEL)
    assert registry.create_model(TAG, INFO, 1).version == "v1"
    assert [asked.method for asked in server.asked] == ["POST", "POST", "GET"]


def test_a_name_that_was_taken_by_a_race_is_fine_whatever_the_words(
    server: StrangeRegistry, registry: Registry
) -> None:
    server.says(says_error("it exists"), Answer())
    registry.create_repository("m")
    assert [asked.method for asked in server.asked] == ["POST", "GET"]


def test_a_refused_creation_of_what_is_not_there_is_told(server: StrangeRegistry, registry: Registry) -> None:
    server.says(says_error("value too long for type character varying(128)"), says_error("record not found", 404))
    with pytest.raises(RegistryRefusedError, match="too long"):
        registry.create_repository("m")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(cut_after=-1),
        Answer(cut_after=1),
        Answer(status=500),
        Answer(status=504),
        says_error("failed to complete multipart upload: odd"),
        Answer(hangs=True),
    ],
)
def test_a_completion_whose_answer_is_lost_is_not_made_twice(server: StrangeRegistry, answer: Answer) -> None:
    server.says(answer)
    with connect(server.url, timeout_s=0.3) as registry, pytest.raises(AnswerLostError) as lost:
        registry.complete_multipart(TAG, UploadId("u"), PARTS)
    assert len(server.asked) == 1
    assert lost.value.hint


def test_a_completion_that_was_never_heard_is_made_again(server: StrangeRegistry, registry: Registry) -> None:
    server.says(Answer(status=429), Answer())
    registry.complete_multipart(TAG, UploadId("u"), PARTS)
    assert len(server.asked) == 2
    with connect(f"http://127.0.0.1:{free_port()}") as nobody, pytest.raises(UnreachableError) as refused:
        nobody.complete_multipart(TAG, UploadId("u"), PARTS)
    assert not isinstance(refused.value, AnswerLostError)


def test_an_upload_that_the_store_does_not_know_is_gone(server: StrangeRegistry, registry: Registry) -> None:
    words = "failed to complete multipart upload: new multipart upload: The specified multipart upload does not exist."
    for text in (words, "NoSuchUpload"):
        server.says(says_error(text))
        with pytest.raises(UploadGoneError):
            registry.complete_multipart(TAG, UploadId("u"), PARTS)


def test_parts_are_told_in_order_and_all_of_them(server: StrangeRegistry, registry: Registry) -> None:
    registry.complete_multipart(TAG, UploadId("u"), [CompletedPart(2, ETag('"b"')), CompletedPart(1, ETag('"a"'))])
    assert json.loads(server.asked[0].body)["parts"] == [
        {"part_number": 1, "etag": '"a"'},
        {"part_number": 2, "etag": '"b"'},
    ]
    for wrong in ([], [CompletedPart(2, ETag("x"))], [CompletedPart(1, ETag("x")), CompletedPart(1, ETag("y"))]):
        with pytest.raises(ValueError):
            registry.complete_multipart(TAG, UploadId("u"), wrong)
    assert len(server.asked) == 1


def test_a_redirect_is_not_followed(server: StrangeRegistry, registry: Registry) -> None:
    with StrangeRegistry() as elsewhere:
        location = f"{elsewhere.url}/login?next=secret-path"
        server.says(Answer(b"", status=302, headers={"Location": location}))
        error = refusal(registry)
        assert elsewhere.asked == []
    assert isinstance(error, NotARegistryError)
    assert elsewhere.url in error.message
    assert "secret-path" not in error.sentence


def test_an_endless_list_is_given_up(server: StrangeRegistry, registry: Registry) -> None:
    server.says(Answer(b"[" + b" " * 1_000_000, endless=True))
    error = refusal(registry)
    assert isinstance(error, NotARegistryError)
    assert "64 MiB" in error.message


def test_an_endless_refusal_is_cut(server: StrangeRegistry, registry: Registry) -> None:
    server.says(Answer(b"no " * 100_000, status=400, content_type="text/plain", endless=True))
    assert isinstance(refusal(registry), RegistryRefusedError)


def test_a_reply_that_drips_is_given_up(server: StrangeRegistry) -> None:
    server.says(Answer(b" ", drips=True))
    with connect(server.url, timeout_s=0.05, backoff=Backoff(tries=1)) as registry:
        assert isinstance(refusal(registry), UnreachableError)


def test_a_server_that_does_not_answer_is_given_up(server: StrangeRegistry) -> None:
    server.says(Answer(hangs=True))
    with connect(server.url, timeout_s=0.05, backoff=Backoff(tries=2, first_s=0.001)) as registry:
        assert "too long" in refusal(registry).message
    assert len(server.asked) == 2


def test_nobody_at_the_address_is_told(server: StrangeRegistry) -> None:
    with connect(f"http://127.0.0.1:{free_port()}") as registry:
        assert "Nothing answers" in refusal(registry).message


def test_an_unknown_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with connect("https://registry.invalid") as registry:
        assert "registry.invalid is not known" in refusal(registry).message


@pytest.mark.parametrize(
    ("certificate", "trusted", "words"),
    [
        (GOOD_PEM, "", "not trusted"),
        (OTHER_NAME_PEM, OTHER_NAME_PEM, "another name"),
        (EXPIRED_PEM, EXPIRED_PEM, "expired"),
    ],
)
def test_a_bad_certificate_is_told_and_not_tried_again(
    tmp_path: Path, certificate: str, trusted: str, words: str
) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(trusted)
    with StrangeRegistry(https_file(tmp_path, certificate)) as server:
        waits: list[float] = []
        with connect(server.url, ca_file=ca_file if trusted else None, sleep=waits.append) as registry:
            error = refusal(registry)
    assert isinstance(error, TlsError)
    assert words in error.message
    assert waits == []
    assert server.asked == []


def test_an_authority_of_ones_own_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(GOOD_PEM)
    with StrangeRegistry(https_file(tmp_path, GOOD_PEM)) as server:
        server.says(ME)
        with connect(server.url, ca_file=ca_file) as registry:
            assert registry.current_user().name == "mia"
        monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
        with connect(server.url) as registry:
            assert registry.current_user().name == "mia"


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_unreadable_ca_file_is_named(tmp_path: Path, content: str | None) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    with pytest.raises(SettingsError, match=r"ca\.pem"):
        connect("https://127.0.0.1", ca_file=ca_file)


def test_https_to_a_server_that_speaks_http_is_told(server: StrangeRegistry) -> None:
    with connect(server.url.replace("http://", "https://")) as registry:
        error = refusal(registry)
    assert isinstance(error, TlsError)
    assert "does not speak https" in error.message


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://registry.example",
        "http://10.0.0.5:3000",
        "ftp://x",
        "registry.example",
        "",
        "https://",
        "https://a:b@h",
        "https://h?x=1",
        "https://h:port",
        "https://[::1",
    ],
)
def test_an_endpoint_that_must_not_get_the_token_is_refused(endpoint: str) -> None:
    with pytest.raises(UsageError) as refused:
        connect(endpoint)
    assert refused.value.hint


def test_plain_http_goes_to_loopback_or_where_the_context_allows_it() -> None:
    for endpoint in ("http://localhost:1", "http://127.1.2.3:1", "http://[::1]:1", "http://a.localhost:1"):
        connect(endpoint).close()
    connect("http://registry.example", plain_http=True).close()


@pytest.mark.parametrize("token", ["", "tok\n", "tok en\x00", "tök", " tok"])
def test_a_token_that_no_header_can_carry_is_refused(token: str) -> None:
    with pytest.raises(TokenRefusedError):
        connect("https://registry.example", token=token)


def test_an_organization_that_no_header_can_carry_is_refused() -> None:
    with pytest.raises(UsageError):
        connect("https://registry.example", organization="a\r\nX-Evil: 1")


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


def test_each_call_leaves_a_line_in_the_log(
    server: StrangeRegistry, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="modelsync.registry")
    server.says(Answer(b'{"total":0,"items":[]}', headers={"X-Request-Id": "req-7"}))
    registry.models(query="label:stage=prod")
    line = caplog.records[-1].getMessage()
    assert line.startswith("GET /api/v1/models: 200 after ")
    assert line.endswith("ms, request id req-7")
    assert "stage" not in line


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


def test_a_query_that_breaks_a_server_is_not_sent(server: StrangeRegistry, registry: Registry) -> None:
    for query in ("is:label", "not:sort", "sort:updated_at-desc", "-label:a=b"):
        with pytest.raises(UsageError):
            registry.models(query=query)
        with pytest.raises(UsageError):
            registry.latest("m", query)
    assert server.asked == []


def test_a_list_always_asks_for_a_page(server: StrangeRegistry, registry: Registry) -> None:
    server.says(Answer(b'{"total":0,"items":[]}'))
    registry.models()
    assert server.asked[0].path == "/api/v1/models?start=0&count=50"
    registry.versions("m", start=50, count=10, query="label:a=b x")
    assert server.asked[1].path == ("/api/v1/model_repositories/m/models?start=50&count=10&q=x+label%3Aa%3Db")
    with pytest.raises(ValueError):
        registry.models(count=0)  # would mean all


def test_a_list_that_repeats_rows_or_lies_about_its_length_ends(server: StrangeRegistry, registry: Registry) -> None:
    row = {"version": "v1", "repository": {"name": "m"}}
    full = Answer(json.dumps({"total": 10**9, "items": [row, row]}).encode())
    server.says(full, full, Answer(b'{"total": 1000000000, "items": []}'))
    assert [model.tag_text for model in registry.all_models(count=2)] == ["m:v1"]
    assert len(server.asked) == 3


def test_latest_asks_the_query_of_each_version_itself(server: StrangeRegistry, registry: Registry) -> None:
    rows = [
        {"version": "v3", "upload_status": "success", "build_at": "2026-03-01T00:00:00Z"},
        {
            "version": "v2",
            "upload_status": "success",
            "build_at": "2026-02-01T00:00:00Z",
            "labels": [{"key": "stage", "value": "prod"}],
        },
    ]
    server.says(Answer(json.dumps({"total": 2, "items": rows}).encode()))
    newest, chosen = registry.latest("m"), registry.latest("m", "label:stage=prod")
    assert newest is not None
    assert chosen is not None
    assert (newest.version, chosen.version) == ("v3", "v2")
    assert registry.latest("m", "label:stage=dev") is None


def test_latest_of_a_huggingface_reference_is_the_reference(server: StrangeRegistry, registry: Registry) -> None:
    row = {"version": "v1", "upload_status": "pending", "manifest": {"metadata": {"registry": "huggingface"}}}
    server.says(Answer(json.dumps({"total": 1, "items": [row]}).encode()))
    latest = registry.latest("m")
    assert latest is not None
    assert latest.is_reference


@pytest.mark.parametrize("wish", [Control.cancel, Control.pause])
def test_a_cancel_frees_a_call_that_waits_for_an_answer(
    server: StrangeRegistry, wish: Callable[[Control], None]
) -> None:
    server.says(Answer(hangs=True))
    control = Control()

    def wish_when_asked() -> None:
        assert server.arrived.acquire(timeout=10)
        wish(control)

    threading.Thread(target=wish_when_asked, daemon=True).start()
    began = time.monotonic()
    with connect(server.url, timeout_s=30.0) as registry, pytest.raises(Cancelled):
        registry.start_upload(TAG, control=control)
    assert time.monotonic() - began < 10.0


def test_a_cancel_ends_the_wait_for_the_next_try(server: StrangeRegistry) -> None:
    server.says(Answer(status=503, headers={"Retry-After": "50"}))
    control = Control()

    def cancel_when_asked() -> None:
        assert server.arrived.acquire(timeout=10)
        control.cancel()

    threading.Thread(target=cancel_when_asked, daemon=True).start()
    with connect(server.url) as registry, pytest.raises(Cancelled):
        registry.start_upload(TAG, control=control)
    assert len(server.asked) == 1


def test_a_cancelled_transfer_asks_nothing_more(server: StrangeRegistry, registry: Registry) -> None:
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        registry.start_upload(TAG, control=control)
    assert server.asked == []


def test_a_call_with_control_returns_and_fails_as_one_without(server: StrangeRegistry, registry: Registry) -> None:
    server.says(ME)
    assert registry.current_user(control=Control()).name == "mia"
    server.says(Answer(status=401))
    with pytest.raises(TokenRefusedError):
        registry.current_user(control=Control())


def test_the_routes_of_the_registry_itself_carry_the_token(server: StrangeRegistry) -> None:
    with connect(f"{server.url}/base", organization="acme") as registry:
        target = registry.proxy_download(TAG)
        assert target.url == f"{server.url}/base/api/v1/model_repositories/m/models/v1/download"
        assert target.headers["X-YATAI-API-TOKEN"] == TOKEN
        assert target.headers["X-Yatai-Organization"] == "acme"
        missing = registry.proxy_failure(TAG, 500, b'{"error":"get model: record not found"}')
        assert isinstance(missing, RemoteModelNotFoundError)
        assert isinstance(registry.proxy_failure(TAG, 500, b'{"error":"odd"}'), RegistryUnavailableError)
        assert isinstance(registry.proxy_failure(TAG, 403, b"{}"), TokenRefusedError)

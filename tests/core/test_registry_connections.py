"""What the client says of a server that it cannot reach or must not trust, and to whom it gives no token."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelsync.errors import (
    NotARegistryError,
    RegistryRefusedError,
    SettingsError,
    TlsError,
    TokenRefusedError,
    UnreachableError,
    UsageError,
)
from modelsync.registry.client import Registry
from modelsync.registry.retry import Backoff
from modelsync.registry.schemas import VALUES_MAX
from support.certificates import EXPIRED_PEM, GOOD_PEM, OTHER_NAME_PEM
from support.registry_account import ME, connect, refusal
from support.strange_registry import Answer, StrangeRegistry, free_port, https_file
from support.waiting import wait_for


@pytest.fixture
def server() -> Iterator[StrangeRegistry]:
    with StrangeRegistry() as strange:
        yield strange


@pytest.fixture
def registry(server: StrangeRegistry) -> Iterator[Registry]:
    with connect(server.url) as opened:
        yield opened


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


@pytest.mark.parametrize("coding", ["gzip, gzip", "gzip,GZIP", "br", "zstd, deflate"])
def test_a_reply_that_would_unfold_without_end_is_not_unfolded(
    server: StrangeRegistry, registry: Registry, coding: str
) -> None:
    body = gzip.compress(gzip.compress(ME.body))  # of a gigabyte it would be 2 KiB
    server.says(Answer(body, headers={"Content-Encoding": coding}))
    error = refusal(registry)
    assert isinstance(error, NotARegistryError)
    assert "not as a registry does" in error.message
    assert len(server.asked) == 1
    assert server.asked[0].headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("coding", ["gzip", "GZip", "x-unknown, gzip"])
def test_a_compressed_reply_is_read(server: StrangeRegistry, registry: Registry, coding: str) -> None:
    server.says(Answer(gzip.compress(ME.body), headers={"Content-Encoding": coding}))
    assert registry.current_user().name == "mia"


def test_a_reply_of_more_values_than_a_list_has_is_no_registrys(server: StrangeRegistry, registry: Registry) -> None:
    server.says(Answer(b'{"name":"mia","config":[' + b"[]," * (VALUES_MAX // 2) + b"[]]}"))
    assert isinstance(refusal(registry), NotARegistryError)


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
    wait_for(lambda: len(server.asked) == 2, what="the second try")


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
        "https://[::1]x",
        "https://a..b",
        "https://xn--a",
        f"https://{'a' * 64}.example",
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

"""Private authorities, proxies and plain http, for the registry and for where the bytes go alike."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.errors import SettingsError, TlsError, UnreachableError, UsageError
from modelsync.http.connecting import goes_through_proxy
from modelsync.registry.client import Registry
from modelsync.registry.targets import DataTarget
from modelsync.store import ModelStore
from modelsync.sync import Sides, pull, push
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from modelsync.transfer.data import DataClient
from modelsync.transfer.journal import Journals
from modelsync.transfer.workers import Workers
from support.certificates import GOOD_PEM, OTHER_NAME_PEM
from support.command import Command
from support.local_store import read_tree, write_model
from support.raw_server import Connection, raw_server
from support.registry_account import connect, refusal
from support.registry_server import TOKEN, RegistryFactory, RegistryServer
from support.strange_registry import Answer, StrangeRegistry, free_port, https_file
from support.ways import Door, http_proxy, tls_front

TAG = Tag("iris", "v1")
MiB = 1 << 20
OFFICE = "elsewhere.example"
"""The name in OTHER_NAME_PEM; no resolver knows it, only a proxy's."""


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Door]:
    """TLS on 127.0.0.1 by an authority that nobody knows."""
    with tls_front(https_file(tmp_path, GOOD_PEM)) as door:
        yield door


@pytest.fixture
def office_front(tmp_path: Path) -> Iterator[Door]:
    """TLS in the name of a host that only a proxy finds."""
    with tls_front(https_file(tmp_path, OTHER_NAME_PEM)) as door:
        yield door


def pem(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "authority.pem"
    path.write_text(text)
    return path


def registry_behind(make_registry: RegistryFactory, door: Door, host: str = "127.0.0.1") -> RegistryServer:
    """A registry that is reached, and whose bytes are moved, only through the door."""
    server = make_registry(public_url=f"https://{host}:{door.port}")
    door.to = httpx.URL(server.url).port or 0
    return server


def sides_to(url: str, home: Path, ca_file: Path | None = None) -> Sides:
    account = Account(Context("test", url), Token(TOKEN), TokenSource.SESSION)
    return Sides(
        store=ModelStore(home),
        registry=Registry(account, ca_file=ca_file),
        workers=Workers(2),
        data=DataClient(ca_file=ca_file),
        journals=Journals(home.with_name(f"{home.name}-state")),
        sync_to_disk=False,
    )


def round_trip(url: str, tmp_path: Path, ca_file: Path | None = None) -> None:
    """A model there and back again, byte for byte."""
    model = write_model(tmp_path / "home", str(TAG), files={"a.bin": os.urandom(3 * MiB)})
    with closing(sides_to(url, tmp_path / "home", ca_file)) as sides:
        push(TAG, sides)
    with closing(sides_to(url, tmp_path / "other", ca_file)) as sides:
        assert read_tree(pull(TAG, sides).path) == read_tree(model)


@pytest.mark.parametrize("by", ["setting", "environment"])
def test_an_authority_of_ones_own_is_trusted_for_the_registry_and_for_the_bytes(
    front: Door, make_registry: RegistryFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    registry_behind(make_registry, front)
    authority = pem(tmp_path, GOOD_PEM)
    if by == "environment":
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    round_trip(f"https://127.0.0.1:{front.port}", tmp_path, authority if by == "setting" else None)


def test_the_settings_authority_is_trusted_beside_the_environments(
    front: Door, make_registry: RegistryFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry_behind(make_registry, front)
    other = tmp_path / "other.pem"
    other.write_text(OTHER_NAME_PEM)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem(tmp_path, GOOD_PEM)))
    round_trip(f"https://127.0.0.1:{front.port}", tmp_path, other)


def test_bytes_are_given_to_no_store_whose_certificate_is_not_trusted(
    front: Door, make_registry: RegistryFactory, tmp_path: Path
) -> None:
    """The registry itself is reached on loopback; its store's certificate is nobody's."""
    server = registry_behind(make_registry, front)
    write_model(tmp_path / "home", str(TAG), files={"a.bin": os.urandom(MiB)})
    with closing(sides_to(server.url, tmp_path / "home")) as sides:
        with pytest.raises(TlsError) as refused:
            push(TAG, sides)
        assert "SSL_CERT_FILE" in refused.value.hint
        remote = sides.registry.model(TAG)
    assert remote is not None
    assert "not trusted" in remote.status_reason


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_unreadable_file_of_certificates_in_the_environment_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(SettingsError, match="SSL_CERT_FILE"):
        connect("https://registry.example")


def test_registry_and_bytes_go_through_the_environments_proxy(
    office_front: Door, make_registry: RegistryFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry_behind(make_registry, office_front, OFFICE)
    with http_proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        round_trip(f"https://{OFFICE}:{office_front.port}", tmp_path, pem(tmp_path, OTHER_NAME_PEM))
    assert len(proxy.asked) > 2
    assert set(proxy.asked) == {f"CONNECT {OFFICE}:{office_front.port} HTTP/1.1"}


def test_this_machine_itself_is_never_asked_through_a_proxy(
    registry_server: RegistryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain http is allowed to loopback because it does not leave the machine; a proxy would get the token."""
    with http_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        round_trip(registry_server.url, tmp_path)
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("environ", "url", "through"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, "https://s3.example/x", True),
        ({"HTTPS_PROXY": "http://p:1"}, "http://s3.example/x", False),
        ({"ALL_PROXY": "http://p:1"}, "http://s3.example/x", True),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "s3.example"}, "https://s3.example/x", False),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": ".example"}, "https://s3.example/x", False),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "s3.example:9000"}, "https://s3.example:9000/x", False),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://s3.example/x", False),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "s3.example:443"}, "https://s3.example/x", False),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "s3.example:443"}, "https://s3.example:9000/x", True),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*.example"}, "https://S3.example/x", False),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*.ample"}, "https://s3.example/x", True),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "a.example, 10.0.0.0/8"}, "https://10.1.2.3:9000/x", False),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "https://11.1.2.3:9000/x", True),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "fd00::/8"}, "https://[fd00::1]/x", False),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "[fd00::1]"}, "https://[fd00::1]:9000/x", False),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "fd00::/8"}, "https://10.1.2.3/x", True),
        ({"ALL_PROXY": "http://p:1"}, "http://127.0.0.1:9000/x", False),
        ({"ALL_PROXY": "http://p:1"}, "http://[::1]:9000/x", False),
        ({}, "https://s3.example/x", False),
    ],
)
def test_which_addresses_are_asked_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], url: str, through: bool
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert goes_through_proxy(httpx.URL(url)) is through


@pytest.mark.parametrize("scheme", ["gopher", "socks5", "socks5h"])
@pytest.mark.parametrize("variable", ["ALL_PROXY", "HTTPS_PROXY"])
def test_a_proxy_that_cannot_be_used_is_a_sentence_without_its_password(
    monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str
) -> None:
    monkeypatch.setenv(variable, f"{scheme}://mia:secret-pw@proxy.example:70")
    with pytest.raises(SettingsError, match="cannot be used") as refused:
        connect("https://registry.example")
    assert "secret-pw" not in refused.value.sentence
    assert "SOCKS" in refused.value.hint
    with closing(DataClient()) as data, pytest.raises(SettingsError):
        put(data, DataTarget("https://s3.example/x"))


def test_a_proxy_that_does_not_answer_is_not_taken_for_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    with connect("https://registry.example") as registry:
        assert refusal(registry).message == "The proxy on the way to registry.example does not answer."


def test_a_proxy_that_wants_a_password_is_asked_once_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tunnel that is asked for again and again with a wrong password locks an account."""

    def proxy(connection: Connection) -> None:
        connection.read_head()
        connection.answer("407 Proxy Authentication Required", Proxy_Authenticate="Basic")

    with raw_server(proxy) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://mia:secret-pw@127.0.0.1:{server.port}")
        with connect("https://registry.example") as registry:
            refused = refusal(registry)
        assert server.connections == 1
        with closing(DataClient()) as data, pytest.raises(UnreachableError, match="asks for a sign-in"):
            put(data, DataTarget("https://s3.example/x"))
    assert refused.message == "The proxy on the way to registry.example asks for a sign-in."
    assert "HTTPS_PROXY" in refused.hint
    assert "secret-pw" not in refused.sentence


@pytest.mark.parametrize(
    ("url", "plain_http", "allowed"),
    [
        ("http://minio.example:9000/m?X-Amz-Signature=secret", False, False),
        ("http://minio.example:9000/m?X-Amz-Signature=secret", True, True),
        ("http://127.0.0.1:9000/m?X-Amz-Signature=secret", False, True),
        ("https://minio.example:9000/m?X-Amz-Signature=secret", False, True),
    ],
)
def test_models_go_unencrypted_only_to_loopback_or_where_the_context_allows_it(
    url: str, plain_http: bool, allowed: bool
) -> None:
    with StrangeRegistry() as server, connect(server.url, plain_http=plain_http) as registry:
        server.says(Answer(f'{{"presigned_upload_url": "{url}", "presigned_download_url": "{url}"}}'.encode()))
        for ask in (registry.presign_upload, registry.presign_download):
            if allowed:
                assert ask(TAG) == DataTarget(url)
                continue
            with pytest.raises(UsageError) as refused:
                ask(TAG)
            assert "minio.example:9000" in refused.value.message
            assert "--plain-http" in refused.value.hint
            assert "secret" not in refused.value.sentence


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_bytes_follow_no_redirect_and_the_token_goes_nowhere_else(status: int) -> None:
    with StrangeRegistry() as elsewhere, StrangeRegistry() as server, connect(server.url) as registry:
        server.says(Answer(b"", status=status, headers={"Location": f"{elsewhere.url}/take"}))
        with closing(DataClient()) as data:
            for target in (registry.proxy_upload(TAG), DataTarget(f"{server.url}/m?X-Signature=1")):
                with pytest.raises(Exception, match=r"sends on|refused"):
                    put(data, target)
        assert elsewhere.asked == []


def test_the_store_behind_a_signed_address_sees_no_token(registry_server: RegistryServer, tmp_path: Path) -> None:
    with StrangeRegistry() as store, connect(registry_server.url, token=TOKEN) as registry:
        store.says(Answer(b"", headers={"ETag": '"0"'}))
        registry.current_user()
        with closing(DataClient()) as data:
            put(data, DataTarget(f"{store.url}/m?X-Signature=1"))
    (asked,) = store.asked
    assert not [name for name in asked.headers if name.startswith(("x-yatai", "authorization", "cookie"))]
    assert TOKEN not in str(asked)


def test_the_command_trusts_an_authority_by_flag_setting_or_environment(
    front: Door, make_registry: RegistryFactory, tmp_path: Path
) -> None:
    registry_behind(make_registry, front)
    authority = pem(tmp_path, GOOD_PEM)
    url = f"https://127.0.0.1:{front.port}"
    command = Command.in_folder(tmp_path, BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=url)
    write_model(command.store, str(TAG))
    refused = command.run("push", str(TAG))
    assert refused.code == 5
    assert "ca_file" in refused.err
    assert command.run("push", str(TAG), "--ca-file", str(authority)).code == 0
    assert command.with_(MODELSYNC_CA_FILE=str(authority)).run("ls", "remote").code == 0
    assert command.with_(SSL_CERT_FILE=str(authority)).run("pull", str(TAG), "--force").code == 0


def put(data: DataClient, target: DataTarget) -> None:
    data.put(target, 3, lambda: iter([memoryview(b"abc")]), control=Control(), on_sent=lambda _count: None)

"""Signing in through a browser, as the client sees it: the address, the waiting, its ends, and who has no such page."""

import logging
import os
import threading
from pathlib import Path

import httpx
import pytest

from modelsync import browser_login
from modelsync.account import Context
from modelsync.errors import (
    AuthenticationError,
    Cancelled,
    NotARegistryError,
    RegistryUnavailableError,
    TlsError,
    UnreachableError,
    UsageError,
)
from modelsync.paths import Paths
from modelsync.transfer.control import Control
from support.certificates import GOOD_PEM
from support.registry_account import PAGE
from support.registry_server import TOKEN, RegistryServer
from support.strange_registry import Answer, StrangeRegistry, free_port, https_file
from support.waiting import wait_for

CODE = Answer(b'{"code": "code-0123456789"}')
PENDING = Answer(b'{"error": "pending"}', status=400)


def confirm(login: browser_login.BrowserLogin, token: str = TOKEN) -> httpx.Response:
    """What a person does on the page."""
    page = httpx.URL(login.url)
    fields = {"code": page.params["code"], "token": token}
    return httpx.post(page.copy_with(query=None), data=fields, trust_env=False)


def test_a_person_confirms_on_the_page_and_the_waiting_ends_with_their_token(registry_server: RegistryServer) -> None:
    login = browser_login.start(Context("test", registry_server.url))
    assert login.url == f"{registry_server.url}/api_tokens?code={login.code}"
    assert login.code in httpx.get(login.url, trust_env=False).text
    threading.Timer(0.2, confirm, (login,)).start()
    assert browser_login.wait(login).reveal() == TOKEN


def test_no_token_is_sent_and_the_code_is_asked_for_once_a_second() -> None:
    with StrangeRegistry() as server:
        server.says(CODE, PENDING, Answer(b"{}", status=404), Answer(b'{"token": "tok-new"}'))
        login = browser_login.start(Context("test", f"{server.url}/base", organization="acme"))
        assert login.url == f"{server.url}/base/api_tokens?code=code-0123456789"
        assert browser_login.wait(login).reveal() == "tok-new"
    assert [one.path for one in server.asked] == [
        "/base/api/v1/auth/code",
        *["/base/api/v1/auth/token?code=code-0123456789"] * 3,
    ]
    assert all("x-yatai-api-token" not in one.headers for one in server.asked)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b'{"message":"not found this router with method GET"}', status=404),
        Answer(b'{"message":"username in cookie is empty"}', status=403),
        Answer(b"", status=404),
    ],
)
def test_a_registry_without_such_a_page_says_to_paste_a_token(answer: Answer) -> None:
    with StrangeRegistry() as server, pytest.raises(AuthenticationError) as refused:
        browser_login.start(Context("test", server.says(answer).url))
    assert "has no sign-in by browser" in refused.value.message
    assert "paste" in refused.value.hint


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (PAGE, NotARegistryError),
        (Answer(b"{}"), NotARegistryError),
        (Answer(b"[1"), NotARegistryError),
        (Answer(b'{"code": "a b\\n"}'), NotARegistryError),
        (Answer(b"", status=302, headers={"Location": "https://elsewhere.example"}), NotARegistryError),
        (Answer(b"{}", status=503), RegistryUnavailableError),
    ],
)
def test_what_gives_no_code_is_told(answer: Answer, kind: type[Exception]) -> None:
    with StrangeRegistry() as server, pytest.raises(kind):
        browser_login.start(Context("test", server.says(answer).url))
    with pytest.raises(UnreachableError):
        browser_login.start(Context("test", f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(UsageError):
        browser_login.start(Context("test", "http://registry.example"))


def test_an_untrusted_certificate_ends_it(tmp_path: Path) -> None:
    with StrangeRegistry(https_file(tmp_path, GOOD_PEM)) as server, pytest.raises(TlsError):
        browser_login.start(Context("test", server.url))


def test_the_waiting_has_an_end(registry_server: RegistryServer) -> None:
    login = browser_login.start(Context("test", registry_server.url))
    with pytest.raises(AuthenticationError, match="Nobody confirmed"):
        browser_login.wait(login, limit_s=0.5)


def test_a_person_can_stop_the_waiting_at_once(registry_server: RegistryServer) -> None:
    login = browser_login.start(Context("test", registry_server.url))
    control = Control()
    threading.Timer(0.2, control.cancel).start()
    with pytest.raises(Cancelled):
        browser_login.wait(login, control=control)


def test_a_code_that_someone_else_used_is_told(registry_server: RegistryServer) -> None:
    login = browser_login.start(Context("test", registry_server.url))
    confirm(login)
    thief = httpx.get(f"{registry_server.url}/api/v1/auth/token", params={"code": login.code}, trust_env=False)
    assert thief.json()["token"] == TOKEN
    with pytest.raises(AuthenticationError) as refused:
        browser_login.wait(login)
    assert "another program" in refused.value.message


def test_a_registry_in_trouble_is_asked_again_and_its_trouble_told_at_the_end() -> None:
    with StrangeRegistry() as server:
        server.says(CODE, Answer(cut_after=-1), Answer(b"{}", status=502), Answer(b'{"token": "tok-new"}'))
        login = browser_login.start(Context("test", server.url))
        assert browser_login.wait(login).reveal() == "tok-new"
        server.says(Answer(b"{}", status=502))
        with pytest.raises(RegistryUnavailableError):
            browser_login.wait(login, limit_s=0.5)


@pytest.mark.parametrize("body", [b"{}", b'{"token": ""}', b'{"token": "two words"}', b'"tok"'])
def test_a_confirmation_without_a_token_is_told(body: bytes) -> None:
    with StrangeRegistry() as server:
        login = browser_login.start(Context("test", server.says(CODE, Answer(body)).url))
        with pytest.raises(NotARegistryError) as refused:
            browser_login.wait(login)
        assert refused.value.__cause__ is None


def test_neither_code_nor_token_reach_the_log(registry_server: RegistryServer, tmp_path: Path) -> None:
    from modelsync import logs

    paths = Paths.of_platform({f"MODELSYNC_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "STATE", "CACHE")})
    logs.start(paths, "debug")
    try:
        login = browser_login.start(Context("test", registry_server.url))
        confirm(login)
        token = browser_login.wait(login)
        logging.getLogger("modelsync.test").info("%r %s %s", login, login.url, token.reveal())
    finally:
        logs.stop()
    text = paths.log_file.read_text()
    assert "/api/v1/auth/token" in text
    assert login.code not in text
    assert TOKEN not in text


def test_the_browser_gets_the_page_and_no_token_of_the_environment(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\n{{ echo "$@"; env; }} > {seen}.new && mv {seen}.new {seen}\n')
    browser.chmod(0o755)
    environ = {**os.environ, "BROWSER": str(browser), "BENTO_CLOUD_API_KEY": TOKEN}
    assert browser_login.open_page("https://registry.example/api_tokens?code=abc", environ)
    wait_for(seen.exists, what="the browser being opened")
    text = seen.read_text()
    assert text.startswith("https://registry.example/api_tokens?code=abc\n")
    assert TOKEN not in text


def test_over_ssh_and_without_a_desktop_nothing_is_opened() -> None:
    assert not browser_login.open_page("https://registry.example", {"PATH": os.environ["PATH"]})
    over_ssh = {"PATH": os.environ["PATH"], "DISPLAY": ":0", "SSH_CONNECTION": "1.2.3.4 5 6.7.8.9 22"}
    assert not browser_login.open_page("https://registry.example", over_ssh)

"""Signing in from a terminal through the registry's page: who gets the token, once, and what the page never shows."""

from __future__ import annotations

import re

import httpx
import pytest

from modelsync_registry import sign_in_codes
from support.registry_server import EXPIRED_TOKEN, TOKEN, RegistryServer, client, json_of, text_of


@pytest.fixture
def anybody(registry_server: RegistryServer) -> httpx.Client:
    """A browser, or a program that has no token yet."""
    return client(registry_server.url, token=None)


def begin(anybody: httpx.Client) -> str:
    return text_of(json_of(anybody.get("/api/v1/auth/code")), "code")


def ask(anybody: httpx.Client, code: str) -> httpx.Response:
    return anybody.get("/api/v1/auth/token", params={"code": code})


def confirm(anybody: httpx.Client, code: str, token: str = TOKEN) -> httpx.Response:
    return anybody.post("/api_tokens", data={"code": code, "token": token})


def test_the_token_that_a_person_confirms_with_is_given_out_once(anybody: httpx.Client) -> None:
    code = begin(anybody)
    page = anybody.get("/api_tokens", params={"code": code})
    assert page.status_code == 200
    assert code in page.text
    assert ask(anybody, code).status_code == 400
    done = confirm(anybody, code)
    assert done.status_code == 200
    assert "Signed in as <b>mia</b>" in done.text
    assert json_of(ask(anybody, code)) == {"token": TOKEN}
    assert ask(anybody, code).status_code == 410


def test_no_page_shows_a_token_or_is_kept_or_framed(anybody: httpx.Client) -> None:
    code = begin(anybody)
    pages = [
        anybody.get("/api_tokens"),
        anybody.get("/api_tokens", params={"code": code}),
        confirm(anybody, code, "tok-wrong"),
        confirm(anybody, code),
        confirm(anybody, code),
    ]
    assert [page.status_code for page in pages] == [200, 200, 403, 200, 410]
    for page in pages:
        assert TOKEN not in page.text
        assert "tok-wrong" not in page.text
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("token", ["", "tok-wrong", EXPIRED_TOKEN])
def test_a_token_that_is_not_accepted_confirms_nothing(anybody: httpx.Client, token: str) -> None:
    code = begin(anybody)
    assert confirm(anybody, code, token).status_code == 403
    assert ask(anybody, code).status_code == 400
    assert confirm(anybody, code).status_code == 200


def test_a_confirmed_code_cannot_be_given_another_token(anybody: httpx.Client) -> None:
    code = begin(anybody)
    confirm(anybody, code)
    assert anybody.get("/api_tokens", params={"code": code}).status_code == 410
    assert confirm(anybody, code).status_code == 410
    assert json_of(ask(anybody, code)) == {"token": TOKEN}


def test_a_code_is_good_for_ten_minutes(registry_server: RegistryServer, anybody: httpx.Client) -> None:
    waiting, confirmed = begin(anybody), begin(anybody)
    confirm(anybody, confirmed)
    registry_server.clock.advance(601)
    assert [ask(anybody, code).status_code for code in (waiting, confirmed)] == [410, 410]
    assert confirm(anybody, waiting).status_code == 410


def test_unknown_codes_are_over_and_cannot_be_guessed(anybody: httpx.Client) -> None:
    codes = {begin(anybody) for _ in range(50)}
    assert len(codes) == 50
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", code) for code in codes)
    for code in ("", "x", "<script>"):
        assert ask(anybody, code).status_code == 410
        assert confirm(anybody, code).status_code == 410
    assert "<script>" not in anybody.get("/api_tokens", params={"code": "<script>"}).text


def test_so_many_sign_ins_at_once_and_no_more(registry_server: RegistryServer, anybody: httpx.Client) -> None:
    for _ in range(sign_in_codes.CODES_MAX):
        begin(anybody)
    assert anybody.get("/api/v1/auth/code").status_code == 429
    registry_server.clock.advance(601)
    assert begin(anybody)


def test_what_is_not_the_pages_form_is_refused(anybody: httpx.Client) -> None:
    for body in (b"x" * 20_000, "code=\u00e4".encode(), b"&".join(b"a=1" for _ in range(20))):
        assert anybody.post("/api_tokens", content=body).status_code == 400
    assert anybody.post("/api_tokens", content=b"").status_code == 410

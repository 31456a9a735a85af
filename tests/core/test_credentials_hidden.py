"""A token is hidden from logs as soon as a run uses it, wherever it came from."""

from pathlib import Path

import pytest

from modelsync import logs
from modelsync.account import Account, Context, Token, TokenSource
from modelsync.credentials import Credentials
from modelsync.credentials.token_file import TokenFile
from modelsync.paths import Paths

ENDPOINT = "https://registry.example"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.of_platform({f"MODELSYNC_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "STATE", "CACHE")})


def test_the_environments_token_is_hidden_from_logs_once_it_is_used(paths: Paths) -> None:
    token = "env-token-51b0c7d2"
    Credentials(paths, {"BENTO_CLOUD_API_KEY": token, "BENTO_CLOUD_API_ENDPOINT": ENDPOINT}).account()
    assert token not in logs.masked(f"bad header {token}")


def test_a_token_that_another_program_put_into_the_file_is_hidden_from_logs_once_it_is_used(paths: Paths) -> None:
    context = Context("team", ENDPOINT)
    Credentials(paths, {}).keep(Account(context, Token("kept-token-7d1f0a"), TokenSource.FILE), TokenSource.FILE)
    assert "kept-token-7d1f0a" not in logs.masked("bad header kept-token-7d1f0a")
    token = "renewed-token-93ec4b"
    TokenFile(paths.credentials_file).set(context, Token(token))
    assert Credentials(paths, {}).account().token.reveal() == token
    assert token not in logs.masked(f"bad header {token}")

"""Which account a run uses, what is kept where, and that nothing but the chosen place holds the token."""

import json
import pickle
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from modelsync.account import CONTEXT_COLORS, DANGER, context_color
from modelsync.credentials import Account, Context, Credentials, Token, TokenSource
from modelsync.credentials.checks import clean_context_name, clean_endpoint, clean_token
from modelsync.credentials.yatai import contexts_of
from modelsync.errors import AuthenticationError, KeyringError, NotSignedInError, UsageError
from modelsync.paths import Paths

SECRET = "tok-marked-1234567890"
PROD = Context("prod", "https://prod.example", organization="acme", read_only=True, user="mia@acme.io")
LAB = Context("lab", "http://127.0.0.1:3000", plain_http=True)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.of_platform({f"MODELSYNC_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "STATE", "CACHE")})


@pytest.fixture
def credentials(paths: Paths) -> Credentials:
    return Credentials(paths, {})


def account(context: Context = PROD, secret: str = SECRET) -> Account:
    return Account(context, Token(secret), TokenSource.SESSION)


def test_without_an_account_the_next_step_is_named(credentials: Credentials) -> None:
    with pytest.raises(NotSignedInError) as caught:
        credentials.account()
    assert "modelsync login" in caught.value.hint
    assert "BENTO_CLOUD_API_KEY" in caught.value.hint


def test_the_environment_wins_over_a_kept_context(paths: Paths, credentials: Credentials) -> None:
    credentials.keep(account(), TokenSource.FILE)
    environ = {"BENTO_CLOUD_API_KEY": " env-token\n", "BENTO_CLOUD_API_ENDPOINT": "https://env.example/"}
    found = Credentials(paths, environ).account()
    assert found.source is TokenSource.ENVIRONMENT
    assert found.context.endpoint == "https://env.example"
    assert found.token == Token("env-token")


def test_without_an_endpoint_the_environments_token_is_for_bentocloud(paths: Paths) -> None:
    found = Credentials(paths, {"BENTO_CLOUD_API_KEY": "x1"}).account()
    assert found.context.endpoint == "https://cloud.bentoml.com"


def test_a_context_named_beside_the_environments_token_is_a_usage_error(paths: Paths) -> None:
    with pytest.raises(UsageError, match="BENTO_CLOUD_API_KEY"):
        Credentials(paths, {"BENTO_CLOUD_API_KEY": "x1"}).account("prod")


def test_an_endpoint_without_a_token_is_no_account(paths: Paths) -> None:
    with pytest.raises(NotSignedInError):
        Credentials(paths, {"BENTO_CLOUD_API_ENDPOINT": "https://env.example", "BENTO_CLOUD_API_KEY": " "}).account()


def test_a_token_kept_in_a_file_is_read_by_the_next_run(paths: Paths, credentials: Credentials) -> None:
    credentials.keep(account(), TokenSource.FILE)
    found = Credentials(paths, {}).account()
    assert found == Account(PROD, Token(SECRET), TokenSource.FILE)
    assert stat.S_IMODE(paths.credentials_file.stat().st_mode) == 0o600
    assert "plain text" in paths.credentials_file.read_text()


def test_the_file_of_contexts_never_holds_a_token(paths: Paths, credentials: Credentials) -> None:
    credentials.keep(account(), TokenSource.FILE)
    assert SECRET not in paths.contexts_file.read_text()
    assert stat.S_IMODE(paths.contexts_file.stat().st_mode) == 0o600


def test_a_token_file_that_others_can_read_is_refused(paths: Paths, credentials: Credentials) -> None:
    credentials.keep(account(), TokenSource.FILE)
    paths.credentials_file.chmod(0o640)
    with pytest.raises(AuthenticationError) as caught:
        credentials.account()
    assert "chmod 600" in caught.value.hint


def test_a_token_for_the_session_is_on_no_disk_and_gone_with_the_process(
    tmp_path: Path, paths: Paths, credentials: Credentials
) -> None:
    credentials.keep(account(), TokenSource.SESSION)
    assert credentials.account().token == Token(SECRET)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and SECRET in path.read_text()]
    with pytest.raises(NotSignedInError, match="another session"):
        Credentials(paths, {}).account()


def test_keeping_a_token_elsewhere_removes_the_older_copy(paths: Paths, credentials: Credentials) -> None:
    credentials.keep(account(), TokenSource.FILE)
    credentials.keep(account(), TokenSource.SESSION)
    assert not paths.credentials_file.exists()


def test_a_context_that_moves_to_another_endpoint_leaves_no_token_behind(
    paths: Paths, credentials: Credentials
) -> None:
    credentials.keep(account(), TokenSource.FILE)
    moved = Context("prod", "https://new.example")
    credentials.keep(account(moved, "tok-new"), TokenSource.FILE)
    assert SECRET not in paths.credentials_file.read_text()
    assert credentials.account().token == Token("tok-new")


def test_several_contexts_are_kept_and_one_is_current(paths: Paths, credentials: Credentials) -> None:
    credentials.keep(account(PROD), TokenSource.FILE)
    credentials.keep(account(LAB, "tok-lab"), TokenSource.FILE)
    assert credentials.contexts() == (PROD, LAB)
    assert credentials.current() == "lab"
    credentials.use("prod")
    assert Credentials(paths, {}).account().context == PROD
    assert credentials.account("lab").token == Token("tok-lab")


def test_an_unknown_context_is_answered_with_the_known_ones(credentials: Credentials) -> None:
    credentials.keep(account(PROD), TokenSource.FILE)
    for ask in (credentials.account, credentials.use, credentials.forget):
        with pytest.raises(NotSignedInError) as caught:
            ask("stage")
        assert "prod" in caught.value.hint


def test_a_forgotten_context_leaves_nothing(tmp_path: Path, paths: Paths, credentials: Credentials) -> None:
    credentials.keep(account(PROD), TokenSource.FILE)
    credentials.keep(account(LAB, "tok-lab"), TokenSource.FILE)
    credentials.forget("lab")
    assert credentials.contexts() == (PROD,)
    assert credentials.current() is None
    assert "tok-lab" not in paths.credentials_file.read_text()
    credentials.forget("prod")
    assert not paths.credentials_file.exists()
    with pytest.raises(NotSignedInError):
        credentials.account()


def test_without_a_keyring_keeping_there_fails_with_a_way_on_and_keeps_nothing(
    paths: Paths, credentials: Credentials
) -> None:
    with pytest.raises(KeyringError) as caught:
        credentials.keep(account(), TokenSource.KEYRING)
    assert "this session only or in a file" in caught.value.hint
    assert not paths.contexts_file.exists()
    status = credentials.keyring_status()
    assert (status.usable, status.name) == (False, "")
    assert "no OS keyring" in status.reason


def test_the_environments_account_cannot_be_kept_there(credentials: Credentials) -> None:
    with pytest.raises(UsageError):
        credentials.keep(account(), TokenSource.ENVIRONMENT)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"format": 1, "contexts": [3]}', '{"format": 1, "contexts": [{"name": "x"}]}', '{"format": 2}']
)
def test_a_damaged_file_of_contexts_is_named(paths: Paths, credentials: Credentials, text: str) -> None:
    paths.contexts_file.parent.mkdir(parents=True)
    paths.contexts_file.write_text(text)
    with pytest.raises(AuthenticationError) as caught:
        credentials.account()
    assert str(paths.contexts_file) in caught.value.message


def test_a_file_of_contexts_from_a_later_version_is_not_guessed_at(paths: Paths, credentials: Credentials) -> None:
    paths.contexts_file.parent.mkdir(parents=True)
    paths.contexts_file.write_text(json.dumps({"format": 2, "contexts": []}))
    with pytest.raises(AuthenticationError, match="another version"):
        credentials.contexts()


def test_a_damaged_token_file_is_named_without_its_content(paths: Paths, credentials: Credentials) -> None:
    credentials.keep(account(), TokenSource.FILE)
    paths.credentials_file.write_text(SECRET)
    with pytest.raises(AuthenticationError) as caught:
        credentials.account()
    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    environ = {f"MODELSYNC_{kind}_DIR": str(tmp_path / "file" / "x") for kind in ("CONFIG", "STATE", "CACHE")}
    with pytest.raises(AuthenticationError):
        Credentials(Paths.of_platform(environ), {}).keep(account(), TokenSource.FILE)


def test_a_token_shows_itself_only_when_asked() -> None:
    token = Token(SECRET)
    shown = f"{token} {token!r} {token:>30} {account()!r} {[token]}"
    assert SECRET not in shown
    assert token.reveal() == SECRET
    with pytest.raises(TypeError):
        pickle.dumps(token)


@pytest.mark.parametrize(
    ("typed", "endpoint"),
    [
        ("cloud.bentoml.com", "https://cloud.bentoml.com"),
        (" https://yatai.example/base/ ", "https://yatai.example/base"),
        ("http://127.0.0.1:3000/", "http://127.0.0.1:3000"),
        ("https://yatai.example/api/v1", "https://yatai.example"),
        ("yatai.example/base/api/v1/", "https://yatai.example/base"),
        ("https://yatai.example/api/v1/model_repositories", "https://yatai.example"),
        ("https://yatai.example/api/v10", "https://yatai.example/api/v10"),
    ],
)
def test_an_endpoint_is_read_as_people_type_it(typed: str, endpoint: str) -> None:
    assert clean_endpoint(typed) == endpoint


@pytest.mark.parametrize(
    "typed",
    ["", "ftp://x", "https://", "https://u:p@x", "https://x?a=b", "https://a b", "https://x:99999", "https://["],
)
def test_what_is_no_endpoint_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        clean_endpoint(typed)


@pytest.mark.parametrize("typed", ["", "  ", "two words", "tök", "a\nb", "x" * 9000])
def test_what_is_no_token_is_refused_without_repeating_it(typed: str) -> None:
    with pytest.raises(UsageError) as caught:
        clean_token(typed)
    assert not typed.strip() or typed not in caught.value.sentence


@pytest.mark.parametrize("typed", ["", "a b", "-x", "x" * 64])
def test_what_is_no_context_name_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        clean_context_name(typed)


def test_the_contexts_of_bentoml_are_read_and_never_written(tmp_path: Path) -> None:
    text = f"""\
contexts:
- api_token: {SECRET}
  email: a@b.c
  endpoint: http://127.0.0.1:18775/
  name: default
- api_token: other
  email: null
  endpoint: https://x.example
  name: second
- name: broken
current_context_name: default
"""
    (tmp_path / ".yatai.yaml").write_text(text)
    first, second = contexts_of(tmp_path)
    assert (first.name, first.endpoint, first.email, first.is_current) == (
        "default",
        "http://127.0.0.1:18775",
        "a@b.c",
        True,
    )
    assert first.token == Token(SECRET)
    assert (second.name, second.email, second.is_current) == ("second", "", False)
    assert SECRET not in repr((first, second))
    assert (tmp_path / ".yatai.yaml").read_text() == text


@pytest.mark.parametrize("text", ["", "[", "- 3", "contexts: 3", "contexts: [3]", "contexts: !!int ''"])
def test_a_strange_file_of_bentoml_offers_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / ".yatai.yaml").write_text(text)
    assert contexts_of(tmp_path) == ()
    assert contexts_of(tmp_path / "nowhere") == ()


def test_the_settings_context_stands_for_the_current_one_and_the_environment_wins_over_it(
    paths: Paths, credentials: Credentials
) -> None:
    credentials.keep(account(PROD), TokenSource.FILE)
    credentials.keep(account(LAB, "tok-lab"), TokenSource.FILE)
    assert credentials.account(default="prod").context == PROD
    assert credentials.account("lab", default="prod").context == LAB
    found = Credentials(paths, {"BENTO_CLOUD_API_KEY": "x1"}).account(default="prod")
    assert found.source is TokenSource.ENVIRONMENT


@pytest.mark.parametrize(
    ("name", "is_danger"),
    [
        ("prod", True),
        ("acme-production", True),
        ("PROD-eu", True),
        ("live", True),
        ("nonprod", False),
        ("pre-prod", False),
        ("default", False),
        ("staging", False),
        ("alive", False),
    ],
)
def test_production_looks_like_production(name: str, is_danger: bool) -> None:
    color = context_color(Context(name, "https://x.example"))
    assert (color == DANGER) is is_danger
    assert color in CONTEXT_COLORS


def test_a_context_keeps_its_colour_and_others_differ(paths: Paths, credentials: Credentials) -> None:
    credentials.keep(account(replace(LAB, color="magenta")), TokenSource.FILE)
    (kept,) = Credentials(paths, {}).contexts()
    assert context_color(kept) == "magenta"
    plain = [context_color(Context(name, "https://x.example")) for name in ("default", "lab", "staging", "eu", "us")]
    assert len(set(plain)) > 1
    assert plain[0] == context_color(Context("default", "https://y.example"))


def test_signing_in_again_begins_with_what_is_kept_of_the_same_registry(credentials: Credentials) -> None:
    credentials.keep(account(PROD), TokenSource.FILE)
    assert credentials.context("prod", PROD.endpoint) == PROD
    assert credentials.context("prod", "https://new.example") == Context("prod", "https://new.example")
    assert credentials.context("lab", PROD.endpoint) == Context("lab", PROD.endpoint)


def test_a_file_of_contexts_from_before_there_were_colours_is_read(paths: Paths, credentials: Credentials) -> None:
    credentials.keep(account(), TokenSource.FILE)
    data = json.loads(paths.contexts_file.read_text())
    for color in (None, "pink", 3):
        data["contexts"][0]["color"] = color
        paths.contexts_file.write_text(json.dumps(data))
        assert credentials.contexts()[0].color == ""
    del data["contexts"][0]["color"]
    paths.contexts_file.write_text(json.dumps(data))
    assert credentials.contexts() == (PROD,)

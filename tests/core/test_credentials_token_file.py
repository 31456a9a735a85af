"""The file of tokens in plain text when it is damaged, cannot be read or cannot be written: named, and nothing lost."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from modelsync.account import Context, Token
from modelsync.credentials.token_file import TokenFile
from modelsync.errors import AuthenticationError

TEAM = Context("team", "https://registry.example")
OTHER = Context("other", "https://registry.example")
SECRET = "s3cret-token-value"


def write(path: Path, text: str) -> TokenFile:
    path.write_text(text)
    path.chmod(0o600)
    return TokenFile(path)


@pytest.mark.parametrize("text", ["[]", "7", "null", "{}", '{"tokens": []}', '{"tokens": "s3cret-token-value"}'])
@pytest.mark.parametrize(
    "act",
    [
        lambda file: file.get(TEAM),
        lambda file: file.set(TEAM, Token("new")),
        lambda file: file.delete(TEAM),
    ],
    ids=["read", "add", "remove"],
)
def test_a_file_that_does_not_hold_tokens_is_named_and_left_as_it_is(
    act: Callable[[TokenFile], object], text: str, tmp_path: Path
) -> None:
    file = write(tmp_path / "credentials.json", text)
    with pytest.raises(AuthenticationError, match=r"credentials\.json does not hold tokens as expected") as caught:
        act(file)
    assert SECRET not in repr(caught.value)
    assert file.path.read_text() == text


def test_what_is_no_token_among_tokens_is_none(tmp_path: Path) -> None:
    key = "https://registry.example"
    tokens = {f"{key} team": "", f"{key} third": 7, f"{key} other": SECRET}
    file = write(tmp_path / "credentials.json", json.dumps({"tokens": tokens}))
    assert file.get(TEAM) is None
    assert file.get(Context("third", key)) is None
    found = file.get(OTHER)
    assert found is not None
    assert found.reveal() == SECRET


def test_removing_a_token_leaves_the_others_and_the_last_one_takes_the_file_along(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "credentials.json")
    file.set(TEAM, Token("one"))
    file.set(OTHER, Token("two"))
    file.delete(TEAM)
    assert (file.get(TEAM), file.get(OTHER)) == (None, Token("two"))
    file.delete(OTHER)
    assert list(tmp_path.iterdir()) == []
    file.delete(OTHER)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.mkdir(mode=0o700)
    with pytest.raises(AuthenticationError, match=r"credentials\.json cannot be read \("):
        TokenFile(path).get(TEAM)


def test_a_place_where_no_file_can_be_is_a_sentence_with_a_way_on(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250)  # its draft beside it has a longer name than a file system takes
    with pytest.raises(AuthenticationError, match="cannot be written") as caught:
        TokenFile(path).set(TEAM, Token(SECRET))
    assert "MODELSYNC_CONFIG_DIR" in caught.value.hint
    assert SECRET not in repr(caught.value)
    assert list(tmp_path.iterdir()) == []

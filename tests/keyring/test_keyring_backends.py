"""Keyrings of other platforms, as far as their backends can be stood in for here: their limits and their failures."""

import os
from pathlib import Path

import pytest

from support.keyring_questions import ask, files_with

SECRET = "tok-marked-1234567890"


def with_backend(folder: Path, platform: str, body: str) -> dict[str, str]:
    """The environment of a machine whose keyring is this class, under the name of keyring's backend for a platform."""
    (folder / "standin.py").write_text(
        "import pathlib\nfrom keyring.backend import KeyringBackend\nfrom keyring.errors import *\n"
        f"FILE = pathlib.Path({str(folder / 'vault')!r})\n"
        "class Keyring(KeyringBackend):\n"
        f"    __module__ = 'keyring.backends.{platform}'\n"
        "    priority = 5\n"
        "    def get_password(self, service, user): return FILE.read_text() if FILE.exists() else None\n"
        "    def set_password(self, service, user, password): FILE.write_text(password)\n"
        "    def delete_password(self, service, user): FILE.unlink()\n" + body
    )
    kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
    return {
        **kept,
        "HOME": str(folder / "home"),
        "PYTHONPATH": str(folder),
        "PYTHON_KEYRING_BACKEND": "standin.Keyring",
    }


@pytest.mark.parametrize(
    ("platform", "name"),
    [("Windows", "Windows Credential Manager"), ("macOS", "macOS Keychain"), ("SecretService", "Secret Service")],
)
def test_a_keyring_goes_by_the_platforms_own_name(tmp_path: Path, platform: str, name: str) -> None:
    assert ask(with_backend(tmp_path, platform, ""), "status") == {"answer": [True, name, ""]}


@pytest.mark.parametrize(("chars", "fits"), [(1280, True), (1281, False)])
def test_a_token_too_long_for_windows_is_told_before_windows_is_asked(tmp_path: Path, chars: int, fits: bool) -> None:
    """2,560 bytes of UTF-16 (CRED_MAX_CREDENTIAL_BLOB_SIZE)."""
    environ = with_backend(tmp_path, "Windows", "")
    answer = ask(environ, "keep", secret="x" * chars)
    assert (tmp_path / "vault").exists() is fits
    if fits:
        assert answer == {"answer": "kept"}
        return
    assert answer["error"] == "KeyringError"
    assert "too long for the Windows Credential Manager" in str(answer["sentence"])
    assert "in a file" in str(answer["sentence"])
    assert ask(environ, "read")["error"] == "NotSignedInError"


def test_a_long_token_is_kept_where_there_is_no_such_limit(tmp_path: Path) -> None:
    environ = with_backend(tmp_path, "macOS", "")
    assert ask(environ, "keep", secret="x" * 5000) == {"answer": "kept"}
    assert ask(environ, "read") == {"answer": "x" * 5000}


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("raise KeyringLocked('Keychain is locked')", "is locked"),
        ("raise PasswordSetError(f'cannot keep {password}')", "PasswordSetError"),
        ("raise RuntimeError(f'cannot keep {password}')", "RuntimeError"),
        ("raise OSError(13, 'denied')", "PermissionError"),
    ],
)
def test_a_backend_that_fails_is_a_sentence_that_repeats_no_token(tmp_path: Path, failure: str, words: str) -> None:
    environ = with_backend(tmp_path, "macOS", f"    def set_password(self, service, user, password): {failure}\n")
    answer = ask(environ, "keep", secret=SECRET)
    assert answer["error"] == "KeyringError"
    assert words in str(answer["sentence"])
    assert "in a file" in str(answer["sentence"])
    assert SECRET not in str(answer)
    assert files_with(SECRET, tmp_path) == []


def test_a_backend_that_asks_for_ever_is_given_up_with_a_word_while_it_is_waited_for(tmp_path: Path) -> None:
    asks = "    def get_password(self, service, user):\n        import threading; threading.Event().wait()\n"
    answer = ask(with_backend(tmp_path, "macOS", asks), "status")["answer"]
    assert isinstance(answer, list)
    assert answer[0] is False
    assert "did not answer" in answer[2]

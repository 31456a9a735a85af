"""Tokens in a real Secret Service: kept, read by another process, removed, locked, killed, silent, absent."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.command import Command
from support.keyring_questions import TIMEOUT_S, ask, files_with
from support.registry_server import TOKEN, RegistryServer
from support.secret_service import SecretService, make_secret_service, secret_service

__all__ = ["make_secret_service", "secret_service"]

pytestmark = pytest.mark.needs("gnome-keyring")

SECRET = "tok-märked-1234567890"


def test_a_token_kept_by_one_process_is_read_by_another_and_then_removed(secret_service: SecretService) -> None:
    environ = secret_service.environ
    assert ask(environ, "status") == {"answer": [True, "Secret Service", ""]}
    assert ask(environ, "keep", secret=SECRET) == {"answer": "kept"}
    assert ask(environ, "read") == {"answer": SECRET}
    assert files_with(SECRET, Path(environ["HOME"])) == []
    assert ask(environ, "forget") == {"answer": None}
    assert ask(environ, "read")["error"] == "NotSignedInError"


def test_a_later_token_takes_the_earlier_ones_place(secret_service: SecretService) -> None:
    environ = secret_service.environ
    ask(environ, "keep", secret="first")
    ask(environ, "keep", secret="second")
    assert ask(environ, "read") == {"answer": "second"}
    ask(environ, "forget")


def test_a_token_that_moves_to_a_file_leaves_the_keyring(secret_service: SecretService) -> None:
    environ = secret_service.environ
    ask(environ, "keep", secret="moving")
    assert ask(environ, "to-file") == {"answer": "file"}
    search = "import keyring; print(keyring.get_password('modelsync', 'https://prod.example prod'))"
    done = subprocess.run([sys.executable, "-c", search], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None"
    ask(environ, "forget")


def test_a_locked_keyring_is_a_sentence_with_a_way_on(make_secret_service: Callable[..., SecretService]) -> None:
    service = make_secret_service(daemon=False)  # the bus then starts one by itself, and it is locked
    answer = ask(service.environ, "keep", secret=SECRET)
    assert answer["error"] == "KeyringError"
    assert "in a file" in str(answer["sentence"])
    status = ask(service.environ, "status")["answer"]
    assert isinstance(status, list)
    assert status[0] is False
    assert status[2]


def test_a_daemon_that_was_killed_is_a_sentence_and_the_context_stays(
    make_secret_service: Callable[..., SecretService],
) -> None:
    service = make_secret_service()
    assert ask(service.environ, "keep", secret=SECRET) == {"answer": "kept"}
    service.kill_daemon()
    assert ask(service.environ, "read")["error"] == "KeyringError"
    assert ask(service.environ, "forget")["error"] == "KeyringError"
    contexts = Path(service.environ["HOME"]) / "CONFIG/contexts.json"
    assert '"prod"' in contexts.read_text()


def test_a_daemon_that_never_answers_is_given_up(make_secret_service: Callable[..., SecretService]) -> None:
    service = make_secret_service()
    service.stop_answering()
    answer = ask(service.environ, "keep", secret=SECRET)
    assert answer["error"] == "KeyringError"
    assert answer["notices"] == [
        f"Waiting for the OS keyring, at most {TIMEOUT_S:.0f} s; it may be asking for its password ..."
    ]
    assert f"did not answer within {TIMEOUT_S:.0f} s" in str(answer["sentence"])


def test_without_a_bus_it_is_said_that_there_is_no_keyring(tmp_path: Path, secret_service: SecretService) -> None:
    environ = {"PATH": secret_service.environ["PATH"], "HOME": str(tmp_path)}
    answer = ask(environ, "keep", secret=SECRET)
    assert answer["error"] == "KeyringError"
    assert "no OS keyring" in str(answer["sentence"])
    assert files_with(SECRET, tmp_path) == []


def test_a_backend_that_cannot_be_imported_is_a_sentence(tmp_path: Path, secret_service: SecretService) -> None:
    environ = {**secret_service.environ, "HOME": str(tmp_path), "PYTHON_KEYRING_BACKEND": "no.such.Backend"}
    answer = ask(environ, "keep", secret=SECRET)
    assert answer["error"] == "KeyringError"
    assert "ModuleNotFoundError" in str(answer["sentence"])


def test_a_foreign_backend_is_never_given_a_token(tmp_path: Path, secret_service: SecretService) -> None:
    (tmp_path / "foreign.py").write_text(
        "import pathlib\nfrom keyring.backend import KeyringBackend\n"
        "class Keyring(KeyringBackend):\n"
        "    priority = 9\n"
        f"    def set_password(self, *a): pathlib.Path({str(tmp_path / 'taken')!r}).write_text(str(a))\n"
        "    def get_password(self, *a): return None\n"
        "    def delete_password(self, *a): pass\n"
    )
    environ = {
        **secret_service.environ,
        "HOME": str(tmp_path),
        "PYTHONPATH": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "foreign.Keyring",
    }
    answer = ask(environ, "keep", secret=SECRET)
    assert answer["error"] == "KeyringError"
    assert not (tmp_path / "taken").exists()


def test_signing_in_by_the_command_keeps_the_token_in_the_keyring_and_nowhere_else(
    tmp_path: Path, secret_service: SecretService, registry_server: RegistryServer
) -> None:
    command = Command.in_folder(tmp_path).with_(**secret_service.environ, PYTHON_KEYRING_BACKEND="")
    args = ("login", "--endpoint", registry_server.url, "--context", "lab", "--token-stdin")
    done = command.run(*args, stdin=TOKEN)
    assert done.code == 0, done.err
    assert "the OS keyring (Secret Service)" in done.err
    assert files_with(TOKEN, tmp_path) == []
    assert command.run("whoami", "--json").records[0]["token"] == "keyring"
    assert command.run("logout").code == 0
    assert command.run("whoami").code == 3


def test_a_silent_keyring_does_not_hold_the_command_up(
    make_secret_service: Callable[..., SecretService], tmp_path: Path, registry_server: RegistryServer
) -> None:
    service = make_secret_service()
    service.stop_answering()
    command = Command.in_folder(tmp_path).with_(**service.environ, PYTHON_KEYRING_BACKEND="")
    done = command.run("login", "--endpoint", registry_server.url, "--token-stdin", stdin=TOKEN)
    assert done.code == 3
    assert "Waiting for the OS keyring, at most 5 s" in done.err
    assert "--keep file" in done.err
    assert files_with(TOKEN, tmp_path) == []


def test_a_context_whose_keyring_is_gone_can_be_signed_in_to_again_and_then_forgotten(
    make_secret_service: Callable[..., SecretService], tmp_path: Path, registry_server: RegistryServer
) -> None:
    service = make_secret_service()
    command = Command.in_folder(tmp_path).with_(**service.environ, PYTHON_KEYRING_BACKEND="")
    args = ("login", "--endpoint", registry_server.url, "--token-stdin")
    assert command.run(*args, stdin=TOKEN).code == 0
    service.kill_daemon()
    for asked in ("whoami", "logout"):
        done = command.run(asked)
        assert done.code == 3
        assert "sign in again" in done.err
    assert command.run(*args, "--keep", "file", stdin=TOKEN).code == 0
    assert command.run("whoami").code == 0
    assert command.run("logout").code == 0
    assert files_with(TOKEN, tmp_path) == []

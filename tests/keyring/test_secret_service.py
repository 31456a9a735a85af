"""Tokens in a real Secret Service: kept, read by another process, removed, locked, killed, silent, absent."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from support.command import Command
from support.registry_server import TOKEN, RegistryServer
from support.secret_service import SecretService, make_secret_service, secret_service

__all__ = ["make_secret_service", "secret_service"]

pytestmark = pytest.mark.needs("gnome-keyring")

SECRET = "tok-märked-1234567890"
TIMEOUT_S = 2.0

PROGRAM = f"""
import json, sys
from modelsync.account import *
from modelsync.credentials import Credentials
from modelsync.errors import ModelsyncError
from modelsync.paths import Paths

credentials = Credentials(Paths.of_platform(), keyring_timeout_s={TIMEOUT_S})
context = Context("prod", "https://prod.example")
try:
    match sys.argv[1]:
        case "keep":
            secret = sys.stdin.read()
            credentials.keep(Account(context, Token(secret), TokenSource.SESSION), TokenSource.KEYRING)
            answer = "kept"
        case "read":
            answer = credentials.account().token.reveal()
        case "forget":
            answer = credentials.forget("prod")
        case "to-file":
            credentials.keep(credentials.account(), TokenSource.FILE)
            answer = credentials.account().source
        case "status":
            status = credentials.keyring_status({TIMEOUT_S})
            answer = [status.usable, status.name, status.reason]
    print(json.dumps({{"answer": answer}}))
except ModelsyncError as exc:
    print(json.dumps({{"error": type(exc).__name__, "sentence": exc.sentence}}))
"""


def ask(environ: Mapping[str, str], what: str, *, secret: str = "") -> dict[str, object]:
    """Runs one question in a process of its own: keyring finds its backend once per process."""
    home = Path(environ["HOME"])
    own = {f"MODELSYNC_{kind}_DIR": str(home / kind) for kind in ("CONFIG", "STATE", "CACHE")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, what],
        env={**environ, **own},
        input=secret,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def files_with(text: str, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


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

"""What a registry does at the limits of its machine: no more disk, no more open files."""

from __future__ import annotations

import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from support.registry_server import TOKEN, client, json_of, presign_get, put_object, register_model

StartCommand = Callable[..., "subprocess.Popen[str]"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of a running process are set by Linux only")


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.touch(0o600)
    path.write_text(f"{TOKEN} user=mia\n")
    return path


@pytest.fixture
def start(tmp_path: Path, token_file: Path) -> Iterator[StartCommand]:
    """Starts the command without a terminal, below the limits that the shell's words `before` set."""
    started: list[subprocess.Popen[str]] = []

    def start_command(before: str = ":") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "modelsync_registry", "serve", "--data", str(tmp_path / "data")]
        process = subprocess.Popen(
            ["sh", "-c", f'{before}; exec "$@"', "sh", *command, "--token-file", str(token_file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start_command
    for process in started:
        process.kill()
        process.communicate()


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def fill_disk(process: subprocess.Popen[str]) -> None:
    """From now on no file of the process takes another byte."""
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, hard))


def test_a_full_disk_keeps_nobody_from_what_is_there(start: StartCommand) -> None:
    first = start()
    with client(url_of(first)) as api:
        model = register_model(api, "bert", "v1")
        put_object(api, model, [b"content"])
    first.terminate()
    first.wait()
    second = start()
    url = url_of(second)
    fill_disk(second)  # before the first use of the token, which would be noted in the database
    with client(url) as api:
        assert json_of(api.get("/api/v1/models"))["total"] == 1
        assert httpx.get(presign_get(api, model)).content == b"content"
        assert "database" in api.patch(f"{model}/start_upload").json()["error"]


def test_tokens_that_cannot_be_written_down_change_nothing(start: StartCommand, token_file: Path) -> None:
    process = start()
    assert process.stderr is not None
    with client(url_of(process)) as api:
        fill_disk(process)
        token_file.write_text("tok-new user=tom\n")
        process.send_signal(signal.SIGHUP)
        while "stay as they were" not in (line := process.stderr.readline()):
            assert line, "the registry ended"
        assert api.get("/api/v1/auth/current").status_code == 200


def test_a_disk_that_is_full_at_the_start_is_not_taken_for_a_broken_database(start: StartCommand) -> None:
    first = start()
    url_of(first)
    first.terminate()
    first.wait()
    second = start("ulimit -f 0")
    _, said = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "start again" in said
    assert "restore" not in said


def test_more_connections_than_the_usual_limit_of_files_are_served(start: StartCommand) -> None:
    url = httpx.URL(url_of(start("ulimit -Sn 64")))
    with ExitStack() as open_connections:
        sockets = [
            open_connections.enter_context(closing(socket.create_connection((url.host, url.port or 0), timeout=20)))
            for _ in range(100)
        ]
        for sock in sockets:
            sock.sendall(b"GET /api/v1/version HTTP/1.1\r\nHost: x\r\n\r\n")
        assert all(sock.recv(4096).startswith(b"HTTP/1.1 200") for sock in sockets)

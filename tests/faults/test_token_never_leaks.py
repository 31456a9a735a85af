"""A marked token goes through everything that the command does and suffers, and is found only where it was kept."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelsync_registry.tokens import TokenGrant
from support.command import Command, Done
from support.leaks import SIGNATURES, files_with, says, seen_of_children, seen_of_process
from support.local_store import write_model
from support.registry_server import RegistryFactory, RegistryServer
from support.strange_registry import Answer, StrangeRegistry
from support.waiting import wait_for

MARKED = "tok-MARKED-5f2c81d9e70b+/="
"""Holds what an address would have to escape."""
MiB = 1 << 20
ASKED = "/presign_multipart_upload_url"

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes through /proc")


class Person:
    """Runs commands and remembers everything that was said."""

    def __init__(self, command: Command, server: RegistryServer) -> None:
        self.command = command
        self.server = server
        self.said: list[str] = []

    def run(self, *args: str, code: int, stdin: str = "") -> Done:
        return self.heard(self.command.run(*args, "--debug", stdin=stdin), code)

    def heard(self, done: Done, code: int) -> Done:
        self.said += [done.out, done.err]
        assert done.code == code, done.err
        return done

    def start_push(self, tag: str) -> "subprocess.Popen[str]":
        """A push that is on its way when this returns, slow enough to stay there for a while."""
        before = self.command.log.count(ASKED)
        process = self.command.start("push", tag, "--bandwidth", "1 MiB/s", "--threads", "4", "--debug")
        wait_for(lambda: self.command.log.count(ASKED) > before, within_s=60, what="the push's first part")
        return process

    def ended(self, process: "subprocess.Popen[str]", *codes: int) -> None:
        """Waits for its end, which must be one of these."""
        out, err = process.communicate(timeout=60)
        self.said += [out, err]
        assert process.returncode in codes, err

    def with_broken_library(self) -> Command:
        """The same person on a machine whose HTTP library fails with the request's headers in its words."""
        folder = self.command.folder / "broken"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(
            "import httpx\n"
            "def stream(self, method, url, *, headers=None, **more):\n"
            "    raise RuntimeError(f'cannot send {dict(headers)} to {url}')\n"
            "httpx.Client.stream = stream\n"
        )
        return self.command.with_(PYTHONPATH=str(folder))


@pytest.fixture
def server(make_registry: RegistryFactory) -> RegistryServer:
    return make_registry(tokens=(TokenGrant(token=MARKED, user="mia", email="mia@acme.io"),))


@pytest.fixture
def person(tmp_path: Path, server: RegistryServer) -> Person:
    command = Command.in_folder(tmp_path, PYTHONFAULTHANDLER="1")
    write_model(command.store, "iris:v1", files={"a.bin": os.urandom(2 * MiB)})
    for version in ("v2", "v3"):
        write_model(command.store, f"iris:{version}", files={"a.bin": os.urandom(24 * MiB)})
    return Person(command, server)


@pytest.fixture
def repeats_what_it_is_sent() -> Iterator[StrangeRegistry]:
    """A registry that refuses everything and quotes the token and a signed address in its words."""
    words = f"bad header X-YATAI-API-TOKEN: {MARKED} for https://s3.example/m?X-Amz-Signature=5ec3e7"
    with StrangeRegistry() as registry:
        yield registry.says(Answer(f'{{"error": "{words}"}}'.encode(), status=400))


def live_through_everything(person: Person) -> None:
    """Push, push again, pull, failures of every kind, an interrupt, an unexpected error and a crash."""
    folder = person.command.folder
    person.run("push", "iris:v1", code=0)
    person.run("push", "iris:v1", "--json", code=0)
    person.run("whoami", code=0)
    person.run("ls", "remote", "--json", code=0)
    person.run("pull", "iris:v1", "--force", code=0)
    person.run("pull", "iris:nothing", code=4)
    person.run("push", "iris:v1", "--force", "--store", str(folder / "nowhere"), code=4)

    running = person.start_push("iris:v2")
    assert not says(MARKED, seen_of_process(running.pid, with_environment=False))
    assert not says(MARKED, seen_of_children(running.pid))
    limits = Path(f"/proc/{running.pid}/limits").read_text()
    assert re.search(r"Max core file size +0 +0 ", limits), limits
    running.send_signal(signal.SIGTERM)
    person.ended(running, 130)
    running = person.start_push("iris:v3")
    running.send_signal(signal.SIGSEGV)
    person.ended(running, -signal.SIGSEGV)
    assert "Fatal Python error: Segmentation fault" in person.said[-1]
    running = person.start_push("iris:v3")
    running.send_signal(signal.SIGABRT)
    # The interpreter's report of a crash walks through threads that run on, and may itself crash on the way.
    person.ended(running, -signal.SIGABRT, -signal.SIGSEGV)

    broken = person.heard(person.with_broken_library().run("whoami", "--debug"), 1)
    assert "did not expect" in broken.err
    assert "cannot send" in person.command.log
    person.run("push", "iris:v3", code=0)


def check(person: Person, *, kept_in: list[Path]) -> None:
    folder = person.command.folder
    assert files_with(MARKED, folder) == kept_in
    assert files_with(MARKED, person.server.data) == []
    for signature in SIGNATURES:
        assert files_with(signature, folder) == []
    said = "\n".join(person.said)
    assert not says(MARKED, said)
    assert not any(signature in said for signature in SIGNATURES)
    assert ASKED in person.command.log  # it did log what it asked


def test_a_token_kept_in_a_file_is_in_that_file_only(
    person: Person, server: RegistryServer, repeats_what_it_is_sent: StrangeRegistry
) -> None:
    kept = person.command.folder / "config/credentials"
    login = ("login", "--keep", "file", "--context")
    refused = (*login, "strange", "--endpoint", repeats_what_it_is_sent.url, "--token-stdin")
    person.run(*refused, code=1, stdin=MARKED)
    assert files_with(MARKED, person.command.folder) == []
    typed = person.command.run_on_terminal(
        *login, "typed", "--endpoint", server.url, answers=[("API token: ", f"{MARKED}\n")]
    )
    person.heard(typed, 0)
    person.run(*login, "piped", "--endpoint", server.url, "--token-stdin", code=0, stdin=MARKED)
    person.run("contexts", code=0)
    running = person.start_push("iris:v2")
    assert not says(MARKED, seen_of_process(running.pid))
    running.kill()
    person.ended(running, -signal.SIGKILL)
    live_through_everything(person)
    check(person, kept_in=[kept])
    for name in ("typed", "piped"):
        person.run("logout", name, code=0)
    check(person, kept_in=[])


def test_a_token_of_the_environment_is_in_no_file_at_all(
    person: Person, server: RegistryServer, repeats_what_it_is_sent: StrangeRegistry
) -> None:
    own = person.command
    person.command = own.with_(BENTO_CLOUD_API_KEY=MARKED, BENTO_CLOUD_API_ENDPOINT=repeats_what_it_is_sent.url)
    person.run("push", "iris:v1", code=1)
    person.run("ls", "remote", code=1)
    person.command = own.with_(BENTO_CLOUD_API_KEY=MARKED, BENTO_CLOUD_API_ENDPOINT=server.url)
    live_through_everything(person)
    check(person, kept_in=[])


def test_an_error_that_reaches_a_program_of_ones_own_holds_no_token(
    person: Person, repeats_what_it_is_sent: StrangeRegistry
) -> None:
    """From Python an error is a traceback on stderr, with every cause."""
    program = "import modelsync; modelsync.push('iris:v1')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **person.command.environ,
            "BENTO_CLOUD_API_KEY": MARKED,
            "BENTO_CLOUD_API_ENDPOINT": repeats_what_it_is_sent.url,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "RegistryRefusedError" in done.stderr
    assert "********" in done.stderr
    assert not says(MARKED, done.stderr + done.stdout)
    assert "5ec3e7" not in done.stderr
    assert files_with(MARKED, person.command.folder) == []

"""A marked token is pasted into the screen's sign-in and is then in no picture, file, argument or crash report."""

import os
import signal
from pathlib import Path

import pytest

from modelsync_registry.tokens import TokenGrant
from support.leaks import SIGNATURES, files_with, says, seen_of_process
from support.local_store import write_model
from support.registry_server import RegistryFactory
from support.terminal import Terminal, TerminalFactory

pytestmark = pytest.mark.needs("tmux")

MARKED = "tok-MARKED-5f2c81d9e70b"
MiB = 1 << 20


def sign_in(terminal: Terminal, url: str) -> None:
    terminal.see("Sign in", "API token")
    terminal.press("BTab", "C-u")
    terminal.see_gone("https://cloud.bentoml.com")
    terminal.type(url)
    terminal.see(url)
    terminal.press("Tab")
    terminal.paste(MARKED)
    terminal.see("●●●●●●")
    assert not says(MARKED, terminal.everything())
    terminal.press("Enter")
    terminal.see("1 Local", "2 Remote", "mia@acme.io")


def test_a_token_pasted_into_the_screen_is_found_nowhere(
    tmp_path: Path, make_registry: RegistryFactory, open_terminal: TerminalFactory
) -> None:
    server = make_registry(tokens=(TokenGrant(token=MARKED, user="mia", email="mia@acme.io"),))
    write_model(tmp_path / "home", "iris:v1", files={"a.bin": os.urandom(2 * MiB)})
    terminal = open_terminal("modelsync-tui --debug", PYTHONFAULTHANDLER="1")
    sign_in(terminal, server.url)
    terminal.press("P")
    terminal.see("new in the registry")
    terminal.press("Enter")
    terminal.see("= same")
    pid = terminal.pid("modelsync-tui")
    assert not says(MARKED, seen_of_process(pid))
    os.kill(pid, signal.SIGSEGV)
    terminal.see("exit-code")
    assert not says(MARKED, terminal.everything())
    assert files_with(MARKED, tmp_path) == []
    for signature in SIGNATURES:
        assert files_with(signature, tmp_path) == []
    assert list(tmp_path.rglob("modelsync.log"))

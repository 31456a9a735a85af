"""A terminal that goes away, with its window or its connection, takes the program with it."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from support.local_store import write_model
from support.terminal import TerminalFactory
from support.waiting import wait_for

pytestmark = pytest.mark.needs("tmux")


def is_there(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


@pytest.mark.parametrize("keys", [(), ("s",), ("t",), ("j", "P")])
def test_when_the_terminal_is_gone_the_program_ends(
    tmp_path: Path, open_terminal: TerminalFactory, keys: tuple[str, ...]
) -> None:
    for number in range(3):
        write_model(tmp_path / "home", f"iris:v{number}")
    account = {"BENTO_CLOUD_API_KEY": "tok-nobody-0123456789", "BENTO_CLOUD_API_ENDPOINT": "http://127.0.0.1:9"}
    terminal = open_terminal("modelsync-tui", **account)
    terminal.see("1 Local", "iris")
    terminal.press(*keys)
    pid = terminal.pid("modelsync-tui")
    terminal.close()
    wait_for(lambda: not is_there(pid), within_s=20, what="the end of the program")

"""What the program does to its terminal when the shell, or whoever ends it, comes in between."""

import os
import re
import signal
from pathlib import Path

import pytest

from support.local_store import write_model
from support.registry_server import TOKEN, RegistryServer
from support.screen_program import ScreenProgram, environ_for
from support.terminal import TerminalFactory
from support.waiting import wait_for

pytestmark = pytest.mark.needs("tmux")

CLEAN, DRAWN = "0 0 1", "1 1 0"
"""Alternate screen, mouse reports and cursor, as a shell wants them and as the application does."""
NOBODY = "http://127.0.0.1:9"
"""A registry that does not answer."""
MiB = 1 << 20


def test_control_z_gives_the_shell_back_and_fg_returns(tmp_path: Path, open_terminal: TerminalFactory) -> None:
    write_model(tmp_path / "home", "iris:v1")
    terminal = open_terminal("PS1='shell> ' bash --norc -i", BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=NOBODY)
    terminal.see("shell>")
    terminal.type("modelsync-tui\n")
    terminal.see("1 Local", "iris")
    assert terminal.modes() == DRAWN
    terminal.press("C-z")
    terminal.see("Stopped", "shell>")
    assert terminal.modes() == CLEAN
    terminal.type("echo in-$((40+2))\n")
    terminal.see("in-42")
    terminal.type("fg\n")
    terminal.see("1 Local", "iris")
    wait_for(lambda: terminal.modes() == DRAWN)
    terminal.press("j")
    terminal.see("iris:v1")
    terminal.press("q")
    terminal.see_gone("1 Local")
    assert terminal.modes() == CLEAN
    terminal.type("echo code-$?\n")
    terminal.see("code-0")


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle_of_a_push_restores_the_terminal_and_keeps_its_journal(
    tmp_path: Path, registry_server: RegistryServer, open_terminal: TerminalFactory, ending: signal.Signals
) -> None:
    write_model(tmp_path / "home", "iris:v2", files={"weights.bin": os.urandom(24 * MiB)})
    account = {"BENTO_CLOUD_API_KEY": TOKEN, "BENTO_CLOUD_API_ENDPOINT": registry_server.url}
    own = {f"MODELSYNC_{kind}_DIR": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE", "CACHE")}
    terminal = open_terminal("modelsync-tui", **account, **own, MODELSYNC_BANDWIDTH="6 MiB/s")
    terminal.see("1 Local", "online")
    terminal.press("P")
    terminal.see("new in the registry")
    terminal.press("Enter")
    terminal.see("1 done")
    os.kill(terminal.pid("modelsync-tui"), ending)
    assert terminal.exit_code() == 128 + ending
    assert terminal.modes() == CLEAN
    assert list((tmp_path / "state/journals").iterdir())
    again = open_terminal("modelsync push iris:v2 --json", **account, **own)
    assert '"resumed": true' in again.see("exit-code 0").replace("\n", "")


@pytest.mark.parametrize("ending", ["q", signal.SIGTERM, signal.SIGHUP])
def test_every_mode_that_was_switched_on_is_switched_off_again(tmp_path: Path, ending: str | signal.Signals) -> None:
    write_model(tmp_path / "store", "bert:v1")
    program = ScreenProgram(["-m", "modelsync_tui"], environ_for(tmp_path))
    program.wait_for(b"bert")
    if isinstance(ending, str):
        program.type(ending.encode())
    else:
        program.send(ending)
    assert program.end() == (0 if isinstance(ending, str) else 128 + ending)
    switched = re.findall(rb"\x1b\[\?(\d+)([hl])", program.output)
    last = dict(switched)
    assert last.pop(b"25") == b"h", "the cursor is shown"
    assert last.pop(b"7") == b"h", "lines wrap"
    assert {b"1049", b"1000", b"1003", b"1006", b"2004"} <= set(last), "alternate screen, mouse and pasting were on"
    assert set(last.values()) == {b"l"}


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 16), (40, 10), (39, 9), (5, 2)])
def test_a_terminal_of_any_size_is_drawn_and_left_clean(
    tmp_path: Path, open_terminal: TerminalFactory, size: tuple[int, int]
) -> None:
    write_model(tmp_path / "home", "iris:v1")
    terminal = open_terminal("modelsync-tui", BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=NOBODY)
    terminal.see("1 Local", "iris")
    terminal.resize(*size)
    columns, rows = size
    if columns >= 40 and rows >= 10:
        terminal.see("Local", "iris")
    elif columns > 10:
        terminal.see("needs at least 40x10", f"{columns}x{rows}.")
    terminal.resize(120, 40)
    terminal.see("1 Local", "2 Remote", "3 Transfers")
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert terminal.modes() == CLEAN

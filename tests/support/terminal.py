"""The real program in a real terminal: tmux runs it, a test types and looks."""

import os
import shlex
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from support.waiting import wait_for

PROGRAMS = Path(sys.executable).parent
"""Where the project's commands are installed."""


class Terminal:
    """One terminal with one command in it; its shell says `exit-code N` when the command has ended."""

    def __init__(self, command: str, env: Mapping[str, str], *, columns: int = 120, rows: int = 40) -> None:
        self._socket = f"modelsync-{uuid.uuid4().hex[:12]}"
        kept = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "LANG": "C.UTF-8", "COLORTERM": "truecolor", **env}
        words = " ".join(f"{name}={shlex.quote(value)}" for name, value in kept.items())
        line = f"env -u TMUX {words} sh -c {shlex.quote(f'{command}; echo exit-code $?; exec sleep 600')}"
        self._tmux("-u", "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), line)

    def screen(self) -> str:
        """What is to be seen now."""
        return self._tmux("capture-pane", "-p", check=False)

    def everything(self) -> str:
        """What is to be seen, with colours, and what scrolled away."""
        return self._tmux("capture-pane", "-p", "-e", "-S", "-2000", check=False)

    def press(self, *keys: str) -> None:
        """Presses keys by tmux's names: Enter, Escape, Tab, F5, C-c, or a letter."""
        for key in keys:
            self._tmux("send-keys", key)

    def type(self, text: str) -> None:
        """Types text as it is."""
        self._tmux("send-keys", "-l", text)

    def paste(self, text: str) -> None:
        """Pastes text as terminals do, in brackets."""
        self._tmux("set-buffer", text)
        self._tmux("paste-buffer", "-p")

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def see(self, *texts: str, within_s: float = 30.0) -> str:
        """Waits until all texts are on the screen together and returns it."""
        return self.until(lambda screen: all(text in screen for text in texts), repr(texts), within_s=within_s)

    def see_gone(self, text: str, within_s: float = 30.0) -> str:
        return self.until(lambda screen: text not in screen, f"the end of {text!r}", within_s=within_s)

    def until(self, holds: Callable[[str], bool], what: str, within_s: float = 30.0) -> str:
        """Waits until the screen is as described; fails with a picture of it."""
        last = ""

        def look() -> bool:
            nonlocal last
            last = self.screen()
            return holds(last)

        try:
            wait_for(look, within_s=within_s)
        except AssertionError:
            raise AssertionError(f"{what} was not seen within {within_s:g} s; the screen was:\n{last}") from None
        return last

    def exit_code(self, within_s: float = 30.0) -> int:
        """Waits for the command's end."""
        screen = self.see("exit-code ", within_s=within_s)
        return int(screen.split("exit-code ")[1].split()[0])

    def modes(self) -> str:
        """Whether the alternate screen, the mouse and the cursor are as a shell wants them: `0 0 1`."""
        return self._tmux("display-message", "-p", "#{alternate_on} #{mouse_any_flag} #{cursor_flag}").strip()

    def pid(self, name: str) -> int:
        """The process of the program that runs in the terminal, by a piece of its command line."""
        pane = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        found = subprocess.run(
            ["pgrep", "-f", name, "-P", pane], capture_output=True, text=True, check=False
        ).stdout.split()
        return int(found[0])

    def close(self) -> None:
        self._tmux("kill-server", check=False)

    def _tmux(self, *args: str, check: bool = True) -> str:
        env = {name: value for name, value in os.environ.items() if not name.startswith("TMUX")}
        done = subprocess.run(
            ["tmux", "-L", self._socket, *args], capture_output=True, text=True, env=env, check=False, timeout=60
        )
        if check and done.returncode:
            raise AssertionError(f"tmux {args[0]}: {done.stderr}")
        return done.stdout


TerminalFactory = Callable[..., Terminal]


@pytest.fixture
def open_terminal(tmp_path: Path) -> Iterator[TerminalFactory]:
    """Opens terminals with a HOME of their own; they end with the test."""
    opened: list[Terminal] = []

    def open_one(command: str, *, columns: int = 120, rows: int = 40, **env: str) -> Terminal:
        home = tmp_path / "terminal-home"
        home.mkdir(exist_ok=True)
        base = {
            "HOME": str(home),
            "BENTOML_HOME": str(tmp_path / "home"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "NO_PROXY": "127.0.0.1,localhost",
        }
        terminal = Terminal(command, base | env, columns=columns, rows=rows)
        opened.append(terminal)
        return terminal

    yield open_one
    for terminal in opened:
        terminal.close()

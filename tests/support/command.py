"""The real `modelsync` command in a process of its own, with a home, settings and a store of its own."""

import fcntl
import json
import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelsync.model import Json

ENDS_WITHIN_S = 60.0
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Done:
    """How one run ended."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Json]]:
        """The lines of JSON on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class Command:
    """Runs `modelsync` for one person whose files are all in one folder."""

    folder: Path
    environ: Mapping[str, str]

    @classmethod
    def in_folder(cls, folder: Path, **environ: str) -> "Command":
        kept = {key: os.environ[key] for key in ("PATH", "LANG", "NO_PROXY") if key in os.environ}
        own = {f"MODELSYNC_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "STATE", "CACHE")}
        home = {"HOME": str(folder), "BENTOML_HOME": str(folder / "bentoml")}
        keyring = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        return cls(folder, {**kept, **own, **home, **keyring, **environ})

    def with_(self, **environ: str) -> "Command":
        """The same person with other variables; an empty one is taken away."""
        merged = {**self.environ, **environ}
        return Command(self.folder, {key: value for key, value in merged.items() if value})

    @property
    def store(self) -> Path:
        return self.folder / "bentoml"

    @property
    def log(self) -> str:
        """What the log file holds."""
        path = self.folder / "state/modelsync.log"
        return path.read_text() if path.exists() else ""

    def run(self, *args: str, stdin: str = "") -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "modelsync_cli", *args],
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=ENDS_WITHIN_S,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *args: str) -> "subprocess.Popen[str]":
        """Starts a run that a test will interrupt."""
        return subprocess.Popen(
            [sys.executable, "-m", "modelsync_cli", *args],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run_on_terminal(self, *args: str, answers: Sequence[tuple[str, str]] = (), term: str = "xterm") -> Done:
        """Runs with stdin and stderr on a terminal, stdout on a pipe; `err` is what the terminal showed, uncoloured.

        Each of `answers` is a prompt to wait for and what to type then.
        """
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "modelsync_cli", *args],
            env={**self.environ, "TERM": term, "COLUMNS": "120"},
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            start_new_session=True,
            preexec_fn=_take_terminal,  # getpass asks the terminal that controls the process
        )
        os.close(theirs)
        shown = bytearray()
        waiting = list(answers)
        while piece := _read(ours):
            shown += piece
            if waiting and waiting[0][0].encode() in shown:
                os.write(ours, waiting.pop(0)[1].encode())
        os.close(ours)
        out, _ = process.communicate(timeout=ENDS_WITHIN_S)
        return Done(process.returncode, out, _ESCAPES.sub("", shown.decode(errors="replace")))


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the last process has left the terminal
        return b""

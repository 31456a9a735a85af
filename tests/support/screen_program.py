"""Runs the real program on a pseudo-terminal, for what only the whole process shows."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class ScreenProgram:
    """One process with a terminal of its own; `output` is every byte that it wrote there."""

    def __init__(
        self, arguments: Sequence[str], environ: Mapping[str, str], *, columns: int = 100, rows: int = 30
    ) -> None:
        self.output = b""
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.environ.clear()
            os.environ.update(environ)
            os.execv(sys.executable, [sys.executable, *arguments])
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for(self, words: bytes, within_s: float = 20.0) -> None:
        """Reads until the words were written; fails when they are not, or the program ends first."""
        deadline = time.monotonic() + within_s
        while words not in self.output:
            assert time.monotonic() < deadline, f"{words!r} was not written: {self.output[-3000:]!r}"
            assert self._read(0.1), f"it ended before {words!r} was written: {self.output[-3000:]!r}"

    def send(self, signal_number: signal.Signals) -> None:
        os.kill(self.pid, signal_number)

    def type(self, keys: bytes) -> None:
        os.write(self._terminal, keys)

    def end(self) -> int:
        """Reads the rest and returns the exit code; negative for a signal that killed it."""
        while self._read(20.0):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(status)

    def _read(self, within_s: float) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], within_s)
        if not ready:
            return within_s < 1.0
        try:
            piece = os.read(self._terminal, 65_536)
        except OSError:
            return False  # Linux says so when the other end is closed
        self.output += piece
        return bool(piece)


def environ_for(folder: Path, **more: str) -> dict[str, str]:
    """What the program is started with: a home, a store and files of its own, and a registry where nobody answers."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TERM": "xterm-256color",
        "BENTOML_HOME": str(folder / "store"),
        "MODELSYNC_CONFIG_DIR": str(folder / "config"),
        "MODELSYNC_STATE_DIR": str(folder / "state"),
        "MODELSYNC_CACHE_DIR": str(folder / "cache"),
        "BENTO_CLOUD_API_KEY": "tok-nobody-0123456789",
        "BENTO_CLOUD_API_ENDPOINT": "http://127.0.0.1:9",
        **more,
    }

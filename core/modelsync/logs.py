"""The log file of the engine, and the mask that keeps every secret out of it.

How it works: the mask is in the formatter, over the finished text, so that it also covers tracebacks, arguments and
what a library put into an exception. Known tokens are replaced wherever they stand; of every address only the query is
hidden, because a presigned URL is a secret by its query alone.
"""

import logging
import os
import re
import stat
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path

from modelsync.paths import PRIVATE_FILE_MODE, Paths, private_dir

LOG_FILE_MAX_BYTES = 4 * 1024 * 1024
LOG_FILES_KEPT = 3
"""Older files beside the current one."""
MASK = "[hidden]"

_logger = logging.getLogger("modelsync")
_logger.addHandler(logging.NullHandler())  # an engine used from Python says nothing on stderr by itself

_QUERY = re.compile(r"(?<=[\w/=.])\?[\w.~%-]+=[^\s\"'<>]*")
_USERINFO = re.compile(r"(?<=://)[^/\s@\"']+@")
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127) if chr(code) not in "\n\t"}

_secrets: set[str] = set()
_secrets_lock = threading.Lock()


def start(paths: Paths, level: str = "info") -> Path | None:
    """Sends the `modelsync` logger to the log file, mode 0600; returns the file.

    None when it cannot be written (a read-only home): then nothing is logged, and nothing fails for it.
    """
    try:
        handler = _PrivateFile(paths.log_file)
    except OSError:
        return None
    handler.setFormatter(_MaskingFormatter())
    stop()
    _logger.addHandler(handler)
    _logger.setLevel(level.upper())
    _logger.propagate = False  # the program's own terminal belongs to its screen
    return paths.log_file


def stop() -> None:
    """Closes the log file, if one is open."""
    for handler in list(_logger.handlers):
        if isinstance(handler, _PrivateFile):
            _logger.removeHandler(handler)
            handler.close()


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log, without secrets and without control characters."""

    at: datetime
    """Aware, on this machine's clock."""
    level: int
    """As `logging` counts it."""
    text: str


class RecentLines(logging.Handler):
    """The last lines of the log, for a screen; written from any thread."""

    def __init__(self, lines_max: int, added: Callable[[], object]) -> None:
        """`added` is called on the thread that logs, after lines came; it must return at once."""
        super().__init__()
        self._lines: deque[LogLine] = deque(maxlen=lines_max)
        self._added = added
        self.setFormatter(_MaskingFormatter("%(message)s"))

    def lines(self) -> tuple[LogLine, ...]:
        """What is kept, the oldest first."""
        self.acquire()
        try:
            return tuple(self._lines)
        finally:
            self.release()

    def emit(self, record: logging.LogRecord) -> None:
        at = datetime.fromtimestamp(record.created, UTC).astimezone()
        for text in self.format(record).splitlines():
            self._lines.append(LogLine(at, record.levelno, text))
        self._added()


@contextmanager
def recent_lines(lines_max: int, added: Callable[[], object]) -> Iterator[RecentLines]:
    """Keeps the last lines of the log in memory while the block runs."""
    handler = RecentLines(lines_max, added)
    _logger.addHandler(handler)
    try:
        yield handler
    finally:
        _logger.removeHandler(handler)


def hide(secret: str) -> None:
    """From now on the log shows a mask where this text stands; also where it was percent-encoded."""
    if secret:
        from urllib.parse import quote  # only where there is a token: listing the store starts without it

        with _secrets_lock:
            _secrets.update((secret, quote(secret, safe="")))


def masked(text: str) -> str:
    """The text as the log would show it: for the few other places where text from outside meets a person."""
    with _secrets_lock:
        known = sorted(_secrets, key=len, reverse=True)
    for secret in known:
        text = text.replace(secret, MASK)
    text = _QUERY.sub(f"?{MASK}", text)
    text = _USERINFO.sub(f"{MASK}@", text)
    return text.translate(_CONTROL)


class _MaskingFormatter(logging.Formatter):
    """One record as text without secrets and without control characters."""

    def __init__(
        self, form: str = "%(asctime)s %(levelname)s %(name)s [%(process)d %(threadName)s] %(message)s"
    ) -> None:
        super().__init__(form)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


class _PrivateFile(logging.FileHandler):
    """A log file that only its owner reads, set aside when it is full.

    Several processes may append to it; each line is one write. Whoever finds it full renames it, the others follow at
    their next line.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, mode="a", encoding="utf-8", delay=True)
        self._path = path
        self._file = self.stream = self._open()

    def _open(self) -> TextIOWrapper:
        private_dir(self._path.parent)
        # Without waiting: a pipe in its place, which nobody reads, would be waited for, for ever.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK
        handle = os.open(self._path, flags, PRIVATE_FILE_MODE)
        if stat.S_ISREG(os.fstat(handle).st_mode):  # else it may be everybody's, as /dev/null behind a link
            os.fchmod(handle, PRIVATE_FILE_MODE)
        return os.fdopen(handle, "a", encoding="utf-8", errors="backslashreplace")

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._follow()
        except OSError:
            self.handleError(record)
            return
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """A full disk must not print a traceback over the screen; the line is lost."""

    def _follow(self) -> None:
        mine = os.fstat(self._file.fileno())
        try:
            current = self._path.stat()
        except FileNotFoundError:
            self._reopen()
            return
        if (mine.st_dev, mine.st_ino) != (current.st_dev, current.st_ino):
            self._reopen()
        elif mine.st_size >= LOG_FILE_MAX_BYTES:
            for number in range(LOG_FILES_KEPT - 1, 0, -1):
                older = self._aside(number)
                if older.exists():
                    older.replace(self._aside(number + 1))
            self._path.replace(self._aside(1))
            self._reopen()

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _reopen(self) -> None:
        old, self._file = self._file, self._open()
        self.stream = self._file
        old.close()

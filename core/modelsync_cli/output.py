"""What the command says: data on stdout, narration on stderr."""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TextIO

from modelsync.errors import Cancelled, ModelsyncError
from modelsync.logs import masked
from modelsync.model import Json

_TO_THE_MINUTE_CHARS = len("2026-03-01 12:00")
_CUT = "..."
_HALF = "\\ud"
"""How half a character begins in JSON, also each half of a whole one."""
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class Output:
    """The two streams of one run."""

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self._told: set[str] = set()
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")

    def record(self, values: Mapping[str, Json], plain: Sequence[str]) -> None:
        """One result: a line of JSON, or its columns separated by tabs.

        Raises BrokenPipeError when nobody reads, ModelsyncError when it cannot be written.
        """
        self._give([json_line(values) if self.as_json else "\t".join(printable(cell) for cell in plain)])

    def records(self, values: Iterable[Mapping[str, Json]]) -> None:
        """Many results that are all there already, a line of JSON each. Raises as `record`."""
        self._give(json_line(one) for one in values)

    def table(self, rows: Sequence[Sequence[str]], *, cut: bool = False) -> None:
        """Aligned columns for a person; the last one is as long as it is, or on a terminal `cut` at its edge.

        Raises as `record`.
        """
        cells = [[printable(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        line = "  ".join(f"{{:<{width}}}" for width in widths)
        lines = (line.format(*row).rstrip() for row in cells)
        self._give(_cut(lines, shutil.get_terminal_size().columns) if cut and sys.stdout.isatty() else lines)

    def text(self, whole: str) -> None:
        """What has its own form, to its last line break. Raises as `record`."""
        self._give([whole.removesuffix("\n")])

    def ask(self, question: str, *, secret: bool = False) -> str:
        """What a person types on the terminal, not shown when it is secret; raises Cancelled when they end the input.

        However it ends, what is said next stands on a line of its own.
        """
        try:
            if secret:
                from getpass import getpass

                return getpass(question, stream=sys.stderr)
            print(question, end="", file=sys.stderr, flush=True)
            if not (line := sys.stdin.readline()):
                raise EOFError
            return line.strip()
        except EOFError:
            self._say("")
            raise Cancelled("Nothing was answered.", hint="Start the command again.") from None
        except KeyboardInterrupt:
            self._say("")
            raise

    def note(self, text: str) -> None:
        """Narration; silent when quiet."""
        if not self.quiet:
            self._say(text)

    def waiting(self, text: str) -> None:
        """Why nothing seems to happen, once for each reason; only for a person at a terminal who reads no JSON."""
        if not (self.as_json or text in self._told) and sys.stderr.isatty():
            self._told.add(text)
            self.note(text)

    def prompt(self, text: str) -> None:
        """What a person must read to go on, an address with its query included; never in a log."""
        print(printable(text), file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        self._say(f"warning: {text}")

    def error(self, error: ModelsyncError, about: str = "") -> None:
        """A failure in one line: what, and the next step."""
        self._say(f"error: {about + ': ' if about else ''}{error.sentence}")

    def _give(self, lines: Iterable[str]) -> None:
        try:
            sys.stdout.writelines(f"{line}\n" for line in lines)
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            forget(sys.stdout)
            raise ModelsyncError(
                f"The result cannot be written: {error.strerror}.", hint="Send it to another place, or free some space."
            ) from error

    def _say(self, text: str) -> None:
        try:
            print(printable(masked(text)), file=sys.stderr, flush=True)
        except OSError:  # narration that nobody can read must not stop a transfer
            forget(sys.stderr)


def _cut(lines: Iterable[str], columns: int) -> Iterable[str]:
    return (line if len(line) <= columns else line[: columns - len(_CUT)] + _CUT for line in lines)


def forget(stream: TextIO) -> None:
    """What is still buffered for whoever is gone must not raise again when Python flushes at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def open_closed_streams() -> None:
    """Gives streams that the caller closed (`2>&-`) a place to go.

    Else the next file that is opened gets their number, and `print` sends narration to stdout.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, os.fdopen(number, mode))


def json_line(values: Mapping[str, Json]) -> str:
    """One object on one line, which every parser takes: a byte that is no UTF-8 stands in it as `\\xe9`.

    Python keeps such bytes of a path as halves of characters (PEP 383), which strict parsers refuse (RFC 8259, 8.2).
    """
    line = json.dumps(dict(values))
    return json.dumps(_whole(json.loads(line))) if _HALF in line else line


def _whole(value: Json) -> Json:
    match value:
        case str():
            try:
                return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            except UnicodeEncodeError:  # a half that stands for no byte, as a registry's label may have it
                return value.encode("utf-8", "backslashreplace").decode("utf-8")
        case Mapping():
            return {str(_whole(key)): _whole(one) for key, one in value.items()}
        case Sequence():
            return [_whole(one) for one in value]
        case _:
            return value


def printable(text: str) -> str:
    """Text from outside as one line that cannot move a terminal's cursor."""
    if text.isprintable():  # nearly always, and 50,000 times in a long table
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def size_text(size_bytes: int | None) -> str:
    """A size for a person, as BentoML writes it: IEC units, two decimals."""
    if size_bytes is None:
        return "-"
    value = float(size_bytes)
    for unit in _UNITS:
        if value < 1024 or unit == _UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.2f} {unit}"
        value /= 1024
    raise AssertionError("unreachable")


def time_text(moment: datetime | None) -> str:
    """A moment for a person, in their zone, to the minute."""
    return moment.astimezone().isoformat(" ")[:_TO_THE_MINUTE_CHARS] if moment else "-"


def time_json(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def labels_text(labels: Mapping[str, str]) -> str:
    return " ".join(f"{key}={value}" for key, value in labels.items())

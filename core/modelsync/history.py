"""What was transferred, by every program and run of one person: one line of JSON for each transfer that ended.

How it works: a record is one write to a file opened for appending, under a lock on the file itself: a write shows to
others page by page, and half of one looks like a torn line. Whoever finds the file full renames it under that lock; one
such generation is kept. A line that is torn (the disk was full, the machine lost power) or that another version wrote
is no record, and is passed over.
Entries are read backwards, a block at a time.
"""

import fcntl
import io
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO, assert_never

from modelsync.errors import InvalidTagError
from modelsync.logs import masked
from modelsync.model import Direction, Json
from modelsync.paths import PRIVATE_FILE_MODE, private_dir
from modelsync.tag import Tag

log = logging.getLogger("modelsync.history")

FORMAT = 1
HISTORY_MAX_BYTES = 4 * 1024 * 1024
"""Some 9,000 transfers; as many again are kept in the generation before."""
SENTENCE_MAX_CHARS = 1000
_BLOCK_BYTES = 64 * 1024


class Ending(StrEnum):
    """How a transfer ended."""

    PUSHED = "pushed"
    PULLED = "pulled"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"


class ExportForm(StrEnum):
    """What a history can be written as."""

    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One transfer that ended."""

    began: datetime
    """Aware, in UTC, as `ended`."""
    ended: datetime
    direction: Direction
    tag: Tag
    context: str
    host: str
    """Of the registry; with its port where that is not the usual one."""
    organization: str | None
    outcome: Ending
    reason: str
    """Why it was done, or why nothing was; for one that did not work, the sentence that a person was told."""
    resumed: bool = False
    verified: bool = False
    """Whether the bytes of both sides were compared; False too in records of versions that did not write it."""
    bytes_total: int = 0
    """Of the archive on the wire; 0 when nothing was to be moved."""
    bytes_moved: int = 0
    """What this run sent or received, repeated bytes included."""
    retries: int = 0
    seconds: float = 0.0
    program: str = ""

    def facts(self) -> dict[str, Json]:
        """As it is written: plain values, in the order in which a person reads them."""
        return {
            "began": self.began.isoformat(timespec="milliseconds"),
            "ended": self.ended.isoformat(timespec="milliseconds"),
            "direction": self.direction.value,
            "tag": str(self.tag),
            "outcome": self.outcome.value,
            "reason": self.reason,
            "resumed": self.resumed,
            "verified": self.verified,
            "bytes_total": self.bytes_total,
            "bytes_moved": self.bytes_moved,
            "retries": self.retries,
            "seconds": round(self.seconds, 3),
            "context": self.context,
            "host": self.host,
            "organization": self.organization,
            "program": self.program,
        }


class History:
    """The history of one person on one machine; usable from any thread and beside other processes."""

    def __init__(self, path: Path, *, max_bytes: int = HISTORY_MAX_BYTES) -> None:
        """Nothing is created until something is added."""
        self.path = path
        self._max_bytes = max_bytes

    @property
    def older_path(self) -> Path:
        """The generation before the current file."""
        return self.path.with_name(f"{self.path.name}.1")

    def add(self, entry: HistoryEntry) -> None:
        """Appends a record; a history that cannot be written is told to the log, never to a transfer.

        Tokens and the queries of addresses are masked, as in the log.
        """
        facts = {"format": FORMAT, **entry.facts(), "reason": masked(entry.reason)[:SENTENCE_MAX_CHARS]}
        line = json.dumps(facts, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        try:
            private_dir(self.path.parent)
            handle = self._open_with_room()
            try:
                size = os.fstat(handle).st_size
                if size and os.pread(handle, 1, size - 1) != b"\n":
                    line = b"\n" + line  # behind a torn line
                os.write(handle, line)
            finally:
                os.close(handle)
        except OSError as exc:
            log.warning("the history cannot be written: %s", exc)

    def entries(self, *, limit: int | None = None, tag: Tag | None = None, name: str = "") -> tuple[HistoryEntry, ...]:
        """The transfers that ended, the last one first: all, or those of one version or of one model's name.

        A history that cannot be read is empty.
        """
        found = (
            entry
            for entry in self._newest_first()
            if (tag is None or entry.tag == tag) and name in ("", entry.tag.name)
        )
        return tuple(islice(found, limit))

    def _newest_first(self) -> Iterator[HistoryEntry]:
        with ExitStack() as stack:
            files: list[BinaryIO] = []
            for path in (self.path, self.older_path):
                with suppress(OSError):
                    files.append(stack.enter_context(path.open("rb")))
            if len(files) == 2 and os.path.samestat(*(os.fstat(file.fileno()) for file in files)):
                files.pop()  # it became the older one between our two looks
            for file in files:
                for line in _lines_backwards(file):
                    entry = _entry_of(line)
                    if entry is not None:
                        yield entry

    def _open_with_room(self) -> int:
        """The current file, locked until it is closed, after setting a full one aside. Raises OSError."""
        while True:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, PRIVATE_FILE_MODE)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                if self._is_current(handle):  # else someone else has just set it aside
                    if os.fstat(handle).st_size < self._max_bytes:
                        return handle
                    self.path.replace(self.older_path)
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)

    def _is_current(self, handle: int) -> bool:
        try:
            return os.path.samestat(self.path.lstat(), os.fstat(handle))
        except FileNotFoundError:
            return False


def export(entries: Iterable[HistoryEntry], form: ExportForm, file: TextIO) -> None:
    """Writes entries for another program: a table with heads (open `file` with newline=""), or one list of objects."""
    facts = [entry.facts() for entry in entries]
    match form:
        case ExportForm.CSV:
            import csv  # no transfer needs it

            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows([_cell(row[column]) for column in COLUMNS] for row in facts)
        case ExportForm.JSON:
            json.dump(facts, file, indent=2, ensure_ascii=False)
            file.write("\n")
        case _:
            assert_never(form)


COLUMNS = (
    "began",
    "ended",
    "direction",
    "tag",
    "outcome",
    "reason",
    "resumed",
    "verified",
    "bytes_total",
    "bytes_moved",
    "retries",
    "seconds",
    "context",
    "host",
    "organization",
    "program",
)
"""The names of what `facts` holds, in its order."""


def _cell(value: Json) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _lines_backwards(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, the last one first."""
    at = file.seek(0, io.SEEK_END)
    rest = b""
    while at > 0:
        begin = max(0, at - _BLOCK_BYTES)
        file.seek(begin)
        rest, *lines = (file.read(at - begin) + rest).split(b"\n")
        at = begin
        yield from reversed(lines)
    yield rest


def _entry_of(line: bytes) -> HistoryEntry | None:
    try:
        facts: Json = json.loads(line)
        if not isinstance(facts, dict) or facts.get("format") != FORMAT:
            return None
        return _read(facts)
    except (ValueError, KeyError, TypeError, InvalidTagError):
        return None


def _read(facts: Mapping[str, Json]) -> HistoryEntry:
    organization = facts["organization"]
    return HistoryEntry(
        began=_moment(facts["began"]),
        ended=_moment(facts["ended"]),
        direction=Direction(_text(facts["direction"])),
        tag=Tag.parse(_text(facts["tag"])),
        context=_text(facts["context"]),
        host=_text(facts["host"]),
        organization=None if organization is None else _text(organization),
        outcome=Ending(_text(facts["outcome"])),
        reason=_text(facts["reason"]),
        resumed=facts["resumed"] is True,
        verified=facts.get("verified") is True,
        bytes_total=int(_number(facts["bytes_total"])),
        bytes_moved=int(_number(facts["bytes_moved"])),
        retries=int(_number(facts["retries"])),
        seconds=_number(facts["seconds"]),
        program=_text(facts["program"]),
    )


def _moment(value: Json) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError("a moment without its zone")
    return moment.astimezone(UTC)


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    return value


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**63:
        raise TypeError("number")
    return value

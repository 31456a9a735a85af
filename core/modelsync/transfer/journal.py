"""What an unfinished transfer needs to go on after kill -9, a reboot or a pause.

How it works: one file per transfer, named after direction, tag and a digest of context and store. A push's file is a
header and then one line per part that the store has confirmed, and one for each time that the registry was told of the
upload's start again; a torn last line is no line. A pull's file is written anew, beside and renamed, each time more of
the stage is on the disk: what its header calls done was synced before. The lines behind it say what is in the files by
now, and are trusted only until the next boot. A file of another format or of another transfer is set aside under a name
of its own, never guessed at. A lock beside the file keeps two processes apart.
"""

import base64
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path
from types import TracebackType
from typing import Self

from modelsync.archive.checkpoint import Checkpoint
from modelsync.errors import StoreError, StoreLockedError
from modelsync.model import Direction, Json, RemoteModel
from modelsync.registry.schemas import ETag, UploadId
from modelsync.store.lock import TIDIED_WITHIN_S, FileLock
from modelsync.transfer.journal_key import SUFFIX as _SUFFIX
from modelsync.transfer.journal_key import JournalKey as JournalKey  # part of this module's interface
from modelsync.transfer.pull_notes import checkpoint_facts, note_line, read_checkpoint
from modelsync.transfer.pull_notes import read_bytes as _bytes
from modelsync.transfer.pull_notes import read_number as _number

log = logging.getLogger("modelsync.transfer")

DRAFT_SUFFIX = ".new"
SET_ASIDE_SUFFIX = ".set-aside"
LOCK_SUFFIX = ".lock"


@dataclass(frozen=True, slots=True)
class PushRecord:
    """An upload in parts that has begun."""

    upload_id: UploadId
    part_size: int
    fingerprint: str
    """Of the layout that is sent; another one means other bytes."""
    members: bytes
    """The layout's facts by file, to say which file changed."""
    parts: dict[int, ETag] = field(default_factory=dict)
    """What the store has confirmed."""
    start: str | None = None
    """When this upload began by the registry's clock, as `upload_start` writes it; None in a journal that does not say.

    A version that the registry calls uploading since another moment is somebody else's.
    """


@dataclass(frozen=True, slots=True)
class PullRecord:
    """A download into a stage that has begun."""

    etag: ETag
    total_bytes: int
    stage: Path
    checkpoint: Checkpoint


class Journals:
    """All journals of one machine's person."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def directory(self) -> Path:
        """Where they are."""
        return self._directory

    def files(self) -> list[Path]:
        """One for each transfer, by name."""
        try:
            return sorted(self._directory.glob(f"*{_SUFFIX}"))
        except OSError:
            return []

    def exists(self, key: JournalKey) -> bool:
        """Whether an earlier run of this transfer left something to go on with."""
        return (self._directory / key.file_name).exists()

    @contextmanager
    def open(self, key: JournalKey) -> Iterator["Journal"]:
        """Takes the journal of one transfer; raises StoreLockedError naming who works on it, or StoreError."""
        path = self._directory / key.file_name
        lock = FileLock(path.with_suffix(LOCK_SUFFIX))
        try:
            taken = lock.acquire_within(TIDIED_WITHIN_S)
        except OSError as exc:
            raise StoreError(
                f"The journal of {key.tag} cannot be written: {exc.strerror}.",
                hint=f"Check the permissions of {self._directory}, or name another folder with MODELSYNC_STATE_DIR.",
            ) from exc
        if not taken:
            who = lock.holder()
            raise StoreLockedError(
                f"A {key.direction} of {key.tag} is already running in {who or 'another process'}.",
                hint="Wait until it has ended.",
            )
        try:
            with Journal(path, key) as journal:
                yield journal
        finally:
            lock.release()

    def stages(self) -> tuple[Path, ...]:
        """The stages that pulls will go on with; everything else that was left in a stage area is rubbish."""
        found = []
        for path in self.files():
            with suppress(OSError, ValueError, KeyError, TypeError):
                facts: Json = json.loads(path.read_bytes().split(b"\n", 1)[0])
                if isinstance(facts, dict) and facts.get("direction") == Direction.PULL:
                    found.append(Path(os.fsdecode(bytes.fromhex(_text(facts["stage"])))))
        return tuple(found)


class Journal:
    """The journal of one transfer, under its lock."""

    def __init__(self, path: Path, key: JournalKey) -> None:
        self._path = path
        self._key = key
        self._lock = threading.Lock()
        self._handle: int | None = None
        self._start: str | None = None
        self._members = b""
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def exists(self) -> bool:
        """Whether there is anything that a later run could go on with."""
        return self._path.exists()

    def read_push(self) -> PushRecord | None:
        """What an earlier push left, or None."""
        header, lines = self._read()
        if header is None:
            return None
        try:
            record = PushRecord(
                upload_id=UploadId(_text(header["upload_id"])),
                part_size=_number(header["part_size"]),
                fingerprint=_text(header["fingerprint"]),
                members=_bytes(header["members"]),
            )
            start = header.get("start")
            for line in lines:
                fact = json.loads(line)
                if "start" in fact:
                    start = fact["start"]
                else:
                    record.parts[_number(fact["part"])] = ETag(_text(fact["etag"]))
            record = replace(record, start=None if start is None else _text(start))
        except (ValueError, KeyError, TypeError):
            self.set_aside()
            return None
        return record

    def note_start(self, start: str) -> None:
        """What `begin_push` or `go_on` will write of when the upload began; call it before them."""
        self._start = start

    def begin_push(self, record: PushRecord) -> None:
        """Writes what is known before the first part goes, and syncs it. Raises StoreError."""
        self._replace(
            {
                "start": self._start,
                "upload_id": record.upload_id,
                "part_size": record.part_size,
                "fingerprint": record.fingerprint,
                "members": base64.b64encode(record.members).decode("ascii"),
            }
        )
        self._open()

    def go_on(self) -> None:
        """Parts are added to what is there, after the new start; takes a torn last line away."""
        self._open()
        if self._start is not None:
            self._append({"start": self._start})

    def _open(self) -> None:
        self._close()
        self._handle = os.open(self._path, os.O_RDWR | os.O_APPEND)
        os.ftruncate(self._handle, self._path.read_bytes().rfind(b"\n") + 1)

    def add_part(self, number: int, etag: ETag) -> None:
        """Notes a part that the store has; callable from several threads. A lost note costs one part, never a lie."""
        self._append({"part": number, "etag": etag})

    def read_pull(self) -> PullRecord | None:
        """What an earlier pull left, or None."""
        header, lines = self._read()
        if header is None:
            return None
        try:
            return PullRecord(
                etag=ETag(_text(header["etag"])),
                total_bytes=_number(header["total_bytes"]),
                stage=Path(os.fsdecode(bytes.fromhex(_text(header["stage"])))),
                checkpoint=read_checkpoint(header, lines),
            )
        except (ValueError, KeyError, TypeError):
            self.set_aside()
            return None

    def write_pull(self, record: PullRecord, now: Callable[[], Checkpoint], *, sync: bool) -> None:
        """Replaces what was noted: what the record calls done is on the disk already, `now` tells what is in the files.

        Another thread may note or end this journal meanwhile; one that has ended stays as it is. Raises StoreError.
        """
        facts: dict[str, Json] = {
            "etag": record.etag,
            "total_bytes": record.total_bytes,
            "stage": os.fsencode(record.stage).hex(),
            **checkpoint_facts(record.checkpoint),
        }
        members = record.checkpoint.members

        def put_in_place(beside: Path) -> None:
            with self._lock:
                if self._over:
                    beside.unlink()
                    return
                with beside.open("ab") as file:
                    file.write(note_line(now(), members))
                beside.rename(self._path)
                self._close()
                self._handle, self._members = os.open(self._path, os.O_WRONLY | os.O_APPEND), members

        self._replace(facts, sync=sync, put_in_place=put_in_place)

    def note_pull(self, checkpoint: Checkpoint) -> None:
        """Adds what is in the files by now. A note that is lost costs what it says, never a lie."""
        with self._lock:
            members = self._members
        self._append_line(note_line(checkpoint, members))

    def remove(self) -> None:
        """The transfer has ended, or is given up."""
        self._end()
        self._path.unlink(missing_ok=True)

    def set_aside(self) -> None:
        """Keeps a file that this version cannot use, out of the way."""
        self._close()
        with suppress(FileNotFoundError):
            self._path.rename(self._path.with_suffix(SET_ASIDE_SUFFIX))

    def _read(self) -> tuple[dict[str, Json] | None, list[bytes]]:
        try:
            first, *lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return None, []
        try:
            header = json.loads(first)
        except ValueError:
            header = None
        if not isinstance(header, dict) or any(header.get(name) != value for name, value in self._key.facts().items()):
            self.set_aside()
            return None, []
        whole = [line for line in lines[:-1] if line]
        return header, whole

    def _replace(
        self, facts: dict[str, Json], *, sync: bool = True, put_in_place: Callable[[Path], object] | None = None
    ) -> None:
        data = json.dumps({**self._key.facts(), **facts}).encode() + b"\n"
        beside = self._path.with_suffix(f".{os.urandom(4).hex()}{DRAFT_SUFFIX}")  # no run meets another one's
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(data)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            (put_in_place or self._put_in_place)(beside)
        except OSError as exc:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise StoreError(
                f"The journal of {self._key.tag} cannot be written: {exc.strerror}.",
                hint=f"Make room or check the permissions of {self._path.parent}, "
                "or name another folder with MODELSYNC_STATE_DIR.",
            ) from exc

    def _put_in_place(self, beside: Path) -> None:
        beside.rename(self._path)

    def _append(self, fact: dict[str, Json]) -> None:
        self._append_line(json.dumps(fact).encode() + b"\n")

    def _append_line(self, line: bytes) -> None:
        """Adds a line; where the disk takes none, or half of one, this journal says no more."""
        with self._lock:
            if self._handle is None:
                return
            try:
                if os.write(self._handle, line) == len(line):
                    return
                reason: str | None = "no space is left"
            except OSError as exc:
                reason = exc.strerror
            log.warning("the journal of %s takes no more notes: %s", self._key.tag, reason)
            self._close()

    def _end(self) -> None:
        with self._lock:
            self._over = True
            self._close()

    def _close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)


def upload_start(remote: RemoteModel) -> str:
    """When the registry says that the upload of this version began, in UTC; empty where it does not say."""
    moment = remote.upload_started_at
    return "" if moment is None else moment.astimezone(UTC).isoformat()


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    return value

"""What an unfinished transfer needs to go on after kill -9, a reboot or a pause.

How it works: one file per transfer, named after direction, tag and a digest of context and store. A push's file is a
header and then one line per part that the store has confirmed, and one for each time that the registry was told of the
upload's start again; a torn last line is no line. A pull's file is written anew, beside and renamed, each time more of
the stage is on the disk: what it calls done was synced before (or, where syncing was declined, is trusted only until
the next boot). A file of another format or of another transfer is set aside under a name of its own, never guessed at.
A lock beside the file keeps two processes apart.
"""

import base64
import binascii
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from modelsync.archive.checkpoint import Checkpoint
from modelsync.errors import StoreError, StoreLockedError
from modelsync.model import Direction, Json, RemoteModel
from modelsync.registry.schemas import ETag, UploadId
from modelsync.store.lock import FileLock
from modelsync.tag import Tag

FORMAT = 1
KEPT_S = 7 * 24 * 3600.0
"""A journal older than this is given up: stores drop unfinished uploads by then."""
_SUFFIX = ".journal"


@dataclass(frozen=True, slots=True)
class JournalKey:
    """Which transfer a journal is of."""

    direction: Direction
    tag: Tag
    endpoint: str
    organization: str | None
    store: Path

    @property
    def file_name(self) -> str:
        where = "\0".join((self.endpoint, self.organization or "", str(self.store)))
        digest = sha256(where.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        return f"{self.direction}-{self.tag.name}@{self.tag.version}-{digest}{_SUFFIX}"

    def facts(self) -> dict[str, Json]:
        return {
            "format": FORMAT,
            "direction": self.direction.value,
            "tag": str(self.tag),
            "endpoint": self.endpoint,
            "organization": self.organization,
            "store": os.fsencode(self.store).hex(),
        }


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
    boot_id: str = ""
    """Of the boot in which an unsynced checkpoint holds; empty when it was synced."""


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
        lock = FileLock(path.with_suffix(".lock"))
        try:
            taken = lock.try_acquire()
        except OSError as exc:
            raise StoreError(
                f"The journal of {key.tag} cannot be written: {exc.strerror}.",
                hint=f"Check the permissions of {self._directory}.",
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
                facts = json.loads(path.read_bytes().split(b"\n", 1)[0])
                if facts.get("direction") == Direction.PULL:
                    found.append(Path(os.fsdecode(bytes.fromhex(facts["stage"]))))
        return tuple(found)

    def clean(self, now: float | None = None) -> int:
        """Removes journals that were not touched for a week; returns how many."""
        removed = 0
        for path in self.files():
            with suppress(OSError):
                if (now or time.time()) - path.stat().st_mtime > KEPT_S:
                    path.unlink()
                    removed += 1
        return removed


class Journal:
    """The journal of one transfer, under its lock."""

    def __init__(self, path: Path, key: JournalKey) -> None:
        self._path = path
        self._key = key
        self._handle: int | None = None
        self._start: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

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
        """Writes what is known before the first part goes, and syncs it."""
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
        """Parts are added to what is there, after the new start; ends a torn last line."""
        self._open()
        if self._start is not None and self._handle is not None:
            os.write(self._handle, json.dumps({"start": self._start}).encode() + b"\n")

    def _open(self) -> None:
        self._close()
        self._handle = os.open(self._path, os.O_RDWR | os.O_APPEND)
        size = os.fstat(self._handle).st_size
        if size and os.pread(self._handle, 1, size - 1) != b"\n":
            os.write(self._handle, b"\n")

    def add_part(self, number: int, etag: ETag) -> None:
        """Notes a part that the store has; callable from several threads. A lost note costs one part, never a lie."""
        if self._handle is not None:
            os.write(self._handle, json.dumps({"part": number, "etag": etag}).encode() + b"\n")

    def read_pull(self) -> PullRecord | None:
        """What an earlier pull left, or None."""
        header, _ = self._read()
        if header is None:
            return None
        try:
            done = header["done"]
            if not isinstance(done, list):
                raise TypeError("done")
            record = PullRecord(
                etag=ETag(_text(header["etag"])),
                total_bytes=_number(header["total_bytes"]),
                stage=Path(os.fsdecode(bytes.fromhex(_text(header["stage"])))),
                checkpoint=Checkpoint(tuple(_range(item) for item in done), _bytes(header["members"])),
                boot_id=_text(header["boot_id"]),
            )
        except (ValueError, KeyError, TypeError):
            self.set_aside()
            return None
        if record.boot_id and record.boot_id != boot_id():
            return None
        return record

    def write_pull(self, record: PullRecord) -> None:
        """Replaces what was noted; everything it calls done is on the disk already.

        A record that holds for this boot only need not survive it, and is not synced either.
        """
        self._replace(
            {
                "etag": record.etag,
                "total_bytes": record.total_bytes,
                "stage": os.fsencode(record.stage).hex(),
                "boot_id": record.boot_id,
                "done": [list(item) for item in record.checkpoint.done],
                "members": base64.b64encode(record.checkpoint.members).decode("ascii"),
            },
            sync=not record.boot_id,
        )

    def remove(self) -> None:
        """The transfer has ended, or is given up."""
        self._close()
        self._path.unlink(missing_ok=True)

    def set_aside(self) -> None:
        """Keeps a file that this version cannot use, out of the way."""
        self._close()
        with suppress(FileNotFoundError):
            self._path.rename(self._path.with_suffix(".set-aside"))

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

    def _replace(self, facts: dict[str, Json], *, sync: bool = True) -> None:
        data = json.dumps({**self._key.facts(), **facts}).encode() + b"\n"
        beside = self._path.with_suffix(".new")
        try:
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(handle, data)
                if sync:
                    os.fsync(handle)
            finally:
                os.close(handle)
            beside.rename(self._path)
        except OSError as exc:
            raise StoreError(
                f"The journal of {self._key.tag} cannot be written: {exc.strerror}.",
                hint=f"Make room or check the permissions of {self._path.parent}.",
            ) from exc

    def _close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)


def upload_start(remote: RemoteModel) -> str:
    """When the registry says that the upload of this version began, in UTC; empty where it does not say."""
    moment = remote.upload_started_at
    return "" if moment is None else moment.astimezone(UTC).isoformat()


def boot_id() -> str:
    """Names this boot of the machine; a new one each time where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"unknown-{os.getpid()}"


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    return value


def _number(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("number")
    return value


def _bytes(value: Json) -> bytes:
    try:
        return base64.b64decode(_text(value), validate=True)
    except binascii.Error as exc:
        raise ValueError("base64") from exc


def _range(value: Json) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        raise TypeError("range")
    return _number(value[0]), _number(value[1])

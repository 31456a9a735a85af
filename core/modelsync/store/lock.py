"""Locks of the store: one process, and one thread of it, works on a version at a time.

How it works: an flock on a file named after what is locked. The kernel frees it when its holder dies, so a file left
behind is no lock. The holder writes who it is into the file, for whoever is refused, and removes the file before it
lets go; whoever gets a lock on a file that has lost its name meanwhile begins again.
"""

import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from modelsync.errors import StoreError, StoreLockedError
from modelsync.program import program_name
from modelsync.store.disk import store_error
from modelsync.tag import Tag

NAME_LOCK_WAIT_S = 10.0
TIDIED_WITHIN_S = 0.5
"""Whoever tidies, or asks who works on something, has a lock for a moment: who wants to work waits for that."""
_POLL_S = 0.01
_READ_MAX = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Holder:
    """Who holds a lock."""

    pid: int
    host: str
    program: str
    since: datetime

    def __str__(self) -> str:
        since = self.since.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        return f"{self.program} (process {self.pid} on {self.host}, since {since})"


class FileLock:
    """An exclusive lock on one file; not re-entrant, usable from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def try_acquire(self) -> bool:
        """Takes the lock if it is free; False when another process or thread has it. Raises OSError."""
        while True:
            handle = self._open()
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                current = self._is_current(handle)
            except BlockingIOError:
                os.close(handle)
                return False
            except BaseException:
                os.close(handle)
                raise
            if current:
                self._handle = handle
                _write_holder(handle)
                return True
            os.close(handle)  # its holder removed the file between our open and our lock

    def acquire_within(self, seconds: float) -> bool:
        """Takes the lock as soon as it is free; False when it was not within so many seconds. Raises OSError."""
        deadline = time.monotonic() + seconds
        while not self.try_acquire():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def release(self) -> None:
        """Frees the lock; does nothing when it is not held."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        with suppress(OSError):  # the lock ends with the handle, whether its file can be removed or not
            self._path.unlink()
        os.close(handle)

    def holder(self) -> Holder | None:
        """Who wrote into the lock file; None where nobody did, or nothing that can be read."""
        try:
            with self._path.open("rb") as file:
                facts: object = json.loads(file.read(_READ_MAX))
            if not isinstance(facts, dict):
                return None
            since = datetime.fromisoformat(str(facts["since"]))
            return Holder(int(facts["pid"]), str(facts["host"]), str(facts["program"]), since)
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        try:
            return os.open(self._path, flags, 0o666)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._path, flags, 0o666)

    def _is_current(self, handle: int) -> bool:
        try:
            named = self._path.lstat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(handle))


class VersionLock:
    """The right to change one version of a store; a context manager that frees it."""

    def __init__(self, lock: FileLock, tag: Tag) -> None:
        self._lock = lock
        self.tag = tag

    @classmethod
    def take(cls, directory: Path, tag: Tag, *, within_s: float = TIDIED_WITHIN_S) -> Self:
        """Takes the lock of `tag` among those of `directory`; raises StoreLockedError saying who has it, StoreError.

        `within_s`: how long it may take to become free, in seconds.
        """
        path = directory / f"{tag.name}@{tag.version}.lock"
        lock = FileLock(path)
        try:
            taken = lock.acquire_within(within_s)
        except OSError as error:
            raise _lock_error(error, tag, path) from error
        if not taken:
            who = lock.holder()
            raise StoreLockedError(
                f"{tag} is being worked on by {who or 'another process'}.",
                hint="Wait until it has ended, or end it, then run this again.",
            )
        return cls(lock, tag)

    def release(self) -> None:
        """Frees the lock; a second time does nothing."""
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


@contextmanager
def name_lock(directory: Path, name: str) -> Iterator[None]:
    """Holds all changes to `latest` and to the directory of one name apart; each lasts milliseconds.

    After NAME_LOCK_WAIT_S it goes on without: a stopped process must not block the store, and at worst `latest` names
    the older of two versions installed in the same moment. Raises OSError.
    """
    lock = FileLock(directory / f"{name}.lock")
    taken = lock.acquire_within(NAME_LOCK_WAIT_S)
    try:
        yield
    finally:
        if taken:
            lock.release()


def remove_free_locks(directory: Path) -> None:
    """Removes the files that killed holders left behind; locks that are held stay as they are."""
    try:
        found = list(directory.glob("*.lock"))
    except OSError:  # not ours to read: nothing of ours is in it
        return
    for path in found:
        with suppress(OSError):
            lock = FileLock(path)
            if lock.try_acquire():
                lock.release()


def _lock_error(error: OSError, tag: Tag, path: Path) -> StoreError:
    if error.errno in {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}:
        return StoreError(
            f"Cannot lock {tag}: the file system of {path.parent} has no locks.",
            hint="Put the store on a disk that has them, with BENTOML_HOME.",
        )
    return store_error(error, f"lock {tag}", path)


def _write_holder(handle: int) -> None:
    facts = {
        "pid": os.getpid(),
        "host": os.uname().nodename,
        "program": program_name(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with suppress(OSError):  # a full disk: the lock holds all the same, only its holder stays unnamed
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(facts).encode("utf-8"), 0)

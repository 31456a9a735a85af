"""The files of an archive while they are written: each is created once, with its place on disk growing as bytes come.

How it works: a file that one piece holds whole is created, written and closed at once. Others share one descriptor
among all threads (`pwrite` needs no position), kept in a small list of recently used ones.
"""

# Names are bytes here, as they need not be UTF-8, and pathlib takes none.
# ruff: noqa: PTH118

import errno
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from modelsync.archive.ranges import Ranges
from modelsync.archive.safe_names import refused, shown
from modelsync.archive.table import Kind, MemberTable
from modelsync.errors import ModelsyncError, NoSpaceError, StoreError

_IDLE_FILES_MAX: Final = 16
_STRIPES: Final = 16
_FILE_MODE: Final = 0o666
_EXECUTABLE_MODE: Final = 0o777
_DIRECTORY_MODE: Final = 0o777
_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT)
_NAME_REFUSED: Final = (errno.EILSEQ, errno.ENAMETOOLONG, errno.EINVAL)
_COPY_BYTES: Final = 1 << 20
_ROWS_AHEAD: Final = 1024
"""There is room for so many more, where rows become known one by one."""


class TargetFiles:
    """Writes members of `table` below one directory; thread-safe. Names must have been checked (safe_names)."""

    def __init__(self, directory: bytes, table: MemberTable, *, resumed: bool = False) -> None:
        self._table = table
        self._resumed = resumed
        self._directory = directory
        self._root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._created = bytearray()
        self._unsynced = bytearray()
        self._timed = bytearray()
        """Which files have got their own time already."""
        self._stripes = [threading.Lock() for _ in range(_STRIPES)]
        self._lock = threading.Lock()
        self._open: OrderedDict[int, tuple[int, int]] = OrderedDict()
        """Row to (descriptor, users), the most recently used last."""
        self._writers = 0
        """How many threads write now: the directory stays open for them."""
        self._closed = False
        self.grow()

    def grow(self) -> None:
        """Makes room for the rows that the table has now; called before a new row is used."""
        missing = len(self._table) - len(self._created)
        if missing > 0:
            for rows in (self._created, self._unsynced, self._timed):
                rows.extend(bytes(missing + _ROWS_AHEAD))

    def write(self, row: int, position: int, data: memoryview) -> None:
        """Writes bytes of one file at their place in it. Raises NoSpaceError or StoreError, naming the file."""
        self._begin()
        try:
            if position == 0 and len(data) == self._table.sizes[row]:
                fd = self._open_file(row, resize=self._resumed)
                try:
                    _write_all(fd, data, 0)
                    when = self._table.mtimes[row]
                    os.utime(fd, ns=(when, when))
                finally:
                    os.close(fd)
                self._timed[row] = 1
            else:
                fd = self._borrow(row)
                try:
                    _write_all(fd, data, position)
                finally:
                    self._give_back(row)
                self._timed[row] = 0
        except OSError as exc:
            raise self._error(row, exc) from exc
        finally:
            self._end()
        self._unsynced[row] = 1

    def make_directory(self, name: bytes) -> None:
        self._begin()
        try:
            os.mkdir(name, _DIRECTORY_MODE, dir_fd=self._root)
        except FileExistsError as exc:
            if not self._resumed or not stat.S_ISDIR(os.lstat(name, dir_fd=self._root).st_mode):
                raise refused(name, "and something else is in its place") from exc
        except OSError as exc:
            raise write_error(name, exc) from exc
        finally:
            self._end()

    def make_empty(self, row: int) -> None:
        """Creates a file of no bytes, unless it is there."""
        try:
            os.close(self._open_file(row, resize=True))
        except OSError as exc:
            raise self._error(row, exc) from exc

    def copy(self, row: int, source: int, stopped: Callable[[], None]) -> int:
        """Makes a hard link's file as a copy of an earlier file, as the real client does; returns its size.

        `stopped` is called before each block and may raise.
        """
        try:
            name, original = self._table.name(row), self._table.name(source)
            mode = _EXECUTABLE_MODE if self._table.kinds[source] == Kind.EXECUTABLE else _FILE_MODE
            if self._resumed and _exists(name, self._root):
                os.unlink(name, dir_fd=self._root)
            reading = os.open(original, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._root)
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                writing = os.open(name, flags, mode, dir_fd=self._root)
                try:
                    return _copy(reading, writing, stopped)
                finally:
                    os.close(writing)
            finally:
                os.close(reading)
        except OSError as exc:
            raise self._error(row, exc) from exc

    def free_bytes(self) -> int:
        """Bytes that may still be written beside these files."""
        facts = os.fstatvfs(self._root)
        return facts.f_bavail * facts.f_frsize

    def make_symlink(self, row: int) -> None:
        try:
            name = self._table.name(row)
            if self._resumed and _exists(name, self._root):
                os.unlink(name, dir_fd=self._root)
            os.symlink(self._table.link(row), name, dir_fd=self._root)
        except OSError as exc:
            raise self._error(row, exc) from exc

    def leads_out(self, row: int) -> bool:
        """Whether a symlink that stands leads out of the directory, all links on its way followed."""
        root = os.path.realpath(self._directory)
        target = os.path.realpath(os.path.join(root, self._table.name(row)))
        return target != root and not target.startswith(root + b"/")

    def set_time(self, row: int) -> None:
        """Gives a member its own modification time; after the last write to it or, for a directory, below it.

        Does nothing for a file that got it when it was written, as a whole.
        """
        if self._timed[row]:
            return
        when = self._table.mtimes[row]
        name = self._table.name(row) or b"."
        try:
            os.utime(name, ns=(when, when), dir_fd=self._root, follow_symlinks=False)
        except OSError as exc:
            raise self._error(row, exc) from exc

    def is_whole(self, row: int) -> bool:
        """Whether the file stands there with its full size; its bytes are not looked at."""
        try:
            facts = os.lstat(self._table.name(row), dir_fd=self._root)
        except OSError:
            return False
        return stat.S_ISREG(facts.st_mode) and facts.st_size == self._table.sizes[row]

    def last_bytes(self, row: int, end: int, count: int) -> bytes:
        """Up to `count` bytes of a file before position `end`; empty when it cannot be read."""
        start = max(0, end - count)
        try:
            fd = os.open(self._table.name(row), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._root)
            try:
                return os.pread(fd, end - start, start)
            finally:
                os.close(fd)
        except OSError:
            return b""

    def sync(self) -> None:
        """Returns when every byte written before the call is on the disk; may go on when the files are closed."""
        with self._lock:
            if self._closed:
                return
            root = os.dup(self._root)
        try:
            self._sync(root)
        finally:
            os.close(root)

    def close(self) -> None:
        """Closes every descriptor, now or, where threads still write, when the last of them has ended that write."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._close_unused()

    def _begin(self) -> None:
        """Before a thread opens or writes anything; `_end` after it."""
        with self._lock:
            if self._closed:
                raise StoreError("The archive's files are closed already.", hint="This is a defect; please report it.")
            self._writers += 1

    def _end(self) -> None:
        with self._lock:
            self._writers -= 1
            if self._closed:
                self._close_unused()

    def _close_unused(self) -> None:
        """Called with the lock held."""
        if self._writers:
            return
        while self._open:
            _, (fd, _) = self._open.popitem()
            os.close(fd)
        os.close(self._root)

    def _sync(self, root: int) -> None:
        row = -1
        while (row := self._unsynced.find(1, row + 1)) >= 0:
            self._unsynced[row] = 0
            try:
                fd = os.open(self._table.name(row), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=root)
                try:
                    os.fsync(fd)
                finally:
                    os.close(fd)
            except OSError as exc:
                self._unsynced[row] = 1
                raise self._error(row, exc) from exc

    def _borrow(self, row: int) -> int:
        with self._lock:
            known = self._open.get(row)
            if known:
                self._open[row] = (known[0], known[1] + 1)
                self._open.move_to_end(row)
                return known[0]
        fd = self._open_file(row, resize=True)
        with self._lock:
            known = self._open.get(row)
            if known:  # another thread opened it meanwhile
                os.close(fd)
                fd = known[0]
            self._open[row] = (fd, known[1] + 1 if known else 1)
            self._open.move_to_end(row)
        return fd

    def _give_back(self, row: int) -> None:
        with self._lock:
            fd, users = self._open[row]
            self._open[row] = (fd, users - 1)
            idle = [other for other, (_, count) in self._open.items() if not count]
            for other in idle[: max(0, len(self._open) - _IDLE_FILES_MAX)]:
                os.close(self._open.pop(other)[0])

    def _open_file(self, row: int, *, resize: bool) -> int:
        flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        name = self._table.name(row)
        if self._created[row]:
            return os.open(name, flags, dir_fd=self._root)
        with self._stripes[row % _STRIPES]:
            if self._created[row]:
                return os.open(name, flags, dir_fd=self._root)
            # The umask of the process applies, and bits beyond rwx are never set.
            mode = _EXECUTABLE_MODE if self._table.kinds[row] == Kind.EXECUTABLE else _FILE_MODE
            new = os.O_CREAT if self._resumed else os.O_CREAT | os.O_EXCL
            fd = os.open(name, flags | new, mode, dir_fd=self._root)
            if resize:
                try:
                    os.ftruncate(fd, self._table.sizes[row])
                except OSError:
                    os.close(fd)
                    raise
            self._created[row] = 1
            return fd

    def _error(self, row: int, exc: OSError) -> ModelsyncError:
        return write_error(self._table.name(row), exc)


def rows_missing(files: TargetFiles, table: MemberTable, done: Ranges) -> list[int]:
    """Files that a record calls (partly) written but that do not stand there in full size."""
    return [
        row
        for row in range(len(table))
        if table.kind(row).is_file
        and done.overlaps(table.data_at[row], table.data_at[row] + table.sizes[row])
        and not files.is_whole(row)
    ]


def write_error(name: bytes, exc: OSError) -> ModelsyncError:
    """What the operating system said about a member, as an error of ours."""
    if exc.errno in _NO_SPACE:
        return NoSpaceError(
            f"The disk is full: {shown(name)} could not be written.", hint="Free some space, then pull again."
        )
    if exc.errno == errno.EEXIST:
        return refused(name, "and on this file system its name clashes with another member's")
    if exc.errno in _NAME_REFUSED:
        return refused(name, "a name that this file system does not take")
    if exc.errno == errno.EFBIG:
        return StoreError(
            f"{shown(name)} is larger than a file may be on this file system.", hint="Move the store to another disk."
        )
    return StoreError(
        f"{shown(name)} could not be written: {exc.strerror}.", hint="Look at the store's permissions and its disk."
    )


def _write_all(fd: int, data: memoryview, position: int) -> None:
    written = os.pwrite(fd, data, position)
    while written < len(data):
        written += os.pwrite(fd, data[written:], position + written)


def _copy(reading: int, writing: int, stopped: Callable[[], None]) -> int:
    copied = 0
    while block := os.read(reading, _COPY_BYTES):
        stopped()
        _write_all(writing, memoryview(block), copied)
        copied += len(block)
    return copied


def _exists(name: bytes, root: int) -> bool:
    try:
        os.lstat(name, dir_fd=root)
    except FileNotFoundError:
        return False
    return True

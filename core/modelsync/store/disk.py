"""The disk under the store: its errors as sentences, durable writes, trees measured, synced and removed."""

import errno
import logging
import os
import re
import stat
import sys
from contextlib import suppress
from pathlib import Path

from modelsync.errors import NoSpaceError, StoreError

_log = logging.getLogger("modelsync.store")

_SYNC_AT_ONCE_FILES = 32
_SYNCFS_TELLS_ERRORS = (5, 8)  # Linux

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
_NO_PERMISSION = {errno.EACCES, errno.EPERM}
_TOO_DEEP = {errno.ENAMETOOLONG, errno.EMFILE, errno.ENFILE}
"""What removing a tree of a thousand levels ends in, where it does not end in a RecursionError."""
_NOT_A_DIRECTORY = {errno.ENOTDIR, errno.EEXIST}


def store_error(error: OSError, doing: str, path: Path) -> StoreError:
    """What the operating system said, as a sentence about the store; `doing` completes "Cannot ...".

    The path in the sentence is the system's own where it names one, else `path`.
    """
    place = Path(os.fsdecode(error.filename)) if error.filename is not None and error.filename2 is None else path
    if error.errno in _NO_SPACE:
        return NoSpaceError(
            f"Cannot {doing}: no space is left on the disk of {place}.", hint="Free some space, then run it again."
        )
    if error.errno in _NO_PERMISSION:
        return StoreError(
            f"Cannot {doing}: no permission for {place}.",
            hint="Change its owner or mode, or choose another store with --store or BENTOML_HOME.",
        )
    if error.errno == errno.EROFS:
        return StoreError(
            f"Cannot {doing}: {place} is on a read-only disk.",
            hint="Choose another store with --store or BENTOML_HOME.",
        )
    if error.errno in _NOT_A_DIRECTORY:
        return StoreError(
            f"Cannot {doing}: {_first_file(place)} is a file where a directory should be.",
            hint="Move it away, or choose another store with --store or BENTOML_HOME.",
        )
    reason = error.strerror or str(error)
    return StoreError(f"Cannot {doing}: {place}: {reason}.", hint="Look at the disk, then run it again.")


def write_in_one_step(path: Path, text: str, *, draft: Path, sync: bool) -> None:
    """Replaces a small file; after a crash it is the old one or the new one, whole.

    `draft` is where it is written first: another path on the same file system. Raises OSError.
    """
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    if sync:
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Makes the names in a directory survive a loss of power. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(top: Path) -> None:
    """Makes every file and directory below `top`, itself included, survive a loss of power. Raises OSError.

    Many files go to the disk at once where the system can do that (Linux): 2,000 of 512 KiB took a quarter of the time.
    """
    files = sum(len(names) for _, _, names in os.walk(top))
    if files >= _SYNC_AT_ONCE_FILES and _sync_file_system(top):
        return
    for directory, _, names in os.walk(top, topdown=False, onerror=_raise):
        for name in names:
            path = Path(directory, name)
            if path.is_symlink():
                continue  # it lives in its directory, which is synced below
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        sync_directory(Path(directory))


def make_movable(path: Path) -> None:
    """Lets a directory be renamed into another one: a read-only directory refuses that to its own owner."""
    facts = path.lstat()
    if stat.S_ISDIR(facts.st_mode) and not facts.st_mode & stat.S_IWUSR:
        path.chmod(stat.S_IMODE(facts.st_mode) | stat.S_IRWXU)


def remove_tree(top: Path) -> bool:
    """Removes what is at `top`, a link itself and never its target; False (and a line in the log) if some of it stays.

    Never raises OSError: what stays is found again by name and removed by a later run.
    """
    try:
        _remove(top)
    except FileNotFoundError:
        return True
    except PermissionError:
        try:
            _give_rights(top)
            _remove(top)
        except OSError as error:
            _log.warning("could not remove %s: %s", top, error)
            return False
    except OSError as error:
        _log.warning("could not remove %s: %s", top, error)
        return False
    return True


def remove_if_empty(directory: Path) -> None:
    """Removes a directory that holds nothing; leaves any other as it is."""
    with suppress(OSError):
        directory.rmdir()


def free_bytes(path: Path) -> int:
    """Bytes an ordinary user may still write on the disk of `path`, which need not exist yet. Raises StoreError."""
    place = path
    while not place.exists() and place.parent != place:
        place = place.parent
    try:
        facts = os.statvfs(place)
    except OSError as error:
        raise store_error(error, "see how much space is free", place) from error
    return facts.f_bavail * facts.f_frsize


def _sync_file_system(top: Path) -> bool:
    """syncfs(2); False where it is missing or, before Linux 5.8, keeps quiet about bytes that were not written."""
    if sys.platform != "linux" or _linux_version() < _SYNCFS_TELLS_ERRORS:
        return False
    import ctypes  # only when something is installed: listing does without

    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "syncfs"):
        return False
    handle = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if library.syncfs(handle) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(top))
    finally:
        os.close(handle)
    return True


def _linux_version() -> tuple[int, ...]:
    numbers = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return (0, 0) if numbers is None else (int(numbers[1]), int(numbers[2]))


def _remove(top: Path) -> None:
    if top.is_symlink() or not top.is_dir():
        top.unlink(missing_ok=True)
    else:
        import shutil  # only to remove something: listing does without its archives

        try:
            shutil.rmtree(top)
        except (OSError, RecursionError) as error:
            if isinstance(error, OSError) and error.errno not in _TOO_DEEP:
                raise
            _flatten(top)
            shutil.rmtree(top)


def _flatten(top: Path) -> None:
    """Moves every directory below `top` directly into it: none lies too deep to be removed, or to have a path."""
    with os.scandir(top) as entries:
        waiting = [Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False)]
    moved = 0
    while waiting:
        directory = waiting.pop()
        directory.chmod(stat.S_IRWXU)
        with os.scandir(directory) as entries:
            found = [Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False)]
        for child in found:
            moved += 1
            target = top / f"modelsync-{os.urandom(8).hex()}-{moved}"
            child.rename(target)
            waiting.append(target)


def _give_rights(top: Path) -> None:
    # a model may hold read-only directories, which refuse the removal of their files
    waiting = [top]
    while waiting:
        directory = waiting.pop()
        directory.chmod(stat.S_IRWXU)
        with os.scandir(directory) as entries:
            waiting.extend(Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False))


def _first_file(path: Path) -> Path:
    for place in [*reversed(path.parents), path]:
        if place.exists() and not place.is_dir():
            return place
    return path


def _raise(error: OSError) -> None:
    raise error

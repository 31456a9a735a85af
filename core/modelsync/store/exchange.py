"""Renames that the standard library lacks: two entries exchanged in one step, and one that never replaces."""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCHANGE = 2  # Linux, renameat2(2)
_RENAME_SWAP = 2
_RENAME_EXCL = 4  # macOS, renamex_np(2)

_NOT_OFFERED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What kernels and file systems (NFS, FAT, old ones) answer that do not know these renames."""


Exchange = Callable[[Path, Path], bool]
"""What `exchange` is; a store can be given another, as one that cannot."""


def exchange(first: Path, second: Path) -> bool:
    """Swaps two entries of one file system in one step; False where system or file system cannot. Raises OSError."""
    return _rename(first, second, linux=_RENAME_EXCHANGE, macos=_RENAME_SWAP)


def rename_to_new(source: Path, target: Path) -> None:
    """Renames; raises FileExistsError when something is at the target already, even an empty directory, or OSError."""
    if _rename(source, target, linux=_RENAME_NOREPLACE, macos=_RENAME_EXCL):
        return
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    source.rename(target)


def _rename(source: Path, target: Path, *, linux: int, macos: int) -> bool:
    import ctypes  # only when something is installed: listing does without

    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(source), os.fsencode(target)
    if sys.platform == "darwin":
        failed = library.renamex_np(*names, ctypes.c_uint(macos)) != 0
    elif hasattr(library, "renameat2"):
        failed = library.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], ctypes.c_uint(linux)) != 0
    else:
        return False
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in _NOT_OFFERED:
        return False
    raise OSError(code, os.strerror(code), str(source), None, str(target))

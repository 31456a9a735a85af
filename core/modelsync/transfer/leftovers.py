"""What transfers that were given up, and runs that were killed, left beside the journals: removed when it is old."""

import time
from contextlib import suppress
from pathlib import Path

from modelsync.store.lock import FileLock
from modelsync.transfer.journal import DRAFT_SUFFIX, LOCK_SUFFIX, SET_ASIDE_SUFFIX
from modelsync.transfer.journal_key import SUFFIX

KEPT_S = 7 * 24 * 3600.0
"""A journal older than this is given up: stores drop unfinished uploads by then."""


def clean(directory: Path, now: float | None = None) -> int:
    """Removes what was not touched for a week, locks only where nobody holds them; returns how many files that were.

    A lock is removed as by its holder, so that whoever is just taking it begins again (see store.lock).
    """
    before = (time.time() if now is None else now) - KEPT_S
    removed = 0
    for suffix in (SUFFIX, DRAFT_SUFFIX, SET_ASIDE_SUFFIX, LOCK_SUFFIX):
        for path in _found(directory, suffix):
            with suppress(OSError):
                if path.stat().st_mtime < before:
                    removed += _removed(path)
    return removed


def _found(directory: Path, suffix: str) -> list[Path]:
    try:
        return sorted(directory.glob(f"*{suffix}"))
    except OSError:  # not ours to read: nothing of ours is in it
        return []


def _removed(path: Path) -> bool:
    if path.suffix != LOCK_SUFFIX:
        path.unlink()
        return True
    lock = FileLock(path)
    if not lock.try_acquire():
        return False
    lock.release()
    return True

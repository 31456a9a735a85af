"""A lock is held on the file that has its name: one that lost it, or an older holder's words in it, are none."""

import fcntl
import os
from pathlib import Path

import pytest

from modelsync.store.lock import FileLock


def test_a_lock_on_a_file_that_lost_its_name_meanwhile_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its holder freed it, and a third one took it, between the second one's open and its lock."""
    first, second, third = (FileLock(tmp_path / "one.lock") for _ in range(3))
    assert first.try_acquire()
    flock = fcntl.flock

    def meanwhile(handle: int, flags: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        first.release()
        assert third.try_acquire()
        flock(handle, flags)

    monkeypatch.setattr(fcntl, "flock", meanwhile)
    assert not second.try_acquire()
    third.release()
    assert second.try_acquire()
    second.release()
    assert list(tmp_path.iterdir()) == []


def test_the_words_of_a_killed_holder_do_not_hide_who_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "one.lock"
    path.write_text('{"pid": 1, "host": "' + "h" * 500 + '"}')
    lock = FileLock(path)
    assert lock.try_acquire()
    holder = FileLock(path).holder()
    assert holder is not None
    assert holder.pid == os.getpid()
    lock.release()


def test_there_is_no_holder_where_there_is_no_file(tmp_path: Path) -> None:
    assert FileLock(tmp_path / "one.lock").holder() is None

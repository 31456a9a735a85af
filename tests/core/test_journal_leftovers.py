"""What is removed from the state directory when it is a week old, and what is not."""

import os
import threading
from pathlib import Path

import pytest

from modelsync.model import Direction
from modelsync.store.lock import FileLock
from modelsync.tag import Tag
from modelsync.transfer.journal import LOCK_SUFFIX, JournalKey, Journals
from modelsync.transfer.leftovers import KEPT_S, clean

NOW = 2_000_000_000.0
NAMES = ("push-m@v1-0.journal", "push-m@v1-0.4f2a.new", "push-m@v1-0.set-aside", "push-m@v1-0.lock")


def write(path: Path, age_s: float) -> Path:
    path.write_bytes(b"{}")
    os.utime(path, (NOW - age_s, NOW - age_s))
    return path


@pytest.mark.parametrize("name", NAMES)
def test_what_was_not_touched_for_a_week_is_removed(name: str, tmp_path: Path) -> None:
    old = write(tmp_path / name, KEPT_S + 1)
    young = write(tmp_path / f"x{name}", KEPT_S - 1)
    assert clean(tmp_path, NOW) == 1
    assert (old.exists(), young.exists()) == (False, True)


def test_a_lock_that_somebody_holds_stays_however_old_it_is(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "push-m@v1-0.lock")
    assert lock.try_acquire()
    os.utime(tmp_path / "push-m@v1-0.lock", (0.0, 0.0))
    assert clean(tmp_path, NOW) == 0
    assert not FileLock(tmp_path / "push-m@v1-0.lock").try_acquire()
    lock.release()


def test_a_transfer_begins_while_somebody_looks_whether_it_runs(tmp_path: Path) -> None:
    journals = Journals(tmp_path)
    key = JournalKey(Direction.PUSH, Tag("m", "v1"), "http://registry", None, tmp_path)
    looks = FileLock((tmp_path / key.file_name).with_suffix(LOCK_SUFFIX))
    assert looks.try_acquire()
    threading.Timer(0.03, looks.release).start()
    with journals.open(key) as journal:
        assert not journal.exists


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    notes = write(tmp_path / "notes.txt", 2 * KEPT_S)
    assert clean(tmp_path, NOW) == 0
    assert notes.exists()


def test_a_directory_that_is_not_there_is_clean(tmp_path: Path) -> None:
    assert clean(tmp_path / "none", NOW) == 0

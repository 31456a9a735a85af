"""A journal that was damaged, that has ended, or whose disk took half a line: never believed, never made again."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from modelsync.archive.checkpoint import Checkpoint
from modelsync.model import Direction, Json
from modelsync.registry.schemas import ETag, UploadId
from modelsync.tag import Tag
from modelsync.transfer.journal import Journal, JournalKey, Journals, PullRecord, PushRecord

NOTHING = Checkpoint((), b"")
PUSH_RECORD = PushRecord(UploadId("u-1"), 8 << 20, "fingerprint", b"members")
PULL_RECORD = PullRecord(ETag('"e"'), 1000, Path("/store/tmp/stage/model"), NOTHING)
PULL_FACTS: dict[str, Json] = {"etag": '"e"', "total_bytes": 1000, "stage": "2f73", "done": [[0, 10]], "members": ""}


def key(direction: Direction) -> JournalKey:
    return JournalKey(direction, Tag("iris", "v1"), "https://registry.example", None, Path("/store"))


def write(folder: Path, direction: Direction, facts: dict[str, Json], *lines: Json) -> Path:
    """A journal whose first line says that it is of this transfer."""
    path = folder / key(direction).file_name
    header = {**key(direction).facts(), **facts}
    path.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in (header, *lines)))
    return path


def begun_push(folder: Path) -> Path:
    with Journals(folder).open(key(Direction.PUSH)) as journal:
        journal.begin_push(PUSH_RECORD)
        journal.add_part(1, ETag('"one"'))
    return folder / key(Direction.PUSH).file_name


def assert_set_aside(path: Path, direction: Direction, read: Callable[[Journal], object]) -> None:
    strange = path.read_bytes()
    with Journals(path.parent).open(key(direction)) as journal:
        assert read(journal) is None
        assert not journal.exists
    assert path.with_suffix(".set-aside").read_bytes() == strange


@pytest.mark.parametrize(
    "line",
    [
        "part",
        7,
        [1, '"one"'],
        {"part": 1},
        {"part": "1", "etag": '"one"'},
        {"part": -1, "etag": '"one"'},
        {"part": True, "etag": '"one"'},
        {"part": 1, "etag": None},
        {"start": 7},
    ],
    ids=json.dumps,
)
def test_a_push_journal_with_a_damaged_line_is_set_aside(line: Json, tmp_path: Path) -> None:
    path = begun_push(tmp_path)
    path.write_bytes(path.read_bytes() + json.dumps(line).encode() + b"\n")
    assert_set_aside(path, Direction.PUSH, Journal.read_push)


def test_a_push_journal_with_a_line_of_zeros_as_a_loss_of_power_leaves_them_is_set_aside(tmp_path: Path) -> None:
    path = begun_push(tmp_path)
    path.write_bytes(path.read_bytes() + b"\0" * 40 + b"\n")
    assert_set_aside(path, Direction.PUSH, Journal.read_push)


@pytest.mark.parametrize(
    "damage",
    [
        {"etag": None},
        {"total_bytes": "1000"},
        {"total_bytes": -1},
        {"stage": 7},
        {"stage": "no hex"},
        {"done": None},
        {"done": [[0]]},
        {"done": [[0, "10"]]},
        {"members": 7},
        {"members": "%"},
    ],
    ids=json.dumps,
)
def test_a_damaged_pull_journal_is_set_aside(damage: dict[str, Json], tmp_path: Path) -> None:
    path = write(tmp_path, Direction.PULL, {**PULL_FACTS, **damage})
    assert_set_aside(path, Direction.PULL, Journal.read_pull)


def test_the_same_pull_journal_undamaged_is_read(tmp_path: Path) -> None:
    write(tmp_path, Direction.PULL, PULL_FACTS)
    with Journals(tmp_path).open(key(Direction.PULL)) as journal:
        assert journal.read_pull() == PullRecord(ETag('"e"'), 1000, Path("/s"), Checkpoint(((0, 10),), b""))


def test_a_sync_that_ends_after_the_pull_makes_its_journal_not_again(tmp_path: Path) -> None:
    with Journals(tmp_path).open(key(Direction.PULL)) as journal:
        journal.write_pull(PULL_RECORD, lambda: NOTHING, sync=False)
        journal.remove()
        journal.write_pull(PULL_RECORD, lambda: NOTHING, sync=True)
        journal.note_pull(NOTHING)
        assert not journal.exists
    assert list(tmp_path.iterdir()) == []


def test_a_sync_that_ends_after_the_pull_was_left_changes_nothing_of_its_journal(tmp_path: Path) -> None:
    with Journals(tmp_path).open(key(Direction.PULL)) as journal:
        journal.write_pull(PULL_RECORD, lambda: NOTHING, sync=False)
    (path,) = tmp_path.iterdir()
    left = path.read_bytes()
    other = PullRecord(ETag('"other"'), 1, Path("/else"), NOTHING)
    journal.write_pull(other, lambda: NOTHING, sync=False)
    journal.note_pull(Checkpoint(((0, 1000),), b""))
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == left


def test_behind_half_a_line_nothing_more_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes = os.write
    with Journals(tmp_path).open(key(Direction.PUSH)) as journal:
        journal.begin_push(PUSH_RECORD)
        journal.add_part(1, ETag('"one"'))
        monkeypatch.setattr(os, "write", lambda handle, data: write_bytes(handle, data[:7]))
        journal.add_part(2, ETag('"two"'))
        monkeypatch.setattr(os, "write", write_bytes)
        journal.add_part(3, ETag('"three"'))
    with Journals(tmp_path).open(key(Direction.PUSH)) as journal:
        record = journal.read_push()
        assert record is not None
        assert record.parts == {1: '"one"'}


def test_what_is_added_after_half_a_line_of_an_earlier_run_is_read(tmp_path: Path) -> None:
    path = begun_push(tmp_path)
    path.write_bytes(path.read_bytes() + b'{"part": 2, "et')
    with Journals(tmp_path).open(key(Direction.PUSH)) as journal:
        journal.go_on()
        journal.add_part(2, ETag('"two"'))
    with Journals(tmp_path).open(key(Direction.PUSH)) as journal:
        record = journal.read_push()
        assert record is not None
        assert record.parts == {1: '"one"', 2: '"two"'}

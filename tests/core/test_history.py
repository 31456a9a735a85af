"""The history: what every transfer leaves in it, and what becomes of its file."""

import csv
import io
import json
import os
import stat
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelsync import logs
from modelsync.errors import Cancelled, RemoteModelNotFoundError
from modelsync.history import COLUMNS, Ending, ExportForm, History, HistoryEntry, export
from modelsync.model import Direction
from modelsync.sync import Sides, pull, push
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from modelsync.transfer.progress import Progress
from support.local_store import write_model
from support.registry_server import RegistryServer
from support.two_sides import SidesFactory
from support.waiting import wait_for

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MiB = 1 << 20


def entry(number: int = 0, tag: str = "iris:v1", reason: str = "new in the registry") -> HistoryEntry:
    return HistoryEntry(
        began=BEGAN + timedelta(minutes=number),
        ended=BEGAN + timedelta(minutes=number, seconds=3),
        direction=Direction.PUSH,
        tag=Tag.parse(tag),
        context="prod",
        host="registry.acme.io",
        organization=None,
        outcome=Ending.PUSHED,
        reason=reason,
        bytes_total=10,
        bytes_moved=12,
        retries=1,
        seconds=3.0,
        program="modelsync",
    )


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "state" / "history.jsonl")


def test_what_was_added_is_read_back_the_last_one_first(history: History) -> None:
    added = [entry(number) for number in range(3)]
    for one in added:
        history.add(one)
    assert history.entries() == tuple(reversed(added))
    assert history.entries(limit=2) == (added[2], added[1])
    assert stat.S_IMODE(history.path.stat().st_mode) == 0o600


def test_a_history_that_does_not_exist_is_empty_and_is_not_made_by_looking(history: History) -> None:
    assert history.entries() == ()
    assert not history.path.parent.exists()


def test_one_version_and_one_name_are_found_exactly(history: History) -> None:
    for tag in "iris:v1", "iris:v2", "iris2:v1":
        history.add(entry(tag=tag))
    assert [str(one.tag) for one in history.entries(name="iris")] == ["iris:v2", "iris:v1"]
    assert [str(one.tag) for one in history.entries(tag=Tag("iris", "v1"))] == ["iris:v1"]


def test_torn_and_foreign_lines_are_passed_over_and_the_next_record_begins_a_line_of_its_own(history: History) -> None:
    history.add(entry(1))
    whole = history.path.read_bytes()
    broken = [
        b"rubbish",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"format": 1}',
        whole.strip().replace(b'"format": 1', b'"format": 9'),
        whole.strip().replace(b'"iris:v1"', b'"not a tag"'),
        whole.strip().replace(b'"bytes_moved": 12', b'"bytes_moved": -12'),
        whole[: len(whole) // 2],
    ]
    history.path.write_bytes(whole + b"\n".join(broken))
    history.add(entry(2))
    assert history.entries() == (entry(2), entry(1))


def test_a_full_file_is_set_aside_once_and_read_after_the_current_one(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl", max_bytes=2000)
    for number in range(40):
        history.add(entry(number))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.jsonl", "history.jsonl.1"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2 * (2000 + 500)
    found = history.entries()
    assert found == tuple(entry(number) for number in range(39, 39 - len(found), -1))
    assert len(found) > 5


def test_two_processes_that_write_at_once_lose_nothing_and_mix_nothing(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from dataclasses import replace\n"
        "from pathlib import Path\n"
        "from modelsync.history import History\n"
        "path, name = sys.argv[1:]\n"
        "history = History(Path(path))\n"
        "first = history.entries()[-1]\n"
        "for number in range(400):\n"
        "    history.add(replace(first, retries=number, program=name))\n"
    )
    history = History(tmp_path / "history.jsonl")
    history.add(entry())
    names = ("a", "b")
    writers = [subprocess.Popen([sys.executable, "-c", script, str(history.path), name]) for name in names]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    found = history.entries()
    assert len(history.path.read_bytes().splitlines()) == len(found) == 801
    for name in names:
        assert [one.retries for one in reversed(found) if one.program == name] == list(range(400))


def test_the_last_entries_are_found_without_reading_what_is_before_them(history: History) -> None:
    history.add(entry(1))
    record = history.path.read_bytes()
    with history.path.open("wb") as file:
        file.truncate(8 * 1024 * MiB)  # a hole: takes no room, and would take minutes to read
        file.seek(0, io.SEEK_END)
        file.write(b"\n" + record * 300)
    tracemalloc.start()
    try:
        assert history.entries(limit=300) == (entry(1),) * 300
        assert tracemalloc.get_traced_memory()[1] < 4 * MiB
    finally:
        tracemalloc.stop()


def test_no_token_and_no_query_of_an_address_gets_into_it(history: History) -> None:
    logs.hide("tok-very-secret")
    history.add(entry(reason="GET https://s3.acme.io/o?X-Amz-Signature=abc with tok-very-secret failed."))
    text = history.path.read_text()
    assert "tok-very-secret" not in text
    assert "abc" not in text
    assert "https://s3.acme.io/o" in text


def test_a_long_sentence_is_cut_and_text_that_is_not_utf8_is_written_all_the_same(history: History) -> None:
    history.add(entry(reason="x" * 100_000))
    history.add(entry(reason="file \udcff"))
    last, first = history.entries()
    assert len(first.reason) == 1000
    assert "file" in last.reason


def test_a_history_that_cannot_be_written_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    History(tmp_path / "file" / "history.jsonl").add(entry())


def test_it_is_exported_as_a_table_and_as_a_list(history: History) -> None:
    history.add(entry(reason='says "no", twice'))
    history.add(replace(entry(1), organization="acme", resumed=True))
    table, listed = io.StringIO(newline=""), io.StringIO()
    export(history.entries(), ExportForm.CSV, table)
    export(history.entries(), ExportForm.JSON, listed)
    rows = list(csv.DictReader(io.StringIO(table.getvalue())))
    assert [(row["tag"], row["organization"], row["resumed"]) for row in rows] == [
        ("iris:v1", "acme", "true"),
        ("iris:v1", "", "false"),
    ]
    assert rows[1]["reason"] == 'says "no", twice'
    objects = json.loads(listed.getvalue())
    assert [tuple(one) for one in objects] == [COLUMNS, COLUMNS]
    assert objects[0]["began"] == "2026-03-01T12:01:00.000+00:00"


def recording(sides: Sides, tmp_path: Path) -> tuple[Sides, History]:
    history = History(tmp_path / "state" / "history.jsonl")
    return replace(sides, history=history), history


def test_every_end_of_a_transfer_leaves_one_record(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides, history = recording(make_sides(registry_server), tmp_path)
    write_model(tmp_path / "home", "iris:v1", files={"w.bin": os.urandom(MiB)})
    tag = Tag("iris", "v1")
    before = datetime.now(UTC) - timedelta(seconds=1)
    progress = Progress()
    result = push(tag, sides)
    wait_for(lambda: progress.elapsed_s > 0.05)
    push(tag, sides, progress=progress)
    pull(tag, sides)
    sides.store.delete(tag)
    pull(tag, sides)
    with pytest.raises(RemoteModelNotFoundError):
        pull(Tag("iris", "v9"), sides)
    found = history.entries()
    assert [(one.direction, one.outcome) for one in reversed(found)] == [
        (Direction.PUSH, Ending.PUSHED),
        (Direction.PUSH, Ending.SKIPPED),
        (Direction.PULL, Ending.SKIPPED),
        (Direction.PULL, Ending.PULLED),
        (Direction.PULL, Ending.FAILED),
    ]
    pushed, failed = found[-1], found[0]
    assert (pushed.context, pushed.host) == ("test", sides.registry.host)
    assert (pushed.bytes_total, pushed.bytes_moved) == (result.bytes_total, result.bytes_moved)
    assert before < pushed.began <= pushed.ended <= datetime.now(UTC)
    assert all(one.seconds <= (one.ended - one.began).total_seconds() + 0.01 for one in found)
    assert failed.reason.startswith("The registry has no iris:v9.")
    assert pushed.program


def test_a_record_says_whether_the_bytes_of_both_sides_were_compared(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides, history = recording(make_sides(registry_server), tmp_path)
    write_model(tmp_path / "home", "iris:v1", files={"w.bin": os.urandom(MiB)})
    tag = Tag("iris", "v1")
    push(tag, replace(sides, verify=False))
    push(tag, sides, force=True)
    push(tag, sides)
    pull(tag, sides, force=True)
    pull(tag, sides, force=True, verify=True)
    assert [(one.outcome, one.verified) for one in reversed(history.entries())] == [
        (Ending.PUSHED, False),
        (Ending.PUSHED, True),
        (Ending.SKIPPED, False),
        (Ending.PULLED, False),
        (Ending.PULLED, True),
    ]


def test_a_record_of_before_it_was_written_what_was_compared_says_no(history: History) -> None:
    history.add(replace(entry(), verified=True))
    (only,) = history.entries()
    assert only.verified
    facts = json.loads(history.path.read_text())
    del facts["verified"]
    history.path.write_text(json.dumps(facts) + "\n")
    assert history.entries() == (replace(entry(), verified=False),)


@pytest.mark.parametrize(("wish", "ending"), [(Control.cancel, Ending.CANCELLED), (Control.pause, Ending.PAUSED)])
def test_a_stopped_transfer_is_recorded_as_what_a_person_wished(
    registry_server: RegistryServer,
    make_sides: SidesFactory,
    tmp_path: Path,
    wish: Callable[[Control], None],
    ending: Ending,
) -> None:
    sides, history = recording(make_sides(registry_server), tmp_path)
    write_model(tmp_path / "home", "iris:v1", files={"w.bin": os.urandom(4 * MiB)})
    sides.workers.bandwidth.limit = MiB
    control, progress = Control(), Progress()

    def stop() -> None:
        wait_for(lambda: progress.bytes_moved > 0, within_s=30)
        wish(control)

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(Cancelled):
        push(Tag("iris", "v1"), sides, control=control, progress=progress)
    (only,) = history.entries()
    assert only.outcome is ending
    assert 0 < only.bytes_moved <= only.bytes_total

"""`modelsync history` and `modelsync status`: what a person is told of what was, and of what is not over."""

import csv
import io
import os
import shlex
import signal
from pathlib import Path

import pytest

from modelsync.account import Context, TokenSource
from modelsync.credentials.context_file import ContextFile, KeptContext, KeptContexts
from modelsync.model import Direction
from modelsync.queue import TransferRequest
from modelsync.queue_file import QueueFile
from modelsync.tag import Tag
from support.command import Command
from support.local_store import write_model
from support.registry_server import RegistryServer
from support.waiting import wait_for

KEYS = [
    *("began", "ended", "direction", "tag", "outcome", "reason", "resumed", "verified", "bytes_total"),
    *("bytes_moved", "retries", "seconds", "context", "host", "organization", "program"),
]
STATUS_KEYS = [
    *("tag", "direction", "state", "force", "bytes_kept", "since", "endpoint", "organization", "store", "go_on"),
]
MIB = 1024 * 1024


def test_what_was_transferred_is_listed_the_last_one_first(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    write_model(signed_in.store, "n:v1")
    signed_in.run("push", "m:v1", "n:v1", "m:v1")
    signed_in.run("pull", "x:v1")
    done = signed_in.run("history", "--json")
    assert done.code == 0
    assert [list(record) for record in done.records] == [KEYS] * 4
    assert [(record["tag"], record["outcome"]) for record in done.records] == [
        ("x:v1", "failed"),
        ("m:v1", "skipped"),
        ("n:v1", "pushed"),
        ("m:v1", "pushed"),
    ]
    assert "The registry has no x:v1" in str(done.records[0]["reason"])
    assert signed_in.environ["BENTO_CLOUD_API_KEY"] not in done.out
    assert [record["tag"] for record in signed_in.run("history", "--json", "--limit", "2").records] == ["x:v1", "m:v1"]
    for name in "m", "m:v1":
        assert [record["outcome"] for record in signed_in.run("history", name, "--json").records] == [
            "skipped",
            "pushed",
        ]


def test_the_history_is_a_table_for_a_person_and_for_another_program(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    signed_in.run("push", "m:v1")
    shown = signed_in.run("history").out.splitlines()
    assert shown[0].split() == ["BEGAN", "TAG", "OUTCOME", "MOVED", "TIME", "CONTEXT", "WHY"]
    assert "m:v1" in shown[1]
    (row,) = csv.DictReader(io.StringIO(signed_in.run("history", "--csv").out))
    assert list(row) == KEYS
    assert (row["tag"], row["outcome"], row["resumed"]) == ("m:v1", "pushed", "false")


def test_an_empty_history_says_so_and_a_wrong_limit_is_a_usage_error(command: Command) -> None:
    done = command.run("history")
    assert (done.code, done.out) == (0, "")
    assert "Nothing was transferred yet." in done.err
    assert command.run("history", "--limit", "0").code == 2
    assert command.run("history", "not a name").code == 2


def test_a_push_that_was_killed_is_told_with_the_command_that_goes_on(
    signed_in: Command, registry_server: RegistryServer
) -> None:
    write_model(signed_in.store, "m:v1", files={"w.bin": os.urandom(64 * MIB)})
    process = signed_in.start("push", "m:v1", "--bandwidth", "24 MiB/s")

    def parts() -> int:
        return sum(
            path.read_bytes().count(b'"etag"') for path in (signed_in.folder / "state/journals").glob("*.journal")
        )

    wait_for(lambda: parts() >= 2, within_s=30, what="parts in the journal")
    (running,) = signed_in.run("status", "--json").records
    assert list(running) == STATUS_KEYS
    assert str(running["state"]).startswith("runs in modelsync_cli (process ")
    assert running["go_on"] == ""
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    (left,) = signed_in.run("status", "--json").records
    assert (left["tag"], left["direction"], left["state"]) == ("m:v1", "push", "was cut short")
    assert int(str(left["bytes_kept"])) >= 2 * MIB
    assert left["go_on"] == "modelsync push m:v1"
    done = signed_in.run(*shlex.split(str(left["go_on"]))[1:], "--json")
    assert done.records[0]["resumed"] is True
    assert ", went on from what was there\n" in done.err
    over = signed_in.run("status")
    assert (over.code, over.out) == (0, "")
    assert "Nothing is unfinished." in over.err


def test_a_push_that_was_killed_and_whose_version_was_deleted_is_told_with_what_it_needs_first(
    signed_in: Command,
) -> None:
    write_model(signed_in.store, "m:v1", files={"w.bin": os.urandom(64 * MIB)})
    process = signed_in.start("push", "m:v1", "--bandwidth", "24 MiB/s")
    wait_for(lambda: list((signed_in.folder / "state/journals").glob("*.journal")), within_s=30, what="a journal")
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert signed_in.run("delete", "m:v1", "--yes").code == 0
    (left,) = signed_in.run("status", "--json").records
    assert left["go_on"] == "save m:v1 again, then modelsync push m:v1"
    write_model(signed_in.store, "m:v1")
    assert signed_in.run("push", "m:v1").code == 0
    assert signed_in.run("status", "--json").records == []


def save_queue(command: Command, context: Context, *requests: TransferRequest, store: Path | None = None) -> None:
    QueueFile(command.folder / "state/queues", context, store or command.store).save(requests)


def test_what_the_screen_left_is_told_with_all_that_was_meant(
    signed_in: Command, registry_server: RegistryServer, tmp_path: Path
) -> None:
    context = Context("default", registry_server.url)
    forced = TransferRequest(Direction.PULL, Tag("m", "v1"), force=True)
    save_queue(signed_in, context, forced, TransferRequest(Direction.PUSH, Tag("n", "v1")))
    save_queue(signed_in, context, forced, store=tmp_path / "another store")
    done = signed_in.run("status", "--json")
    assert {str(record["go_on"]) for record in done.records} == {
        "modelsync pull m:v1 --force",
        "modelsync push n:v1",
        f"modelsync pull m:v1 --force --store '{tmp_path / 'another store'}'",
    }
    assert {record["state"] for record in done.records} == {"paused at the last quit"}
    table = signed_in.run("status").out
    assert "GO ON WITH" in table
    assert "paused at the last quit" in table


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        ("prod", "modelsync push n:v1"),
        ("dev", "modelsync push n:v1 --context prod"),
        (None, "sign in to https://prod.acme.io, then modelsync push n:v1"),
    ],
)
def test_the_command_names_the_context_where_another_one_is_in_use(
    command: Command, current: str | None, expected: str
) -> None:
    if current is not None:
        both = {name: Context(name, f"https://{name}.acme.io") for name in ("prod", "dev")}
        kept = {name: KeptContext(context, TokenSource.FILE) for name, context in both.items()}
        ContextFile(command.folder / "config/contexts.json").write(KeptContexts(kept, current))
    context = Context("prod", "https://prod.acme.io")
    save_queue(command, context, TransferRequest(Direction.PUSH, Tag("n", "v1")))
    (record,) = command.run("status", "--json").records
    assert record["go_on"] == expected

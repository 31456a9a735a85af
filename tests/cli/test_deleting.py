"""`modelsync delete`: what is asked, what goes, what stays, and what a script is told."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from support.command import Command
from support.local_store import CREATED, write_model


def write_bento(command: Command, model: str) -> None:
    folder = command.store / "bentos/chat/b1"
    folder.mkdir(parents=True)
    (folder / "bento.yaml").write_text(f"name: chat\nversion: b1\nmodels:\n- tag: {model}\n")


def tags_of(command: Command) -> list[object]:
    return [record["tag"] for record in command.run("ls", "local", "--json").records]


@pytest.fixture
def stocked(command: Command) -> Command:
    """A store with four builds of m, the last one v1, and one of n."""
    for number, version in enumerate(["v4", "v3", "v2", "v1"]):
        write_model(command.store, f"m:{version}", created=CREATED + timedelta(days=number))
    write_model(command.store, "n:v1")
    return command


def test_what_is_named_goes_with_a_line_each(stocked: Command) -> None:
    done = stocked.run("delete", "m:v1", "n:v1", "--yes", "--json")
    assert done.code == 0
    assert [list(record) for record in done.records] == [["tag", "outcome", "bytes_freed", "used_by", "error"]] * 2
    assert [(record["tag"], record["outcome"], record["error"]) for record in done.records] == [
        ("m:v1", "deleted", None),
        ("n:v1", "deleted", None),
    ]
    freed = done.records[0]["bytes_freed"]
    assert isinstance(freed, int)
    assert freed > 64
    assert tags_of(stocked) == ["m:v2", "m:v3", "m:v4"]


def test_without_a_terminal_nothing_goes_unless_it_was_agreed(stocked: Command) -> None:
    done = stocked.run("delete", "m:v1")
    assert (done.code, done.out) == (2, "")
    assert "delete  m:v1" in done.err
    assert "--yes" in done.err
    assert len(tags_of(stocked)) == 5


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 3), ("n\n", 130, 5), ("\n", 130, 5)])
def test_a_terminal_is_asked_with_the_space_to_be_freed(stocked: Command, answer: str, code: int, left: int) -> None:
    answers: Sequence[tuple[str, str]] = [("[y/N]", answer)]
    done = stocked.run_on_terminal("delete", "m:v1", "m:v2", answers=answers)
    assert done.code == code
    assert "Delete 2 versions from this machine and free" in done.err
    assert len(tags_of(stocked)) == left


def test_all_but_the_last_builds_of_a_name_go(stocked: Command) -> None:
    done = stocked.run("delete", "--name", "m", "--keep-last", "2", "--yes")
    assert done.code == 0
    assert [line.split("\t")[:2] for line in done.out.splitlines()] == [["deleted", "m:v3"], ["deleted", "m:v4"]]
    assert tags_of(stocked) == ["m:v1", "m:v2", "n:v1"]
    again = stocked.run("delete", "--name", "m", "--keep-last", "2", "--yes")
    assert (again.code, again.out) == (0, "")
    assert "Nothing to delete." in again.err


def test_what_a_bento_uses_stays_until_told_twice(stocked: Command) -> None:
    write_bento(stocked, "m:v3")
    done = stocked.run("delete", "m:v3", "m:v4", "--yes", "--json")
    assert done.code == 1
    assert [(record["tag"], record["outcome"], record["used_by"]) for record in done.records] == [
        ("m:v4", "deleted", []),
        ("m:v3", "refused", ["chat:b1"]),
    ]
    assert "--force-used" in done.err
    cleaned = stocked.run("delete", "--name", "m", "--keep-last", "1", "--yes")
    assert cleaned.code == 0  # it was not named: staying is what was wanted
    assert tags_of(stocked) == ["m:v1", "m:v3", "n:v1"]
    assert stocked.run("delete", "m:v3", "--yes", "--force-used").code == 0
    assert tags_of(stocked) == ["m:v1", "n:v1"]


def test_a_half_written_entry_can_be_deleted(stocked: Command) -> None:
    (stocked.store / "models/m/half").mkdir()
    assert stocked.run("delete", "m:half", "--yes", "--json").records[0]["outcome"] == "deleted"
    assert not (stocked.store / "models/m/half").exists()


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("m",),
        ("m:latest",),
        ("m:v1", "--name", "m", "--keep-last", "1"),
        ("--keep-last", "1"),
        ("--name", "m"),
        ("--name", "m", "--keep-last", "0"),
        ("--name", "m", "--keep-last", "all"),
    ],
)
def test_what_could_mean_more_than_one_thinks_is_a_usage_error(stocked: Command, args: tuple[str, ...]) -> None:
    done = stocked.run("delete", *args, "--yes")
    assert (done.code, done.out) == (2, "")
    assert len(tags_of(stocked)) == 5


@pytest.mark.parametrize("args", [("m:v9",), ("m:v1", "x:v1"), ("--name", "x", "--keep-last", "1")])
def test_an_unknown_one_is_not_found_and_nothing_goes(stocked: Command, args: tuple[str, ...]) -> None:
    assert stocked.run("delete", *args, "--yes").code == 4
    assert len(tags_of(stocked)) == 5


def test_a_dry_run_says_what_would_go_and_leaves_it(stocked: Command) -> None:
    write_bento(stocked, "m:v2")
    done = stocked.run("delete", "--name", "m", "--keep-last", "2", "--dry-run", "--json")
    assert [(record["tag"], record["outcome"]) for record in done.records] == [
        ("m:v3", "would delete"),
        ("m:v4", "would delete"),
    ]
    assert done.code == 0
    assert "nothing was deleted" in done.err
    named = stocked.run("delete", "m:v1", "m:v2", "--dry-run", "--json")
    assert [record["outcome"] for record in named.records] == ["would delete", "refused"]
    assert named.code == 1
    would = [record["bytes_freed"] for record in done.records]
    assert len(tags_of(stocked)) == 5
    went = stocked.run("delete", "--name", "m", "--keep-last", "2", "--yes", "--json")
    assert [record["bytes_freed"] for record in went.records] == would


def test_a_name_without_a_number_to_keep_is_told_what_it_lacks(stocked: Command) -> None:
    assert "--name goes with --keep-last N." in stocked.run("delete", "--name", "m", "m:v1").err

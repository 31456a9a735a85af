"""`modelsync verify` and `modelsync pull --verify` as a script meets them: lines, streams, exit codes."""

import os
import shutil
from pathlib import Path

import pytest

from support.command import Command
from support.local_store import write_model
from support.registry_server import RegistryServer, register_model

KEYS = ["tag", "equal", "verified", "quick", "files", "differences", "bytes_compared", "seconds", "error"]
MIB = 1024 * 1024


@pytest.fixture
def version(signed_in: Command) -> Path:
    """m:v1, the same on both sides: three files with model.yaml."""
    path = write_model(signed_in.store, "m:v1", files={"w.bin": os.urandom(3 * MIB), "sub/c.json": b"{}"})
    assert signed_in.run("push", "m:v1").code == 0
    return path


def damage(server: RegistryServer) -> None:
    """One byte of the largest stored part becomes another one; its ETag stays."""
    blob = max((server.data / "blobs").iterdir(), key=lambda path: path.stat().st_size)
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)


def test_the_same_version_is_verified_in_one_line_with_the_keys_that_were_promised(
    signed_in: Command, version: Path
) -> None:
    done = signed_in.run("verify", "m:v1", "--json", "--threads", "4")
    (record,) = done.records
    assert (done.code, list(record)) == (0, KEYS)
    assert (record["tag"], record["equal"], record["verified"], record["quick"]) == ("m:v1", True, True, False)
    assert (record["files"], record["differences"], record["error"]) == (3, [], None)
    compared = record["bytes_compared"]
    assert isinstance(compared, int)
    assert compared == sum(path.stat().st_size for path in version.rglob("*") if path.is_file())
    assert isinstance(record["seconds"], float)


def test_every_promised_key_is_in_the_help(signed_in: Command) -> None:
    shown = signed_in.run("verify", "--help").out
    assert [key for key in KEYS if f"\n  {key}" not in shown] == []


@pytest.mark.usefixtures("version")
def test_without_json_stdout_says_how_it_was_compared(signed_in: Command) -> None:
    full = signed_in.run("verify", "m")
    assert (full.code, full.out) == (0, "verified\tm:v1\t3 files, 3.00 MiB compared byte for byte\n")
    quick = signed_in.run("verify", "m:latest", "--quick")
    assert (quick.code, quick.out) == (0, "same\tm:v1\t3 files, compared by names and sizes only\n")
    assert "verified" not in quick.out + quick.err


def test_a_difference_is_exit_code_1_and_named(signed_in: Command, version: Path) -> None:
    with (version / "w.bin").open("r+b") as file:
        file.seek(MIB)
        file.write(b"other")
    (version / "sub/c.json").unlink()
    done = signed_in.run("verify", "m:v1", "--json", "--quiet")
    (record,) = done.records
    assert (done.code, record["equal"], record["verified"], record["error"]) == (1, False, False, None)
    assert record["differences"] == [{"name": "sub/c.json", "kind": "only remote"}, {"name": "w.bin", "kind": "bytes"}]
    plain = signed_in.run("verify", "m:v1")
    assert (plain.code, plain.out) == (1, "differs\tm:v1\t2 differences\n")
    assert "warning: m:v1: w.bin: bytes" in plain.err
    quick = signed_in.run("verify", "m:v1", "--quick", "--json")
    assert (quick.code, quick.records[0]["differences"]) == (1, [{"name": "sub/c.json", "kind": "only remote"}])


def test_many_differences_are_told_in_part_and_listed_by_json(signed_in: Command, version: Path) -> None:
    for number in range(30):
        (version / f"extra{number:02}").write_text("x")
    done = signed_in.run("verify", "m:v1", "--json")
    differences = done.records[0]["differences"]
    assert isinstance(differences, list)
    assert len(differences) == 30
    assert done.err.count(": only local") == 20
    assert "and 10 more" in done.err


def test_each_tag_has_its_line_and_its_failure(signed_in: Command, registry_server: RegistryServer) -> None:
    for tag in "m:v1", "n:v1", "local:v1":
        write_model(signed_in.store, tag)
    assert signed_in.run("push", "m:v1", "n:v1").code == 0
    (signed_in.store / "models/n/v1/more.txt").write_text("more")
    register_model(registry_server.api, "remote", "v1")
    done = signed_in.run("verify", "m:v1", "n:v1", "local:v1", "remote:v1", "--json")
    assert [record["equal"] for record in done.records] == [True, False, None, None]
    assert [bool(record["error"]) for record in done.records] == [False, False, True, True]
    assert done.code == 1
    assert signed_in.run("verify", "m:v1", "local:v1", "remote:v1").code == 4


def test_a_tag_that_is_none_and_a_missing_account_are_told_apart(signed_in: Command, command: Command) -> None:
    assert signed_in.run("verify", "not a tag").code == 2
    assert signed_in.run("verify").code == 2
    assert command.run("verify", "m:v1", "--json").code == 3


@pytest.mark.usefixtures("version")
def test_nothing_is_stored(signed_in: Command) -> None:
    before = {path: path.lstat().st_mtime_ns for path in signed_in.store.rglob("*")}
    assert signed_in.run("verify", "m:v1").code == 0
    assert {path: path.lstat().st_mtime_ns for path in signed_in.store.rglob("*")} == before


def test_pull_with_verify_says_that_what_came_was_compared(signed_in: Command, version: Path) -> None:
    shutil.rmtree(version.parent)
    done = signed_in.run("pull", "m:v1", "--verify", "--json")
    assert (done.code, done.records[0]["outcome"], done.records[0]["verified"]) == (0, "pulled", True)
    assert ", verified" in done.err
    again = signed_in.run("pull", "m:v1", "--verify", "--json")
    assert (again.code, again.records[0]["outcome"], again.records[0]["verified"]) == (0, "skipped", False)
    assert "nothing was compared" in again.err


def test_pull_with_verify_refuses_what_was_damaged_in_the_store(
    signed_in: Command, version: Path, registry_server: RegistryServer
) -> None:
    damage(registry_server)
    shutil.rmtree(version.parent)
    done = signed_in.run("pull", "m:v1", "--verify", "--json")
    assert (done.code, done.records[0]["outcome"], done.records[0]["verified"]) == (1, "failed", False)
    assert "damaged" in str(done.records[0]["error"])
    assert not version.exists()


def test_a_pull_without_verify_is_not_called_verified(signed_in: Command, version: Path) -> None:
    shutil.rmtree(version.parent)
    done = signed_in.run("pull", "m:v1", "--json")
    assert done.records[0]["verified"] is False
    assert "verified" not in done.err

"""`modelsync ls` and `modelsync locate`: what is listed, in which words, and what is not loaded for it."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from support.command import Command
from support.local_store import CREATED, write_model
from support.registry_server import RegistryServer, json_of, register_model

KEYS = ["tag", "size_bytes", "created_at", "labels", "upload_status", "state"]


def test_the_local_store_is_listed_as_json_a_line_per_version(command: Command) -> None:
    write_model(command.store, "a:v1", labels={"stage": "prod"})
    write_model(command.store, "a:v2", created=CREATED + timedelta(hours=1))
    done = command.run("ls", "local", "--json")
    first, second = done.records
    assert done.code == 0
    assert list(first) == KEYS
    assert (first["tag"], first["state"], first["labels"]) == ("a:v1", "ok", {"stage": "prod"})
    assert (first["created_at"], first["upload_status"]) == (CREATED.isoformat(), None)
    assert isinstance(first["size_bytes"], int)
    assert (second["tag"], second["state"]) == ("a:v2", "latest")


def test_entries_that_are_no_models_are_listed_as_what_they_are(command: Command) -> None:
    write_model(command.store, "a:v1")
    (command.store / "models/a/half").mkdir()
    (command.store / "models/Foreign Name").mkdir()
    states = {str(record["tag"]): record["state"] for record in command.run("ls", "local", "--json").records}
    assert states["a:v1"] == "latest"
    assert states["a:half"] == "half-written"
    assert states["Foreign Name"] == "foreign"


def test_one_name_or_one_version_is_listed_alone_and_an_unknown_one_is_not_found(command: Command) -> None:
    for tag in "a:v1", "a:v2", "b:v1":
        write_model(command.store, tag)
    assert [record["tag"] for record in command.run("ls", "local", "a", "--json").records] == ["a:v1", "a:v2"]
    assert [record["tag"] for record in command.run("ls", "local", "a:v2", "--json").records] == ["a:v2"]
    missing = command.run("ls", "local", "c")
    assert (missing.code, missing.out) == (4, "")
    assert "has no c" in missing.err


def test_an_empty_store_is_no_failure_and_stdout_is_empty(command: Command) -> None:
    done = command.run("ls", "local")
    assert (done.code, done.out) == (0, "")
    assert "No models in" in done.err


def test_a_person_reads_a_table(command: Command) -> None:
    write_model(command.store, "summary:v1", files={"w": b"x" * 5000}, labels={"stage": "prod"})
    head, row = command.run("ls", "local").out.splitlines()
    assert head.split() == ["TAG", "SIZE", "CREATED", "STATE", "LABELS"]
    assert row.startswith("summary:v1  ")
    assert " KiB " in row
    assert row.endswith("stage=prod")


def test_text_from_outside_cannot_move_the_cursor(command: Command) -> None:
    write_model(command.store, "a:v1", labels={"note": "\x1b[2J\nnext"})
    out = command.run("ls", "local").out
    assert "\x1b" not in out
    assert "note=\\x1b[2J\\nnext" in out


def test_the_flag_for_the_store_wins_over_bentoml_home(command: Command, tmp_path: Path) -> None:
    write_model(tmp_path / "other", "b:v1")
    done = command.run("ls", "local", "--json", "--store", str(tmp_path / "other"))
    assert [record["tag"] for record in done.records] == ["b:v1"]


def test_the_registry_is_listed_beside_what_the_store_has(signed_in: Command, registry_server: RegistryServer) -> None:
    write_model(signed_in.store, "same:v1")
    write_model(signed_in.store, "diff:v1", files={"w": b"1"})
    signed_in.run("push", "same:v1", "diff:v1")
    write_model(signed_in.store, "diff:v1", files={"w": b"22"})
    model = register_model(registry_server.api, "begun", "v1")
    json_of(registry_server.api.patch(f"{model}/start_upload"))
    done = signed_in.run("ls", "remote", "--json")
    records = {str(record["tag"]): record for record in done.records}
    assert done.code == 0
    assert list(records["same:v1"]) == KEYS
    assert {tag: record["state"] for tag, record in records.items()} == {
        "same:v1": "same",
        "diff:v1": "differs",
        "begun:v1": "uploading",
    }
    assert records["begun:v1"]["upload_status"] == "uploading"
    assert records["same:v1"]["created_at"] == CREATED.isoformat()


def test_every_page_of_the_registry_is_listed(signed_in: Command, registry_server: RegistryServer) -> None:
    for number in range(120):
        register_model(registry_server.api, "many", f"v{number}")
    assert len(signed_in.run("ls", "remote", "many", "--json").records) == 120
    assert [record["tag"] for record in signed_in.run("ls", "remote", "many:v7", "--json").records] == ["many:v7"]


def test_an_unknown_name_in_the_registry_is_not_found(signed_in: Command) -> None:
    assert signed_in.run("ls", "remote", "nope").code == 4


def test_an_empty_registry_is_no_failure(signed_in: Command) -> None:
    done = signed_in.run("ls", "remote")
    assert (done.code, done.out) == (0, "")


def test_listing_the_registry_needs_an_account(command: Command) -> None:
    assert command.run("ls", "remote").code == 3


def test_listing_the_store_and_asking_for_help_load_no_network_keyring_or_screen(command: Command) -> None:
    write_model(command.store, "a:v1")
    program = (
        "import sys\n"
        "from modelsync_cli.__main__ import run\n"
        "try: assert run() == 0\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "loaded = (name for name, module in sys.modules.items() if module)  # None keeps one from being loaded\n"
        "print(*sorted({name.partition('.')[0] for name in loaded}), file=sys.stderr)\n"
    )
    for args in ("ls", "local"), ("--help",), ("--version",), ("push", "--help"):
        done = subprocess.run(
            [sys.executable, "-c", program, *args], env=command.environ, capture_output=True, text=True, check=True
        )
        loaded = set(done.stderr.split())
        assert "modelsync_cli" in loaded
        assert not loaded & {"httpx", "keyring", "rich", "textual", "bentoml", "modelsync_tui"}


def test_a_bad_setting_is_a_usage_error_that_names_file_and_line(command: Command) -> None:
    config = command.folder / "mine.toml"
    config.write_text("\nthreads = 900\n")
    done = command.run("ls", "local", "--config", str(config))
    assert done.code == 2
    assert f"{config}, line 2: threads cannot be 900" in done.err


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (".", "cannot be read: Is a directory. Make it a file"),
        ("~nobody-has-this-name/mine.toml", "is in no user's home. Write the whole path."),
    ],
)
def test_a_settings_file_that_cannot_be_is_one_sentence_with_a_next_step(
    command: Command, config: str, words: str
) -> None:
    done = command.run("ls", "local", "--config", config)
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert words in done.err


def test_locate_prints_where_all_files_are_even_with_a_bad_setting(command: Command) -> None:
    (record,) = command.run("locate", "--json").records
    assert record["store"] == str(command.store)
    assert record["log"] == str(command.folder / "state/modelsync.log")
    (command.folder / "config").mkdir()
    (command.folder / "config/config.toml").write_text("nope = 1")
    done = command.run("locate")
    assert str(command.folder / "config/config.toml") in done.out
    assert "nope" in done.err


def test_output_that_a_terminal_cannot_show_is_no_failure(command: Command) -> None:
    write_model(command.store, "a:v1", labels={"note": "模型"})
    done = command.with_(PYTHONIOENCODING="ascii", PYTHONUTF8="0").run("ls", "local")
    assert done.code == 0
    assert os.linesep in done.out

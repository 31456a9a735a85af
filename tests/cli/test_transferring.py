"""`modelsync push` and `modelsync pull` as a script meets them: lines, streams, exit codes."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TextIO

import pytest

from support.command import Command
from support.local_store import CREATED, read_tree, write_model
from support.registry_server import EXPIRED_TOKEN, READ_TOKEN, RegistryServer, json_of, model_path, register_model
from support.strange_registry import free_port
from support.waiting import wait_for

KEYS = ["tag", "outcome", "reason", "resumed", "bytes_total", "bytes_moved", "retries", "seconds", "error"]
MIB = 1024 * 1024


def test_a_push_prints_one_line_of_json_with_the_keys_that_were_promised(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1", files={"w.bin": os.urandom(2 * MIB)})
    done = signed_in.run("push", "m:v1", "--json", "--threads", "4")
    (record,) = done.records
    assert done.code == 0
    assert list(record) == KEYS
    assert (record["tag"], record["outcome"], record["resumed"], record["error"]) == ("m:v1", "pushed", False, None)
    total, seconds = record["bytes_total"], record["seconds"]
    assert isinstance(total, int)
    assert total >= 2 * MIB
    assert record["bytes_moved"] == total
    assert record["retries"] == 0
    assert isinstance(seconds, float)


def test_a_second_push_is_skipped_and_says_why(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    signed_in.run("push", "m:v1")
    done = signed_in.run("push", "m:v1", "--json")
    (record,) = done.records
    assert done.code == 0
    assert (record["outcome"], record["bytes_moved"]) == ("skipped", 0)
    assert "already there" in str(record["reason"])


def test_what_was_pushed_is_pulled_byte_for_byte(signed_in: Command) -> None:
    version = write_model(signed_in.store, "m:v1", files={"w.bin": os.urandom(MIB), "sub/c.json": b"{}"})
    before = read_tree(version)
    signed_in.run("push", "m:v1")
    shutil.rmtree(version.parent)
    done = signed_in.run("pull", "m:v1", "--json")
    assert (done.code, done.records[0]["outcome"]) == (0, "pulled")
    assert read_tree(version) == before
    assert (version.parent / "latest").read_text() == "v1"


@pytest.mark.parametrize("meant", ["m", "m:latest", "m:v2"])
def test_a_name_alone_means_the_latest_both_ways(signed_in: Command, meant: str) -> None:
    write_model(signed_in.store, "m:v1")
    write_model(signed_in.store, "m:v2", created=CREATED + timedelta(hours=1))
    assert signed_in.run("push", "m:v1", meant, "--json").records[1]["tag"] == "m:v2"
    shutil.rmtree(signed_in.store)
    assert signed_in.run("pull", meant, "--json").records[0]["tag"] == "m:v2"


def test_a_version_that_differs_is_skipped_with_a_warning_and_replaced_by_force(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1", files={"w.bin": b"one"})
    signed_in.run("push", "m:v1")
    write_model(signed_in.store, "m:v1", files={"w.bin": b"another"}, created=CREATED + timedelta(days=1))
    for verb, outcome in ("push", "pushed"), ("pull", "pulled"):
        skipped = signed_in.run(verb, "m:v1", "--json")
        assert skipped.code == 0
        assert (skipped.records[0]["outcome"], skipped.records[0]["reason"]) == ("skipped", "differs")
        assert "warning: m:v1 is there already, but differs" in skipped.err
        assert "--force" in skipped.err
        forced = signed_in.run(verb, "m:v1", "--json", "--force")
        assert (forced.code, forced.records[0]["outcome"]) == (0, outcome)
        write_model(signed_in.store, "m:v1", files={"w.bin": b"a third"}, created=CREATED + timedelta(days=2))


def test_without_json_stdout_holds_the_outcomes_and_stderr_the_story(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    done = signed_in.run("push", "m:v1")
    assert done.out == "pushed\tm:v1\tnew in the registry\n"
    assert "m:v1" in done.err


def test_quiet_leaves_warnings_and_errors_only(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    assert signed_in.run("push", "m:v1", "--quiet").err == ""
    assert "error: " in signed_in.run("push", "nope", "--quiet").err


def test_flags_may_stand_before_the_command(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    assert signed_in.run("--json", "--quiet", "push", "m:v1").records[0]["outcome"] == "pushed"


def test_a_terminal_gets_a_live_bar_and_stdout_stays_data(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1", files={"w.bin": os.urandom(2 * MIB)})
    done = signed_in.run_on_terminal("push", "m:v1", "--json", "--bandwidth", "2 MiB/s")
    assert done.code == 0
    assert [record["outcome"] for record in done.records] == ["pushed"]
    assert "━" in done.err
    assert "% of 2.01 MiB" in done.err


def test_a_failure_does_not_stop_the_next_tag(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    done = signed_in.run("push", "nope:v1", "m:v1", "--json")
    assert [record["outcome"] for record in done.records] == ["failed", "pushed"]
    assert done.code == 4
    assert "nope:v1" in str(done.records[0]["error"])


def test_an_unknown_tag_is_not_found_both_ways(signed_in: Command) -> None:
    for verb in "push", "pull":
        done = signed_in.run(verb, "nope:v1", "--json")
        assert (done.code, done.records[0]["outcome"]) == (4, "failed")


def test_an_invalid_tag_is_a_usage_error_before_anything_moves(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    done = signed_in.run("push", "m:v1", "not a tag")
    assert (done.code, done.out) == (2, "")
    assert "not a valid name" in done.err


@pytest.mark.parametrize(
    "args", [(), ("push",), ("fetch", "m"), ("push", "m", "--threads", "0"), ("push", "m", "--nope")]
)
def test_a_wrong_command_line_is_a_usage_error(signed_in: Command, args: tuple[str, ...]) -> None:
    done = signed_in.run(*args)
    assert (done.code, done.out) == (2, "")
    assert done.err


def test_a_context_beside_the_environments_token_is_a_usage_error(signed_in: Command) -> None:
    done = signed_in.run("push", "m", "--context", "prod")
    assert done.code == 2
    assert "BENTO_CLOUD_API_KEY" in done.err


def test_without_an_account_nothing_is_tried(command: Command) -> None:
    write_model(command.store, "m:v1")
    done = command.run("push", "m:v1", "--json")
    assert (done.code, done.records[0]["outcome"]) == (3, "failed")
    assert "modelsync login" in done.err


@pytest.mark.parametrize("token", ["tok-wrong", EXPIRED_TOKEN])
def test_a_token_that_the_registry_refuses_is_told_apart(signed_in: Command, token: str) -> None:
    write_model(signed_in.store, "m:v1")
    done = signed_in.with_(BENTO_CLOUD_API_KEY=token).run("push", "m:v1")
    assert done.code == 3
    assert token not in done.out + done.err


def test_a_token_without_the_scope_for_pushing_is_told_apart(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    assert signed_in.with_(BENTO_CLOUD_API_KEY=READ_TOKEN).run("push", "m:v1").code == 3


def test_read_only_refuses_a_push(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    done = signed_in.run("push", "m:v1", "--read-only")
    assert done.code == 3
    assert "read-only" in done.err


def test_a_registry_that_is_not_there_is_not_reachable(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    done = signed_in.with_(BENTO_CLOUD_API_ENDPOINT=f"http://127.0.0.1:{free_port()}").run("push", "m:v1")
    assert done.code == 5
    assert "Traceback" not in done.err


def test_a_page_of_html_is_no_registry(signed_in: Command, registry_server: RegistryServer) -> None:
    write_model(signed_in.store, "m:v1")
    done = signed_in.with_(BENTO_CLOUD_API_ENDPOINT=f"{registry_server.url}/wrong").run("push", "m:v1")
    assert done.code == 5
    assert "<html" not in done.err


def test_several_kinds_of_failures_are_one(signed_in: Command, registry_server: RegistryServer) -> None:
    register_model(registry_server.api, "half", "v1")
    done = signed_in.run("pull", "nope:v1", "half:v1", "--json")
    assert [record["outcome"] for record in done.records] == ["failed", "failed"]
    assert done.code == 1


def test_a_refused_token_of_the_environment_is_named_for_a_new_sign_in_would_not_help(signed_in: Command) -> None:
    done = signed_in.with_(BENTO_CLOUD_API_KEY="unknown-token").run("ls", "remote")
    assert done.code == 3
    assert "does not accept the token. It is that of BENTO_CLOUD_API_KEY: give that another one" in done.err


def test_an_upload_that_someone_has_just_begun_is_refused_without_force(
    signed_in: Command, registry_server: RegistryServer
) -> None:
    model = register_model(registry_server.api, "m", "v1")
    json_of(registry_server.api.patch(f"{model}/start_upload"))
    write_model(signed_in.store, "m:v1")
    done = signed_in.run("push", "m:v1")
    assert done.code == 1
    assert "mia@acme.io is uploading it since" in done.err
    assert signed_in.run("push", "m:v1", "--force").code == 0


@pytest.mark.usefixtures("hang_ups_are_heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_ends_the_push_and_tells_the_registry(
    signed_in: Command, registry_server: RegistryServer, number: signal.Signals
) -> None:
    write_model(signed_in.store, "m:v1", files={"w.bin": os.urandom(4 * MIB)})
    write_model(signed_in.store, "n:v1")
    process = signed_in.start("push", "m:v1", "n:v1", "--json", "--bandwidth", "100 kB/s")

    def status() -> object:
        answer = registry_server.api.get(model_path("m", "v1"))
        return answer.json().get("upload_status") if answer.status_code == 200 else None

    wait_for(lambda: status() == "uploading", within_s=30, what="the upload beginning")
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out.count("\n") == 1
    assert '"outcome": "failed"' in out
    assert "Interrupted." in err
    assert "Traceback" not in err
    assert status() == "failed"


def test_a_second_interrupt_leaves_at_once_while_the_registry_cannot_be_told(
    signed_in: Command, registry_server: RegistryServer
) -> None:
    write_model(signed_in.store, "m:v1", files={"w.bin": os.urandom(4 * MIB)})
    process = signed_in.start("push", "m:v1", "--bandwidth", "100 kB/s")
    assert process.stderr is not None
    assert "send" in process.stderr.readline()
    registry_server.stop()
    process.send_signal(signal.SIGINT)
    assert "a second interrupt leaves at once" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=5)
    assert process.returncode == 130
    assert "Traceback" not in err
    (entry,) = signed_in.run("history", "--json").records
    assert (entry["tag"], entry["outcome"], entry["reason"]) == ("m:v1", "cancelled", "Interrupted.")


def test_a_reader_of_stdout_that_has_left_is_no_traceback(signed_in: Command) -> None:
    for number in range(3):
        write_model(signed_in.store, f"m:v{number}")
    process = signed_in.start("ls", "local", "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(timeout=30) == 1
    process.stderr.close()


def test_what_nobody_expected_is_a_sentence_and_its_details_are_in_the_log(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    broken = signed_in.folder / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import httpx\n"
        "def send(self, request, **_):\n"
        "    raise ZeroDivisionError(f'boom {dict(request.headers)}')\n"
        "httpx.Client.send = send\n"
    )
    token = signed_in.environ["BENTO_CLOUD_API_KEY"]
    done = signed_in.with_(PYTHONPATH=str(broken)).run("push", "m:v1")
    assert done.code == 1
    assert "Something happened that modelsync did not expect." in done.err
    assert "modelsync.log" in done.err
    assert "Traceback" not in done.err
    assert "ZeroDivisionError" in signed_in.log
    assert token not in signed_in.log + done.err


def test_the_token_is_in_no_output_log_file_or_process_list(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1", files={"w.bin": os.urandom(MIB)})
    token = signed_in.environ["BENTO_CLOUD_API_KEY"]
    process = signed_in.start("push", "m:v1", "--debug", "--bandwidth", "500 kB/s")
    listed = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(process.pid)], capture_output=True, text=True)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "modelsync_cli" in listed.stdout
    assert token not in listed.stdout + out + err
    for path in signed_in.folder.rglob("*"):
        assert not path.is_file() or token.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    "args",
    [
        ("ls", "local"),
        ("ls", "local", "--json"),
        ("push", "m:v1", "--json"),
        ("history", "--csv"),
        ("completion", "bash"),
    ],
)
def test_a_result_that_cannot_be_written_is_one_sentence(args: tuple[str, ...], signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    with Path("/dev/full").open("w") as full:
        done = run_with(signed_in, *args, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert "The result cannot be written: No space left on device. Send it" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_closed_stderr_stops_no_transfer_and_does_not_spill_into_the_data(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    done = run_with(signed_in, "push", "m:v1", "--json", stdout=subprocess.PIPE, preexec_fn=lambda: os.close(2))
    assert done.returncode == 0
    assert [json.loads(line)["outcome"] for line in done.stdout.splitlines()] == ["pushed"]


def test_a_reader_of_the_narration_who_leaves_stops_no_transfer(signed_in: Command) -> None:
    write_model(signed_in.store, "m:v1")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run_with(signed_in, "push", "m:v1", "--json", stdout=subprocess.PIPE, stderr=writing)
    finally:
        os.close(writing)
    assert done.returncode == 0
    assert [json.loads(line)["outcome"] for line in done.stdout.splitlines()] == ["pushed"]


def run_with(
    command: Command,
    *args: str,
    stdout: int | TextIO,
    stderr: int | None = None,
    preexec_fn: Callable[[], object] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Runs with streams of a test's own."""
    return subprocess.run(
        [sys.executable, "-m", "modelsync_cli", *args],
        env=command.environ,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        preexec_fn=preexec_fn,
        text=True,
        timeout=60,
    )

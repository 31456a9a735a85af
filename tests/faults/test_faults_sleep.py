"""The laptop asleep for an hour in the middle: clocks jump, signed URLs are old, connections are dead."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from modelsync.http.transport import Transport
from modelsync_registry.tokens import TokenGrant
from support.command import Command
from support.fault_bench import TAG, Bench, MiB
from support.fault_patience import EVER_S
from support.local_store import read_tree, write_model
from support.raw_server import Connection, raw_server
from support.registry_server import TOKEN, TOM_TOKEN
from support.waiting import wait_for

SIZE = 40 * MiB
HOUR_S = 3700.0
"""A little more than signed URLs live."""

WITH_CLOCKS_THAT_JUMP = f"""
import runpy, signal, sys, time
monotonic, wall, slept = time.monotonic, time.time, 0.0
def wake(*_):
    global slept
    slept = {HOUR_S}
signal.signal(signal.SIGUSR1, wake)
time.time = lambda: wall() + slept
if sys.argv.pop(1) == "both":
    time.monotonic = lambda: monotonic() + slept
sys.argv[0] = "modelsync"
runpy.run_module("modelsync_cli", run_name="__main__")
"""

CLOCKS = pytest.mark.parametrize(
    "clocks", ["both", "wall"], ids=["every clock goes on in sleep", "the monotonic clock stands still in sleep"]
)


def test_a_connection_that_was_kept_before_the_sleep_is_not_used_after_it() -> None:
    """Nobody need have told that it is dead: whoever asks through it waits for an answer that cannot come."""

    def once(connection: Connection) -> None:
        connection.read_head()
        connection.answer("200 OK", b"before")
        connection.read_head()  # and nothing more is ever said

    def later(connection: Connection) -> None:
        connection.read_head()
        connection.answer("200 OK", b"after")

    now = 1_800_000_000.0
    transport = Transport(clock=lambda: now, stall_after_s=EVER_S)
    with raw_server(once, later) as server:
        answers = []
        for _ in range(2):
            answers.append(b"".join(transport.handle_request(httpx.Request("GET", server.url)).iter_raw()))
            now += HOUR_S
        transport.close()
    assert (answers, server.connections) == ([b"before", b"after"], 2)


def person(bench: Bench, home: str, token: str = TOKEN) -> Command:
    folder = bench.folder / home
    folder.mkdir(exist_ok=True)
    return Command.in_folder(folder, BENTO_CLOUD_API_KEY=token, BENTO_CLOUD_API_ENDPOINT=bench.server.url)


def asleep_at_half(bench: Bench, command: Command, clocks: str, *arguments: str, falls: Callable[[], object]) -> str:
    """Runs a command that sleeps an hour when half has moved; what it said, by its two streams.

    `falls` happens while it sleeps. Its connections are cut meanwhile.
    """
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            WITH_CLOCKS_THAT_JUMP,
            clocks,
            *arguments,
            "--threads",
            "2",
            "--bandwidth",
            "24MiB/s",
            "--json",
        ],
        env=dict(command.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def moved() -> int:
        return sum(request.taken + request.given for request in list(bench.proxy.requests))

    wait_for(lambda: moved() > SIZE // 2 or process.poll() is not None, within_s=60, what="half of it")
    process.send_signal(signal.SIGSTOP)
    bench.server.clock.advance(HOUR_S)
    falls()
    bench.proxy.refuse()
    bench.proxy.listen()
    process.send_signal(signal.SIGUSR1)
    process.send_signal(signal.SIGCONT)
    said, _ = process.communicate(timeout=120)
    assert "Traceback" not in said
    return f"{process.returncode} {said}"


@CLOCKS
def test_a_push_goes_on_when_the_laptop_wakes_up(clocks: str, bench: Bench) -> None:
    author = person(bench, "author")
    model = write_model(author.store, str(TAG), files={"weights.bin": os.urandom(SIZE)})
    said = asleep_at_half(bench, author, clocks, "push", str(TAG), falls=lambda: None)
    assert said.startswith("0 "), said
    assert '"outcome": "pushed"' in said
    bench.assert_pushed(model)


@CLOCKS
def test_a_pull_goes_on_when_the_laptop_wakes_up(clocks: str, bench: Bench) -> None:
    model = bench.publish(size=SIZE)
    reader = person(bench, "reader")
    said = asleep_at_half(bench, reader, clocks, "pull", str(TAG), falls=lambda: None)
    assert said.startswith("0 "), said
    assert '"outcome": "pulled"' in said
    assert read_tree(reader.store / "models/iris/v1") == read_tree(model)


@pytest.mark.parametrize("direction", ["push", "pull"])
def test_a_token_that_ended_in_sleep_is_told_and_the_next_one_goes_on(direction: str, bench: Bench) -> None:
    model = bench.publish(size=SIZE) if direction == "pull" else Path()
    mine = person(bench, "mine")
    if direction == "push":
        model = write_model(mine.store, str(TAG), files={"weights.bin": os.urandom(SIZE)})
    renewed = TokenGrant(token=TOM_TOKEN, user="mia", email="mia@acme.io")
    said = asleep_at_half(bench, mine, "both", direction, str(TAG), falls=lambda: bench.server.set_tokens(renewed))
    assert said.startswith("3 "), said
    assert "token" in said
    (record,) = person(bench, "mine", TOM_TOKEN).run(direction, str(TAG), "--json").records
    assert (record["error"], record["resumed"]) == (None, True)
    if direction == "pull":
        assert read_tree(mine.store / "models/iris/v1") == read_tree(model)

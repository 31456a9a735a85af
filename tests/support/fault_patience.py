"""Sides that would wait for ten minutes wherever a wait can be, and who waits at this moment."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from modelsync.registry.client import Registry
from modelsync.registry.retry import Backoff
from modelsync.results import TransferResult
from modelsync.sync import Sides, pull, push
from modelsync.transfer.control import Control
from modelsync.transfer.data import DataClient
from modelsync.transfer.progress import Progress
from modelsync.transfer.retry import RetryPolicy
from support.fault_bench import TAG, Bench
from support.two_sides import account_of
from support.waiting import wait_for

EVER_S = 600.0
"""No test lives so long: who is freed was not freed by a time-out."""
FREED_WITHIN_S = 60.0
"""Generous: a busy machine may take its time to run the threads that were freed."""


def patient(sides: Sides, bench: Bench, *, all_through_proxy: bool = False, sync_to_disk: bool = False) -> Sides:
    """The same sides, with a patience of ten minutes in everything."""
    account = account_of(bench.server)
    if all_through_proxy:
        account = replace(account, context=replace(account.context, endpoint=bench.proxy.url))
    return replace(
        sides,
        registry=Registry(account, timeout_s=EVER_S, backoff=Backoff(tries=9, first_s=EVER_S, longest_s=EVER_S)),
        data=DataClient(transport=bench.transport(patience_s=EVER_S, connect_within_s=EVER_S)),
        retry=RetryPolicy(tries=9, base_s=EVER_S, max_s=EVER_S, jitter=lambda: 1.0),
        sync_to_disk=sync_to_disk,
    )


Move = Callable[..., TransferResult]


class Moving:
    """A transfer on a thread of its own."""

    def __init__(self, direction: str, sides: Sides, bench: Bench, *, force: bool = False) -> None:
        self.connected_before = connections_to(bench.proxy.port)
        """Connections to the proxy that are not its own."""
        self.control = Control()
        self.progress = Progress()
        self._sides = sides
        self._result: Future[TransferResult] = Future()
        move: Move = push if direction == "push" else pull
        threading.Thread(target=self._run, args=(move, force), daemon=True).start()

    @property
    def ended(self) -> bool:
        return self._result.done()

    def result(self) -> TransferResult:
        """What it came to, or raises what ended it; fails when it does not end."""
        return self._result.result(FREED_WITHIN_S)

    def until_still(self) -> None:
        """Returns when no byte has moved between some looks."""
        seen = [-1, -2, -3]

        def still() -> bool:
            seen.append(self.progress.bytes_moved)
            return seen[-1] > 0 and len({*seen[-8:]}) == 1

        wait_for(still, within_s=30, what="a transfer that stands still")

    def until_moved(self, count: int) -> None:
        """Returns when more than so many bytes have moved; fails when it ended before."""
        wait_for(lambda: self.ended or self.progress.bytes_moved > count, within_s=60, what="the first bytes")
        assert not self.ended

    def _run(self, move: Move, force: bool) -> None:
        try:
            self._result.set_result(move(TAG, self._sides, force=force, control=self.control, progress=self.progress))
        except BaseException as exc:  # noqa: BLE001 - it is raised again where the result is asked for
            self._result.set_exception(exc)


def connections_to(port: int, *, state: str = "01") -> int:
    """How many sockets of this machine have this remote port on loopback; 01 is established, 02 still connecting."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return sum(field[2].endswith(f":{port:04X}") and field[3] == state for field in fields)


@contextmanager
def black_hole() -> Iterator[int]:
    """A port whose connections never come about, as behind a firewall that says nothing."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = int(listener.getsockname()[1])
        while not connections_to(port, state="02"):  # each fills the queue of those that nobody accepts
            one = sockets.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield port


class SlowDisk:
    """Brings nothing of a version's files to the disk until it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = threading.Event()
        self._works = threading.Event()
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self._slowly)

    def work(self) -> None:
        self._works.set()

    def _slowly(self, handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").readlink().name == "weights.bin":
            self.asked.set()
            self._works.wait()
        self._fsync(handle)

"""Where the system starts only so many threads, as in a container with a limit of processes."""

import threading
from collections.abc import Callable
from itertools import count

import pytest

from modelsync.http.stopping import interruptibly
from modelsync.transfer.control import Control
from modelsync.transfer.workers import Worker, Workers

Limit = Callable[[int], None]


@pytest.fixture
def limit_threads(monkeypatch: pytest.MonkeyPatch) -> Limit:
    """From now on so many more can be started."""
    start = threading.Thread.start

    def at_most(most: int) -> None:
        started = count()

        def limited(thread: threading.Thread) -> None:
            if next(started) >= most:
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", limited)

    return at_most


def test_the_threads_that_could_be_started_do_all_the_parts(limit_threads: Limit) -> None:
    limit_threads(2)
    workers, done = Workers(8), []

    def task(number: int) -> Callable[[Worker, Control], None]:
        return lambda _worker, _control: done.append(number)

    for _ in range(2):  # also the next transfer, though there were fewer threads than it wanted
        workers.run((task(number) for number in range(20)), Control())
    assert sorted(done) == sorted([*range(20), *range(20)])


def test_without_one_thread_the_transfer_ends_and_says_why(limit_threads: Limit) -> None:
    limit_threads(0)
    workers = Workers(8)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="new thread"):
            workers.run([lambda _worker, _control: None], Control())
    assert workers.batches == 0


def test_a_call_that_would_have_a_thread_of_its_own_is_made_all_the_same(limit_threads: Limit) -> None:
    limit_threads(0)
    assert interruptibly(lambda: 7, Control()) == 7

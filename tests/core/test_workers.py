"""The pool of part threads."""

import os
import signal
import threading
from contextlib import suppress

import pytest

from modelsync.errors import Cancelled, PartError
from modelsync.transfer.control import Control, Paused
from modelsync.transfer.pace import START
from modelsync.transfer.workers import Task, Worker, Workers
from support.waiting import wait_for


def test_every_task_runs_once() -> None:
    ran: list[int] = []
    workers = Workers(4)

    def task(number: int) -> Task:
        return lambda _worker, _control: ran.append(number)

    workers.run((task(number) for number in range(100)), Control())
    assert sorted(ran) == list(range(100))


def test_a_batch_without_tasks_ends_at_once() -> None:
    workers = Workers(2)
    ended = threading.Event()

    def run() -> None:
        workers.run(iter(()), Control())
        ended.set()

    threading.Thread(target=run, daemon=True).start()
    assert ended.wait(10)
    assert workers.batches == 0


def test_no_more_tasks_run_at_once_than_there_are_threads() -> None:
    workers = Workers(3)
    lock, now, most = threading.Lock(), 0, 0
    together = threading.Barrier(3)

    def task(_worker: Worker, _control: Control) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait(5)  # so that three really are in here at once
        with lock:
            now -= 1

    workers.run([task] * 9, Control())
    assert most == 3


def test_the_first_error_ends_the_batch_and_is_raised() -> None:
    workers = Workers(2)
    waiting = threading.Event()
    started: list[str] = []

    def blocked(_worker: Worker, control: Control) -> None:
        waiting.set()
        control.wait(30)

    def fails(_worker: Worker, _control: Control) -> None:
        assert waiting.wait(5)
        raise PartError("part 2 is refused")

    def later(_worker: Worker, _control: Control) -> None:
        started.append("later")

    with pytest.raises(PartError, match="part 2"):
        workers.run([blocked, fails, later, later], Control())
    assert started == []


@pytest.mark.parametrize("wish", [Cancelled(), Paused()])
def test_a_wish_of_the_person_reaches_running_tasks_and_is_what_is_raised(wish: Cancelled) -> None:
    workers, control = Workers(2), Control()

    def blocked(_worker: Worker, inner: Control) -> None:
        control.cancel(wish)
        inner.wait(30)

    with pytest.raises(type(wish)):
        workers.run([blocked] * 10, control)


def test_an_interrupt_of_who_waits_is_raised_when_what_ran_has_ended() -> None:
    workers, raised = Workers(2), threading.Event()
    after: list[bool] = []

    def task(_worker: Worker, control: Control) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        with suppress(Cancelled):
            control.wait(30)
        after.append(raised.wait(0.3))  # a write to a slow disk that no shutdown of a socket ends

    with pytest.raises(KeyboardInterrupt):
        workers.run([task], Control())
    raised.set()
    wait_for(lambda: len(after) == 1, what="the end of the task")
    assert after == [False]
    assert workers.batches == 0


def test_two_batches_share_the_threads_evenly() -> None:
    workers = Workers(1)
    order: list[str] = []
    first_runs, second_waits = threading.Event(), threading.Event()

    def opening(_worker: Worker, _control: Control) -> None:
        first_runs.set()
        assert second_waits.wait(5)

    def note(name: str) -> Task:
        return lambda _worker, _control: order.append(name)

    def first() -> None:
        workers.run([opening, *[note("a")] * 4], Control())

    def second() -> None:
        workers.run([note("b")] * 4, Control())

    one = threading.Thread(target=first)
    one.start()
    assert first_runs.wait(5)
    two = threading.Thread(target=second)
    two.start()
    wait_for(lambda: workers.batches == 2)
    second_waits.set()
    one.join(10)
    two.join(10)
    assert sorted(order) == ["a"] * 4 + ["b"] * 4
    assert order[:6].count("a") == 3


def test_a_raised_ceiling_adds_threads_while_they_work() -> None:
    workers = Workers(1)
    together = threading.Barrier(2)

    def task(_worker: Worker, _control: Control) -> None:
        workers.threads = 2
        together.wait(5)

    workers.run([task, task], Control())


def test_the_others_join_a_thread_that_was_to_work_alone_and_waits() -> None:
    together = threading.Barrier(START)

    def task(worker: Worker, _control: Control) -> None:
        worker.moved(1)
        together.wait(10)

    Workers(10).run([task] * START, Control(), alone=True)


def test_work_that_may_be_done_alone_leaves_the_others_to_the_work_after_it() -> None:
    workers = Workers(10)
    workers.run([lambda _worker, _control: None] * 20, Control(), alone=True)
    together = threading.Barrier(START)

    def task(_worker: Worker, _control: Control) -> None:
        together.wait(10)

    workers.run([task] * START, Control())


def test_a_batch_that_begins_later_does_not_wait_for_a_task_of_another_one_to_end() -> None:
    workers = Workers(START + 1)
    long_ends = threading.Event()
    running: list[str] = []

    def long(_worker: Worker, _control: Control) -> None:
        running.append("long")
        assert long_ends.wait(10)

    first = threading.Thread(target=workers.run, args=([long] * (START + 1), Control()))
    first.start()
    wait_for(lambda: len(running) == START)
    workers.run([lambda _worker, _control: running.append("short")] * 3, Control())
    assert running == ["long"] * START + ["short"] * 3  # the pace holds: the fifth long one has not begun
    long_ends.set()
    first.join(10)
    assert running.count("long") == START + 1


def test_the_ceiling_holds_for_what_begins_later_too() -> None:
    workers = Workers(1)
    now, most = 0, 0
    together = threading.Event()

    def task(_worker: Worker, _control: Control) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        together.wait(10)
        now -= 1

    threads = [threading.Thread(target=workers.run, args=([task] * 3, Control())) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_for(lambda: workers.batches == 3)
    together.set()
    for thread in threads:
        thread.join(10)
    assert (now, most) == (0, 1)

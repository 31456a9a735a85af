"""The limit that all transfers of a process share."""

import threading
from collections import Counter

import pytest

from modelsync.errors import Cancelled
from modelsync.transfer.bandwidth import Bandwidth
from modelsync.transfer.control import Control
from support.waiting import wait_for

KiB = 1 << 10


def test_each_transfer_has_the_same_share_whatever_number_of_threads_it_has() -> None:
    bandwidth = Bandwidth(2048 * KiB)
    many, one = Control(), Control()
    moved: Counter[Control] = Counter()
    enough = threading.Event()

    def move(control: Control) -> None:
        while not enough.is_set():
            bandwidth.take(16 * KiB, control)
            moved[control] += 16 * KiB

    threads = [threading.Thread(target=move, args=(control,)) for control in (many, many, many, many, one)]
    for thread in threads:
        thread.start()
    wait_for(lambda: moved.total() >= 3072 * KiB)
    enough.set()
    for thread in threads:
        thread.join(10)
    assert 0.3 < moved[one] / moved.total() < 0.7, moved


def test_who_is_alone_has_the_whole_limit_and_no_more() -> None:
    now = 100.0
    bandwidth = Bandwidth(1024 * KiB, clock=lambda: now)
    control = Control()
    bandwidth.limit = 1024 * KiB
    now += 10.0  # nothing ran for a while: that is no credit beyond the burst
    taken = 0

    def take() -> None:
        nonlocal taken
        while True:
            bandwidth.take(64 * KiB, control)
            taken += 64 * KiB

    def run() -> None:
        with pytest.raises(Cancelled):
            take()

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: taken == 256 * KiB)
    control.cancel()
    thread.join(10)
    assert not thread.is_alive()
    assert taken == 256 * KiB


def test_who_leaves_the_line_takes_no_bytes_from_those_behind() -> None:
    bandwidth = Bandwidth(64)
    leaves, stays = Control(), Control()
    ended: list[str] = []

    def wait_long() -> None:
        with pytest.raises(Cancelled):
            bandwidth.take(64 * KiB, leaves)  # a quarter of an hour
        ended.append("left")

    def wait_little() -> None:
        bandwidth.take(1, stays)
        ended.append("moved")

    threads = [threading.Thread(target=wait_long), threading.Thread(target=wait_little)]
    for thread in threads:
        thread.start()
    leaves.cancel()
    for thread in threads:
        thread.join(10)
    assert sorted(ended) == ["left", "moved"]


@pytest.mark.parametrize("limit", [None, 1 << 40])
def test_all_who_stand_in_line_go_on_when_the_limit_is_lifted(limit: int | None) -> None:
    bandwidth = Bandwidth(16)
    begun = threading.Barrier(4)
    ended: list[int] = []

    def move(number: int) -> None:
        begun.wait(10)
        bandwidth.take(64 * KiB, Control())
        ended.append(number)

    threads = [threading.Thread(target=move, args=(number,), daemon=True) for number in range(3)]
    for thread in threads:
        thread.start()
    begun.wait(10)
    bandwidth.limit = limit
    for thread in threads:
        thread.join(10)
    assert sorted(ended) == [0, 1, 2]

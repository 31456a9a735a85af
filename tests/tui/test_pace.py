"""Work of many rows beside the event loop: the same results as in one go, given up when nobody waits for them."""

import gc
import random
import threading

import pytest

from modelsync_tui.pace import PIECE_ROWS, AbandonedError, Gently, drained, quiet_collector, sorted_by

MANY = 5 * PIECE_ROWS


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("different", [3, MANY])
def test_a_long_list_is_sorted_as_python_sorts_it(different: int, reverse: bool) -> None:
    dealt = random.Random(7)
    items = [(float(dealt.randrange(different)), str(number)) for number in range(MANY)]

    def key(item: tuple[float, str]) -> float:
        return item[0]

    expected = sorted(items, key=key, reverse=reverse)
    assert sorted_by(items, key, reverse=reverse) == expected
    assert sorted_by(items, key, reverse=reverse, pace=Gently()) == expected


def test_other_threads_get_their_turn_while_many_rows_are_walked() -> None:
    turns = 0
    ended = threading.Event()

    def other() -> None:
        nonlocal turns
        while not ended.wait(0.001):
            turns += 1

    thread = threading.Thread(target=other)
    thread.start()
    assert sum(1 for _ in Gently().over(range(3_000_000))) == 3_000_000
    ended.set()
    thread.join()
    assert turns > 10


def test_work_that_nobody_waits_for_is_given_up() -> None:
    with pytest.raises(AbandonedError):
        for _ in Gently(lambda: False).over(iter(int, 1)):
            pass


def test_a_drained_list_lets_go_of_what_was_taken() -> None:
    items = [1, 2, 3]
    taken = drained(items)
    assert [next(taken), next(taken)] == [1, 2]
    assert items == [3]


def test_the_collector_stays_quiet_until_the_last_has_ended() -> None:
    assert gc.isenabled()
    with quiet_collector():
        with quiet_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.unfreeze()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with quiet_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()

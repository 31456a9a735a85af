"""Work of many rows beside the event loop: the same results as in one go, given up when nobody waits for them."""

import asyncio
import gc
import random

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


async def test_the_loop_does_all_it_has_to_do_between_two_pieces_of_work() -> None:
    turns: list[int] = []
    pace = Gently()

    def work() -> list[tuple[float, str]]:
        rows = [(float(-number), "") for number in pace.over(range(300_000))]
        return sorted_by(rows, lambda row: row, reverse=False, pace=pace)

    at_work = asyncio.create_task(asyncio.to_thread(work))
    while not at_work.done():
        await asyncio.sleep(0)
        turns.append(1)
    assert (await at_work)[0] == (-299_999.0, "")
    assert len(turns) > 20


async def test_work_that_nobody_waits_for_is_given_up() -> None:
    pace = Gently(lambda: False)

    def work() -> None:
        for _ in pace.over(iter(int, 1)):
            pass

    with pytest.raises(AbandonedError):
        await asyncio.to_thread(work)


async def test_what_is_freed_is_freed_though_nobody_waits_for_it() -> None:
    pace, rows = Gently(lambda: False), [(number,) for number in range(100_000)]
    await asyncio.to_thread(pace.free, rows)
    assert not rows


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

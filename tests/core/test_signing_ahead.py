"""The addresses of an upload's parts: asked for in time, once each, and again only when one is refused."""

import threading
from contextlib import closing

import pytest

from modelsync.errors import Cancelled, UnreachableError
from modelsync.registry.targets import DataTarget
from modelsync.transfer.control import Control
from modelsync.transfer.signing import SignedAhead
from support.waiting import wait_for, when


class Signer:
    """Signs at once, unless it is to refuse a part or to keep it waiting; keeps what it was asked for, in order."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.refused = 0
        self.held = 0

    def __call__(self, number: int, control: Control) -> DataTarget:
        self.asked.append(number)
        if self.refused == number:
            raise UnreachableError("The registry is gone.", hint="Try again.")
        while self.held == number:
            control.wait(0.01)
        return DataTarget(f"http://store/{number}?try={self.asked.count(number)}")


@pytest.fixture
def signer() -> Signer:
    return Signer()


def test_the_next_address_is_asked_for_while_a_part_is_sent(signer: Signer) -> None:
    with closing(SignedAhead(signer, [1, 2, 3], slow_from_s=0)) as targets:
        assert targets.take(1, Control()).url == "http://store/1?try=1"
        wait_for(lambda: signer.asked == [1, 2])
        assert targets.take(2, Control()).url == "http://store/2?try=1"
        wait_for(lambda: signer.asked == [1, 2, 3])
        assert targets.take(3, Control()).url == "http://store/3?try=1"
    assert signer.asked == [1, 2, 3]


def test_as_many_addresses_are_asked_for_ahead_as_parts_are_on_their_way(signer: Signer) -> None:
    with closing(SignedAhead(signer, range(1, 100), slow_from_s=0)) as targets:
        targets.take(1, Control())
        wait_for(lambda: 2 in signer.asked)
        targets.take(3, Control())  # another thread was quicker
        wait_for(lambda: 4 in signer.asked)
    assert sorted(signer.asked) == [1, 2, 3, 4]


def test_an_address_that_is_quick_is_asked_for_by_who_needs_it(signer: Signer) -> None:
    before = set(threading.enumerate())
    with closing(SignedAhead(signer, [1, 2, 3], slow_from_s=60)) as targets:
        targets.take(1, Control())
        targets.take(2, Control())
        assert signer.asked == [1, 2]
        assert not {one for one in set(threading.enumerate()) - before if one.name.startswith("modelsync-sign")}


def test_a_refused_address_is_asked_for_again_and_nothing_more_ahead(signer: Signer) -> None:
    with closing(SignedAhead(signer, [1, 2, 3], slow_from_s=0)) as targets:
        targets.take(1, Control())
        wait_for(lambda: signer.asked == [1, 2])
        assert targets.take(1, Control()).url == "http://store/1?try=2"
    assert signer.asked == [1, 2, 1]


def test_what_went_wrong_with_an_address_is_told_to_whoever_needs_it(signer: Signer) -> None:
    signer.refused = 2
    with closing(SignedAhead(signer, [1, 2], slow_from_s=0)) as targets:
        targets.take(1, Control())
        with pytest.raises(UnreachableError):
            targets.take(2, Control())
        signer.refused = 0
        assert targets.take(2, Control()).url == "http://store/2?try=2"


def test_a_wish_frees_who_waits_for_an_address(signer: Signer) -> None:
    control = Control()
    signer.held = 2
    with closing(SignedAhead(signer, [1, 2], slow_from_s=0)) as targets:
        targets.take(1, control)
        wait_for(lambda: signer.asked == [1, 2])
        when(lambda: signer.asked == [1, 2], control.cancel)
        with pytest.raises(Cancelled):
            targets.take(2, control)

"""Pushes and pulls of random models through random harm, one after the other; every end must be a whole one."""

import random
import threading
from collections.abc import Callable
from functools import partial

import pytest

from modelsync.errors import ModelsyncError
from modelsync.results import Outcome
from modelsync.sync import pull, push, verify
from modelsync.transfer.control import Control
from modelsync.transfer.progress import Progress
from modelsync.transfer.retry import RetryPolicy
from support.bad_proxy import Fault, Request
from support.fault_bench import TAG, Bench, MiB
from support.harm import (
    cut_answer,
    cut_head,
    cut_request,
    flip_request,
    hang_up,
    lose_answer,
    other_etag,
    other_range,
    promise,
    reset,
    says,
    stall_answer,
    stall_before_answer,
    stall_request,
    whole_object,
)
from support.local_store import read_tree, write_model
from support.soaking import check_words, rounds
from support.waiting import when

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

Harm = Callable[[random.Random], Fault]

STATUSES = (400, 403, 404, 408, 429, 500, 502, 503, 504)
UP: tuple[Harm, ...] = (
    lambda luck: cut_request(luck.randrange(9 * MiB)),
    lambda luck: stall_request(luck.randrange(2 * MiB)),
    lambda luck: flip_request(luck.randrange(MiB)),
    lambda luck: says(luck.choice(STATUSES), unread=luck.random() < 0.5),
    lambda luck: luck.choice((reset, hang_up, lose_answer, stall_before_answer, cut_head(luck.randrange(200)))),
)
DOWN: tuple[Harm, ...] = (
    lambda luck: cut_answer(luck.randrange(9 * MiB), politely=luck.random() < 0.5),
    lambda luck: stall_answer(luck.randrange(2 * MiB)),
    lambda luck: promise(luck.choice((-MiB, -1, 1, MiB))),
    lambda luck: other_range(luck.choice((1, 512, MiB))),
    lambda luck: says(luck.choice(STATUSES)),
    lambda luck: luck.choice((reset, hang_up, stall_before_answer, whole_object, other_etag, cut_head(60))),
)
PATIENT = RetryPolicy(tries=6, base_s=0.001, max_s=0.01)


def random_files(luck: random.Random) -> dict[str, bytes]:
    """A few large files, or many small ones, or both."""
    files = {f"part-{number}.bin": luck.randbytes(luck.randrange(20 * MiB)) for number in range(luck.randrange(3))}
    for number in range(luck.choice((1, 10, 300))):
        files[f"sub-{number % 7}/{number}.txt"] = luck.randbytes(luck.choice((0, 1, 511, 512, 513, 20_000)))
    return files


def do_harm(bench: Bench, luck: random.Random, method: str, harms: tuple[Harm, ...]) -> None:
    bench.proxy.behave()
    for _ in range(luck.randrange(6)):
        chance = luck.choice((0.1, 0.5, 1.0))

        def met(request: Request, chance: float = chance) -> bool:
            return luck.random() < chance

        bench.proxy.misbehave(luck.choice(harms)(luck), method=method, where=met, times=luck.choice((1, 2, 8)))


def reached(progress: Progress, moved: int, over: threading.Event) -> bool:
    return over.is_set() or progress.bytes_moved > moved


def until_it_ends(move: Callable[..., object], bench: Bench, home: str, luck: random.Random) -> None:
    """Runs, fails, is paused, is started again, until it is done; the harm is used up by then."""
    for tries in range(50):
        control, progress, over = Control(), Progress(), threading.Event()
        if luck.random() < 0.3:
            stop_at = luck.randrange(20 * MiB)
            when(partial(reached, progress, stop_at, over), control.pause)
        sides = bench.sides(home, threads=luck.randrange(1, 8), retry=PATIENT, impatient=True)
        if tries > 20:
            bench.proxy.behave()
        try:
            move(TAG, sides, force=True, control=control, progress=progress)
        except ModelsyncError as exc:
            check_words(exc)
        else:
            return
        finally:
            over.set()
    raise AssertionError("it does not come to an end")


def test_whatever_happens_on_the_way_what_arrives_is_what_was_sent(bench: Bench) -> None:
    for luck in rounds(0.6):
        files = random_files(luck)
        model = write_model(bench.folder / "author", str(TAG), files=files)
        do_harm(bench, luck, "PUT", UP)
        until_it_ends(push, bench, "author", luck)
        do_harm(bench, luck, "GET", DOWN)
        until_it_ends(pull, bench, "reader", luck)
        bench.proxy.behave()
        bench.assert_pulled(model)
        reader = bench.sides("reader")
        assert verify(TAG, reader).verified
        assert push(TAG, bench.sides()).outcome is Outcome.SKIPPED
        assert read_tree(reader.store.get(TAG).path) == read_tree(model)
        for path in sorted(model.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        bench.proxy.requests.clear()

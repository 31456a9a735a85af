"""Queues of several contexts that are shown as one."""

from dataclasses import replace
from itertools import count
from pathlib import Path

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.api import open_sides
from modelsync.model import Direction
from modelsync.paths import Paths
from modelsync.queue import QueueSnapshot
from modelsync.settings import Settings
from modelsync.tag import Tag
from modelsync.transfers import TransferRequest, Transfers
from support.queue_values import queue_of_every_kind
from support.registry_server import TOKEN, RegistryFactory


def test_sums_and_rows_of_several_queues_are_those_of_one() -> None:
    queue = queue_of_every_kind()
    other = replace(queue, limit=5, threads=3)
    both = queue.beside((other,))
    assert both.rows == (*queue.rows, *other.rows)
    assert both.upload_speed == 2 * queue.upload_speed
    assert both.bytes_total == 2 * queue.bytes_total
    assert (both.limit, both.threads) == (queue.limit, queue.threads)


def test_how_long_it_takes_is_told_by_what_all_of_them_have_left() -> None:
    rows = queue_of_every_kind().rows
    alone = QueueSnapshot.of(rows)
    assert alone.eta_s is not None
    waiting = QueueSnapshot.of(tuple(row for row in rows if row.status.value == "waiting"))
    assert waiting.eta_s is None
    left = sum(row.bytes_total for row in waiting.rows)
    eta = waiting.beside((alone,)).eta_s
    assert eta is not None
    assert abs(eta - (alone.eta_s + left / (alone.upload_speed + alone.download_speed))) < 1e-6


def test_queues_that_are_shown_together_give_each_transfer_an_id_of_its_own_and_share_one_limit(
    tmp_path: Path, make_registry: RegistryFactory
) -> None:
    environ = {f"MODELSYNC_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "STATE", "CACHE")}
    paths, settings = Paths.of_platform(environ), Settings(store=tmp_path / "store", sync=False)
    first, second = (
        Account(Context(name, make_registry().url), Token(TOKEN), TokenSource.SESSION) for name in ("lab", "prod")
    )
    lab = open_sides(settings, first, paths)
    prod = open_sides(settings, second, paths, workers=lab.workers)
    ids = count(1)
    queues = [Transfers(sides, ids=ids, start=lambda _work, _name: None) for sides in (lab, prod)]
    given = [queue.add([TransferRequest(Direction.PUSH, Tag("iris", "v1"))]) for queue in queues]
    assert given == [(1,), (2,)]
    queues[0].set_limit(1_000_000)
    assert queues[1].limit == 1_000_000
    lab.close()
    prod.close()

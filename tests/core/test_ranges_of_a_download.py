"""Which ranges a download asks for, how many of them in one request, and what happens when one is cut."""

import os
import re
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise

import pytest

from modelsync.registry.targets import DataTarget
from modelsync.sync.ranges import RANGES_UNKNOWN_MAX, bytes_at_once, missing_ranges
from modelsync.transfer.bandwidth import Bandwidth
from modelsync.transfer.control import Control
from modelsync.transfer.data import DataClient
from modelsync.transfer.download import Fetch
from modelsync.transfer.parts import GiB, MiB, Part, cut
from modelsync.transfer.progress import PartProgress, PartState
from modelsync.transfer.retry import RetryPolicy
from modelsync.transfer.workers import Workers
from support.raw_server import Connection, header, raw_server

DATA = os.urandom(6 * MiB)
ETAG = '"an-etag"'


class Sink:
    def __init__(self) -> None:
        self.data = bytearray(len(DATA))

    def write_all(self, offset: int, data: memoryview, stopped: Callable[[], None]) -> None:
        stopped()
        self.data[offset : offset + len(data)] = data


class Store:
    """Answers ranges of DATA on any connection; of the first answer only so much, where that is to be cut."""

    def __init__(self, first_bytes: int | None = None) -> None:
        self.asked: list[tuple[int, int]] = []
        self._first_bytes = first_bytes

    def __call__(self, connection: Connection) -> None:
        while head := connection.read_head():
            match = re.fullmatch(r"bytes=(\d+)-(\d+)", header(head, "range") or "")
            assert match
            start, end = int(match[1]), int(match[2]) + 1
            self.asked.append((start, end))
            lines = (
                f"Content-Length: {end - start}\r\nContent-Range: bytes {start}-{end - 1}/{len(DATA)}\r\nETag: {ETAG}"
            )
            sent, self._first_bytes = self._first_bytes, None
            connection.send(f"HTTP/1.1 206 Partial Content\r\n{lines}\r\n\r\n".encode())
            connection.send(DATA[start : end if sent is None else start + sent])
            if sent is not None:
                return


def _fetch(
    store: Store, parts: tuple[Part, ...], at_once: Callable[[Part], int] | None
) -> tuple[bytes, list[PartProgress]]:
    counters = [PartProgress(part.number, part.start, part.size) for part in parts]
    sink = Sink()
    with raw_server(store) as server, closing(DataClient()) as client:
        target = DataTarget.presigned_at(f"{server.url}/object?X-Amz-Signature=0")
        fetch = Fetch(lambda _: target, client, Bandwidth(), RetryPolicy(base_s=0.01))
        fetch.ranges(parts, counters, sink, None, Workers(1), Control(), total_bytes=len(DATA), at_once=at_once)
    return bytes(sink.data), counters


def test_parts_that_follow_one_another_are_asked_for_together_as_far_as_allowed() -> None:
    store = Store()

    data, counters = _fetch(store, cut(len(DATA), MiB), lambda part: 4 * MiB if part.start >= MiB else MiB)

    assert data == DATA
    assert store.asked == [(0, MiB), (MiB, 5 * MiB), (5 * MiB, 6 * MiB)]
    assert [(part.state, part.done, part.moved, part.attempts) for part in counters] == [
        (PartState.DONE, MiB, MiB, 1)
    ] * 6


def test_each_part_is_a_request_where_nothing_else_is_said() -> None:
    store = Store()

    data, _ = _fetch(store, cut(len(DATA), 2 * MiB), None)

    assert data == DATA
    assert store.asked == [(0, 2 * MiB), (2 * MiB, 4 * MiB), (4 * MiB, 6 * MiB)]


def test_a_gap_between_parts_is_not_fetched() -> None:
    store = Store()

    _fetch(store, (Part(1, 0, MiB), Part(2, 2 * MiB, MiB), Part(3, 3 * MiB, MiB)), lambda _: len(DATA))

    assert store.asked == [(0, MiB), (2 * MiB, 4 * MiB)]


@pytest.mark.parametrize("came", [1000, MiB, MiB + 1, 3 * MiB - 1])
def test_parts_that_were_asked_for_together_go_on_where_they_were_cut(came: int) -> None:
    store = Store(first_bytes=came)

    data, counters = _fetch(store, cut(len(DATA), MiB), lambda _: 3 * MiB)

    assert data == DATA
    assert store.asked == [(0, 3 * MiB), (came, 3 * MiB), (3 * MiB, 6 * MiB)]
    assert [part.attempts for part in counters] == [
        2 if part.start <= came < part.start + MiB else 1 for part in counters
    ]
    assert sum(part.moved for part in counters) == len(DATA)


def test_an_archive_of_unknown_members_is_cut_into_no_more_ranges_than_can_be_drawn() -> None:
    for total in (GiB, 10 * GiB, 60 * GiB):
        parts = missing_ranges((), MiB, total, known_until=MiB, threads=10)
        assert len(parts) <= RANGES_UNKNOWN_MAX
        assert (parts[0].start, parts[-1].end) == (MiB, total)
        assert all(one.end == other.start for one, other in pairwise(parts))
    assert all(part.size <= 32 * MiB for part in missing_ranges((), 0, 2000 * GiB, known_until=0, threads=10))
    assert {part.size for part in missing_ranges((), 0, GiB, known_until=0, threads=10)} == {2 * MiB}


def test_what_waits_for_a_header_has_room_beside_what_other_threads_bring() -> None:
    part = Part(1, 100 * MiB, 2 * MiB)

    def at_once(known_until: int, active: int) -> int:
        return bytes_at_once(part, 4 * GiB, known_until=known_until, threads=10, active=active)

    assert [at_once(0, active) for active in (1, 4, 10, 16)] == [16 * MiB, 4 * MiB, 2 * MiB, 2 * MiB]
    assert at_once(100 * MiB + 20 * MiB, 4) == 20 * MiB
    assert at_once(1 << 62, 4) == 32 * MiB

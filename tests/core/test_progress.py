"""What the counters of a transfer say: speed, time left, tries, stalls, and bytes that are given back."""

import pytest

from modelsync.transfer.progress import (
    SPEED_WINDOW_S,
    STALL_SHOWN_AFTER_S,
    PartProgress,
    PartState,
    Phase,
    Progress,
)

MiB = 1 << 20


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Sending:
    """A transfer of two parts of 50 MiB that is being sent."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.progress = Progress(self.clock)
        self.parts = [PartProgress(number, (number - 1) * 50 * MiB, 50 * MiB) for number in (1, 2)]
        self.progress.set_parts(self.parts)
        self.progress.bytes_total = 100 * MiB
        self.progress.phase = Phase.SEND
        self.progress.begin()
        for part in self.parts:
            part.begin()
        self.progress.snapshot()

    def for_seconds(self, seconds: int, each_per_s: int) -> None:
        """Both parts move so much a second, and somebody looks every quarter of one."""
        for _ in range(seconds * 4):
            for part in self.parts:
                part.add(each_per_s // 4)
            self.clock.now += 0.25
            self.progress.snapshot()


def test_speed_and_time_left_are_those_of_the_last_seconds() -> None:
    sending = Sending()
    sending.for_seconds(10, MiB)
    now = sending.progress.snapshot()
    assert now.speed == pytest.approx(2 * MiB)
    assert now.eta_s == pytest.approx(80 / 2)
    assert now.elapsed_s == 10
    assert [part.speed for part in now.parts] == [pytest.approx(MiB)] * 2
    sending.for_seconds(int(SPEED_WINDOW_S), 4 * MiB)
    now = sending.progress.snapshot()
    assert now.speed == pytest.approx(8 * MiB), "what was slow before counts no more"
    assert now.eta_s == pytest.approx(40 / 8)


def test_a_first_look_and_a_standstill_promise_no_time() -> None:
    sending = Sending()
    assert (sending.progress.snapshot().speed, sending.progress.snapshot().eta_s) == (0.0, None)
    sending.for_seconds(3, MiB)
    sending.for_seconds(int(SPEED_WINDOW_S) + 1, 0)
    assert (sending.progress.snapshot().speed, sending.progress.snapshot().eta_s) == (0.0, None)


def test_completing_has_no_speed_although_bytes_were_sent_just_now() -> None:
    sending = Sending()
    sending.for_seconds(4, MiB)
    sending.progress.phase = Phase.COMPLETE
    now = sending.progress.snapshot()
    assert (now.speed, now.eta_s) == (0.0, None)


def test_a_part_that_starts_again_gives_its_bytes_back_and_is_counted_as_a_retry() -> None:
    sending = Sending()
    sending.for_seconds(10, MiB)
    first = sending.parts[0]
    first.retry("HTTP 503")
    now = sending.progress.snapshot()
    assert (now.parts[0].state, now.parts[0].note, now.parts[0].speed) == (PartState.RETRY, "HTTP 503", 0.0)
    first.begin()
    now = sending.progress.snapshot()
    assert now.bytes_done == 10 * MiB
    assert now.bytes_moved == 20 * MiB, "the line has carried them all the same"
    assert now.retries == 1
    assert now.parts[0].attempts == 2


def test_a_part_without_a_byte_for_a_while_is_stalled_until_one_comes() -> None:
    sending = Sending()
    sending.for_seconds(1, MiB)
    first, second = sending.parts
    first.last_byte_at -= STALL_SHOWN_AFTER_S + 5
    now = sending.progress.snapshot()
    assert [part.number for part in now.stalled] == [1]
    assert now.parts[0].idle_s >= STALL_SHOWN_AFTER_S + 5
    first.add(1)
    assert sending.progress.snapshot().stalled == ()
    second.last_byte_at -= 60
    second.retry("cut")
    assert sending.progress.snapshot().stalled == (), "what waits to be tried again is not stalled"


def test_bytes_of_an_earlier_run_count_as_done_but_not_as_moved() -> None:
    sending = Sending()
    sending.progress.bytes_kept = 30 * MiB
    sending.for_seconds(5, MiB)
    now = sending.progress.snapshot()
    assert (now.bytes_done, now.bytes_moved) == (40 * MiB, 10 * MiB)
    assert now.fraction == pytest.approx(0.4)
    assert now.eta_s == pytest.approx(60 / 2)


def test_a_part_is_made_anew_for_a_look_only_where_something_about_it_changed() -> None:
    sending = Sending()
    first, second = sending.parts
    first.finish("etag")
    second.retry("reset")
    once, again = sending.progress.snapshot(), sending.progress.snapshot()
    assert all(one is other for one, other in zip(once.parts, again.parts, strict=True))
    second.retry("refused")
    assert [part.note for part in sending.progress.snapshot().parts] == ["etag", "refused"]
    second.begin(at=MiB)
    assert sending.progress.snapshot().parts[1].done == MiB
    second.stop()
    assert (sending.progress.snapshot().parts[1].done, sending.progress.snapshot().bytes_done) == (0, 50 * MiB)
    sending.progress.set_parts([PartProgress(1, 0, 10), second])
    assert sending.progress.snapshot().parts[0].size == 10


def test_a_part_that_moves_again_after_a_long_wait_shows_how_fast_it_is_now() -> None:
    sending = Sending()
    sending.for_seconds(2, MiB)
    sending.parts[0].retry("reset")
    sending.progress.snapshot()
    sending.clock.now += 60
    sending.parts[0].begin()
    sending.progress.snapshot()
    sending.for_seconds(1, MiB)
    assert sending.progress.snapshot().parts[0].speed == pytest.approx(MiB)

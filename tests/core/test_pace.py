"""How many threads work, by what they bring."""

from modelsync.transfer.pace import HOLD_S, LOOK_S, START, STEP, WINDOW_S, Pace


class Line:
    """A simulated line: so many bytes per second and thread, up to a total."""

    def __init__(self, per_thread: float, total: float) -> None:
        self.now = 100.0
        self.per_thread = per_thread
        self.total = total

    def clock(self) -> float:
        return self.now

    def run(self, pace: Pace, seconds: float) -> None:
        step = WINDOW_S / 5
        for _ in range(round(seconds / step)):
            self.now += step
            pace.moved(round(min(pace.target * self.per_thread, self.total) * step))


def test_it_begins_with_few_threads() -> None:
    assert Pace(10).target == START
    assert Pace(2).target == 2


def test_on_a_line_where_each_connection_is_slow_it_grows_to_the_ceiling() -> None:
    line = Line(per_thread=16e6, total=1e9)
    pace = Pace(10, line.clock)
    line.run(pace, 5)
    assert pace.target == 10


def test_on_a_line_that_few_threads_fill_it_stays_near_where_it_began() -> None:
    line = Line(per_thread=500e6, total=1e9)
    pace = Pace(16, line.clock)
    line.run(pace, 9)
    assert pace.target <= START + STEP


def test_threads_that_bring_little_are_not_kept() -> None:
    """A line that four threads nearly fill: six carry a tenth more, where half as much again would be their share."""
    line = Line(per_thread=250e6, total=1.1e9)
    pace = Pace(16, line.clock)
    line.run(pace, 9)
    assert pace.target == START


def test_one_bad_measurement_takes_no_threads_back() -> None:
    line = Line(per_thread=16e6, total=1e9)
    pace = Pace(10, line.clock)
    while pace.target == START:
        line.run(pace, WINDOW_S / 5)
    line.per_thread = 8e6  # somebody else is busy for a moment
    line.run(pace, WINDOW_S)
    assert pace.target == START + STEP
    line.per_thread = 16e6
    line.run(pace, 3)
    assert pace.target == 10


def test_it_probes_again_after_a_while() -> None:
    line = Line(per_thread=500e6, total=1e9)
    pace = Pace(16, line.clock)
    line.run(pace, 5)
    line.total = 1e12  # the line has become wide
    line.run(pace, HOLD_S + 15)
    assert pace.target == 16


def test_a_store_that_asks_to_slow_down_gets_half() -> None:
    line = Line(per_thread=16e6, total=1e9)
    pace = Pace(10, line.clock)
    line.run(pace, 5)
    pace.trouble(slow_down=True)
    assert pace.target == 5
    line.run(pace, HOLD_S / 2)
    assert pace.target == 5


def test_a_lost_connection_costs_one_and_never_the_last() -> None:
    pace = Pace(10)
    pace.trouble(slow_down=False)
    assert pace.target == START - 1
    for _ in range(20):
        pace.trouble(slow_down=True)
    assert pace.target == 1


def test_a_new_ceiling_holds_at_once_and_is_told() -> None:
    told: list[int] = []
    pace = Pace(10, changed=lambda: told.append(1))
    pace.ceiling = 2
    assert (pace.target, pace.ceiling, told) == (2, 2, [1])
    pace.ceiling = 16
    assert pace.target == START


class Alone:
    """A thread that works alone, uses so much of a processor and moves so many bytes per second."""

    def __init__(self, used: float) -> None:
        self.line = Line(per_thread=1e9, total=1e12)
        self.pace = Pace(10, self.line.clock)
        self.pace.begin_alone()
        self.used = used

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / LOOK_S)):
            self.line.now += LOOK_S
            self.pace.moved(1 << 20, self.used * LOOK_S)
            self.pace.look()


def test_a_thread_that_uses_its_processor_is_left_alone() -> None:
    busy = Alone(used=0.9)
    busy.run(5)
    assert busy.pace.target == 1
    assert busy.pace.alone


def test_the_others_join_a_thread_that_waits() -> None:
    waiting = Alone(used=0.05)
    waiting.run(2 * LOOK_S)
    assert waiting.pace.target == START
    assert not waiting.pace.alone


def test_the_others_join_as_soon_as_it_begins_to_wait() -> None:
    one = Alone(used=0.9)
    one.run(5)
    one.used = 0.0
    one.run(2 * LOOK_S)
    assert one.pace.target == START


def test_threads_that_were_of_use_on_this_line_are_not_sent_away() -> None:
    line = Line(per_thread=16e6, total=1e9)
    pace = Pace(10, line.clock)
    line.run(pace, 5)
    pace.begin_alone()
    assert pace.target == 10


def test_no_more_join_than_may_work() -> None:
    pace = Pace(3)
    pace.begin_alone()
    assert pace.target == 1
    pace.ceiling = 2
    pace.all_join()
    assert pace.target == 2


def test_a_store_that_asks_to_slow_down_calls_no_others() -> None:
    pace = Pace(10)
    pace.begin_alone()
    pace.trouble(slow_down=True)
    pace.all_join()
    assert pace.target <= START // 2

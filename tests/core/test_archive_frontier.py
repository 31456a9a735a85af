"""Archives without an index: what comes too early is kept, or waits, and nothing waits for ever."""

import random
import threading
from pathlib import Path

import pytest

from modelsync.archive.layout import ArchiveLayout
from modelsync.archive.unpack import Unpacker
from modelsync.errors import ArchiveError, Cancelled, ModelsyncError
from support.archives import files_of, whole
from support.waiting import wait_for

SIZE = 3000
FILES = 60


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    path.mkdir()
    rng = random.Random(4)
    for number in range(FILES):
        (path / f"f{number:03d}").write_bytes(rng.randbytes(SIZE))
    return path


@pytest.fixture
def data(model: Path) -> bytes:
    return whole(ArchiveLayout.of(model, index=False))


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    path = tmp_path / "stage"
    path.mkdir()
    return path


def test_what_comes_too_early_is_kept_and_placed_when_its_turn_comes(model: Path, data: bytes, stage: Path) -> None:
    with Unpacker(stage, total_bytes=len(data), window_bytes=len(data)) as unpacker:
        for offset in reversed(range(5000, len(data), 5000)):
            assert unpacker.write(offset, data[offset : offset + 5000])
        assert list(stage.iterdir()) == []
        assert unpacker.known_until == 0
        unpacker.write(0, data[:5000])
        unpacker.finish()

    assert files_of(stage) == files_of(model)


def test_what_lies_too_far_ahead_is_not_taken(data: bytes, stage: Path) -> None:
    with Unpacker(stage, total_bytes=len(data), window_bytes=10_000) as unpacker:
        assert unpacker.write(9_000, data[9_000:10_000]) == 1000
        assert unpacker.write(9_500, data[9_500:10_500]) == 0
        assert unpacker.write(50_000, data[50_000:50_001]) == 0


def test_once_the_header_of_a_large_file_is_known_its_parts_go_straight_to_their_place(
    tmp_path: Path, stage: Path
) -> None:
    (tmp_path / "m").mkdir()
    content = random.Random(1).randbytes(500_000)
    (tmp_path / "m" / "large").write_bytes(content)
    data = whole(ArchiveLayout.of(tmp_path / "m", index=False))

    with Unpacker(stage, total_bytes=len(data), window_bytes=1) as unpacker:
        assert unpacker.write(400_000, data[400_000:]) == 0
        unpacker.write(0, data[:4096])
        assert unpacker.known_until > 500_000
        assert unpacker.write(400_000, data[400_000:])
        assert unpacker.write(4096, data[4096:400_000])
        unpacker.finish()

    assert files_of(stage) == {"large": content}


@pytest.mark.parametrize("window", [1, 1000, 7_777, 100_000])
def test_threads_with_parts_in_ascending_order_never_wait_for_ever(
    model: Path, data: bytes, stage: Path, window: int
) -> None:
    parts = iter(range(0, len(data), 8_192))
    lock = threading.Lock()

    with Unpacker(stage, total_bytes=len(data), window_bytes=window) as unpacker:

        def move() -> None:
            while True:
                with lock:
                    start = next(parts, None)
                if start is None:
                    return
                for offset in range(start, min(start + 8_192, len(data)), 1000):
                    end = min(start + 8_192, offset + 1000)
                    unpacker.write_all(offset, data[offset:end], lambda: None)

        threads = [threading.Thread(target=move, daemon=True) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        unpacker.finish()

    assert files_of(stage) == files_of(model)


class _Waiter:
    """A thread that wants to write far ahead."""

    def __init__(self, unpacker: Unpacker, data: bytes) -> None:
        self.stop = threading.Event()
        self.asked = threading.Event()
        self.error: ModelsyncError | None = None
        self._unpacker, self._data = unpacker, data
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self.asked.wait(10)

    def _run(self) -> None:
        try:
            self._unpacker.write_all(100_000, self._data[100_000:101_000], self._stopped)
        except ModelsyncError as exc:
            self.error = exc

    def _stopped(self) -> None:
        self.asked.set()
        if self.stop.is_set():
            raise Cancelled


def test_a_waiting_thread_is_cancelled_at_once(data: bytes, stage: Path) -> None:
    with Unpacker(stage, total_bytes=len(data), window_bytes=10) as unpacker:
        waiter = _Waiter(unpacker, data)

        waiter.stop.set()
        unpacker.wake()
        waiter.thread.join(0.2)

        assert isinstance(waiter.error, Cancelled)


def test_a_waiting_thread_looks_for_a_cancel_by_itself(data: bytes, stage: Path) -> None:
    with Unpacker(stage, total_bytes=len(data), window_bytes=10) as unpacker:
        waiter = _Waiter(unpacker, data)

        waiter.stop.set()

        wait_for(lambda: isinstance(waiter.error, Cancelled), within_s=5)


def test_a_waiting_thread_gets_the_error_of_another(data: bytes, stage: Path) -> None:
    with Unpacker(stage, total_bytes=len(data), window_bytes=10) as unpacker:
        waiter = _Waiter(unpacker, data)

        with pytest.raises(ArchiveError):
            unpacker.write(0, b"not a tar header".ljust(512))
        waiter.thread.join(5)

        assert isinstance(waiter.error, ArchiveError)
        with pytest.raises(ArchiveError):
            unpacker.write(0, data[:512])


def test_a_waiting_thread_goes_on_when_the_frontier_comes(model: Path, data: bytes, stage: Path) -> None:
    with Unpacker(stage, total_bytes=len(data), window_bytes=10) as unpacker:
        waiter = _Waiter(unpacker, data)

        unpacker.write(0, data[:100_000])
        waiter.thread.join(5)
        unpacker.write(101_000, data[101_000:])
        unpacker.finish()

        assert waiter.error is None
    assert files_of(stage) == files_of(model)


def test_a_piece_that_is_only_kept_is_not_called_done(data: bytes, stage: Path) -> None:
    with Unpacker(stage, total_bytes=len(data), window_bytes=100_000) as unpacker:
        unpacker.write(5000, data[5000:50_000])
        unpacker.write(0, data[:100])

        assert unpacker.checkpoint().done == ()

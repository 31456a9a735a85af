"""The transfers that run and are not in the history yet: each is recorded once, by whoever is first."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Unrecorded:
    """Those of one pair of sides; usable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[object, Callable[[], object]] = {}

    @contextmanager
    def waiting(self, abandoned: Callable[[], object]) -> Iterator[Callable[[Callable[[], object]], None]]:
        """While the block runs, `abandon` may record it with `abandoned`; gives what records its own end."""
        key = object()

        def end(record: Callable[[], object]) -> None:
            with self._lock:  # until it is written: whoever abandons the others leaves right after
                if self._waiting.pop(key, None):
                    record()

        with self._lock:
            self._waiting[key] = abandoned
        try:
            yield end
        finally:
            with self._lock:
                self._waiting.pop(key, None)

    def abandon(self) -> None:
        """Records every transfer that runs as given up; for a program that leaves without waiting for them."""
        with self._lock:
            while self._waiting:
                self._waiting.popitem()[1]()

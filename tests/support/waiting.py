"""Waiting for a condition, never for a time."""

import threading
import time
from collections.abc import Callable

POLL_S = 0.01


def wait_for(condition: Callable[[], object], *, within_s: float = 10.0, what: str = "the condition") -> None:
    """Returns as soon as the condition holds; fails the test when it does not within a generous limit."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {within_s:g} s")
        time.sleep(POLL_S)


def when(condition: Callable[[], object], act: Callable[[], object]) -> None:
    """Does something beside the test as soon as the condition holds."""

    def watch() -> None:
        wait_for(condition, within_s=60)
        act()

    threading.Thread(target=watch, daemon=True).start()

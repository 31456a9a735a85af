"""Waiting for a condition, never for a time."""

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

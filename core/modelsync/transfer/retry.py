"""When a part is tried again, and after how long."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from modelsync.errors import ModelsyncError, NotARegistryError, TlsError, UnreachableError
from modelsync.transfer.control import Control


class Retryable(Exception):  # noqa: N818 - it never leaves the transfer package
    """A try that failed in a way that may pass."""

    def __init__(self, error: ModelsyncError, *, retry_after_s: float | None = None, slow_down: bool = False) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after_s = retry_after_s
        self.slow_down = slow_down
        """The store asked for fewer requests (503 SlowDown, 429)."""


T = TypeVar("T")


def signed(sign: Callable[[], T]) -> T:
    """Asks the registry for an address; a registry that is away for a while is trouble that may pass."""
    try:
        return sign()
    except (TlsError, NotARegistryError):
        raise
    except UnreachableError as exc:
        raise Retryable(exc) from exc


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Jittered exponential back-off; a download that received new bytes makes the count start again."""

    tries: int = 8
    """Tries without a new byte before the part is given up."""
    base_s: float = 0.5
    max_s: float = 20.0
    jitter: Callable[[], float] = random.random

    def delay_s(self, failures: int, retry_after_s: float | None = None) -> float:
        """How long to wait after so many failures in a row (1 or more); a server's Retry-After is a lower bound."""
        ceiling = min(self.max_s, self.base_s * 2.0 ** (failures - 1))
        delay = ceiling * (0.5 + self.jitter() / 2)
        return max(delay, min(retry_after_s, 120.0)) if retry_after_s is not None else delay

    def pause(self, failures: int, trouble: Retryable, control: Control) -> None:
        """Waits before the next try; raises the trouble's own error when there is none left, or the person's wish."""
        if failures >= self.tries:
            raise trouble.error from trouble
        control.wait(self.delay_s(failures, trouble.retry_after_s))

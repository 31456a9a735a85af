"""When a part is tried again, and after how long."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import TypeVar

from modelsync.errors import (
    ModelsyncError,
    NotARegistryError,
    RegistryUnavailableError,
    TlsError,
    UnreachableError,
)
from modelsync.registry.retry import RETRY_AFTER_MAX_S
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
        return max(ceiling * (0.5 + self.jitter() / 2), retry_after_s or 0.0)

    def pause(self, failures: int, trouble: Retryable, control: Control) -> None:
        """Waits before the next try; raises the trouble's own error when there is none left, or the person's wish.

        A store that asks for more than RETRY_AFTER_MAX_S is taken for unavailable, as a registry is, and the wait told.
        """
        if failures >= self.tries:
            raise trouble.error from trouble
        if (trouble.retry_after_s or 0.0) > RETRY_AFTER_MAX_S:
            raise _long_wait(trouble.error, trouble.retry_after_s or 0.0) from trouble
        control.wait(self.delay_s(failures, trouble.retry_after_s))


def _long_wait(error: ModelsyncError, seconds: float) -> RegistryUnavailableError:
    minutes = ceil(seconds / 60)
    span = f"{minutes} minutes" if minutes < 120 else f"{round(seconds / 3600)} hours"
    return RegistryUnavailableError(
        f"{error.message} It asks for a wait of {span}.",
        hint="Try again after that time: what has arrived need not be moved again.",
    )

"""When a call to the registry is made again, and after how long."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

RETRY_AFTER_MAX_S = 60.0
"""A registry that asks for a longer wait is taken for unavailable, so that a person hears of it."""


Waiting = Callable[[str], object]
"""Told in a sentence that a call is tried again and why, by whichever thread makes the call."""


@dataclass(frozen=True, slots=True, eq=False)
class Backoff:
    """Waits that double from `first_s` up to `longest_s`, each shortened by chance by up to a half.

    By chance, so that ten threads that failed together do not come back together.
    """

    tries: int = 5
    """The first one included."""
    unheard_tries: int = 3
    """So many where connections are refused and the registry has not answered once: more likely a wrong address, or
    one that is not running, than one that restarts just now, and a person waits to be told."""
    first_s: float = 0.5
    longest_s: float = 8.0
    chance: Callable[[], float] = random.random
    """0.0 to 1.0."""

    def delay_s(self, failed_tries: int) -> float:
        """How long to wait after so many failed tries, from 1."""
        full = min(self.longest_s, self.first_s * 2.0 ** (failed_tries - 1))
        return full * (0.5 + 0.5 * self.chance())


def read_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or a date (RFC 9110, 10.2.3); None when it says nothing."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    from email.utils import parsedate_to_datetime  # seldom a date, and it loads much

    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())

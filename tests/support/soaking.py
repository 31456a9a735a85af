"""How long a soak goes on, and what its luck was: a seed that a failure names, so that it can be had again."""

import os
import random
import time
from collections.abc import Iterator

from modelsync.errors import ModelsyncError

MINUTES_DEFAULT = 5.0


def rounds(part: float) -> Iterator[random.Random]:
    """Luck for one round after the other, for this part of the minutes in SOAK_MINUTES; SOAK_SEED fixes the first.

    The seed of each round is printed, which pytest shows when the round fails.
    """
    minutes = float(os.environ.get("SOAK_MINUTES", MINUTES_DEFAULT))
    ends_at = time.monotonic() + 60 * minutes * part
    seed = int(os.environ.get("SOAK_SEED", random.SystemRandom().randrange(1 << 32)))
    count = 0
    while not count or time.monotonic() < ends_at:
        print(f"SOAK_SEED={seed + count}")  # noqa: T201 - for whoever looks at a failure
        yield random.Random(seed + count)
        count += 1
    print(f"{count} rounds")  # noqa: T201


def check_words(error: ModelsyncError) -> None:
    """An error of ours says something, on lines that do no harm to a terminal."""
    assert error.message
    assert error.message.isprintable(), error.message

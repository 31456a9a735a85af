"""What was said about models, kept until a table changes.

A push asks for one address per part, and each answer holds the whole record of the model, which nobody changes
meanwhile.

How it works: an answer is kept with the number of writes there had been before it was read, and is good as long as
there have been no more. A data directory is served by one process, so every write is one of ours.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Final

from modelsync_registry.database import Database
from modelsync_registry.jsontypes import JsonObject

ANSWERS_MAX: Final = 32  # a manifest may be as large as a body, and a registry seldom sees more pushes at once


class Remembered:
    """Answers by key. Safe to use from many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._answers: dict[Hashable, tuple[int, JsonObject]] = {}

    def answer(self, key: Hashable, make: Callable[[], JsonObject]) -> JsonObject:
        """What `make` returned, now or earlier; nobody may change it. `make` reads tables and nothing else."""
        writes = self._database.writes
        known = self._known(key, writes)
        if known is not None:
            return known
        made = make()
        with self._lock:
            self._answers.pop(key, None)
            if len(self._answers) >= ANSWERS_MAX:
                del self._answers[next(iter(self._answers))]
            self._answers[key] = (writes, made)
        return made

    def knows(self, key: Hashable) -> bool:
        """Whether `answer` would need no table now."""
        return self._known(key, self._database.writes) is not None

    def _known(self, key: Hashable, writes: int) -> JsonObject | None:
        then, answer = self._answers.get(key, (-1, None))
        return answer if then == writes else None

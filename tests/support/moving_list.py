"""A registry whose list of models is changed between two of its answers, and its rows for one who reads it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Self
from urllib.parse import parse_qs, urlsplit

from support.strange_registry import Answer, StrangeRegistry

FIRST_BUILD = datetime(2026, 11, 22, tzinfo=UTC)


class MovingList(StrangeRegistry):
    """Answers each question for a page out of `rows`, versions of one model with the newest first."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.rows = [f"v{number:03}" for number in reversed(range(count))]
        self.gives_at_most: int | None = None
        """Rows of one answer, however many are asked for."""
        self._changes: dict[int, Callable[[list[str]], object]] = {}

    def after(self, answers: int, change: Callable[[list[str]], object]) -> Self:
        """Changes the rows when so many pages were given."""
        self._changes[answers] = change
        return self

    def next_answer(self) -> Answer:
        if change := self._changes.get(len(self.asked) - 1):
            change(self.rows)
        query = parse_qs(urlsplit(self.asked[-1].path).query)
        start, count = int(query["start"][0]), int(query["count"][0])
        page = self.rows[start : start + count][: self.gives_at_most]
        return Answer(json.dumps({"total": len(self.rows), "items": [_row(version) for version in page]}).encode())


def _row(version: str) -> dict[str, object]:
    built = FIRST_BUILD + timedelta(minutes=int(version.removeprefix("v")))
    return {
        "version": version,
        "repository": {"name": "m"},
        "build_at": built.isoformat(),
        "upload_status": "success",
        "manifest": {"size_bytes": 1},
    }

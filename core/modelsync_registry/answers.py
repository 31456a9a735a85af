"""Answers of the API as JSON; a long list is written and sent in pieces, so that nobody else waits for it.

How it works: Python writes JSON in one go, and no other thread runs meanwhile: a list of 10,000 models would stop every
transfer for half a second. Between two pieces the others have their turn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from modelsync_registry.jsontypes import Json, JsonObject

ITEMS_PER_PIECE: Final = 100


def json_answer(answer: Json) -> Response:
    """200 with this body."""
    if isinstance(answer, dict):
        items = answer.get("items")
        if isinstance(items, list) and len(items) > ITEMS_PER_PIECE:
            return _LongList(answer, items)
    return JSONResponse(answer)


class _LongList(Response):
    """A list object whose body is sent piece by piece; its length is known."""

    def __init__(self, answer: JsonObject, items: list[Json]) -> None:
        super().__init__(media_type="application/json")
        self._pieces = list(_pieces(answer, items))
        self.headers["content-length"] = str(sum(map(len, self._pieces)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the base class's
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})


def _pieces(answer: JsonObject, items: list[Json]) -> Iterator[bytes]:
    others = {key: value for key, value in answer.items() if key != "items"}
    yield _dump(others)[:-1] + (b',"items":[' if others else b'"items":[')
    for start in range(0, len(items), ITEMS_PER_PIECE):
        yield (b"," if start else b"") + _dump(items[start : start + ITEMS_PER_PIECE])[1:-1]
    yield b"]}"


def _dump(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()

"""A long list is the same JSON as a short one, and leaves the registry piece by piece."""

from __future__ import annotations

import json

import httpx
import pytest
from starlette.types import Message

from modelsync_registry.answers import ITEMS_PER_PIECE, json_answer
from modelsync_registry.jsontypes import Json, JsonObject
from support.registry_server import RegistryServer, items_of, register_model


def list_of(count: int) -> JsonObject:
    items: list[Json] = [{"name": f"é{number}", "items": [number, None]} for number in range(count)]
    return {"start": 0, "count": 0, "total": count, "items": items}


async def sent(answer: Json) -> tuple[dict[bytes, bytes], list[bytes]]:
    """What an answer sends: its headers, and its body in the pieces in which it goes out."""
    messages: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def send(message: Message) -> None:
        messages.append(message)

    await json_answer(answer)({"type": "http", "method": "GET", "headers": []}, receive, send)
    assert [message.get("more_body", False) for message in messages][-1] is False
    return dict(messages[0]["headers"]), [message.get("body", b"") for message in messages[1:]]


@pytest.mark.parametrize("count", [0, 1, ITEMS_PER_PIECE, ITEMS_PER_PIECE + 1, 3 * ITEMS_PER_PIECE + 7])
async def test_a_list_of_any_length_is_json_of_the_length_it_says(count: int) -> None:
    headers, pieces = await sent(list_of(count))
    body = b"".join(pieces)
    assert json.loads(body) == list_of(count)
    assert headers[b"content-length"] == str(len(body)).encode()
    assert headers[b"content-type"] == b"application/json"


async def test_a_list_that_has_nothing_beside_its_items_is_json() -> None:
    items: list[Json] = [*range(ITEMS_PER_PIECE + 1)]
    _, pieces = await sent({"items": items})
    assert json.loads(b"".join(pieces)) == {"items": items}


async def test_no_piece_of_a_long_list_holds_more_than_others_can_wait_for() -> None:
    _, pieces = await sent(list_of(10 * ITEMS_PER_PIECE))
    assert max(piece.count(b'"name"') for piece in pieces) == ITEMS_PER_PIECE


def test_a_long_list_comes_whole_over_the_wire(registry_server: RegistryServer) -> None:
    versions = [f"v{number}" for number in range(ITEMS_PER_PIECE + 5)]
    for version in versions:
        register_model(registry_server.api, "bert", version)
    answer = registry_server.api.get("/api/v1/models")
    assert {item["version"] for item in items_of(answer)} == set(versions)
    head = registry_server.api.head("/api/v1/models")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(answer.content))
    assert httpx.get(f"{registry_server.url}/api/v1/version").status_code == 200

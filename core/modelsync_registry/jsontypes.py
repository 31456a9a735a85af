"""The shape of JSON as the type checker sees it, and the few questions asked of a request's body."""

from __future__ import annotations

from typing import TypeAlias

from modelsync_registry.errors import BadRequestError

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = dict[str, Json]


def text(body: JsonObject, key: str, default: str | None = None) -> str:
    """The string at `key`; `default` when it is absent or null. BadRequestError when it is missing or no string."""
    value = body.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise BadRequestError(f"bind request: field {key!r} must be a string")
    return value


def optional_text(body: JsonObject, key: str) -> str | None:
    """The string at `key`, or `None` when it is absent or null."""
    return None if body.get(key) is None else text(body, key)


def whole_number(body: JsonObject, key: str, default: int | None = None) -> int:
    """The integer at `key`, at least 0; `default` when it is absent or null."""
    value = body.get(key)
    if value is None and default is not None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadRequestError(f"bind request: field {key!r} must be a whole number")
    return value


def objects(body: JsonObject, key: str) -> list[JsonObject] | None:
    """The list of objects at `key`, or `None` when it is absent or null."""
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, list):
        raise BadRequestError(f"bind request: field {key!r} must be a list")
    found: list[JsonObject] = []
    for item in value:
        if not isinstance(item, dict):
            raise BadRequestError(f"bind request: every item of {key!r} must be an object")
        found.append(item)
    return found

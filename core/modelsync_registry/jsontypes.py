"""The shape of JSON as the type checker sees it, and the few questions asked of a request's body."""

from __future__ import annotations

import json
from typing import TypeAlias

from modelsync_registry.errors import BadRequestError

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = dict[str, Json]


_NUMBER_MAX = 2**63 - 1  # what a column of any database holds


def parse_object(data: bytes | bytearray) -> JsonObject:
    """A request's body: a JSON object, `{}` when there is none.

    Raises BadRequestError also for what cannot be sent back: NaN, infinities, and surrogates without a partner.
    """
    if not data:
        return {}
    try:
        body: Json = json.loads(data, parse_constant=_refuse_constant)
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()  # 1e999 is read as infinity
    except (ValueError, RecursionError):
        raise BadRequestError("bind request: the body is not JSON") from None
    if not isinstance(body, dict):
        raise BadRequestError("bind request: the body is not a JSON object")
    return body


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
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _NUMBER_MAX:
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


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")

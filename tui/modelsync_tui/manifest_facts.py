"""Facts that a model carries itself: module, labels, metadata, options, context, signatures."""

import json
from collections.abc import Iterable, Mapping

from modelsync.model import Json, ModelInfo, RemoteModel
from modelsync_tui.fact import ITEMS_SHOWN_MAX, Fact
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.text import literal
from modelsync_tui.widgets.lines import Piece, Tone

_DEPTH_MAX = 16
"""Deeper values are not written out: a hostile registry may nest them without end."""
_VALUE_MAX_CHARS = 2_000
_MISSING = object()


def manifest_facts(here: ModelInfo | None, there: RemoteModel | None, glyphs: Glyphs) -> tuple[Fact, ...]:
    """What both sides say that the model is; None: the side has no such version."""
    return (
        Fact.of_both("module", here.module if here else None, there.module if there else None, glyphs),
        _mapping("labels", here.labels if here else None, there.labels if there else None, glyphs),
        _mapping("metadata", here.metadata if here else None, there.metadata if there else None, glyphs),
        _mapping(
            "context", _context(here.context if here else None), _context(there.context if there else None), glyphs
        ),
    )


def calling_facts(here: ModelInfo | None, there: RemoteModel | None, glyphs: Glyphs) -> tuple[Fact, ...]:
    """How both sides say that it is called: looked at least often."""
    return (
        _mapping("options", here.options if here else None, there.options if there else None, glyphs),
        _signatures(here),
    )


def value_text(value: Json) -> str:
    """A value of a model's metadata on one line: text as it is, the rest as JSON, deep and long ones cut."""
    return literal(value if isinstance(value, str) else _json(value, _DEPTH_MAX))[:_VALUE_MAX_CHARS]


def _json(value: Json, depth: int) -> str:
    match value:
        case dict() if value:
            if depth == 0:
                return "{…}"
            pairs = (f"{json.dumps(key, ensure_ascii=False)}: {_json(item, depth - 1)}" for key, item in value.items())
            return "{" + _joined(pairs) + "}"
        case list() if value:
            return "[" + _joined(_json(item, depth - 1) for item in value) + "]" if depth else "[…]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _joined(words: Iterable[str]) -> str:
    found: list[str] = []
    chars = 0
    for word in words:
        found.append(word)
        chars += len(word)
        if chars > _VALUE_MAX_CHARS:
            break
    return ", ".join(found)


def _mapping(
    name: str,
    here: Mapping[str, Json] | Mapping[str, str] | None,
    there: Mapping[str, Json] | Mapping[str, str] | None,
    glyphs: Glyphs,
) -> Fact:
    """Keys and values: those that both sides agree on once, the others with their side."""
    ours: Mapping[str, object] = here or {}
    theirs: Mapping[str, object] = there or {}
    one_side = here is None or there is None
    items: list[Piece] = []
    keys = list(dict.fromkeys([*ours, *theirs]))
    for key in keys[:ITEMS_SHOWN_MAX]:
        mine, other = ours.get(key, _MISSING), theirs.get(key, _MISSING)
        if one_side or mine == other:
            items.append((f"{literal(key)}={_value(other if mine is _MISSING else mine)}", Tone.PLAIN))
            continue
        if mine is not _MISSING:
            items.append((f"{glyphs.differs} local {literal(key)}={_value(mine)}", Tone.WARN))
        if other is not _MISSING:
            items.append((f"{glyphs.differs} remote {literal(key)}={_value(other)}", Tone.WARN))
    if more := len(keys) - ITEMS_SHOWN_MAX:
        items += [(f"and {more:,} more", Tone.MUTED)] if more > 0 else []
    return Fact(name, tuple(items))


def _value(value: object) -> str:
    return value_text(value) if isinstance(value, str | int | float | list | dict) or value is None else ""


def _context(context: Mapping[str, Json] | None) -> dict[str, Json] | None:
    """Versions of programs as `torch=2.8.0`; what is empty says nothing."""
    if context is None:
        return None
    found: dict[str, Json] = {}
    for key, value in context.items():
        if key == "framework_versions" and isinstance(value, dict):
            found |= value
        elif value not in ("", None, {}, []):
            found[key.removesuffix("_version").replace("framework_name", "framework")] = value
    return found


def _signatures(info: ModelInfo | None) -> Fact:
    if info is None:
        return Fact("signatures")
    items = []
    for name, value in list(info.signatures.items())[:ITEMS_SHOWN_MAX]:
        batchable = isinstance(value, dict) and value.get("batchable") is True
        items.append((f"{literal(name)}{' (batchable)' if batchable else ''}", Tone.PLAIN))
    return Fact("signatures", tuple(items))

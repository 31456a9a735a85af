"""The `q` language of the lists: `bert label:stage=prod,stage=dev creator:@me sort:size-desc`."""

from __future__ import annotations

from dataclasses import dataclass

from modelsync_registry.errors import BadRequestError

_KEYS = frozenset({"in", "module", "creator", "last_updater", "label", "sort"})


@dataclass(frozen=True, slots=True)
class LabelMatch:
    """A label that must be there."""

    key: str
    value: str | None
    """`None`: any value."""


@dataclass(frozen=True, slots=True)
class Sort:
    """The order asked for."""

    field: str
    descending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """A parsed `q`; an empty one matches everything."""

    words: tuple[str, ...] = ()
    """All must be found in one field."""
    fields: tuple[str, ...] = ()
    """The fields looked at; empty means the name."""
    modules: tuple[str, ...] = ()
    creators: tuple[str, ...] = ()
    last_updaters: tuple[str, ...] = ()
    labels: tuple[tuple[LabelMatch, ...], ...] = ()
    """Of each group one label must match."""
    sort: Sort | None = None


def parse_query(text: str) -> ListQuery:
    """Reads `text` by the grammar of registry contract 2: split on single spaces, no quoting.

    Unknown keys are ignored, and so is `-label:`, as the public server does. `is:` and `not:` with a key that takes
    a value crash that server; here they raise BadRequestError.
    """
    values: dict[str, list[str]] = {}
    words: list[str] = []
    for piece in text.split(" "):
        key, colon, value = piece.partition(":")
        if not colon:
            if piece:
                words.append(piece)
        elif key in {"is", "not"} and value in _KEYS:
            raise BadRequestError(f"query: {key}: cannot be used with {value}")
        elif value:
            values.setdefault(key, []).append(value)
    return ListQuery(
        words=tuple(words),
        fields=tuple(values.get("in", ())),
        modules=tuple(values.get("module", ())),
        creators=tuple(values.get("creator", ())),
        last_updaters=tuple(values.get("last_updater", ())),
        labels=tuple(group for value in values.get("label", ()) if (group := _label_group(value))),
        sort=_sort(values["sort"][0]) if "sort" in values else None,
    )


def _label_group(value: str) -> tuple[LabelMatch, ...]:
    group: list[LabelMatch] = []
    for choice in value.split(","):
        key, equals, wanted = choice.partition("=")
        if key:
            group.append(LabelMatch(key, wanted if equals else None))
    return tuple(group)


def _sort(value: str) -> Sort | None:
    field, _, direction = value.rpartition("-")
    return Sort(field, direction == "desc") if field and direction in {"asc", "desc"} else None

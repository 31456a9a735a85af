"""The registry's search language `q` (registry contract 2): what may be sent, and which models a query means."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from modelsync.errors import UsageError
from modelsync.model import RemoteModel

ME = "@me"
"""The creator who owns the token."""


class Sort(StrEnum):
    """The orders that every server can give; `updated_at` makes Yatai fail."""

    NEWEST = "build_at-desc"
    OLDEST = "build_at-asc"
    LARGEST = "size-desc"
    SMALLEST = "size-asc"
    LAST_REGISTERED = "created_at-desc"
    FIRST_REGISTERED = "created_at-asc"


_SORTS_REFUSED = ("updated_at",)
_KEYS_REFUSED = {
    "is": "the registry stops at it",
    "not": "the registry stops at it",
    "-label": "the registry does not apply it",
}


@dataclass(frozen=True, slots=True)
class Query:
    """A search; everything given must hold. `str()` of it is what the registry reads."""

    words: tuple[str, ...] = ()
    """Each must occur in the model's name."""
    labels: tuple[tuple[str, ...], ...] = ()
    """Each is a choice of `key` or `key=value`, of which one must hold."""
    modules: tuple[str, ...] = ()
    """One of them, e.g. `bentoml.sklearn`."""
    creators: tuple[str, ...] = ()
    """One of them by user name; ME for oneself."""
    sort: Sort | None = None
    """None: the newest build first."""
    rest: tuple[str, ...] = field(default=())
    """Pieces that only the registry understands, sent as they are."""

    @classmethod
    def of(
        cls,
        *words: str,
        labels: Mapping[str, str | None] | None = None,
        modules: Iterable[str] = (),
        creators: Iterable[str] = (),
        sort: Sort | None = None,
    ) -> "Query":
        """Builds a query; a label with the value None must only be there. Raises UsageError for what `q` cannot say."""
        pieces = tuple((_label(key, value),) for key, value in (labels or {}).items())
        return cls(
            tuple(_checked_word(word) for word in words),
            pieces,
            tuple(_checked("module", module) for module in modules),
            tuple(_checked("creator", creator) for creator in creators),
            sort,
        )

    @classmethod
    def parse(cls, text: str) -> "Query":
        """Reads what a person wrote, or the `filter` of a bentofile (contract 5.6).

        Raises UsageError for pieces that make a server fail or that it would drop in silence: `is:`, `not:`, `-label:`,
        `sort:updated_at`.
        """
        words: list[str] = []
        labels: list[tuple[str, ...]] = []
        modules: list[str] = []
        creators: list[str] = []
        rest: list[str] = []
        sort: Sort | None = None
        for piece in text.split():
            key, colon, value = piece.partition(":")
            if colon and key in _KEYS_REFUSED:
                raise UsageError(f"A search cannot say {piece!r}: {_KEYS_REFUSED[key]}.", hint=_HINT)
            if not colon:
                words.append(piece)
            elif not value:
                continue  # the registry skips it too
            elif key == "label":
                labels.append(tuple(choice for choice in value.split(",") if choice))
            elif key == "module":
                modules.append(value)
            elif key == "creator":
                creators.append(value)
            elif key == "sort":
                sort = sort or _sort(value)
            else:
                rest.append(piece)
        return cls(tuple(words), tuple(filter(None, labels)), tuple(modules), tuple(creators), sort, tuple(rest))

    def __str__(self) -> str:
        pieces = [
            *self.words,
            *(f"label:{','.join(choices)}" for choices in self.labels),
            *(f"module:{module}" for module in self.modules),
            *(f"creator:{creator}" for creator in self.creators),
            *self.rest,
        ]
        if self.sort:
            pieces.append(f"sort:{self.sort}")
        return " ".join(pieces)

    def accepts(self, model: RemoteModel) -> bool:
        """Whether a model is meant, as far as can be told here: labels, module and named creators.

        Needed because Yatai drops `q` in the list of one name in silence (contract 2): its newest version is not the
        newest that was asked for.
        """
        if not all(any(_holds(choice, model.labels) for choice in choices) for choices in self.labels):
            return False
        if self.modules and model.module not in self.modules:
            return False
        return not self.creators or ME in self.creators or model.creator_name in self.creators


_HINT = "Use words of the name, label:KEY=VALUE, module:NAME, creator:NAME or sort:build_at-desc."


def _holds(choice: str, labels: Mapping[str, str]) -> bool:
    key, equals, value = choice.partition("=")
    return key in labels and (not equals or labels[key] == value)


def _sort(value: str) -> Sort:
    field_name, _, direction = value.partition("-")
    if field_name not in _SORTS_REFUSED:
        for sort in Sort:
            if sort == f"{field_name}-{direction or 'desc'}":
                return sort
    raise UsageError(
        f"The registry cannot sort by {value!r}.", hint=f"Use one of {', '.join(f'sort:{sort}' for sort in Sort)}."
    )


def _label(key: str, value: str | None) -> str:
    for text in (key,) if value is None else (key, value):
        if "," in text:
            raise UsageError(f"The registry cannot search for the label {text!r}: it has a comma.", hint=_HINT)
    if "=" in key:
        raise UsageError(f"The registry cannot search for the label {key!r}: its key has a '='.", hint=_HINT)
    _checked("label", key)
    return key if value is None else f"{key}={_checked('label', value, empty=True)}"


def _checked_word(word: str) -> str:
    if ":" in word:
        raise UsageError(f"The registry cannot search for {word!r}: it has a colon.", hint=_HINT)
    return _checked("word", word)


def _checked(what: str, value: str, *, empty: bool = False) -> str:
    if any(character.isspace() for character in value):
        raise UsageError(f"The registry cannot search for the {what} {value!r}: it has a space.", hint=_HINT)
    if not value and not empty:
        raise UsageError(f"An empty {what} cannot be searched for.", hint=_HINT)
    return value

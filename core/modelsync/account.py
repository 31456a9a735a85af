"""Who signs in where: a token that never shows itself, the context it belongs to, and the two together."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn, SupportsIndex
from zlib import crc32

_MASK = "********"

DANGER = "danger"
"""The colour of contexts whose name sounds like production, whatever a theme makes of it."""
QUIET_COLORS = ("blue", "cyan", "green", "magenta", "yellow")
CONTEXT_COLORS = (DANGER, *QUIET_COLORS)
"""What a context may choose; a screen maps each to its theme."""
_PRODUCTION = r"(?i)(?<!non)(?<!non[-_.])(?<!pre)(?<!pre[-_.])prod|\blive\b"


class Token:
    """An API token; only `reveal` gives it away, every other way of writing it is masked.

    Equal by value, so that two sources can be compared; not picklable, so that it cannot reach a file or a child.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def reveal(self) -> str:
        """The secret itself: for the registry's header and for the place that keeps it, nothing else."""
        return self._secret

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Token):
            return NotImplemented
        return self._secret == other._secret

    def __hash__(self) -> int:
        return hash((Token, self._secret))

    def __bool__(self) -> bool:
        return bool(self._secret)

    def __repr__(self) -> str:
        return f"Token({_MASK})"

    def __str__(self) -> str:
        return _MASK

    def __format__(self, format_spec: str) -> str:
        return format(_MASK, format_spec)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a token cannot be pickled or copied")


class TokenSource(StrEnum):
    """Where a token came from, and so where it would be kept."""

    ENVIRONMENT = "environment"
    KEYRING = "keyring"
    FILE = "file"
    """A file of mode 0600, in plain text."""
    SESSION = "session"
    """This process's memory only."""


@dataclass(frozen=True, slots=True)
class Context:
    """One registry and one way of using it."""

    name: str
    endpoint: str
    """Address of the registry, without a trailing slash; may have a base path."""
    organization: str | None = None
    """Sent with every request when set: people in several organizations need it (contract, fact 5)."""
    read_only: bool = False
    """Refuses every push."""
    user: str = ""
    """Who the token belonged to when it was last checked; shown, never relied on."""
    plain_http: bool = False
    """Allows the token and the models to travel unencrypted to another machine."""
    color: str = ""
    """One of CONTEXT_COLORS when its person chose one, else empty: see `context_color`."""


@dataclass(frozen=True, slots=True)
class Account:
    """A context with the token that opens it."""

    context: Context
    token: Token
    source: TokenSource


def context_color(context: Context) -> str:
    """The chosen one of CONTEXT_COLORS, else DANGER for a name like "prod-eu", else always the same of the others."""
    if context.color in CONTEXT_COLORS:
        return context.color
    if re.search(_PRODUCTION, context.name):
        return DANGER
    return QUIET_COLORS[crc32(context.name.encode()) % len(QUIET_COLORS)]

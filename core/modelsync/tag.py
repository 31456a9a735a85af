"""The tag: a model's name and version, by BentoML's rules (registry contract 5.2)."""

import re
from dataclasses import dataclass
from typing import Self

from modelsync.errors import InvalidTagError

TAG_PART_MAX_CHARS = 63
_PART = re.compile(r"[a-z0-9]([-._a-z0-9]*[a-z0-9])?")

LATEST = "latest"
"""The version that stands for the newest one; never a version's own name."""


@dataclass(frozen=True, slots=True, order=True)
class Tag:
    """One version of one model; compared exactly, never by prefix."""

    name: str
    version: str

    @classmethod
    def of(cls, name: str, version: str) -> Self:
        """Makes a tag of two valid parts, in lower case as BentoML does; raises InvalidTagError."""
        return cls(_valid("name", name), _valid("version", version))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `name:version`; raises InvalidTagError, also for a name alone or `name:latest`."""
        reference = TagReference.parse(text)
        if reference.version is None:
            raise InvalidTagError(f"{text!r} names no version.", hint=f"Write it as {reference.name}:VERSION.")
        return cls(reference.name, reference.version)

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"


@dataclass(frozen=True, slots=True)
class TagReference:
    """What a person may type where one model is meant: `name:version`, `name:latest` or `name`."""

    name: str
    version: str | None
    """None: the latest."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Splits at the first colon; raises InvalidTagError with the rule that was broken."""
        name, colon, version = text.strip().partition(":")
        if colon and not version:
            raise InvalidTagError(f"{text!r} ends in a colon.", hint=f"Write {name} for the latest or {name}:VERSION.")
        name = _valid("name", name)
        if not colon or version.lower() == LATEST:
            return cls(name, None)
        return cls(name, _valid("version", version))

    def __str__(self) -> str:
        return f"{self.name}:{self.version or LATEST}"


def is_valid_part(text: str) -> bool:
    """Whether a name or a version may stand in a local store as it is (lower case, at most 63 characters)."""
    return len(text) <= TAG_PART_MAX_CHARS and _PART.fullmatch(text) is not None


def _valid(what: str, text: str) -> str:
    lowered = text.lower()
    if len(lowered) > TAG_PART_MAX_CHARS:
        raise InvalidTagError(
            f"The {what} {text[:20]!r}... has {len(text)} characters.",
            hint=f"A {what} has at most {TAG_PART_MAX_CHARS}.",
        )
    if _PART.fullmatch(lowered) is None:
        raise InvalidTagError(
            f"{text!r} is not a valid {what}.",
            hint="Use letters, digits, '.', '-' and '_', beginning and ending with a letter or digit.",
        )
    return lowered

"""What a person types to narrow a list: `name label:k=v size:>1GiB age:<7d state:differs by:who`, read without failing.

How it works: words are joined by "and"; a leading `-` turns one around; quotes keep blanks. A word that cannot be
read (`size:big`) is left out and reported, so that a filter half typed narrows by what is there already.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

_WORD = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_COMPARED = re.compile(r"(>=|<=|>|<|=)?\s*(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)", re.IGNORECASE)
_SIZE_UNITS = {"": 1, "b": 1} | {
    unit + suffix: base**power
    for power, unit in enumerate("kmgtp", start=1)
    for suffix, base in (("", 1024), ("ib", 1024), ("b", 1000))
}
_AGE_UNITS = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "mo": timedelta(days=30),
    "y": timedelta(days=365),
}
STATE_WORDS = (
    "same",
    "local only",
    "remote only",
    "differs",
    "uploading",
    "failed",
    "stuck",
    "reference",
    "broken",
    "half-written",
    "foreign",
)
"""What `state:` knows, each by its beginning."""


class Candidate(Protocol):
    """What a filter looks at."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def size_bytes(self) -> int | None: ...
    @property
    def when(self) -> datetime | None: ...
    @property
    def by(self) -> str: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def state_word(self) -> str: ...


_Test = Callable[[Candidate], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as it was typed, and as it is meant."""

    text: str
    tests: tuple[_Test, ...]
    not_understood: tuple[str, ...]
    """Words that were left out, as typed."""

    @classmethod
    def parse(cls, text: str, now: datetime) -> "Filter":
        """Reads any text; never raises."""
        tests: list[_Test] = []
        not_understood: list[str] = []
        for word in _WORD.findall(text):
            test = _read(word, now)
            if test is None:
                not_understood.append(word)
            else:
                tests.append(test)
        return cls(text, tuple(tests), tuple(not_understood))

    @property
    def active(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.tests)

    def matches(self, candidate: Candidate) -> bool:
        return all(test(candidate) for test in self.tests)


NO_FILTER = Filter("", (), ())


def _read(word: str, now: datetime) -> _Test | None:
    negative = word.startswith("-") and len(word) > 1
    body = (word[1:] if negative else word).replace('"', "")
    key, colon, value = body.partition(":")
    reader = _READERS.get(key.lower()) if colon else None
    test = reader(value.strip(), now) if reader else _tag_test(body)
    if test is None or not negative:
        return test
    return lambda candidate: not test(candidate)


def _tag_test(value: str) -> _Test | None:
    wanted = value.casefold()
    if not wanted:
        return None
    return lambda candidate: wanted in f"{candidate.name}:{candidate.version}".casefold()


def _label_test(value: str, now: datetime) -> _Test | None:  # noqa: ARG001 - readers share one form
    key, equals, wanted = (part.casefold() for part in value.partition("="))
    if not key:
        return None
    if not equals:
        return lambda candidate: any(name.casefold() == key for name in candidate.labels)
    return lambda candidate: any(
        name.casefold() == key and text.casefold().startswith(wanted) for name, text in candidate.labels.items()
    )


def _size_test(value: str, now: datetime) -> _Test | None:  # noqa: ARG001 - readers share one form
    found = _COMPARED.fullmatch(value)
    if found is None or found[3].lower() not in _SIZE_UNITS:
        return None
    sign, limit = found[1] or ">=", float(found[2]) * _SIZE_UNITS[found[3].lower()]
    return lambda candidate: candidate.size_bytes is not None and _holds(sign, candidate.size_bytes, limit)


def _age_test(value: str, now: datetime) -> _Test | None:
    found = _COMPARED.fullmatch(value)
    if found is None or found[3].lower() not in _AGE_UNITS:
        return None
    sign, limit_s = found[1] or "<=", float(found[2]) * _AGE_UNITS[found[3].lower()].total_seconds()
    return lambda candidate: (
        candidate.when is not None and _holds(sign, (now - candidate.when).total_seconds(), limit_s)
    )


def _state_test(value: str, now: datetime) -> _Test | None:  # noqa: ARG001 - readers share one form
    wanted = [part.strip().lower() for part in value.split(",") if part.strip()]
    states = {state for state in STATE_WORDS for part in wanted if state.startswith(part)}
    if not states:
        return None
    return lambda candidate: candidate.state_word in states


def _by_test(value: str, now: datetime) -> _Test | None:  # noqa: ARG001 - readers share one form
    wanted = value.casefold()
    if not wanted:
        return None
    return lambda candidate: wanted in candidate.by.casefold()


def _holds(sign: str, value: float, limit: float) -> bool:
    match sign:
        case ">":
            return value > limit
        case ">=":
            return value >= limit
        case "<":
            return value < limit
        case "<=":
            return value <= limit
        case _:
            return value == limit


_READERS: Mapping[str, Callable[[str, datetime], _Test | None]] = {
    "label": _label_test,
    "size": _size_test,
    "age": _age_test,
    "state": _state_test,
    "by": _by_test,
}

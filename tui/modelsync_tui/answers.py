"""What became of a question that takes time: still being read, told, or failed."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from modelsync.errors import ModelsyncError

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Reading:
    """The answer is on its way."""


@dataclass(frozen=True, slots=True)
class Told(Generic[T_co]):
    """The answer."""

    value: T_co


@dataclass(frozen=True, slots=True)
class Failed:
    """There is none, and why."""

    error: ModelsyncError


Answer = Reading | Told[T_co] | Failed

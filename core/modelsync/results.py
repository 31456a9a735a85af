"""What a push or pull came to."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from modelsync.tag import Tag


class Outcome(StrEnum):
    PUSHED = "pushed"
    PULLED = "pulled"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferResult:
    """How a transfer ended that did not fail."""

    tag: Tag
    outcome: Outcome
    reason: str
    """Why it was done, or why nothing was."""
    differs: bool = False
    """Skipped, although the two sides are not the same; force would replace."""
    resumed: bool = False
    """Whether it went on from an earlier run's parts."""
    bytes_total: int = 0
    """Of the archive on the wire; 0 when nothing was to be moved."""
    bytes_moved: int = 0
    """What this run sent or received, repeated bytes included."""
    retries: int = 0
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    """Sentences for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushResult(TransferResult):
    """How a push ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullResult(TransferResult):
    """How a pull ended."""

    path: Path
    """The version's directory in the local store."""

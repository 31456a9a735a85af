"""What a push, a pull, a comparison or a look into the registry's archive came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from modelsync.archive.differences import FileDifference
from modelsync.model import ModelFile
from modelsync.tag import Tag

if TYPE_CHECKING:
    from modelsync.registry.schemas import ETag


class Outcome(StrEnum):
    PUSHED = "pushed"
    PULLED = "pulled"
    SKIPPED = "skipped"
    WOULD_PUSH = "would push"
    """Of a dry run, as the next."""
    WOULD_PULL = "would pull"


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
    verified: bool = False
    """Whether the bytes of both sides were compared: each that was sent, or with `verify` each that came, with the
    store's ETags. Else only sizes and structure."""


class PushResult(TransferResult):
    """How a push ended."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PullResult(TransferResult):
    """How a pull ended."""

    path: Path
    """The version's directory in the local store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How a local version compares with the remote one."""

    tag: Tag
    equal: bool
    """Whether nothing differs, of what was compared."""
    verified: bool
    """Whether every byte was compared and is the same; never after a quick comparison of names and sizes."""
    quick: bool
    """Only names and sizes were compared."""
    files: int
    """Files that both sides have, model.yaml included."""
    differences: tuple[FileDifference, ...]
    """By name."""
    bytes_compared: int
    """Of the content of files; 0 after a quick comparison."""
    seconds: float


@dataclass(frozen=True, slots=True)
class RemoteFiles:
    """The files of one version in the registry, and where they stand in its archive."""

    files: tuple[ModelFile, ...]
    """Sorted by name."""
    etag: "ETag | None" = None
    """Of the archive that was looked at; None where the server names none."""
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict, repr=False)
    """By name: where the content begins in the archive and how long it is, in bytes; symbolic links have none."""


@dataclass(frozen=True, slots=True)
class NotListed:
    """The files in the registry cannot be told without a pull."""

    reason: str
    """A sentence."""

"""How one member of a model differs between two sides."""

from dataclasses import dataclass
from enum import StrEnum


class DifferenceKind(StrEnum):
    """The most telling way in which two members differ; the words are for people."""

    ONLY_LOCAL = "only local"
    ONLY_REMOTE = "only remote"
    TYPE = "type"
    """One is a file and the other a directory or a link."""
    LINK = "link"
    """Both are symbolic links, to different places."""
    SIZE = "size"
    BYTES = "bytes"
    """Of one size, with different content."""
    EXECUTABLE = "executable"
    """The same bytes, which only one side may execute."""


@dataclass(frozen=True, slots=True)
class FileDifference:
    """One member that is not the same on both sides."""

    name: str
    """Its path in the model; a directory's ends in a slash."""
    kind: DifferenceKind

"""Which transfer a journal is of: the name of its file, and the facts that its first line must repeat."""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from modelsync.model import Direction, Json
from modelsync.tag import Tag

FORMAT = 3
SUFFIX = ".journal"


@dataclass(frozen=True, slots=True)
class JournalKey:
    """Which transfer a journal is of."""

    direction: Direction
    tag: Tag
    endpoint: str
    organization: str | None
    store: Path

    @property
    def file_name(self) -> str:
        where = "\0".join((self.endpoint, self.organization or "", str(self.store)))
        digest = sha256(where.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        return f"{self.direction}-{self.tag.name}@{self.tag.version}-{digest}{SUFFIX}"

    def facts(self) -> dict[str, Json]:
        return {
            "format": FORMAT,
            "direction": self.direction.value,
            "tag": str(self.tag),
            "endpoint": self.endpoint,
            "organization": self.organization,
            "store": os.fsencode(self.store).hex(),
        }

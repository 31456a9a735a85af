"""How far an archive has come, in a form that a later process can go on from."""

from dataclasses import dataclass, field
from typing import Final

from modelsync.archive.table import MemberTable, TableError
from modelsync.errors import StoreError

_MEMBERS_BYTES_MAX: Final = 1 << 28


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a later process needs to go on: everything it calls done is on the disk."""

    done: tuple[tuple[int, int], ...]
    """Ranges of the archive, in ascending order, that need not be fetched again."""
    members: bytes
    """The members known so far; the same bytes as long as no further one becomes known."""


@dataclass(frozen=True, slots=True)
class Start:
    """What is known of an archive before its first piece comes."""

    table: MemberTable
    whole: bool
    """Whether the table holds every member there is."""
    resumed: bool = False
    """Whether some of the files may stand in the directory already."""
    records: dict[bytes, bytes] = field(default_factory=dict)
    """Of global headers that were read."""
    done: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "Start":
        """Raises StoreError for a checkpoint that cannot be read."""
        try:
            table, facts = MemberTable.decode(checkpoint.members, first_at=0, limit_bytes=_MEMBERS_BYTES_MAX)
            records = _records_of(facts.get("records"))
        except (TableError, ValueError) as exc:
            raise StoreError("The record of an unfinished pull cannot be read.", hint="Start the pull again.") from exc
        return cls(table, facts.get("whole") is True, resumed=True, records=records, done=checkpoint.done)


def encode_members(table: MemberTable, whole: bool, records: dict[bytes, bytes]) -> bytes:
    text = " ".join(part.hex() or "-" for record in records.items() for part in record)
    return table.encode({"whole": whole, "records": text})


def _records_of(text: object) -> dict[bytes, bytes]:
    if not isinstance(text, str):
        raise TableError("no records")
    parts = [bytes.fromhex(part.strip("-")) for part in text.split()]
    return dict(zip(parts[::2], parts[1::2], strict=True))

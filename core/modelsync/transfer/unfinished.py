"""What the journals say about transfers that have not ended, without going on with one."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from modelsync.errors import InvalidTagError
from modelsync.model import Direction, Json, RemoteModel
from modelsync.store.lock import FileLock, Holder
from modelsync.tag import Tag
from modelsync.transfer.journal import LOCK_SUFFIX, Journal, JournalKey, Journals, upload_start


@dataclass(frozen=True, slots=True)
class Unfinished:
    """One transfer that was begun and did not end, or that runs now."""

    key: JournalKey
    bytes_kept: int
    """What need not be moved again; at most a part too much."""
    bytes_total: int | None
    """Of the archive on the wire; None where the journal does not say."""
    touched: datetime
    """When the journal was last written; aware, in UTC."""
    holder: Holder | None
    """Who works on it now."""


def unfinished(journals: Journals) -> tuple[Unfinished, ...]:
    """Everything that a journal of this version tells of, by file name."""
    found = []
    for path in journals.files():
        with suppress(OSError):
            touched = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            key = _key_of(path)
            if key is not None:
                kept, total = _read(path, key)
                found.append(Unfinished(key, kept, total, touched, _holder(path.with_suffix(LOCK_SUFFIX))))
    return tuple(found)


def bytes_kept(journals: Journals, key: JournalKey) -> int:
    """What of this transfer need not be moved again; 0 without a journal."""
    with suppress(OSError):
        return _read(journals.directory / key.file_name, key)[0]
    return 0


def began_upload(journals: Journals, key: JournalKey, remote: RemoteModel, *, begun: bool) -> bool:
    """Whether the upload that the registry tells of is one that this machine began, and nobody has begun since.

    The registry's own start decides. Where no journal tells of one (a push in one piece has none), `begun` does: what
    the caller knows of itself. A journal that does not say when (an older program's, or one that cannot be read)
    proves nothing: better refuse one's own upload, which force overcomes, than take over a colleague's.
    """
    path = journals.directory / key.file_name
    try:
        with Journal(path, key) as journal:
            record = journal.read_push()
    except OSError:
        record = None
    if record is None or record.start is None:
        return begun
    return record.start == upload_start(remote)


def working_on(journals: Journals, tag: Tag) -> Holder | None:
    """Who pushes or pulls this version now, from or to whatever registry and store; None when nobody does."""
    for path in sorted(journals.directory.glob(f"*-{tag.name}@{tag.version}-*{LOCK_SUFFIX}")):
        holder = _holder(path)
        if holder is not None:
            return holder
    return None


def _holder(path: Path) -> Holder | None:
    if not path.exists():
        return None
    lock = FileLock(path)
    with suppress(OSError):
        if lock.try_acquire():  # nobody's: its holder was killed
            lock.release()
            return None
    return lock.holder()


def _read(path: Path, key: JournalKey) -> tuple[int, int | None]:
    with Journal(path, key) as journal:
        if key.direction is Direction.PUSH:
            push = journal.read_push()
            return (0, None) if push is None else (push.part_size * len(push.parts), None)
        pull = journal.read_pull()
        if pull is None:
            return 0, None
        return sum(end - start for start, end in pull.checkpoint.done), pull.total_bytes


def _key_of(path: Path) -> JournalKey | None:
    """The key of a journal by its own words; None for another format, or a file that is not where its key belongs."""
    try:
        with path.open("rb") as file:
            facts: Json = json.loads(file.readline())
        if not isinstance(facts, dict):
            return None
        organization = facts["organization"]
        key = JournalKey(
            Direction(str(facts["direction"])),
            Tag.parse(str(facts["tag"])),
            str(facts["endpoint"]),
            None if organization is None else str(organization),
            Path(os.fsdecode(bytes.fromhex(str(facts["store"])))),
        )
    except (OSError, ValueError, KeyError, InvalidTagError):
        return None
    matches = all(facts.get(name) == value for name, value in key.facts().items())
    return key if matches and key.file_name == path.name else None

"""What was not finished when a person quit, kept for the next start: one file for each registry and store.

How it works: a file holds full intents and is replaced in one step. Whoever saves keeps what others have put there
since it loaded, under a lock beside the file, so that programs that end together do not forget each other's work. A
file of another format, or that is no queue, is set aside under a name of its own.
"""

import json
import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from modelsync.account import Context
from modelsync.errors import InvalidTagError
from modelsync.model import Direction, Json
from modelsync.paths import private_dir, write_private
from modelsync.queue import TransferRequest
from modelsync.store.lock import FileLock
from modelsync.tag import Tag

log = logging.getLogger("modelsync.queue")

FORMAT = 1
SAVED_WITHIN_S = 2.0
"""Longer than any other program saves; after it, this one saves all the same: its own work is worth more."""
_SUFFIX = ".json"
_LOCK_SUFFIX = ".lock"


@dataclass(frozen=True, slots=True)
class SavedQueue:
    """What one file holds."""

    context: str
    endpoint: str
    organization: str | None
    store: Path
    saved: datetime
    """Aware, in UTC."""
    requests: tuple[TransferRequest, ...]
    """In the order in which they were to go."""


class QueueFile:
    """The saved queue between one registry and one store."""

    def __init__(self, directory: Path, context: Context, store: Path) -> None:
        """`directory` holds those of all contexts; nothing is created until something is saved."""
        self._context = context
        self._store = store
        where = "\0".join((context.endpoint, context.organization or "", str(store)))
        self.path = directory / f"{sha256(where.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}{_SUFFIX}"
        self._loaded: tuple[TransferRequest, ...] = ()

    def load(self) -> tuple[TransferRequest, ...]:
        """What was left; empty when nothing was, or nothing that can be used. The file stays until `save`."""
        self._loaded = self._read()
        return self._loaded

    def save(self, requests: Iterable[TransferRequest]) -> None:
        """Replaces what was loaded by what is left now; without anything left, no file. Failing is told to the log."""
        ours = tuple(requests)
        if not ours and not self.path.exists():
            self._loaded = ours
            return
        lock = FileLock(self.path.with_suffix(_LOCK_SUFFIX))
        try:
            private_dir(self.path.parent)
            with suppress(OSError):  # a file system that has no locks
                lock.acquire_within(SAVED_WITHIN_S)
            self._save(ours)
        except OSError as exc:
            log.warning("what is not finished cannot be kept: %s", exc)
        finally:
            lock.release()

    def _save(self, ours: tuple[TransferRequest, ...]) -> None:
        loaded = {_intent(request) for request in self._loaded}
        known = {_intent(request) for request in ours}
        others = [request for request in self._read() if _intent(request) not in loaded | known]
        self._loaded = ours
        if ours or others:
            write_private(self.path, json.dumps(self._facts((*others, *ours)), indent=1))
        else:
            self.path.unlink(missing_ok=True)

    def _read(self) -> tuple[TransferRequest, ...]:
        try:
            saved = _saved_in(self.path)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError, InvalidTagError) as exc:
            log.warning("%s is set aside: %r", self.path, exc)
            with suppress(OSError):
                self.path.rename(self.path.with_suffix(".set-aside"))
            return ()
        same = (saved.endpoint, saved.organization, saved.store)
        return saved.requests if same == (self._context.endpoint, self._context.organization, self._store) else ()

    def _facts(self, requests: Iterable[TransferRequest]) -> dict[str, Json]:
        return {
            "format": FORMAT,
            "context": self._context.name,
            "endpoint": self._context.endpoint,
            "organization": self._context.organization,
            "store": os.fsencode(self._store).hex(),
            "saved": datetime.now(UTC).isoformat(timespec="seconds"),
            "transfers": [
                {
                    "direction": request.direction.value,
                    "tag": str(request.tag),
                    "force": request.force,
                    "size_bytes": request.size_bytes,
                    "begun": request.begun,
                }
                for request in requests
            ],
        }


def saved_queues(directory: Path) -> tuple[SavedQueue, ...]:
    """Every queue that was saved, of whatever registry and store; what cannot be used is passed over."""
    found = []
    with suppress(OSError):
        for path in sorted(directory.glob(f"*{_SUFFIX}")):
            with suppress(OSError, ValueError, KeyError, TypeError, InvalidTagError):
                found.append(_saved_in(path))
    return tuple(found)


def _intent(request: TransferRequest) -> tuple[Direction, Tag]:
    return request.direction, request.tag


def _saved_in(path: Path) -> SavedQueue:
    """Raises OSError, and ValueError, KeyError, TypeError or InvalidTagError for a file that is none of ours."""
    facts: Json = json.loads(path.read_bytes())
    if not isinstance(facts, dict) or facts["format"] != FORMAT:
        raise ValueError("another format")
    organization, listed = facts["organization"], facts["transfers"]
    if not isinstance(listed, list):
        raise TypeError("a list")
    return SavedQueue(
        context=_text(facts["context"]),
        endpoint=_text(facts["endpoint"]),
        organization=None if organization is None else _text(organization),
        store=Path(os.fsdecode(bytes.fromhex(_text(facts["store"])))),
        saved=datetime.fromisoformat(_text(facts["saved"])),
        requests=tuple(_request(item) for item in listed),
    )


def _request(facts: Json) -> TransferRequest:
    if not isinstance(facts, dict):
        raise TypeError("an object")
    size = facts["size_bytes"]
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise TypeError("a size")
    return TransferRequest(
        Direction(_text(facts["direction"])),
        Tag.parse(_text(facts["tag"])),
        force=facts["force"] is True,
        size_bytes=size,
        begun=facts["begun"] is True,
    )


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    return value

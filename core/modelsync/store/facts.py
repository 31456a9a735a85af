"""What was read from each model.yaml, kept so that it need not be parsed again.

How it works: a file in the platform's cache directory, one for each store, holds the facts of every version under its
path, with the mtime, size and inode that its model.yaml had. Each of its lines is JSON, the first says what it is, the
others hold some hundred versions each: a single document of 100,000 would keep every other thread, the screen's too,
waiting while it is read. A file that is missing, damaged, of another format or
of another store is as good as empty; a directory that cannot be written leaves every run to parse for itself.
"""

import json
import logging
import os
import threading
import time
import zlib
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

from modelsync.model import Json, ModelInfo
from modelsync.paths import write_private
from modelsync.tag import Tag

_log = logging.getLogger("modelsync.store")

_FORMAT = 2
_VERSIONS_A_LINE = 500
_FIELDS = 11
_SECOND_NS = 1_000_000_000
_SETTLED_AFTER_NS = 100_000_000
_SETTLED_AFTER_COARSE_NS = 2 * _SECOND_NS
"""A file this young may change once more without a new mtime; the second on file systems that count in seconds."""

Stamp = tuple[int, int, int]
"""mtime in ns, size in bytes, inode."""


class Facts:
    """The known facts of one store; usable from any thread."""

    def __init__(self, cache_file: Path | None, models_dir: Path) -> None:
        self._store = str(models_dir)
        self._file = None if cache_file is None else _file_of(cache_file, self._store)
        self._lock = threading.Lock()
        self._kept: dict[str, Json] | None = None
        self._known: dict[str, tuple[Stamp, ModelInfo]] = {}
        self._changed = False

    def get(self, key: str, facts: os.stat_result) -> ModelInfo | None:
        """What is known of `key` (`name/version`), if its model.yaml is still the one that was read."""
        stamp = facts.st_mtime_ns, facts.st_size, facts.st_ino
        with self._lock:
            known = self._known.get(key) or _decode(self._loaded().get(key))
            if known is None or known[0] != stamp:
                return None
            self._known[key] = known
            return known[1]

    def put(self, key: str, facts: os.stat_result, info: ModelInfo) -> None:
        """Keeps what was read, unless the file is so young that it may be written again unnoticed."""
        coarse = facts.st_ctime_ns % _SECOND_NS == 0
        if time.time_ns() - facts.st_ctime_ns < (_SETTLED_AFTER_COARSE_NS if coarse else _SETTLED_AFTER_NS):
            return
        with self._lock:
            self._known[key] = (facts.st_mtime_ns, facts.st_size, facts.st_ino), info
            self._changed = True

    def save(self, seen: Collection[str]) -> None:
        """Writes the file if something changed, without the versions that are no longer there."""
        with self._lock:
            kept = self._loaded()
            there = set(seen)
            for key in [key for key in chain(self._known, kept) if key not in there]:
                self._known.pop(key, None)
                self._changed |= kept.pop(key, None) is not None
            if self._file is None or not self._changed:
                return
            self._changed = False
            kept.update((key, _encode(*known)) for key, known in self._known.items())
            try:
                write_private(self._file, "\n".join(_lines(kept, self._store)))
            except OSError as error:
                _log.info("the cache of the local list is not written: %s", error)

    def _loaded(self) -> dict[str, Json]:
        if self._kept is None:
            self._kept = {} if self._file is None else _load(self._file, self._store)
        return self._kept


def _file_of(cache_file: Path, store: str) -> Path:
    return cache_file.with_stem(f"{cache_file.stem}-{zlib.crc32(os.fsencode(store)):08x}")


def _lines(versions: Mapping[str, Json], store: str) -> Iterator[str]:
    yield json.dumps({"format": _FORMAT, "store": store})
    items = iter(versions.items())
    while some := dict(islice(items, _VERSIONS_A_LINE)):
        yield json.dumps(some, separators=(",", ":"))


def _load(file: Path, store: str) -> dict[str, Json]:
    versions: dict[str, Json] = {}
    try:
        with file.open("rb") as lines:
            if json.loads(next(lines, b"null")) != {"format": _FORMAT, "store": store}:
                return {}
            for line in lines:
                some: Json = json.loads(line)
                if not isinstance(some, dict):
                    return {}
                versions.update(some)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        _log.info("the cache of the local list is not used: %s", error)
        return {}
    return versions


def _encode(stamp: Stamp, info: ModelInfo) -> Json:
    return [
        list(stamp),
        info.tag.name,
        info.tag.version,
        info.module,
        info.api_version,
        info.creation_time.isoformat(),
        dict(info.labels),
        dict(info.options),
        dict(info.metadata),
        dict(info.context),
        dict(info.signatures),
    ]


def _decode(raw: Json) -> tuple[Stamp, ModelInfo] | None:
    # not a `match` of eleven patterns: that takes five times as long, and this runs 10,000 times in one list
    if not isinstance(raw, list) or len(raw) != _FIELDS:
        return None
    stamp, name, version, module, api_version, created, labels, options, metadata, context, signatures = raw
    if not (
        isinstance(name, str)
        and isinstance(version, str)
        and isinstance(module, str)
        and isinstance(api_version, str)
        and isinstance(created, str)
        and isinstance(labels, dict)
        and isinstance(options, dict)
        and isinstance(metadata, dict)
        and isinstance(context, dict)
        and isinstance(signatures, dict)
        and isinstance(stamp, list)
    ):
        return None
    try:
        mtime_ns, size, inode = stamp
        moment = datetime.fromisoformat(created)
    except ValueError:
        return None
    if not (isinstance(mtime_ns, int) and isinstance(size, int) and isinstance(inode, int)):
        return None
    texts = {key: str(value) for key, value in labels.items()}
    tag = Tag(name, version)
    info = ModelInfo(tag, module, texts, options, metadata, context, signatures, api_version, moment)
    return (mtime_ns, size, inode), info

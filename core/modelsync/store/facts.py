"""What was read from each model.yaml, kept so that it need not be parsed again.

How it works: a JSON file in the platform's cache directory, one for each store, holds the facts of every version under
its path, with the mtime, size and inode that its model.yaml had. A file that is missing, damaged, of another format or
of another store is as good as empty; a directory that cannot be written leaves every run to parse for itself.
"""

import json
import logging
import os
import threading
import time
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from modelsync.model import Json, ModelInfo
from modelsync.paths import write_private
from modelsync.tag import Tag

_log = logging.getLogger("modelsync.store")

_FORMAT = 1
_SETTLED_AFTER_NS = 2_000_000_000
"""A file this young may change once more without a new mtime on file systems that count in seconds."""

Stamp = tuple[int, int, int]
"""mtime in ns, size in bytes, inode."""


@dataclass(slots=True)
class _Entry:
    stamp: Stamp
    info: ModelInfo | None
    raw: Json
    """What the file holds, until someone asks for it; None once `info` is there."""


class Facts:
    """The known facts of one store; usable from any thread."""

    def __init__(self, cache_file: Path | None, models_dir: Path) -> None:
        self._store = str(models_dir)
        self._file = None if cache_file is None else _file_of(cache_file, self._store)
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] | None = None
        self._changed = False

    def get(self, key: str, facts: os.stat_result) -> ModelInfo | None:
        """What is known of `key` (`name/version`), if its model.yaml is still the one that was read."""
        with self._lock:
            entry = self._loaded().get(key)
            if entry is None or entry.stamp != _stamp(facts):
                return None
            if entry.info is None:
                entry.info = _decode(entry.raw)
                entry.raw = None
            return entry.info

    def put(self, key: str, facts: os.stat_result, info: ModelInfo) -> None:
        """Keeps what was read, unless the file is so young that it may be written again unnoticed."""
        if time.time_ns() - facts.st_ctime_ns < _SETTLED_AFTER_NS:
            return
        with self._lock:
            self._loaded()[key] = _Entry(_stamp(facts), info, None)
            self._changed = True

    def save(self, seen: Collection[str]) -> None:
        """Writes the file if something changed, without the versions that are no longer there."""
        with self._lock:
            entries = self._loaded()
            gone = entries.keys() - set(seen)
            for key in gone:
                del entries[key]
            if self._file is None or not (self._changed or gone):
                return
            self._changed = False
            versions = {key: [*entry.stamp, _encode(entry)] for key, entry in entries.items()}
            text = json.dumps({"format": _FORMAT, "store": self._store, "versions": versions}, separators=(",", ":"))
            try:
                write_private(self._file, text)
            except OSError as error:
                _log.info("the cache of the local list is not written: %s", error)

    def _loaded(self) -> dict[str, _Entry]:
        if self._entries is None:
            self._entries = {} if self._file is None else _load(self._file, self._store)
        return self._entries


def _file_of(cache_file: Path, store: str) -> Path:
    return cache_file.with_stem(f"{cache_file.stem}-{zlib.crc32(os.fsencode(store)):08x}")


def _stamp(facts: os.stat_result) -> Stamp:
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def _load(file: Path, store: str) -> dict[str, _Entry]:
    try:
        document: object = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        _log.info("the cache of the local list is not used: %s", error)
        return {}
    if not isinstance(document, dict) or document.get("format") != _FORMAT or document.get("store") != store:
        return {}
    versions: object = document.get("versions")
    if not isinstance(versions, dict):
        return {}
    entries: dict[str, _Entry] = {}
    for key, value in versions.items():
        match value:
            case [int(mtime_ns), int(size), int(inode), dict(raw)]:
                entries[key] = _Entry((mtime_ns, size, inode), None, raw)
    return entries


def _encode(entry: _Entry) -> Json:
    info = entry.info
    if info is None:
        return entry.raw
    return {
        "tag": [info.tag.name, info.tag.version],
        "module": info.module,
        "labels": dict(info.labels),
        "options": dict(info.options),
        "metadata": dict(info.metadata),
        "context": dict(info.context),
        "signatures": dict(info.signatures),
        "api_version": info.api_version,
        "creation_time": info.creation_time.isoformat(),
    }


def _decode(raw: Json) -> ModelInfo | None:
    match raw:
        case {
            "tag": [str(name), str(version)],
            "module": str(module),
            "labels": dict(labels),
            "options": dict(options),
            "metadata": dict(metadata),
            "context": dict(context),
            "signatures": dict(signatures),
            "api_version": str(api_version),
            "creation_time": str(creation_time),
        }:
            try:
                moment = datetime.fromisoformat(creation_time)
            except ValueError:
                return None
            texts = {key: str(value) for key, value in labels.items()}
            tag = Tag(name, version)
            return ModelInfo(tag, module, texts, options, metadata, context, signatures, api_version, moment)
    return None

"""Blobs: files of bytes that are written once and never changed, and objects as lists of them."""

from __future__ import annotations

import bisect
import hashlib
import itertools
import os
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from modelsync_registry.errors import ObjectError
from modelsync_registry.objects import ETag


@dataclass(frozen=True, slots=True)
class Piece:
    """One blob of an object or of an upload."""

    blob: str
    size: int
    md5: str


@dataclass(slots=True)
class Version:
    """One content of a key; `readers` and `replaced` decide when its blobs can go."""

    etag: ETag
    modified: datetime
    pieces: tuple[Piece, ...]
    starts: list[int] = field(init=False)
    size: int = field(init=False)
    readers: int = 0
    replaced: bool = False

    def __post_init__(self) -> None:
        *self.starts, self.size = itertools.accumulate((piece.size for piece in self.pieces), initial=0)


class BlobWriter:
    """One new blob; `put_in_place` makes it part of an object or an upload."""

    def __init__(self, directory: Path, *, sync: bool, put_in_place: Callable[[Piece], None]) -> None:
        self._path = directory / secrets.token_hex(16)
        self._file = self._path.open("xb", buffering=0)
        self._sync = sync
        self._put_in_place = put_in_place
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._size = 0
        # A cancelled request aborts while a thread may still be committing: only one of the two can win.
        self._ending = threading.Lock()
        self._ended = False

    def write(self, data: Sequence[bytes]) -> None:
        for chunk in data:
            view = memoryview(chunk)
            self._md5.update(view)
            self._size += len(view)
            while view:
                view = view[self._file.write(view) :]

    def commit(self, expected_md5: bytes | None = None) -> ETag:
        """Puts the blob in place. Raises ObjectError (BadDigest) when its bytes have another MD5."""
        with self._ending:
            if expected_md5 is not None and expected_md5 != self._md5.digest():
                message = "The Content-MD5 is not that of the bytes received."
                raise ObjectError("BadDigest", message, HTTPStatus.BAD_REQUEST)
            if self._sync:
                os.fsync(self._file.fileno())
                sync_directory(self._path.parent)
            self._file.close()
            piece = Piece(self._path.name, self._size, self._md5.hexdigest())
            self._put_in_place(piece)
            self._ended = True
        return ETag(piece.md5)

    def abort(self) -> None:
        with self._ending:
            if not self._ended:
                self._ended = True
                self._file.close()
                self._path.unlink(missing_ok=True)


class BlobReader:
    """Reads across the blobs of one version; for one thread at a time."""

    def __init__(self, version: Version, blobs: Path, release: Callable[[Version], None]) -> None:
        self._version = version
        self._blobs = blobs
        self._release = release
        self._open_index = -1
        self._descriptor = -1
        self._closed = False

    @property
    def size(self) -> int:
        return self._version.size

    @property
    def etag(self) -> ETag:
        return self._version.etag

    @property
    def modified(self) -> datetime:
        return self._version.modified

    def read(self, offset: int, size: int) -> bytes:
        if offset >= self.size:
            return b""
        index = bisect.bisect_right(self._version.starts, offset) - 1
        piece = self._version.pieces[index]
        if index != self._open_index:
            self._close_descriptor()
            self._descriptor = os.open(self._blobs / piece.blob, os.O_RDONLY | os.O_CLOEXEC)
            self._open_index = index
        inside = offset - self._version.starts[index]
        data = os.pread(self._descriptor, min(size, piece.size - inside), inside)
        if not data:
            raise OSError(f"blob {piece.blob} ends before its {piece.size} bytes")
        return data

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._close_descriptor()
            self._release(self._version)

    def _close_descriptor(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor, self._open_index = -1, -1


def sync_directory(path: Path) -> None:
    """Makes sure that the names in a directory outlive power loss."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

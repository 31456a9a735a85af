"""An object store in a directory, behind the registry's own signed URLs.

How it works: bytes stream into files under `blobs/` that are never changed afterwards. An object is a small record
under `objects/` that lists its blobs in order, so completing an upload of any size copies nothing: it writes the
record and renames it into place. An upload in progress is a directory under `uploads/` with a record per part; all of
it is on disk, so a restart loses nothing. A replaced object's blobs are deleted when the last reader of that version
has closed; whatever a crash leaves behind is swept at the next start. Uploads that nobody completes are given up after
a week, while the registry runs as well as at a start.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from modelsync_registry.blobs import BlobReader, BlobWriter, Piece, Version, sync_directory
from modelsync_registry.config import PART_SIZE_MIN
from modelsync_registry.errors import ObjectError, no_such_key, no_such_upload
from modelsync_registry.objects import CompletedPart, ETag, UploadId
from modelsync_registry.signing import Permit, UrlSigner

_log = logging.getLogger(__name__)

PART_NUMBER_MAX = 10_000
_UPLOAD_RECORD = "upload.json"
UPLOAD_LIFETIME = timedelta(days=7)
"""An upload nobody completed in this time is swept."""
SWEEP_EVERY = timedelta(hours=1)
"""How often a new upload makes us look for such old ones."""
_NAME_LENGTH = 32
_NAME_DIGITS = frozenset("0123456789abcdef")


class DirectoryStore:
    """Objects under one directory; one process at a time."""

    signs_at_once = True

    def __init__(
        self,
        root: Path,
        *,
        signer: UrlSigner,
        clock: Callable[[], datetime],
        part_size_min: int = PART_SIZE_MIN,
        sync: bool = True,
    ) -> None:
        self._blobs = root / "blobs"
        self._objects = root / "objects"
        self._uploads = root / "uploads"
        self._signer = signer
        self._clock = clock
        self._part_size_min = part_size_min
        self._sync = sync
        self._lock = threading.Lock()
        """Held while uploads and records change, which waits for the disk."""
        self._reading = threading.Lock()
        """Held for what readers ask, on the event loop: never while anything waits. Taken after the other, if both."""
        self._sweeper = ThreadPoolExecutor(1, thread_name_prefix="registry-sweeper")
        for directory in (self._blobs, self._objects, self._uploads):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._versions: dict[str, Version] = {}
        self._swept_at = clock()
        self._sweep(all_known=self._load())

    def close(self) -> None:
        """Ends what is still being deleted."""
        self._sweeper.shutdown()

    def presign_get(self, key: str) -> str:
        return self._signer.sign(Permit("GET", key))

    def presign_put(self, key: str) -> str:
        return self._signer.sign(Permit("PUT", key))

    def presign_part(self, key: str, upload_id: UploadId, part_number: int) -> str:
        return self._signer.sign(Permit("PUT", key, upload_id, part_number))

    def create_multipart(self, key: str) -> UploadId:
        self._sweep_uploads_later()
        upload_id = UploadId(secrets.token_hex(16))
        directory = self._uploads / upload_id
        self._make_directory(directory)
        record = {"key": key, "created": self._clock().isoformat()}
        self._write_record(directory / _UPLOAD_RECORD, record)
        return upload_id

    def complete_multipart(self, key: str, upload_id: UploadId, parts: Sequence[CompletedPart]) -> ETag:
        with self._lock:
            directory = self._upload_directory(key, upload_id)
            pieces = self._chosen_pieces(directory, parts)
            digests = b"".join(bytes.fromhex(piece.md5) for piece in pieces)
            etag = ETag(f"{_md5(digests)}-{len(pieces)}")
            self._replace(key, Version(etag, self._clock(), pieces))
            named = {f"{part.number}.json" for part in parts}
            unused = {piece.blob for piece in _part_records(directory, but=named)}
            (directory / _UPLOAD_RECORD).unlink()  # from here on there is no such upload; what is left is swept
            self._sweeper.submit(shutil.rmtree, directory)
            self._delete_later(unused)
        return etag

    def open(self, key: str) -> BlobReader:
        with self._reading:
            version = self._versions.get(key)
            if version is None:
                raise no_such_key()
            version.readers += 1
        return BlobReader(version, self._blobs, self._release)

    def writer(self, key: str) -> BlobWriter:
        def put_in_place(piece: Piece) -> None:
            with self._lock:
                self._replace(key, Version(ETag(piece.md5), self._clock(), (piece,)))

        return BlobWriter(self._blobs, sync=self._sync, put_in_place=put_in_place)

    def part_writer(self, key: str, upload_id: UploadId, part_number: int) -> BlobWriter:
        """Takes one part; a part of the same number is replaced. Raises ObjectError (NoSuchUpload)."""
        if not 1 <= part_number <= PART_NUMBER_MAX:
            raise ObjectError(
                "InvalidArgument",
                f"Part number must be an integer between 1 and {PART_NUMBER_MAX}.",
                HTTPStatus.BAD_REQUEST,
            )

        def put_in_place(piece: Piece) -> None:
            with self._lock:
                directory = self._upload_directory(key, upload_id)
                record = directory / f"{part_number}.json"
                replaced = _read_piece(record)
                self._write_record(record, [piece.blob, piece.size, piece.md5])
                if replaced is not None:
                    self._delete_later({replaced.blob})

        with self._lock:
            self._upload_directory(key, upload_id)
        return BlobWriter(self._blobs, sync=self._sync, put_in_place=put_in_place)

    def _upload_directory(self, key: str, upload_id: UploadId) -> Path:
        # The id comes from outside: only the shape that we give out may become part of a path.
        if not _is_name(upload_id):
            raise no_such_upload()
        directory = self._uploads / upload_id
        try:
            record = json.loads((directory / _UPLOAD_RECORD).read_text())
        except FileNotFoundError:
            raise no_such_upload() from None
        if record["key"] != key:
            raise no_such_upload()
        return directory

    def _chosen_pieces(self, directory: Path, parts: Sequence[CompletedPart]) -> tuple[Piece, ...]:
        if not parts:
            raise ObjectError("MalformedXML", "At least one part must be named.", HTTPStatus.BAD_REQUEST)
        if any(after.number <= before.number for before, after in itertools.pairwise(parts)):
            raise ObjectError("InvalidPartOrder", "The parts are not in ascending order.", HTTPStatus.BAD_REQUEST)
        pieces: list[Piece] = []
        for part in parts:
            piece = _read_piece(directory / f"{part.number}.json")
            if piece is None or piece.md5 != part.etag.strip('"').lower():
                raise ObjectError(
                    "InvalidPart",
                    f"Part {part.number} was not uploaded, or its ETag is another one.",
                    HTTPStatus.BAD_REQUEST,
                )
            pieces.append(piece)
        for part, piece in zip(parts[:-1], pieces[:-1], strict=True):
            if piece.size < self._part_size_min:
                raise ObjectError(
                    "EntityTooSmall",
                    f"Part {part.number} has {piece.size} bytes; all but the last need {self._part_size_min}.",
                    HTTPStatus.BAD_REQUEST,
                )
        return tuple(pieces)

    def _replace(self, key: str, version: Version) -> None:
        record = {
            "key": key,
            "etag": version.etag,
            "modified": version.modified.isoformat(),
            "pieces": [[piece.blob, piece.size, piece.md5] for piece in version.pieces],
        }
        self._write_record(self._object_path(key), record)
        with self._reading:
            before = self._versions.get(key)
            self._versions[key] = version
            if before is not None:
                before.replaced = True
                self._delete_if_unused(before)

    def _release(self, version: Version) -> None:
        with self._reading:
            version.readers -= 1
            self._delete_if_unused(version)

    def _delete_if_unused(self, version: Version) -> None:
        if version.replaced and version.readers == 0:
            self._delete_later({piece.blob for piece in version.pieces})

    def _delete_later(self, blobs: set[str]) -> None:
        # Not here: unlinking a gigabyte takes a good part of a second, and the lock is held.
        self._sweeper.submit(self._delete, blobs)

    def _delete(self, blobs: set[str]) -> None:
        for blob in blobs:
            (self._blobs / blob).unlink(missing_ok=True)

    def _object_path(self, key: str) -> Path:
        # Keys hold names chosen by clients, of any characters and length: only their hash becomes a path.
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return self._objects / digest[:2] / f"{digest}.json"

    def _write_record(self, path: Path, record: object) -> None:
        self._make_directory(path.parent)
        temporary = path.with_suffix(".new")
        with temporary.open("w") as file:
            json.dump(record, file)
            if self._sync:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
        if self._sync:
            sync_directory(path.parent)

    def _make_directory(self, path: Path) -> None:
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            return
        if self._sync:
            sync_directory(path.parent)

    def _load(self) -> bool:
        """Reads all records; False when one cannot be used, and so nothing may be taken for unused."""
        there = {path.name for path in self._blobs.iterdir()}
        whole = True
        for path in self._objects.glob("*/*.json"):
            try:
                key, version = _read_object(path)
            except (ValueError, KeyError, TypeError):
                _log.error("%s cannot be read: that object is missing until it is pushed again", path)
                whole = False
                continue
            if not all(piece.blob in there for piece in version.pieces):
                _log.error(
                    "%s: not all of its bytes are under %s: it is missing until it is pushed again", key, self._blobs
                )
                whole = False
                continue
            self._versions[key] = version
        return whole

    def _sweep(self, *, all_known: bool) -> None:
        """Removes old uploads, and what a crash left behind; blobs only where all objects are known."""
        used = {piece.blob for version in self._versions.values() for piece in version.pieces}
        in_uploads: set[str] = set()
        for directory in self._upload_directories():
            created = _created(directory)  # `None`: cut off while it was made or removed
            parts = {piece.blob for piece in _part_records(directory)}
            # Completed, and killed before the upload was gone. To whoever completes it or sends a part again, the
            # object's own blobs would be the replaced ones, and be deleted.
            completed = not used.isdisjoint(parts)
            if created is None or completed or self._is_over(created):
                shutil.rmtree(directory)
            else:
                in_uploads |= parts
        if all_known:
            self._delete({path.name for path in self._blobs.iterdir() if _is_name(path.name)} - used - in_uploads)

    def _sweep_uploads_later(self) -> None:
        now = self._clock()
        with self._lock:
            if abs(now - self._swept_at) < SWEEP_EVERY:
                return
            self._swept_at = now
        self._sweeper.submit(self._sweep_uploads)

    def _sweep_uploads(self) -> None:
        for directory in self._upload_directories():
            created = _created(directory)
            if created is None or not self._is_over(created):
                continue
            with self._lock:
                parts = {piece.blob for piece in _part_records(directory)}
                try:
                    (directory / _UPLOAD_RECORD).unlink()  # from here on there is no such upload
                except FileNotFoundError:
                    continue  # completed meanwhile
            shutil.rmtree(directory)
            self._delete(parts)

    def _upload_directories(self) -> list[Path]:
        # Only what we made: file managers and file systems have things of their own in such places.
        return [path for path in self._uploads.iterdir() if _is_name(path.name)]

    def _is_over(self, created: datetime) -> bool:
        return self._clock() - created > UPLOAD_LIFETIME


def _is_name(text: str) -> bool:
    """Whether it has the shape of what is given out here: the name of a blob or the id of an upload."""
    return len(text) == _NAME_LENGTH and set(text) <= _NAME_DIGITS


def _read_object(path: Path) -> tuple[str, Version]:
    """Key and content. Raises ValueError, KeyError or TypeError for what is no such record."""
    record = json.loads(path.read_text())
    pieces = tuple(Piece(*piece) for piece in record["pieces"])
    return record["key"], Version(ETag(record["etag"]), datetime.fromisoformat(record["modified"]), pieces)


def _created(directory: Path) -> datetime | None:
    """When an upload began; `None` when it is not there as a whole."""
    try:
        return datetime.fromisoformat(json.loads((directory / _UPLOAD_RECORD).read_text())["created"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _part_records(directory: Path, *, but: Collection[str] = ()) -> list[Piece]:
    """Those of an upload, except for the files that `but` names."""
    paths = (path for path in directory.glob("*.json") if path.name != _UPLOAD_RECORD and path.name not in but)
    return [piece for piece in map(_read_piece, paths) if piece is not None]


def _read_piece(path: Path) -> Piece | None:
    """`None` when there is no such record, or power loss emptied it: then the part was not uploaded."""
    try:
        blob, size, md5 = json.loads(path.read_text())
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return Piece(blob, size, md5)


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()

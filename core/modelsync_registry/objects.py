"""The seam between the registry and where the bytes are: what an object store must be able to do.

All calls block and are safe from many threads. A store that has trouble raises OSError. Presigned URLs may be relative
to the registry's own address, when the store is served by the registry itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NewType, Protocol

ETag = NewType("ETag", str)
"""Without its quotes: 32 hexadecimal digits, with `-N` behind them for an object made of N parts."""

UploadId = NewType("UploadId", str)


@dataclass(frozen=True, slots=True)
class CompletedPart:
    """One part as the client names it when it completes an upload."""

    number: int
    etag: ETag


class StoreUnusableError(RuntimeError):
    """The store cannot be used as it is configured, and waiting would not mend it."""


class ObjectReader(Protocol):
    """One version of one object, held until closed, whatever happens to the key meanwhile."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def etag(self) -> ETag: ...

    @property
    def modified(self) -> datetime: ...

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset`; fewer at the end of a piece, none only at the end of the object.

        A store in a network may take offsets in ascending order only.
        """

    def close(self) -> None: ...


class ObjectWriter(Protocol):
    """Bytes on their way in; nothing of them is to be seen before `commit`."""

    def write(self, data: Sequence[bytes]) -> None: ...

    def commit(self) -> ETag:
        """Puts the bytes in place, in one step."""

    def abort(self) -> None:
        """Forgets the bytes; does nothing after `commit`."""


class ObjectStore(Protocol):
    """Where archives are kept, by key."""

    @property
    def signs_at_once(self) -> bool:
        """Whether presigning never waits: for nobody, no disk and no lock that is held for long."""

    def presign_get(self, key: str) -> str: ...

    def presign_put(self, key: str) -> str: ...

    def presign_part(self, key: str, upload_id: UploadId, part_number: int) -> str:
        """Not checked: whether the upload exists is found out when the URL is used."""

    def create_multipart(self, key: str) -> UploadId: ...

    def complete_multipart(self, key: str, upload_id: UploadId, parts: Sequence[CompletedPart]) -> ETag:
        """Makes the object of exactly these parts, in one step; an object of that key is replaced.

        Raises ObjectError: NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall, MalformedXML.
        """

    def open(self, key: str) -> ObjectReader:
        """Raises ObjectError (NoSuchKey)."""

    def writer(self, key: str) -> ObjectWriter:
        """Makes the whole object in one go."""

    def close(self) -> None:
        """Ends what the store holds open; no call comes after it."""

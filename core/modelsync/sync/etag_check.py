"""Whether the bytes that arrive are those that the object's ETag was made of.

How it works: S3 makes the ETag of an object that was uploaded in N parts of their MD5s, as `md5(md5s)-N` (contract
4.3), and that of any other one is its MD5. Each part is hashed as it comes, in order; parts may come side by side.
Where the upload's part size is not known, the usual ones that give N parts are candidates, 100 MiB first.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from modelsync.archive.index import ArchiveIndex
from modelsync.errors import IntegrityError
from modelsync.tag import Tag
from modelsync.transfer.download import Head, Sink
from modelsync.transfer.parts import MiB

BENTOML_PART_SIZE = 100 * MiB
"""What bentoml's own client uploads in (contract 3.1)."""
OTHER_PART_SIZES = tuple(size * MiB for size in (8, 16, 64, 5, 10, 32, 15, 20, 25, 50, 128, 256, 512, 1024))
"""What other programs upload in, the likelier ones first."""
_ETAG = re.compile(r'"?([0-9a-f]{32})(?:-([1-9][0-9]{0,4}))?"?')


@dataclass(frozen=True, slots=True)
class UploadParts:
    """What an ETag was made of."""

    digest: str
    """In hexadecimal digits."""
    total_bytes: int
    part_size: int
    many: bool
    """Whether it is the MD5 of MD5s."""
    certain: bool
    """Whether the part size is a fact and not a guess, so that other bytes alone can lead to another ETag."""

    def range_bytes(self, usual: int) -> int:
        """The size for ranges that never share a part: as many whole parts as `usual` holds, at least one."""
        return max(1, usual // self.part_size) * self.part_size


@dataclass(frozen=True, slots=True)
class NotComparable:
    """Nothing can be said of the bytes by the ETag."""

    reason: str
    """A clause that goes on after a colon."""


def upload_parts(head: Head, index: ArchiveIndex | None) -> UploadParts | NotComparable:
    """What the ETag was made of, by itself, the object's size and the archive's index."""
    if head.etag is None:
        return NotComparable("the store names no ETag")
    if head.encrypted:
        return NotComparable("the object is encrypted with a key of its own, so its ETag is not made of MD5s")
    match = _ETAG.fullmatch(head.etag)
    if match is None or head.total_bytes is None:
        return NotComparable("its ETag is not made of MD5s")
    digest, total = match[1], head.total_bytes
    if match[2] is None:
        return UploadParts(digest, total, max(1, total), many=False, certain=True)
    count = int(match[2])
    if count == 1:
        return UploadParts(digest, total, max(1, total), many=True, certain=True)
    told = index.part_size if index else BENTOML_PART_SIZE
    for size in (told, BENTOML_PART_SIZE, *OTHER_PART_SIZES):
        if size and -(-total // size) == count:
            return UploadParts(digest, total, size, many=True, certain=size == told)
    return NotComparable("the size of the parts it was uploaded in is not known")


class EtagCheck:
    """Hashes what passes on its way to a sink. Each part comes in order, from one thread at a time, each byte once."""

    def __init__(self, parts: UploadParts, sink: Sink) -> None:
        self._parts = parts
        self._sink = sink
        count = max(1, -(-parts.total_bytes // parts.part_size))
        self._digests = [hashlib.md5(usedforsecurity=False) for _ in range(count)]
        self._came = [number * parts.part_size for number in range(count)]

    def write_all(self, offset: int, data: memoryview, stopped: Callable[[], None]) -> None:
        """As the sink's. Raises IntegrityError for bytes beyond the object's size, as a stream may bring them, and
        ValueError for bytes that do not go on where their part has come to.
        """
        self._sink.write_all(offset, data, stopped)
        size = self._parts.part_size
        while data:
            number = offset // size
            if number >= len(self._came):
                raise IntegrityError(
                    f"More came than the {self._parts.total_bytes} bytes that the object's store told.",
                    hint="Try again; if that does not help, push it again with force.",
                )
            if self._came[number] != offset:
                raise ValueError(f"part {number + 1} does not go on at {offset}")
            piece = data[: (number + 1) * size - offset]
            self._digests[number].update(piece)
            offset += len(piece)
            self._came[number] = offset
            data = data[len(piece) :]

    def verified(self, tag: Tag) -> bool:
        """Whether all bytes came and are those of the ETag; False where a guessed part size may be what is wrong.

        Raises IntegrityError when the bytes are others.
        """
        if self._matches():
            return True
        if not self._parts.certain:
            return False
        raise IntegrityError(
            f"The content of {tag} in the registry is damaged: it is not what its ETag was made of.",
            hint="Nothing was installed. Push it again with force, or ask who pushed it.",
        )

    def _matches(self) -> bool:
        if self._parts.many:
            whole = hashlib.md5(b"".join(part.digest() for part in self._digests), usedforsecurity=False).hexdigest()
        else:
            whole = self._digests[0].hexdigest()
        return self._came[-1] == self._parts.total_bytes and whole == self._parts.digest

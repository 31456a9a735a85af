"""A compressed archive (gzip, xz, bzip2), decompressed in order as it arrives, bounded in memory and size."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final, Protocol, assert_never

from modelsync.archive.incoming import IncomingArchive
from modelsync.archive.settle import Unpacked
from modelsync.errors import ArchiveError

_PIECE_BYTES: Final = 1 << 20
_XZ_MEMORY_BYTES: Final = 160 << 20
"""More than any preset of xz needs (65 MiB); a dictionary beyond it is refused."""
_HINT: Final = "Try again; if that does not help, push it again with force."
MAGIC_BYTES: Final = 6
"""So many of the first bytes tell how an archive is compressed."""


class Compression(StrEnum):
    """How an archive is compressed; the names are for people."""

    GZIP = "gzip"
    XZ = "xz"
    BZIP2 = "bzip2"


def compression_of(head: bytes | bytearray | memoryview) -> Compression | None:
    """Told by the first MAGIC_BYTES; None for a plain archive."""
    first = bytes(head[:MAGIC_BYTES])
    if first.startswith(b"\x1f\x8b\x08"):
        return Compression.GZIP
    if first.startswith(b"\xfd7zXZ\0"):
        return Compression.XZ
    if first.startswith(b"BZh"):
        return Compression.BZIP2
    return None


class StreamUnpacker:
    """Takes the compressed bytes in order, from one thread. The archive must not know a total."""

    def __init__(self, archive: IncomingArchive, compression: Compression, *, max_bytes: int) -> None:
        """`max_bytes`: an archive that expands beyond it is refused, so that a bomb does not fill the disk."""
        self._archive = archive
        self._compression = compression
        self._max_bytes = max_bytes
        self._decoder = _decoder(compression)
        self._expanded_bytes = 0

    @property
    def expanded_bytes(self) -> int:
        return self._expanded_bytes

    def write(self, data: bytes | memoryview) -> None:
        """The next compressed bytes. Raises ArchiveError for a damaged stream, and what the archive does."""
        rest = bytes(data)
        while rest:
            if self._decoder.ended:
                # Streams may follow one another, and zeros may pad the end.
                rest = rest.lstrip(b"\0")
                if not rest:
                    return
                self._decoder = _decoder(self._compression)
            self._take(rest)
            rest = self._decoder.unused if self._decoder.ended else b""

    def finish(self, stopped: Callable[[], None] = lambda: None) -> Unpacked:
        """As `IncomingArchive.finish`; raises ArchiveError also when the compressed stream is cut."""
        if not self._decoder.ended:
            raise ArchiveError(f"The archive is cut: its {self._compression} stream does not end.", hint=_HINT)
        return self._archive.finish(self._expanded_bytes, stopped)

    def _take(self, data: bytes) -> None:
        try:
            for piece in self._decoder.pieces(data):
                self._write(piece)
        except (zlib.error, lzma.LZMAError, OSError, EOFError) as exc:
            raise ArchiveError(f"The archive's {self._compression} stream is damaged: {exc}.", hint=_HINT) from exc

    def _write(self, piece: bytes) -> None:
        if self._expanded_bytes + len(piece) > self._max_bytes:
            raise ArchiveError(
                f"The archive expands to more than {self._max_bytes} bytes, beyond what the registry says of it.",
                hint="Nothing was installed; ask whoever pushed this version.",
            )
        if piece:
            self._archive.write(self._expanded_bytes, piece)
            self._expanded_bytes += len(piece)


class _Decoder(Protocol):
    @property
    def ended(self) -> bool: ...

    @property
    def unused(self) -> bytes:
        """Input that stands behind the end of the stream."""
        ...

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """All that this input expands to, at most `_PIECE_BYTES` at a time."""
        ...


class _Gzip:
    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(wbits=31)

    @property
    def ended(self) -> bool:
        return self._decoder.eof

    @property
    def unused(self) -> bytes:
        return self._decoder.unused_data

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while not self._decoder.eof:
            piece = self._decoder.decompress(data, _PIECE_BYTES)
            yield piece
            data = self._decoder.unconsumed_tail
            if not data and len(piece) < _PIECE_BYTES:
                return


class _Buffering:
    """xz and bzip2, whose decoders keep the input they have not used yet."""

    def __init__(self, decoder: lzma.LZMADecompressor | bz2.BZ2Decompressor) -> None:
        self._decoder = decoder

    @property
    def ended(self) -> bool:
        return self._decoder.eof

    @property
    def unused(self) -> bytes:
        return self._decoder.unused_data

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while not self._decoder.eof:
            yield self._decoder.decompress(data, _PIECE_BYTES)
            data = b""
            if self._decoder.needs_input:
                return


def _decoder(compression: Compression) -> _Decoder:
    match compression:
        case Compression.GZIP:
            return _Gzip()
        case Compression.XZ:
            return _Buffering(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES))
        case Compression.BZIP2:
            return _Buffering(bz2.BZ2Decompressor())
        case _:
            assert_never(compression)

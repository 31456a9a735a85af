"""An archive that comes as one stream of unknown length: plain or compressed, told by its first bytes."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from modelsync.archive.incoming import IncomingArchive
from modelsync.archive.settle import Unpacked
from modelsync.archive.unpack_stream import MAGIC_BYTES, StreamUnpacker, compression_of


class StreamArrival:
    """Hands a stream on while it arrives; pieces come in order, from one thread at a time."""

    def __init__(self, archive: IncomingArchive, *, max_bytes: int) -> None:
        """`archive` knows no total. `max_bytes` bounds what a compressed one may expand to."""
        self._archive = archive
        self._max_bytes = max_bytes
        self._first = bytearray()
        self._compressed: StreamUnpacker | None = None
        self._came = 0
        self._plain_bytes = 0
        self._told = False

    def write_all(self, offset: int, data: memoryview, stopped: Callable[[], None]) -> None:
        """Takes the next piece; raises ValueError when it does not begin where the last one ended."""
        if offset != self._came:
            raise ValueError(f"a stream goes on at {self._came}, not at {offset}")
        self._came += len(data)
        if self._told:
            self._take(data, stopped)
            return
        self._first += data
        if len(self._first) >= MAGIC_BYTES:
            self._tell(stopped)

    @property
    def plain_bytes(self) -> int:
        """How much of the archive came, decompressed."""
        return self._compressed.expanded_bytes if self._compressed is not None else self._plain_bytes

    def finish(self, stopped: Callable[[], None] = lambda: None) -> Unpacked:
        """As `IncomingArchive.finish`."""
        if not self._told:
            self._tell(stopped)
        if self._compressed is not None:
            return self._compressed.finish(stopped)
        return self._archive.finish(self._plain_bytes, stopped)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    def _tell(self, stopped: Callable[[], None]) -> None:
        self._told = True
        compression = compression_of(bytes(self._first))
        if compression is not None:
            self._compressed = StreamUnpacker(self._archive, compression, max_bytes=self._max_bytes)
        first = memoryview(bytes(self._first))
        self._first.clear()
        self._take(first, stopped)

    def _take(self, data: memoryview, stopped: Callable[[], None]) -> None:
        if self._compressed is not None:
            self._compressed.write(data)
        else:
            self._archive.write_all(self._plain_bytes, data, stopped)
            self._plain_bytes += len(data)

"""An archive that arrives in pieces, at any offset and from several threads, written straight to its final place."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from modelsync.archive.checkpoint import Checkpoint as Checkpoint  # part of this module's interface
from modelsync.archive.checkpoint import Start, encode_members
from modelsync.archive.incoming import WINDOW_BYTES, IncomingArchive
from modelsync.archive.index import ArchiveIndex
from modelsync.archive.safe_names import FileSystem
from modelsync.archive.settle import settle
from modelsync.archive.table import MemberTable
from modelsync.archive.target_files import TargetFiles, rows_missing

_ENCODING_SHARE: Final = 1 / 20
"""Of the time, at most so much goes into writing down members again and again while further ones become known."""
_EVERYWHERE: Final = 1 << 62


class Unpacker(IncomingArchive):
    """One archive on its way into one directory."""

    def __init__(
        self,
        directory: Path,
        *,
        total_bytes: int | None,
        index: ArchiveIndex | None = None,
        window_bytes: int = WINDOW_BYTES,
    ) -> None:
        """`directory` exists and is empty. `total_bytes` is None when the sender does not tell: pieces then come in
        order. `window_bytes` bounds the memory for pieces that come too early.
        """
        table = index.table if index else MemberTable()
        self._begin(directory, total_bytes, Start(table, whole=index is not None), window_bytes)

    @classmethod
    def resume(cls, directory: Path, *, total_bytes: int, checkpoint: Checkpoint) -> "Unpacker":
        """Goes on in a directory that an earlier unpacker of the same archive has left.

        Files that are gone since are taken out of what is done. Raises StoreError for a checkpoint that cannot be read.
        """
        unpacker = cls.__new__(cls)
        unpacker._begin(directory, total_bytes, Start.of(checkpoint), WINDOW_BYTES)
        return unpacker

    def _begin(self, directory: Path, total_bytes: int | None, start: Start, window_bytes: int) -> None:
        path = os.path.realpath(os.fsencode(directory))
        file_system = FileSystem.of(path)
        table = start.table
        self._files = TargetFiles(path, table, resumed=start.resumed)
        self._encoded = (-1, 0, b"")
        """How many members were written down, up to where what is done can be told by them, and they."""
        self._encode_after = 0.0
        super().__init__(self._files, file_system, start, total_bytes, window_bytes)
        for row in rows_missing(self._files, table, self._done):
            self._done.remove(table.data_at[row], table.data_at[row] + table.sizes[row])

    def done(self) -> tuple[tuple[int, int], ...]:
        """Ranges of the archive that are where they belong (not necessarily on the disk yet: see `checkpoint`)."""
        with self._changed, self._done_lock:
            if self._check is None:
                # The end of an archive is read again on resume: no member stands for it.
                limit = self._table.members_end
                return tuple((start, min(end, limit)) for start, end in self._done if start < limit)
            return tuple(self._done)

    def checkpoint(self, *, sync: bool = True, exact: bool = True) -> Checkpoint:
        """What is done now, after bringing it to the disk; takes as long as the disk does.

        Without `sync` it holds for a later process, but not after a loss of power. Without `exact` it may leave out
        what came with members that have just become known: writing down 100,000 of them takes a tenth of a second.
        """
        done = self.done()
        until, members = self._encoded_members(exact=exact)
        if sync:
            self._files.sync()
        return Checkpoint(tuple((start, min(end, until)) for start, end in done if start < until), members)

    def _settle(self, stopped: Callable[[], None]) -> tuple[int, int]:
        """Makes what has no bytes of its own, and sets times; the directory is not synced."""
        return settle(self._table, self._files, stopped)

    def _encoded_members(self, *, exact: bool) -> tuple[int, bytes]:
        with self._changed:
            count = len(self._table)
            now = time.monotonic()
            if self._encoded[0] != count and (exact or now >= self._encode_after):
                whole = self._check is not None
                members = encode_members(self._table, whole, self._scanner.global_records)
                self._encoded = (count, _EVERYWHERE if whole else self._table.members_end, members)
                took = time.monotonic() - now
                self._encode_after = now + took / _ENCODING_SHARE
            return self._encoded[1:]

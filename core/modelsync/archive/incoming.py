"""An archive that arrives in pieces, at any offset and from several threads, each piece handed to where it belongs.

How it works: a table says which file a byte of the archive belongs to. With an index the table is whole from the start,
and real headers are compared with it as they come. Without one, a frontier hops from header to header: what lies below
it is placed at once; a piece beyond it is kept if it is near (LookAhead), else the thread that brought it has to wait.
The thread that brings the frontier's own bytes never waits, so it always moves while its part is being read.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from modelsync.archive.checkpoint import Start
from modelsync.archive.destination import Destination
from modelsync.archive.header_check import HeaderCheck
from modelsync.archive.look_ahead import LookAhead
from modelsync.archive.members import HeaderScanner, Member, ScanResult, quoted
from modelsync.archive.ranges import Ranges
from modelsync.archive.safe_names import FileSystem, NameTree, leads_out, normal_name, refused, shown
from modelsync.archive.settle import Unpacked, cut_sentence
from modelsync.archive.table import BLOCK_BYTES, END_BYTES, Kind, MemberTable, padded
from modelsync.errors import ArchiveError, ModelsyncError

WINDOW_BYTES: Final = 16 * 1024 * 1024
_EVERYWHERE: Final = 1 << 62
_WAKE_S: Final = 0.1
_AGAIN_HINT: Final = "Try again; if that does not help, push it again with force."


class IncomingArchive(ABC):
    """One archive on its way to one destination. Every method may be called from any thread.

    After an error in one thread every other one gets the same error. `finish` and `close` are called once no thread
    writes any more.
    """

    def __init__(
        self,
        destination: Destination,
        file_system: FileSystem,
        start: Start,
        total_bytes: int | None,
        window_bytes: int = WINDOW_BYTES,
    ) -> None:
        """`total_bytes` is None when the sender does not tell: pieces then come in order. `window_bytes` bounds the
        memory for pieces that come too early. `file_system` says which names meet in one file.
        """
        table = start.table
        self._total_bytes = total_bytes
        self._table = table
        self._names = NameTree(file_system)
        self._destination = destination
        self._changed = threading.Condition()
        self._failure: ModelsyncError | None = None
        self._look_ahead = LookAhead(window_bytes)
        self._scanner = HeaderScanner(start.records)
        self._partial = bytearray()
        self._check = HeaderCheck(table) if start.whole else None
        self._known = _EVERYWHERE if start.whole else table.members_end
        self._chain_at = table.members_end
        """Where the headers of the next member begin."""
        self._tail_at = table.members_end if start.whole else None
        """Where the zero blocks that end the archive begin, once known."""
        self._done_lock = threading.Lock()
        self._done = Ranges(start.done)
        try:
            self._claim_known_members()
        except BaseException:
            destination.close()
            raise

    @abstractmethod
    def _settle(self, stopped: Callable[[], None]) -> tuple[int, int]:
        """What is to be done when all bytes have come; returns how many files the archive holds, and their bytes.

        Calls `stopped`, which may raise, while it takes long.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of every file."""
        self._destination.close()

    @property
    def members(self) -> MemberTable:
        """What is known of its members by now; only to be read."""
        return self._table

    @property
    def known_until(self) -> int:
        """Every byte of the archive before this offset has its place; a huge number once all members are known."""
        return self._known

    @property
    def all_known(self) -> bool:
        """Whether every member is known: by the index, or because the archive's end was seen."""
        return self._tail_at is not None

    @property
    def done_bytes(self) -> int:
        """Bytes of the archive that are where they belong."""
        with self._done_lock:
            return self._done.total

    def write(self, offset: int, data: bytes | bytearray | memoryview) -> int:
        """Takes a piece of the archive; never waits. Returns its length, or 0 when it comes too early (see `wait`).

        The buffer is the caller's again when this returns. Bytes that came before are harmless. Raises ArchiveError,
        UnsafeArchiveError, NoSpaceError, StoreError, each naming the file.
        """
        view = memoryview(data)
        try:
            return self._write(offset, view)
        except ModelsyncError as exc:
            exc.hint = exc.hint or _AGAIN_HINT
            self.fail(exc)
            raise

    def wait(self, offset: int, length: int, stopped: Callable[[], None]) -> None:
        """Returns when `write` would take a piece; `stopped` is called at least ten times a second and may raise.

        Whoever waits here holds up its part. The part at `known_until` must be with some thread that reads it, or
        nobody gets on: hand parts out in ascending order, and a part that is to be tried again before any other.
        """
        with self._changed:
            while True:
                self._raise_failure()
                stopped()
                if offset <= self._known or self._look_ahead.fits(self._known, offset, length):
                    return
                self._changed.wait(_WAKE_S)

    def write_all(self, offset: int, data: bytes | bytearray | memoryview, stopped: Callable[[], None]) -> None:
        """Takes a piece, waiting for its turn where it must."""
        while not self.write(offset, data) and len(data):
            self.wait(offset, len(data), stopped)

    def wake(self) -> None:
        """Makes every waiting thread call its `stopped` at once."""
        with self._changed:
            self._changed.notify_all()

    def fail(self, error: ModelsyncError) -> None:
        """Every later and every waiting call raises this error; the first one counts."""
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def finish(self, total_bytes: int | None = None, stopped: Callable[[], None] = lambda: None) -> Unpacked:
        """Checks that the archive is whole, and ends what is to be done with it.

        `total_bytes` is how much came, where the sender had not told; `stopped` is called while the end takes long,
        and may raise. Raises ArchiveError when a byte is missing or the two zero blocks at the end are,
        UnsafeArchiveError for links that lead out.
        """
        self._raise_failure()
        total = self._total_bytes if self._total_bytes is not None else total_bytes
        if total is None:
            raise ValueError("the total must be known by now")
        self._check_whole(total)
        files, content_bytes = self._settle(stopped)
        self.close()
        return Unpacked(files=files, content_bytes=content_bytes, archive_bytes=total)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _write(self, offset: int, view: memoryview) -> int:
        end = offset + len(view)
        self._raise_failure()
        if self._total_bytes is not None and end > self._total_bytes:
            raise ArchiveError(
                f"More came than the archive's {self._total_bytes} bytes: {quoted(bytes(view[-BLOCK_BYTES:]))}.",
                hint=_AGAIN_HINT,
            )
        if self._known < end:
            with self._changed:
                if self._known < offset:
                    if not self._look_ahead.fits(self._known, offset, len(view)):
                        return 0
                    self._look_ahead.keep(offset, view)
                    return len(view)
                # All headers first, then the data: others can go on while this thread writes.
                self._scan(offset, view)
                while piece := self._look_ahead.at(self._known):
                    self._scan(*piece)
                self._changed.notify_all()
        self._place(offset, view)
        if self._look_ahead:
            self._place_kept()
        return len(view)

    def _place_kept(self) -> None:
        while True:
            with self._changed:
                piece = self._look_ahead.take_below(self._known)
            if piece is None:
                return
            self._place(*piece)
            with self._changed:
                self._look_ahead.release(piece[0])
                self._changed.notify_all()

    def _scan(self, offset: int, view: memoryview) -> None:
        """Moves the frontier through a piece as far as its headers tell."""
        end = offset + len(view)
        while offset <= self._known < end:
            start = self._known - offset
            if not self._partial and (usual := self._scanner.accept_usual(view, start)):
                name, kind, size, mtime_ns, data_at = usual
                self._add(name, kind, size, mtime_ns, b"", offset + data_at)
                continue
            taken = min(self._scanner.wanted - len(self._partial), end - self._known)
            self._partial += view[start : start + taken]
            self._known += taken
            if len(self._partial) < self._scanner.wanted:
                return
            block = bytes(self._partial)
            self._partial.clear()
            match self._scanner.accept(block, self._known - len(block)):
                case Member(name, kind, size, mtime_ns, link):
                    if self._chain_at < offset:
                        self._count(self._chain_at, self._known)  # what came before is no longer at hand
                    self._add(name, kind, size, mtime_ns, link, self._known)
                case ScanResult.END:
                    self._tail_at = self._chain_at
                    self._count(self._chain_at, self._known)
                    self._known = _EVERYWHERE
                case ScanResult.MORE:
                    continue

    def _add(self, name: bytes, kind: Kind, size: int, mtime_ns: int, link: bytes, data_at: int) -> None:
        """A member whose headers were read: its data, which begins here, has a place from now on."""
        if self._total_bytes is not None and data_at + size > self._total_bytes:
            raise ArchiveError(
                f"The archive is cut: it ends inside {shown(name)}, after {self._table.files} whole files.",
                hint=_AGAIN_HINT,
            )
        self._claim(name, kind, link)
        self._table.append(name, kind, size, mtime_ns, link, data_at)
        self._destination.grow()
        self._chain_at = self._known = data_at + padded(size)

    def _claim(self, name: bytes, kind: Kind, link: bytes) -> None:
        made = self._names.claim(name, kind)
        if kind is Kind.SYMLINK and leads_out(name, link):
            raise refused(name, f"a link that leads out of the model, to {shown(link)}")
        for directory in made:
            self._destination.make_directory(directory)

    def _claim_known_members(self) -> None:
        for row in range(len(self._table)):
            name = self._table.name(row)
            if normal_name(name) != name:
                raise refused(name, "a name that is not written plainly")
            self._claim(name, self._table.kind(row), self._table.link(row))
        if self._check is not None:
            self._names = NameTree(FileSystem())  # all names are claimed; they are most of the memory

    def _place(self, offset: int, view: memoryview) -> None:
        """Puts bytes below the frontier where they belong."""
        table, data_at, sizes, write = self._table, self._table.data_at, self._table.sizes, self._destination.write
        end = offset + len(view)
        counted = position = offset
        row = table.find(offset)
        while position < end:
            if row >= 0:
                at, size = data_at[row], sizes[row]
                if position < at + size:
                    stop = min(end, at + size)
                    write(row, position - at, view[position - offset : stop - offset])
                    position = stop
                    continue
                if position < (member_end := at + padded(size)):
                    position = min(end, member_end)
                    continue
            if row + 1 < len(data_at):
                row += 1
                stop = min(end, data_at[row])
                if self._check:
                    header_at = table.header_at(row)
                    if not self._check.take(row, position, view[position - offset : stop - offset]):
                        self._count(counted, position)
                        counted = stop
                    elif (position, stop) != (header_at, data_at[row]):
                        self._count(header_at, data_at[row])  # with what came of it in another piece
                position = stop
            elif self._tail_at is not None:
                self._check_tail(view[position - offset :])
                position = end
            else:
                break  # the beginning of a header: it counts when it is whole
        self._count(counted, position)

    def _count(self, start: int, end: int) -> None:
        with self._done_lock:
            self._done.add(start, end)

    def _check_tail(self, view: memoryview) -> None:
        rubbish = bytes(view).strip(b"\0")
        if rubbish:
            raise ArchiveError(f"Something stands behind the archive's end: {quoted(rubbish)}.", hint=_AGAIN_HINT)

    def _check_whole(self, total: int) -> None:
        with self._done_lock:
            missing = list(self._done.missing(0, total))
        if self._tail_at is None or missing or total - self._tail_at < END_BYTES:
            sentence = cut_sentence(self._table, self._destination, self._done, total, bytes(self._partial))
            if self._tail_at is not None and not missing:
                sentence = "The archive is cut: the two empty blocks at its end are not whole."
            raise ArchiveError(sentence, hint=_AGAIN_HINT)

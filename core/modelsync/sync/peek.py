"""Peek: what the registry's archive of a version holds, without pulling it.

How it works: the archive's first MiB has its index, where it carries one. Where it carries none, its headers are read
one after the other, over the content between them. A file is then one small range of the archive.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from modelsync.archive.index import ArchiveIndex, read_index
from modelsync.archive.safe_names import shown
from modelsync.archive.table import Kind, MemberTable
from modelsync.archive.unpack_stream import compression_of
from modelsync.archive.walk import HeaderWalk
from modelsync.comparison import Verdict, decide_pull
from modelsync.errors import TransferError
from modelsync.model import ModelFile, RemoteModel
from modelsync.registry.schemas import ETag
from modelsync.results import NotListed, RemoteFiles
from modelsync.store.files import Beginning
from modelsync.sync.sides import Sides
from modelsync.sync.source import Source, open_source
from modelsync.transfer.control import Control
from modelsync.transfer.download import HEAD_BYTES, Fetch, Head
from modelsync.transfer.parts import MiB, Part
from modelsync.transfer.progress import PartProgress
from modelsync.transfer.workers import Workers

PEEK_TRIES = 3
"""Someone is looking at the screen: trouble is told after seconds, where a transfer would try for minutes."""
HOP_BYTES = 64 << 10
"""Asked for at a time on the way from header to header: small files and their headers come together."""
PEEK_HOPS_MAX = 256
"""Beyond so many requests a look would be none."""
STREAM_READ_MAX_BYTES = 8 * MiB
"""How far a stream without ranges is read to come to one file."""


def remote_files(remote: RemoteModel, sides: Sides, *, control: Control | None = None) -> RemoteFiles | NotListed:
    """The files of a version in the registry: from its archive's index, else from its headers.

    Reads 1 MiB, and at most PEEK_HOPS_MAX pieces of HOP_BYTES more. Raises TransferError for a version without content
    (an upload that never ended, a reference), ArchiveError for what is no archive, the errors of the registry and of
    the data path, or Cancelled.
    """
    control = control or Control()
    source = _open(remote, sides, control)
    if not source.signed:
        return _of_stream(_beginning_of_stream(source.fetch, Workers(1), control))
    head = source.fetch.head(control, PartProgress(1, 0, 0))
    index = read_index(head.data, head.total_bytes)
    if index is not None:
        return _listed(index.table, head.etag)
    if not head.ranged or head.total_bytes is None or compression_of(head.data) is not None:
        return _of_stream(head.data)
    return _walked(source.fetch, head, head.total_bytes, control)


def read_remote(
    remote: RemoteModel, files: RemoteFiles, name: str, max_bytes: int, sides: Sides, *, control: Control | None = None
) -> Beginning:
    """At most `max_bytes` from the start of a file in the registry, by what `remote_files` found.

    Raises TransferError for a link and for a file that lies too far in an archive without ranges, RemoteChangedError
    when someone pushed the version again meanwhile, and what `remote_files` raises.
    """
    control = control or Control()
    place = files.places.get(name)
    if place is None:
        raise TransferError(f"{shown(name.encode())} is a link.", hint="Read the file that it leads to.")
    at, size = place
    wanted = min(size, max_bytes)
    if not wanted:
        return Beginning(b"", size)
    source = _open(remote, sides, control)
    piece = _Piece(at, at + wanted, stops=not source.signed)
    if source.signed:
        counters = [PartProgress(1, at, wanted)]
        source.fetch.ranges([Part(1, at, wanted)], counters, piece, files.etag, Workers(1), control)
    elif at + wanted > STREAM_READ_MAX_BYTES:
        raise TransferError(
            f"{shown(name.encode())} lies too far in the archive, which this registry passes on in one stream.",
            hint="Pull the version to read it.",
        )
    else:
        with suppress(_Enough):
            source.fetch.stream(piece, PartProgress(1, 0, 0), Workers(1), control)
    return Beginning(bytes(piece.data), size)


def index_of_stream(fetch: Fetch, workers: Workers, control: Control) -> ArchiveIndex | None:
    """The index of an archive that comes in one stream; reads no further than an index reaches."""
    return read_index(_beginning_of_stream(fetch, workers, control))


def _open(remote: RemoteModel, sides: Sides, control: Control) -> Source:
    decision = decide_pull(None, remote)
    if decision.verdict is Verdict.REFUSE or remote.tag is None:
        raise TransferError(f"The registry holds no files of {remote.tag_text}: {decision.reason}.")
    patience = replace(sides.retry, tries=min(PEEK_TRIES, sides.retry.tries))
    return open_source(replace(sides, retry=patience), remote, remote.tag, control)


def _beginning_of_stream(fetch: Fetch, workers: Workers, control: Control) -> bytearray:
    piece = _Piece(0, HEAD_BYTES, stops=True)
    with suppress(_Enough):
        fetch.stream(piece, PartProgress(1, 0, 0), workers, control)
    return piece.data


def _of_stream(data: bytes | bytearray) -> RemoteFiles | NotListed:
    """By an index, or by the headers where they are all within the beginning."""
    index = read_index(data)
    if index is not None:
        return _listed(index.table, None)
    if compression := compression_of(data):
        return NotListed(f"The archive is compressed with {compression}: its files are listed after a pull.")
    walk = HeaderWalk()
    walk.take(0, data)
    if walk.ended:
        return _listed(walk.table, None)
    return NotListed("The registry passes the archive on in one stream: its files are listed after a pull.")


def _walked(fetch: Fetch, head: Head, total: int, control: Control) -> RemoteFiles | NotListed:
    walk, workers = HeaderWalk(), Workers(1)
    walk.take(0, head.data)
    hops = 0
    while not walk.ended and (at := walk.next_at) < total:
        hops += 1
        if hops > PEEK_HOPS_MAX:
            return NotListed(f"It has more than {len(walk.table):,} files: they are listed after a pull.")
        end = min(at + max(HOP_BYTES, walk.wanted), total)
        piece = _Piece(at, end)
        counters = [PartProgress(hops, at, end - at)]
        part = Part(hops, at, end - at)
        fetch.ranges([part], counters, piece, head.etag, workers, control, total_bytes=total)
        walk.take(at, piece.data)
        if walk.next_at == at:
            break  # the archive is cut within a header
    return _listed(walk.table, head.etag)


def _listed(table: MemberTable, etag: ETag | None) -> RemoteFiles:
    sizes: dict[bytes, tuple[int, int]] = {}
    files: dict[str, ModelFile] = {}
    places: dict[str, tuple[int, int]] = {}
    for row in range(len(table)):
        kind, raw = table.kind(row), table.name(row)
        if kind is Kind.DIRECTORY:
            continue
        place = (int(table.data_at[row]), int(table.sizes[row]))
        if kind is Kind.HARDLINK:
            place = sizes.get(table.link(row), (0, 0))  # it has the content of what it links to
        sizes[raw] = place
        name = raw.decode("utf-8", "backslashreplace")
        is_link = kind is Kind.SYMLINK
        files[name] = ModelFile(name, None if is_link else place[1])
        if is_link:
            places.pop(name, None)
        else:
            places[name] = place
    return RemoteFiles(tuple(files[name] for name in sorted(files)), etag, places)


class _Enough(Exception):  # noqa: N818 - it is no error: it ends a stream of which no more is wanted
    """The piece has come."""


class _Piece:
    """Takes one piece out of what comes in order, and then no more."""

    def __init__(self, start: int, end: int, *, stops: bool = False) -> None:
        """`stops`: raises _Enough when all of it has come, for a stream that would go on."""
        self._start, self._end, self._stops = start, end, stops
        self.data = bytearray()

    def write_all(self, offset: int, data: memoryview, _stopped: Callable[[], None]) -> None:
        begin, end = max(offset, self._start + len(self.data)), min(offset + len(data), self._end)
        if begin < end:
            self.data += data[begin - offset : end - offset]
        if self._stops and self._start + len(self.data) >= self._end:
            raise _Enough

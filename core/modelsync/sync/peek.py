"""Peek: what the registry's archive of a version holds, without pulling it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from modelsync.archive.index import ArchiveIndex, read_head
from modelsync.archive.table import Kind
from modelsync.comparison import Verdict, decide_pull
from modelsync.errors import TransferError
from modelsync.model import ModelFile, RemoteModel
from modelsync.sync.sides import Sides
from modelsync.sync.source import open_source
from modelsync.transfer.control import Control
from modelsync.transfer.download import HEAD_BYTES, Fetch
from modelsync.transfer.progress import PartProgress
from modelsync.transfer.workers import Workers

PEEK_TRIES = 3
"""Someone is looking at the screen: trouble is told after seconds, where a transfer would try for minutes."""


def remote_files(remote: RemoteModel, sides: Sides, *, control: Control | None = None) -> tuple[ModelFile, ...] | None:
    """The files of a version in the registry, sorted by name, from the index at its archive's start: one read.

    None where the archive carries no index: one that another program pushed. Raises TransferError for a version
    without content (an upload that never ended, a reference), the errors of the registry and of the data path, or
    Cancelled.
    """
    control = control or Control()
    decision = decide_pull(None, remote)
    if decision.verdict is Verdict.REFUSE or remote.tag is None:
        raise TransferError(f"The registry holds no files of {remote.tag_text}: {decision.reason}.")
    patience = replace(sides.retry, tries=min(PEEK_TRIES, sides.retry.tries))
    source = open_source(replace(sides, retry=patience), remote, remote.tag, control)
    if source.signed:
        head = source.fetch.head(control, PartProgress(1, 0, 0))
        index = read_head(head.data, head.total_bytes).index
    else:
        index = index_of_stream(source.fetch, sides.workers, control)
    return None if index is None else _files(index)


def index_of_stream(fetch: Fetch, workers: Workers, control: Control) -> ArchiveIndex | None:
    """The index of an archive that comes in one stream; reads no further than an index reaches."""
    beginning = _Beginning()
    with suppress(_Enough):
        fetch.stream(beginning, PartProgress(1, 0, 0), workers, control)
    return read_head(beginning.data).index


def _files(index: ArchiveIndex) -> tuple[ModelFile, ...]:
    table = index.table
    sizes = {table.name(row): table.sizes[row] for row in range(len(table))}
    found = []
    for row in range(len(table)):
        kind, size = table.kind(row), int(table.sizes[row])
        if kind is Kind.DIRECTORY:
            continue
        if kind is Kind.HARDLINK:
            size = int(sizes.get(table.link(row), 0))  # it has the content of what it links to
        name = table.name(row).decode("utf-8", "backslashreplace")
        found.append(ModelFile(name, None if kind is Kind.SYMLINK else size))
    return tuple(sorted(found, key=lambda file: file.name))


class _Enough(Exception):  # noqa: N818 - it is no error: it ends a stream of which no more is wanted
    """The beginning has come."""


class _Beginning:
    """Takes the first bytes of a stream, and then no more."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write_all(self, _offset: int, data: memoryview, _stopped: Callable[[], None]) -> None:
        self.data += data[: HEAD_BYTES - len(self.data)]
        if len(self.data) >= HEAD_BYTES:
            raise _Enough

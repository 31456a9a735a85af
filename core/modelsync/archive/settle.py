"""What is left when the last byte of an archive has come: empty files, links, times; or the words for a cut one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from modelsync.archive.destination import Destination
from modelsync.archive.members import quoted
from modelsync.archive.ranges import Ranges
from modelsync.archive.safe_names import refused, shown
from modelsync.archive.table import Kind, MemberTable
from modelsync.archive.target_files import TargetFiles
from modelsync.errors import NoSpaceError

_DIRECTORY: Final = int(Kind.DIRECTORY)
_LAST_BYTES: Final = 400
_GIB: Final = 1 << 30
SPACE_RESERVE_BYTES: Final = 64 << 20
"""What a pull, and the copies of hard links at its end, leave free on the store's disk."""
_SERVER_ERROR: Final = b'{"error"'


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What an archive became."""

    files: int
    content_bytes: int
    """Sum of the sizes of the files, copies of hard-linked ones included."""
    archive_bytes: int


def settle(table: MemberTable, files: TargetFiles, stopped: Callable[[], None]) -> tuple[int, int]:
    """Makes what has no bytes of its own and sets every time; returns files and their bytes.

    Links come after every file, so that nothing was ever written through one, and times after everything. `stopped`
    is called while hard links are copied, which may take as long as the archive took to come, and may raise.
    Raises UnsafeArchiveError for a hard link to nothing and for a symlink that leads out by way of another.
    """
    content_bytes = table.content_bytes + _copy_hard_links(table, files, stopped)
    symlinks = [row for row in table.links if table.kind(row) is Kind.SYMLINK]
    for row, size in enumerate(table.sizes):
        if not size and table.kind(row).is_file:
            files.make_empty(row)
    for row in symlinks:
        files.make_symlink(row)
    for row in symlinks:
        if files.leads_out(row):
            raise refused(table.name(row), f"a link that leads out of the model, to {shown(table.link(row))}")
    directories = []
    for row, kind in enumerate(table.kinds):
        if kind == _DIRECTORY:
            directories.append(row)
        else:
            files.set_time(row)
    for row in directories:
        files.set_time(row)
    return table.files, content_bytes


def cut_sentence(table: MemberTable, files: Destination, done: Ranges, total: int, torn_header: bytes) -> str:
    """Says where an archive of `total` bytes that is not whole ends, and quotes the server's error if that is there.

    A server whose storage fails after its 200 appends `{"error":…}` to the body (registry contract 3.4, no. 24).
    """
    whole = sum(
        done.covers(table.data_at[row], table.data_at[row] + table.sizes[row])
        for row in range(len(table))
        if table.kinds[row] != Kind.DIRECTORY
    )
    last = len(table) - 1
    inside = ""
    end = torn_header
    if last >= 0 and table.data_at[last] < total < table.data_at[last] + table.sizes[last]:
        inside = f", inside {shown(table.name(last))}"
        end = files.last_bytes(last, total - table.data_at[last], _LAST_BYTES)
    said = end.rfind(_SERVER_ERROR)
    reason = f"; the server said {quoted(end[said:])}" if said >= 0 else ""
    return f"The archive is cut: it ends after {whole} whole files{inside}{reason}."


def _copy_hard_links(table: MemberTable, files: TargetFiles, stopped: Callable[[], None]) -> int:
    """Makes each hard link a file of its own, as the real client does; returns the bytes copied."""
    links = [row for row in table.links if table.kind(row) is Kind.HARDLINK]
    if not links:
        return 0
    sources: list[tuple[int, int]] = []
    originals: dict[bytes, int] = {}
    for row in range(len(table)):
        name, kind = table.name(row), table.kind(row)
        if kind.is_file:
            originals[name] = row
            if not table.sizes[row]:
                files.make_empty(row)
        elif kind is Kind.HARDLINK:
            source = originals.get(table.link(row))
            if source is None:
                raise refused(name, f"a hard link to {shown(table.link(row))}, which is no file before it")
            sources.append((row, source))
            originals[name] = source
    # They were not in the size that was compared with the disk before, and can be thousands of times as much.
    needed, free = sum(table.sizes[source] for _, source in sources), files.free_bytes()
    if needed + SPACE_RESERVE_BYTES > free:
        raise NoSpaceError(
            f"The archive's hard links become {needed / _GIB:.1f} GiB of files; the disk has {free / _GIB:.1f} GiB.",
            hint="Free some space, then pull again.",
        )
    return sum(files.copy(row, source, stopped) for row, source in sources)

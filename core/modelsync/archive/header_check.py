"""Compares the real headers of an archive, in whatever order and pieces they arrive, with what its index said."""

import threading

from modelsync.archive.members import HeaderScanner, Member, usual_file
from modelsync.archive.ranges import Ranges
from modelsync.archive.safe_names import shown
from modelsync.archive.table import MemberTable
from modelsync.errors import ArchiveError


class HeaderCheck:
    """Holds only headers that are torn between pieces; thread-safe."""

    def __init__(self, table: MemberTable) -> None:
        self._table = table
        self._lock = threading.Lock()
        self._torn: dict[int, tuple[bytearray, Ranges]] = {}

    def take(self, row: int, offset: int, data: memoryview) -> bool:
        """Header bytes of the member at `row`, which stand at `offset`; True when all of its header has been compared.

        Raises ArchiveError when the header is not what the index said.
        """
        start, end = self._table.header_at(row), self._table.data_at[row]
        if len(data) == end - start:
            self._compare(row, bytes(data))
            return True
        with self._lock:
            if row not in self._torn:
                self._torn[row] = (bytearray(end - start), Ranges())
            chain, known = self._torn[row]
            chain[offset - start : offset - start + len(data)] = data
            known.add(offset, offset + len(data))
            if not known.covers(start, end):
                return False
            del self._torn[row]
        self._compare(row, bytes(chain))
        return True

    def _compare(self, row: int, chain: bytes) -> None:
        table = self._table
        if usual := usual_file(memoryview(chain), 0):
            name, kind, size, mtime_ns, data_at = usual
            if data_at == len(chain) and table.same_row(row, name, kind, size, mtime_ns, b""):
                return
        start, position = table.header_at(row), 0
        scanner = HeaderScanner()
        while position + scanner.wanted <= len(chain):
            block = chain[position : position + scanner.wanted]
            position += len(block)
            match scanner.accept(block, start + position - len(block)):
                case Member(name, kind, size, mtime_ns, link):
                    if position == len(chain) and table.same_row(row, name, kind, size, mtime_ns, link):
                        if row and scanner.global_records:
                            break
                        return
                    break
                case _:
                    continue
        raise ArchiveError(
            f"The archive is not what its index says: the header of {shown(table.name(row))} differs.",
            hint="Push this version again with force; what is in the registry was damaged.",
        )

"""The members of an archive found from header to header; what lies between two headers need not be read."""

from modelsync.archive.members import HeaderScanner, Member, ScanResult
from modelsync.archive.table import MemberTable


class HeaderWalk:
    """One walk through one archive, over pieces that are brought as they are asked for."""

    def __init__(self) -> None:
        self.table = MemberTable()
        self.ended = False
        """Whether the archive's end was seen, so that the table is whole."""
        self.next_at = 0
        """Where the next piece must begin, or before it."""
        self._scanner = HeaderScanner()

    @property
    def wanted(self) -> int:
        """How long a piece must be at the least to be of use."""
        return self._scanner.wanted

    def take(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Goes on as far as a piece leads; the piece stands at `offset`, at `next_at` or before it.

        Raises ArchiveError for what is no header, UnsafeArchiveError for a member that must not be written.
        """
        if offset > self.next_at:
            raise ValueError(f"the next piece begins at {self.next_at}")
        end = offset + len(data)
        while not self.ended and self.next_at + self._scanner.wanted <= end:
            at = self.next_at
            self.next_at += self._scanner.wanted
            block = bytes(data[at - offset : self.next_at - offset])
            match self._scanner.accept(block, at):
                case Member(name, kind, size, mtime_ns, link):
                    self.table.append(name, kind, size, mtime_ns, link, self.next_at)
                    self.next_at = self.table.members_end
                case ScanResult.END:
                    self.ended = True
                case ScanResult.MORE:
                    continue

"""What an arriving archive needs of the place that its members go to, whether they are written there or compared."""

from typing import Protocol


class Destination(Protocol):
    """Takes the members of one archive by their rows in its table; from several threads."""

    def grow(self) -> None:
        """Makes room for the rows that the table has now; called before a new row is used."""
        ...

    def make_directory(self, name: bytes) -> None:
        """A directory that no earlier member has named; its parents came before it."""
        ...

    def write(self, row: int, position: int, data: memoryview) -> None:
        """Bytes of one file, at their place in it; the buffer is the caller's again when this returns."""
        ...

    def last_bytes(self, row: int, end: int, count: int) -> bytes:
        """Up to `count` bytes that came for a file before position `end`; empty when they are not kept."""
        ...

    def close(self) -> None:
        """Lets go of every file."""
        ...

"""A stretch of an open file, which the kernel can send by itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileExtent:
    """`length` bytes of a file from `offset` on; `fd` stays its owner's and is good until the owner's next step."""

    fd: int
    offset: int
    length: int

    def __len__(self) -> int:
        return self.length

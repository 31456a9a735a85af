"""An archive's size into parts: pure arithmetic within S3's limits and the registry's."""

from collections.abc import Iterator
from dataclasses import dataclass

MiB = 1 << 20
GiB = 1 << 30

PART_SIZE_MIN = 8 * MiB
"""S3 allows 5 MiB; below 8 the requests cost more than the parallelism brings."""
PART_SIZE_USUAL_MAX = 64 * MiB
"""More only where the number of parts forces it: what is lost by a cut is at most one part a thread."""
PART_SIZE_MAX = 5 * GiB
"""S3's limit for one part."""
PARTS_MAX = 3_500
"""S3 takes 10,000, but the registry's 256 KiB body limit holds about 3,900 quoted ETags (contract 4.3)."""
PARTS_PER_THREAD = 6
"""So that what is in flight, and lost by a kill, is below a tenth of a big model, and the last parts end together."""


@dataclass(frozen=True, slots=True)
class Part:
    """One contiguous piece of an archive."""

    number: int
    """Counted from 1, as in S3."""
    start: int
    size: int

    @property
    def end(self) -> int:
        """The offset after its last byte."""
        return self.start + self.size


def part_size_for(total_bytes: int, threads: int) -> int:
    """The part size, in whole MiB, for an archive of this size moved by this many threads.

    Big archives are cut so that each thread has several, small ones into the smallest parts. Raises ValueError above
    what S3 holds in one object by these limits (about 17 TiB).
    """
    floor = -(-total_bytes // PARTS_MAX)
    if floor > PART_SIZE_MAX:
        raise ValueError(f"an archive of {total_bytes} bytes has no part size within S3's limits")
    several_each = -(-total_bytes // (threads * PARTS_PER_THREAD))
    size = max(PART_SIZE_MIN, floor, min(several_each, PART_SIZE_USUAL_MAX))
    return -(-size // MiB) * MiB


def cut(total_bytes: int, part_size: int, start: int = 0) -> tuple[Part, ...]:
    """The parts of [start, total_bytes), in order, the last one possibly shorter; none for an empty range."""
    return tuple(_parts(total_bytes, part_size, start))


def _parts(total_bytes: int, part_size: int, start: int) -> Iterator[Part]:
    for number, begin in enumerate(range(start, total_bytes, part_size), start=1):
        yield Part(number, begin, min(part_size, total_bytes - begin))

"""Which ranges of an archive are fetched, and how they are cut: pure arithmetic."""

from collections.abc import Iterator

from modelsync.archive.incoming import WINDOW_BYTES
from modelsync.transfer.parts import MiB, Part, cut, part_size_for

RANGE_BYTES_MAX = 32 * MiB
"""Smaller than an upload's parts may be: a range has no price at the store, and what waits for a header stays small."""
RANGE_BYTES_UNKNOWN = 2 * MiB
"""Where the members are not known yet; ten threads then stay near the 16 MiB that are kept for what comes too early."""
RANGES_UNKNOWN_MAX = 4096
"""Of a huge archive they are longer: whoever draws the parts looks at each of them, many times a second."""

Gaps = tuple[tuple[int, int], ...]


def missing_ranges(done: Gaps, start: int, total: int, *, known_until: int, threads: int) -> tuple[Part, ...]:
    """The ranges of [start, total) that are not in `done`, ascending and numbered from 1.

    Beyond what is known of the members they are small, so that all threads stay within the look-ahead.
    """
    size = range_bytes(total, threads)
    unknown = min(max(RANGE_BYTES_UNKNOWN, -(-total // RANGES_UNKNOWN_MAX // MiB) * MiB), RANGE_BYTES_MAX)
    known = min(known_until, total)
    pieces: list[Part] = []
    for begin, end in _gaps(done, start, total):
        pieces += cut(min(end, known), size, start=begin)
        pieces += cut(end, unknown, start=max(begin, known))
    return tuple(Part(number, part.start, part.size) for number, part in enumerate(pieces, start=1))


def aligned_ranges(start: int, total: int, size: int) -> tuple[Part, ...]:
    """[start, total), cut only where multiples of `size` are."""
    first = min(total, (start // size + 1) * size)
    pieces = (*cut(first, size, start=start), *cut(total, size, start=first))
    return tuple(Part(number, part.start, part.size) for number, part in enumerate(pieces, start=1))


def range_bytes(total: int, threads: int) -> int:
    """The usual size of a range, where the members are known."""
    return min(part_size_for(total, threads), RANGE_BYTES_MAX)


def bytes_at_once(part: Part, total: int, *, known_until: int, threads: int, active: int) -> int:
    """How much may be asked for in one request from this part on, while so many threads are active.

    Where the members have become known by now it is a usual range; where they have not, what comes too early from all
    threads together must have its place.
    """
    known = known_until - part.start
    return max(part.size, min(known, range_bytes(total, threads)), WINDOW_BYTES // active)


def _gaps(done: Gaps, start: int, total: int) -> Iterator[tuple[int, int]]:
    position = start
    for begin, end in done:
        if begin > position:
            yield position, begin
        position = max(position, end)
    if position < total:
        yield position, total

"""The Range header of RFC 9110, as far as S3 honours it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=(\d{0,100})-(\d{0,100})", re.ASCII)  # Python reads no number of thousands of digits


class UnsatisfiableRangeError(ValueError):
    """The range begins behind the end."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` up to, not including, `stop`."""

    start: int
    stop: int


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The part of `size` bytes that `header` asks for; `None` for all of it, also when the header is not understood.

    Several ranges at once are not supported, as on S3. Raises UnsatisfiableRangeError.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None:
        return None
    first, last = match.groups()
    if first:
        start, stop = int(first), int(last) + 1 if last else size
        if last and stop <= start:
            return None
    elif last:
        start, stop = max(0, size - int(last)), size
    else:
        return None
    if start >= size:
        raise UnsatisfiableRangeError
    return ByteRange(start, min(stop, size))

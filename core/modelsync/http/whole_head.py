"""An HTTP answer whose head must have come whole.

How it works: `http.client` takes the end of the connection for the end of the headers, so that an answer cut inside its
head looks like one with fewer headers: a 200 without its ETag, a body without its length. The reader here notes the
last line that was read; only an empty one ends a head.
"""

import http.client
from io import BufferedReader
from typing import cast


class WholeHeadResponse(http.client.HTTPResponse):
    """Raises http.client.IncompleteRead where the connection ended inside the head."""

    def begin(self) -> None:
        lines = _Lines(self.fp)
        self.fp = cast("BufferedReader", lines)
        try:
            super().begin()
        finally:
            if self.fp is not None:  # it is, where the status line was none
                self.fp = lines.reader
        if lines.last not in (b"\r\n", b"\n"):
            raise http.client.IncompleteRead(lines.last)


class _Lines:
    """What `HTTPResponse.begin` needs of its reader."""

    def __init__(self, reader: BufferedReader) -> None:
        self.reader = reader
        self.last = b""

    def readline(self, limit: int) -> bytes:
        self.last = self.reader.readline(limit)
        return self.last

    def close(self) -> None:
        self.reader.close()

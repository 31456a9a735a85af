"""An HTTP answer whose head must have come whole, behind any that only announce it.

How it works: `http.client` takes the end of the connection for the end of the headers, so that an answer cut inside its
head looks like one with fewer headers: a 200 without its ETag, a body without its length. The reader here notes the
last line that was read; only an empty one ends a head. Of the interim answers (RFC 9110, 15.2) it skips 100 alone, and
a 103 of a content network would be the refusal of what was asked; here all are skipped.
"""

import http.client
from io import BufferedReader
from typing import cast

INTERIM_MAX = 100
"""So many interim answers before one are no server's."""


class WholeHeadResponse(http.client.HTTPResponse):
    """Raises http.client.IncompleteRead where the connection ended inside the head."""

    def begin(self) -> None:
        for _ in range(INTERIM_MAX):
            self._begin()
            if not 100 < self.status < 200 or self.status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                return
            self.headers = self.msg = None  # type: ignore[assignment]  # with them it is taken for begun
        raise http.client.HTTPException("interim answers without an end")

    def _begin(self) -> None:
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

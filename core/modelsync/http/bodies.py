"""The body of an answer, received straight into the caller's buffer."""

import http.client
import socket
from collections.abc import Callable, Iterator
from typing import Protocol, cast

import httpx

from modelsync.http import bulk
from modelsync.http.stopping import Stop
from modelsync.http.words import words_of

BULK_FROM_BYTES = 64 << 10
"""A buffer as large as this is larger than what `http.client` reads ahead, and worth a call of its own."""


class ReadInto(Protocol):
    """Receives at least one byte into a buffer and returns how many; 0 at the end of the body."""

    def __call__(self, buffer: memoryview, /) -> int: ...


class Body(httpx.SyncByteStream):
    """A response's body on its socket; hands the connection back when it was read to its end."""

    def __init__(
        self,
        response: http.client.HTTPResponse,
        sock: socket.socket,
        stall_after_s: float,
        stop: Stop | None,
        release: Callable[[bool], None],
    ) -> None:
        self._response = response
        self._sock = sock
        self._stall_after_s = stall_after_s
        self._stop = stop
        self._unbuffered: Callable[[socket.socket, memoryview], int] | None = None
        self._release: Callable[[bool], None] | None = release
        self._left = None if getattr(response, "chunked", False) else response.length
        if response.isclosed():
            self._done(reusable=not response.will_close)

    def readinto(self, buffer: memoryview, /) -> int:
        """Receives what is there, at least one byte; 0 at the end; raises httpx.ReadError or a subclass of its kin."""
        if self._release is None:
            return 0
        try:
            count = self._receive_unmeasured(buffer) if self._left is None else self._receive(buffer)
        except TimeoutError as exc:
            raise httpx.ReadTimeout("no byte came in time") from exc
        except http.client.HTTPException as exc:
            raise httpx.RemoteProtocolError("the answer was cut off") from exc
        except (OSError, ValueError) as exc:  # ValueError: the file object was closed by a cancel
            raise httpx.ReadError(words_of(exc)) from exc
        if count == 0 and self._left:
            raise httpx.RemoteProtocolError(f"the connection was closed {self._left} bytes early")
        if count == 0 and self._left is None and self._stop is not None and self._stop.cancelled:
            # The end of the connection is the end of such a body, and it may be the wish that ended it.
            raise httpx.ReadError("the connection was closed by a wish")
        if count == 0 or self._left == 0:
            self._done(reusable=not self._response.will_close)
        return count

    def _receive_unmeasured(self, buffer: memoryview) -> int:
        """What is there of a body without a length; `HTTPResponse.readinto` would wait until the buffer is full."""
        data = self._response.read1(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _receive(self, buffer: memoryview) -> int:
        left = cast("int", self._left)
        if left == 0:
            return 0
        if len(buffer) > left:
            buffer = buffer[:left]
        if self._unbuffered is not None:
            count = self._unbuffered(self._sock, buffer)
        else:
            count = cast("_BufferedReader", self._response.fp).readinto1(buffer)
            if len(buffer) >= BULK_FROM_BYTES and count < left:
                # The reader's own buffer, with what came along with the headers, is empty now.
                self._unbuffered = self._past_the_reader()
        self._left = left - count
        return count

    def _past_the_reader(self) -> Callable[[socket.socket, memoryview], int]:
        if not bulk.can_bulk(self._sock):
            return bulk.Records().receive
        bulk.begin_bulk(self._sock, self._stall_after_s)
        return bulk.receive

    def __iter__(self) -> Iterator[bytes]:
        buffer = bytearray(64 << 10)
        view = memoryview(buffer)
        while count := self.readinto(view):
            yield bytes(view[:count])

    def close(self) -> None:
        self._done(reusable=False)

    def _done(self, *, reusable: bool) -> None:
        release, self._release = self._release, None
        if release is None:
            return
        if reusable and self._left == 0 and not self._response.isclosed():
            # The length was counted here, so http.client does not know that its response has ended.
            self._response.length = 0
            self._response.read()
        release(reusable)
        self._response.close()


class _BufferedReader(Protocol):
    def readinto1(self, buffer: memoryview, /) -> int: ...

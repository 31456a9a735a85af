"""The fast path under httpx: sends from the caller's buffers and receives into one.

How it works: httpx's own transport passes every body through h11 in 64 KiB pieces, which costs three times the CPU.
This one speaks HTTP/1.1 through the standard library's `http.client`, sends each piece of a request's stream with
`socket.send`, and gives the response a `readinto` (in `response.extensions`) that receives straight into the caller's
buffer. httpx keeps its client, its requests and its errors. Requests that must go through a proxy of the environment
are left to httpx's own transport.

A request's extensions may carry `stop` (a Stop: the wish shuts the socket down) and `on_sent` (called with the
number of body bytes that the kernel took). Time-outs are per operation: `CONNECT_TIMEOUT_S` to connect,
`STALL_AFTER_S` without one byte, `ANSWER_TIMEOUT_S` for the answer to a PUT.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Protocol, cast

import httpx

from modelsync.http import bulk
from modelsync.http.connecting import (
    UNUSABLE_PROXY,
    goes_through_proxy,
    is_loopback,
    tls_context,
    unusable_proxy,
)
from modelsync.http.extents import FileExtent
from modelsync.http.idle import IDLE_PER_HOST_MAX, IdleConnections
from modelsync.http.stopping import Stop, interruptibly
from modelsync.http.whole_head import WholeHeadResponse

CONNECT_TIMEOUT_S = 10.0
STALL_AFTER_S = 15.0
"""A connection without one byte for this long is dropped and tried again."""
ANSWER_TIMEOUT_S = 60.0
"""How long a server may take for its answer after the last byte of a request; stores assemble and hash first."""
BULK_FROM_BYTES = 64 << 10
"""A buffer as large as this is larger than what `http.client` reads ahead, and worth a call of its own."""


class ReadInto(Protocol):
    """Receives at least one byte into a buffer and returns how many; 0 at the end of the body."""

    def __call__(self, buffer: memoryview, /) -> int: ...


class Transport(httpx.BaseTransport):
    """Keeps connections per origin and moves bodies without copies; usable from many threads."""

    def __init__(
        self,
        *,
        ca_file: Path | None = None,
        tls: ssl.SSLContext | None = None,
        connect_within_s: float = CONNECT_TIMEOUT_S,
        stall_after_s: float = STALL_AFTER_S,
        answer_within_s: float = ANSWER_TIMEOUT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Without `tls` the certificates, with those in `ca_file`, are loaded when the first https address is met."""
        self._ca_file = ca_file
        self._tls = tls
        self._connect_within_s = connect_within_s
        self._stall_after_s = stall_after_s
        self._answer_within_s = answer_within_s
        self._lock = threading.Lock()
        self._idle = IdleConnections(clock)
        self._proxied: httpx.Client | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if goes_through_proxy(url):
            return self._through_proxy(request)
        origin = (url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80))
        stop = cast("Stop | None", request.extensions.get("stop"))
        connection = self._idle.take(origin) or self._connect(origin, stop)
        sock = connection.sock
        if stop is not None:
            stop.attach(sock)
        try:
            response = self._exchange(connection, request)
        except BaseException:
            _end(connection, sock, stop)
            raise
        body = _Body(
            response,
            sock,
            self._stall_after_s,
            lambda reusable: self._release(origin, connection, sock, stop, reusable),
        )
        return httpx.Response(
            response.status,
            headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.getheaders()],
            stream=body,
            extensions={"readinto": body.readinto, "http_version": b"HTTP/1.1"},
        )

    @staticmethod
    def sends_files(url: str) -> bool:
        """Whether a body sent there may hold FileExtents: not through TLS, nor through a proxy."""
        parsed = httpx.URL(url)
        return parsed.scheme == "http" and not goes_through_proxy(parsed)

    def close(self) -> None:
        with self._lock:
            proxied, self._proxied = self._proxied, None
        self._idle.close()
        if proxied is not None:
            proxied.close()

    def _exchange(self, connection: http.client.HTTPConnection, request: httpx.Request) -> http.client.HTTPResponse:
        sock = connection.sock
        sock.settimeout(self._stall_after_s)
        on_sent = cast("Callable[[int], object] | None", request.extensions.get("on_sent"))
        try:
            connection.putrequest(
                request.method, request.url.raw_path.decode("ascii"), skip_host=True, skip_accept_encoding=True
            )
            for name, value in request.headers.raw:
                connection.putheader(name.decode("ascii"), value)
            if isinstance(request.stream, httpx.ByteStream):  # head and body in one packet
                connection.endheaders(b"".join(request.stream))
            else:
                connection.endheaders()
                self._send_body(sock, cast("Iterable[bytes | FileExtent]", request.stream), on_sent)
        except EOFError as exc:
            raise httpx.WriteError(str(exc), request=request) from exc
        except TimeoutError as exc:
            raise httpx.WriteTimeout(f"no byte was taken for {self._stall_after_s:.0f} s", request=request) from exc
        except OSError as exc:
            # The server may have answered (403, 413, 503) and hung up before the body was through.
            answer = _early_answer(connection, sock)
            if answer is None:
                raise httpx.WriteError(_words(exc), request=request) from exc
            return answer
        try:
            sock.settimeout(self._answer_timeout_s(request))
            response = connection.getresponse()
            sock.settimeout(self._stall_after_s)
        except TimeoutError as exc:
            raise httpx.ReadTimeout("no answer came", request=request) from exc
        except http.client.HTTPException as exc:
            raise httpx.RemoteProtocolError(f"not an HTTP answer ({type(exc).__name__})", request=request) from exc
        except OSError as exc:
            raise httpx.ReadError(_words(exc), request=request) from exc
        return response

    def _send_body(
        self,
        sock: socket.socket,
        pieces: "Iterable[bytes | FileExtent]",
        on_sent: Callable[[int], object] | None,
    ) -> None:
        in_bulk = False
        for piece in pieces:
            if not in_bulk and len(piece) and bulk.can_bulk(sock):
                bulk.begin_bulk(sock, self._stall_after_s)
                in_bulk = True
            if isinstance(piece, FileExtent):
                bulk.send_extent(sock, piece, on_sent)
            else:
                bulk.send(sock, memoryview(piece), on_sent)

    def _answer_timeout_s(self, request: httpx.Request) -> float:
        return self._answer_within_s if request.method == "PUT" else self._stall_after_s

    def _connect(self, origin: tuple[str, str, int], stop: Stop | None) -> http.client.HTTPConnection:
        scheme, host, port = origin
        try:
            sock = _open_socket(host, port, self._connect_within_s, stop)
        except TimeoutError as exc:
            raise httpx.ConnectTimeout(f"no connection to {host} within {self._connect_within_s:g} s") from exc
        except OSError as exc:
            if stop is not None:
                stop.check()
            raise httpx.ConnectError(_words(exc)) from exc
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if scheme == "https":
            sock = self._wrap(sock, host, stop)
        connection = http.client.HTTPConnection(host, port)
        connection.response_class = WholeHeadResponse
        connection.sock = sock
        return connection

    def _wrap(self, sock: socket.socket, host: str, stop: Stop | None) -> ssl.SSLSocket:
        wrapped = self._tls_context().wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        if stop is not None:
            stop.attach(wrapped)
        try:
            wrapped.do_handshake()
        except OSError as exc:
            wrapped.close()
            raise httpx.ConnectError(_words(exc)) from exc
        finally:
            if stop is not None:
                stop.detach(wrapped)
        return wrapped

    def _tls_context(self) -> ssl.SSLContext:
        with self._lock:
            if self._tls is None:
                self._tls = tls_context(self._ca_file)
            return self._tls

    def _release(
        self,
        origin: tuple[str, str, int],
        connection: http.client.HTTPConnection,
        sock: socket.socket,
        stop: Stop | None,
        reusable: bool,
    ) -> None:
        if not reusable or connection.sock is None or (stop is not None and stop.cancelled):
            _end(connection, sock, stop)
            return
        if stop is not None:
            stop.detach(sock)
        self._idle.give(origin, connection)

    def _through_proxy(self, request: httpx.Request) -> httpx.Response:
        tls = self._tls_context()
        with self._lock:
            if self._proxied is None:
                try:
                    self._proxied = httpx.Client(
                        verify=tls,
                        limits=httpx.Limits(max_connections=None, max_keepalive_connections=IDLE_PER_HOST_MAX),
                    )
                except UNUSABLE_PROXY as exc:
                    raise unusable_proxy() from exc
            client = self._proxied
        on_sent = cast("Callable[[int], object] | None", request.extensions.get("on_sent"))
        timeout = httpx.Timeout(
            self._stall_after_s, connect=self._connect_within_s, pool=None, read=self._answer_timeout_s(request)
        )
        counted = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            stream=_Counted(cast("httpx.SyncByteStream", request.stream), on_sent),
            extensions={"timeout": timeout.as_dict()},
        )
        response = client.send(counted, stream=True)
        body = _Pieces(response)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=body,
            extensions={"readinto": body.readinto, "http_version": b"HTTP/1.1"},
        )


class _Body(httpx.SyncByteStream):
    """A response's body on its socket; hands the connection back when it was read to its end."""

    def __init__(
        self,
        response: http.client.HTTPResponse,
        sock: socket.socket,
        stall_after_s: float,
        release: Callable[[bool], None],
    ) -> None:
        self._response = response
        self._sock = sock
        self._stall_after_s = stall_after_s
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
            raise httpx.ReadError(_words(exc)) from exc
        if count == 0 and self._left:
            raise httpx.RemoteProtocolError(f"the connection was closed {self._left} bytes early")
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
            return bulk.receive_records
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


class _Counted(httpx.SyncByteStream):
    """A request's stream that tells how much of it was taken."""

    def __init__(self, stream: httpx.SyncByteStream, on_sent: Callable[[int], object] | None) -> None:
        self._stream = stream
        self._on_sent = on_sent

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            yield bytes(piece)  # httpx's own transport concatenates, so it needs real bytes
            if self._on_sent is not None:
                self._on_sent(len(piece))


class _Pieces(httpx.SyncByteStream):
    """The body of httpx's own transport, offered through `readinto`."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._pieces = response.iter_raw()
        self._rest = memoryview(b"")

    def readinto(self, buffer: memoryview, /) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        count = min(len(self._rest), len(buffer))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces

    def close(self) -> None:
        self._response.close()


def _open_socket(host: str, port: int, within_s: float, stop: Stop | None) -> socket.socket:
    """Connects to the first address that answers; a person's wish ends the attempt at once."""
    last: OSError | None = None

    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, address in look_up() if is_loopback(host) else interruptibly(look_up, stop):
        sock = socket.socket(family, kind, protocol)
        sock.settimeout(within_s)
        if stop is not None:
            stop.attach(sock)
        try:
            sock.connect(address)
        except OSError as exc:
            last = exc
            sock.close()
        else:
            return sock
        finally:
            if stop is not None:
                stop.detach(sock)
    raise last or OSError(f"{host} has no address")


def _early_answer(connection: http.client.HTTPConnection, sock: socket.socket) -> http.client.HTTPResponse | None:
    with suppress(OSError, http.client.HTTPException):
        sock.settimeout(2.0)
        response = connection.getresponse()
        response.will_close = True
        return response
    return None


def _end(connection: http.client.HTTPConnection, sock: socket.socket, stop: Stop | None) -> None:
    if stop is not None:
        stop.detach(sock)
    connection.close()


def _words(exc: Exception) -> str:
    return getattr(exc, "strerror", None) or str(exc) or type(exc).__name__

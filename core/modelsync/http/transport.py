"""The fast path under httpx: sends from the caller's buffers and receives into one.

How it works: httpx's own transport passes every body through h11 in 64 KiB pieces, which costs three times the CPU.
This one speaks HTTP/1.1 through the standard library's `http.client`, sends each piece of a request's stream with
`socket.send`, and gives the response a `readinto` (in `response.extensions`) that receives straight into the caller's
buffer. httpx keeps its client, its requests and its errors. Requests that must go through a proxy of the environment
are left to httpcore, which httpx stands on.

A request's extensions may carry `stop` (a Stop: the wish shuts the socket down) and `on_sent` (called with the
number of body bytes that the kernel took). Time-outs are per operation: `CONNECT_TIMEOUT_S` to connect,
`STALL_AFTER_S` without one byte, `ANSWER_TIMEOUT_S` for the answer to a PUT.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import cast

import httpx

from modelsync.http import bulk
from modelsync.http.bodies import Body
from modelsync.http.connecting import goes_through_proxy
from modelsync.http.connection import Connection
from modelsync.http.extents import FileExtent
from modelsync.http.idle import IdleConnections, Origin
from modelsync.http.opening import CONNECT_TIMEOUT_S, Opener
from modelsync.http.proxied import ProxiedWay
from modelsync.http.stopping import Stop
from modelsync.http.words import words_of

STALL_AFTER_S = 15.0
"""A connection without one byte for this long is dropped and tried again."""
ANSWER_TIMEOUT_S = 60.0
"""How long a server may take for its answer after the last byte of a request; stores assemble and hash first."""


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
        self._opener = Opener(ca_file=ca_file, tls=tls, within_s=connect_within_s)
        self._connect_within_s = connect_within_s
        self._stall_after_s = stall_after_s
        self._answer_within_s = answer_within_s
        self._idle = IdleConnections(clock)
        self._proxied = ProxiedWay(self._opener.tls_context)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if goes_through_proxy(url):
            timeout = httpx.Timeout(
                self._stall_after_s, connect=self._connect_within_s, pool=None, read=self._answer_timeout_s(request)
            )
            return self._proxied.send(request, timeout)
        origin = (url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80))
        stop = cast("Stop | None", request.extensions.get("stop"))
        connection = self._idle.take(origin) or self._opener.open(origin, stop)
        sock = connection.sock
        if stop is not None:
            stop.attach(sock)
        try:
            response = self._exchange(connection, request)
        except BaseException:
            _end(connection, sock, stop)
            raise
        body = Body(
            response,
            sock,
            self._stall_after_s,
            stop,
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
        scheme, _, rest = url.partition("://")
        authority = rest.partition("/")[0]  # a presigned query is long, and httpx looks at each character
        return scheme == "http" and not goes_through_proxy(httpx.URL(f"http://{authority}"))

    def close(self) -> None:
        self._idle.close()
        self._proxied.close()

    def _exchange(self, connection: Connection, request: httpx.Request) -> http.client.HTTPResponse:
        sock = connection.sock
        sock.settimeout(self._stall_after_s)
        on_sent = cast("Callable[[int], object] | None", request.extensions.get("on_sent"))
        try:
            connection.putrequest(
                request.method, request.url.raw_path.decode("ascii"), skip_host=True, skip_accept_encoding=True
            )
            for name, value in request.headers.raw:
                connection.putheader(name.decode("ascii"), value)
            if isinstance(request.stream, httpx.ByteStream):
                connection.whole_body = b"".join(request.stream)
                connection.endheaders()
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
                raise httpx.WriteError(words_of(exc), request=request) from exc
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
            raise httpx.ReadError(words_of(exc), request=request) from exc
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

    def _release(
        self,
        origin: Origin,
        connection: Connection,
        sock: socket.socket,
        stop: Stop | None,
        reusable: bool,
    ) -> None:
        if stop is not None:
            stop.detach(sock)  # before the look: a wish that comes later leaves this socket alone
        if not reusable or connection.sock is None or (stop is not None and stop.cancelled):
            connection.close()
        else:
            self._idle.give(origin, connection)


def _early_answer(connection: Connection, sock: socket.socket) -> http.client.HTTPResponse | None:
    with suppress(OSError, http.client.HTTPException):
        sock.settimeout(2.0)
        response = connection.getresponse()
        response.will_close = True
        return response
    return None


def _end(connection: Connection, sock: socket.socket, stop: Stop | None) -> None:
    if stop is not None:
        stop.detach(sock)
    connection.close()

"""httpcore's connections through one proxy, which a person's wish ends whatever they wait for.

How it works: httpcore lets its caller bring the network. This one knows for each thread whose wish holds for what the
thread does at the moment, and attaches the socket to it for each call that may block. Only who meets a proxy imports
this module: httpcore takes time to load.
"""

import socket
import ssl
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import partial

import httpcore
import httpx

from modelsync.http.bulk import SEALED_ONCE_BYTES
from modelsync.http.idle import IDLE_PER_HOST_MAX
from modelsync.http.stopping import Stop, interruptibly

KEPT_S = 5.0
"""Proxies forget silent connections sooner than servers do."""

_MEANINGS: dict[type[BaseException], type[httpx.TransportError]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.ProxyError: httpx.ProxyError,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
}


class ProxyPool:
    """Usable from many threads."""

    def __init__(self, proxy: httpx.Proxy, tls: ssl.SSLContext) -> None:
        """Raises ValueError for a proxy that speaks no HTTP."""
        if proxy.url.scheme not in ("http", "https"):
            raise ValueError(proxy.url.scheme)
        self._network = _Network()
        self._pool = httpcore.HTTPProxy(
            _url(proxy.url),
            proxy_auth=proxy.raw_auth,
            ssl_context=tls,
            proxy_ssl_context=tls if proxy.url.scheme == "https" else None,
            max_connections=None,
            max_keepalive_connections=IDLE_PER_HOST_MAX,
            keepalive_expiry=KEPT_S,
            network_backend=self._network,
        )

    def ask(
        self, request: httpx.Request, stream: httpx.SyncByteStream, timeout: httpx.Timeout, stop: Stop | None
    ) -> httpcore.Response:
        """The answer, its body not yet read; raises httpx's errors, or what `stop` raises."""
        asked = httpcore.Request(
            request.method,
            _url(request.url),
            headers=request.headers.raw,
            content=stream,
            extensions={"timeout": timeout.as_dict()},
        )
        with self.heeding(stop):
            return self._pool.handle_request(asked)

    def heeding(self, stop: Stop | None) -> AbstractContextManager[None]:
        """For what this thread does with a connection or an answer: the wish ends it, and errors are httpx's."""
        return _Heeding(self._network, stop)

    def close(self) -> None:
        self._pool.close()


class _Network(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._plain = httpcore.SyncBackend()
        self._here = threading.local()

    @property
    def stop(self) -> Stop | None:
        """Whose wish holds for this thread."""
        stop: Stop | None = getattr(self._here, "stop", None)
        return stop

    @stop.setter
    def stop(self, stop: Stop | None) -> None:
        self._here.stop = stop

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        connect = partial(self._plain.connect_tcp, host, port, timeout, local_address, socket_options)
        stop = self.stop
        if stop is None:
            return _Stream(connect(), self)

        def unless_late() -> httpcore.NetworkStream:
            stream = connect()
            if stop.cancelled:
                stream.close()  # nobody waits for it any more
            return stream

        return _Stream(interruptibly(unless_late, stop), self)


class _Heeding:
    """A class, as the next one: a generator would cost a tenth of what a download through TLS does."""

    def __init__(self, network: _Network, stop: Stop | None) -> None:
        self._network = network
        self._stop = stop

    def __enter__(self) -> None:
        self._network.stop = self._stop

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._network.stop = None
        if kind is not None and (meaning := _MEANINGS.get(kind)) is not None:
            raise meaning(str(error)) from error


class _Attached:
    """The wish shuts this socket down."""

    def __init__(self, stop: Stop | None, sock: socket.socket) -> None:
        self._stop = stop
        self._sock = sock

    def __enter__(self) -> None:
        if self._stop is not None:
            self._stop.attach(self._sock)

    def __exit__(self, *_: object) -> None:
        if self._stop is not None:
            self._stop.detach(self._sock)


class _Stream(httpcore.NetworkStream):
    """One connection, plain or through TLS; its calls that block end at the wish."""

    def __init__(self, inner: httpcore.NetworkStream, network: _Network) -> None:
        self._inner = inner
        self._network = network
        self._sock: socket.socket = inner.get_extra_info("socket")

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _Attached(self._network.stop, self._sock):
            return self._inner.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _Attached(self._network.stop, self._sock):
            for at in range(0, len(buffer), SEALED_ONCE_BYTES):  # the time-out is for each of them
                self._inner.write(buffer[at : at + SEALED_ONCE_BYTES], timeout)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        if isinstance(self._sock, ssl.SSLSocket):  # TLS within TLS goes on using this one
            with _Attached(self._network.stop, self._sock):
                return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._network)
        # What is wrapped loses its connection to what wraps it, which nobody gets before hands were shaken.
        with self._sock.dup() as same, _Attached(self._network.stop, same):
            return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._network)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


def _url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)

"""Requests that must go through a proxy of the environment: httpcore carries them."""

import ssl
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

import httpx

from modelsync.http.connecting import UNUSABLE_PROXY, proxy_for, unusable_proxy
from modelsync.http.stopping import Stop

if TYPE_CHECKING:
    import httpcore

    from modelsync.http.proxy_pool import ProxyPool


class ProxiedWay:
    """A pool of connections for each proxy, made when the first request meets it; usable from many threads."""

    def __init__(self, tls: Callable[[], ssl.SSLContext]) -> None:
        self._tls = tls
        self._lock = threading.Lock()
        self._pools: dict[str, ProxyPool] = {}

    def send(self, request: httpx.Request, timeout: httpx.Timeout) -> httpx.Response:
        """The answer, its body not yet read; raises httpx's errors, and SettingsError for a proxy of no known kind.

        The wish of the request's `stop` ends it and its connection at once.
        """
        stop = cast("Stop | None", request.extensions.get("stop"))
        on_sent = cast("Callable[[int], object] | None", request.extensions.get("on_sent"))
        pool = self._pool_for(request.url)
        answer = pool.ask(request, _Counted(cast("httpx.SyncByteStream", request.stream), on_sent), timeout, stop)
        body = _Pieces(pool, answer, stop)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=body,
            extensions={"readinto": body.readinto, "http_version": b"HTTP/1.1"},
        )

    def close(self) -> None:
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def _pool_for(self, url: httpx.URL) -> "ProxyPool":
        tls = self._tls()
        proxy = proxy_for(url)
        with self._lock:
            pool = self._pools.get(proxy)
            if pool is None:
                from modelsync.http.proxy_pool import ProxyPool  # few meet a proxy, and httpcore takes time to load

                try:
                    pool = self._pools[proxy] = ProxyPool(httpx.Proxy(proxy), tls)
                except UNUSABLE_PROXY as exc:
                    raise unusable_proxy() from exc
            return pool


class _Counted(httpx.SyncByteStream):
    """A request's stream that tells how much of it was taken."""

    def __init__(self, stream: httpx.SyncByteStream, on_sent: Callable[[int], object] | None) -> None:
        self._stream = stream
        self._on_sent = on_sent

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            yield bytes(piece)  # httpcore concatenates, so it needs real bytes
            if self._on_sent is not None:
                self._on_sent(len(piece))


class _Pieces(httpx.SyncByteStream):
    """The body of httpcore's answer, offered through `readinto`."""

    def __init__(self, pool: "ProxyPool", answer: "httpcore.Response", stop: Stop | None) -> None:
        self._pool = pool
        self._answer = answer
        self._stop = stop
        self._pieces = answer.iter_stream()
        self._rest = memoryview(b"")

    def readinto(self, buffer: memoryview, /) -> int:
        """Receives what is there, at least one byte; 0 at the end; raises httpx's errors."""
        if not self._rest:
            self._rest = memoryview(self._next())
        count = min(len(self._rest), len(buffer))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def __iter__(self) -> Iterator[bytes]:
        if self._rest:
            rest, self._rest = self._rest, memoryview(b"")
            yield bytes(rest)
        while piece := self._next():
            yield piece

    def close(self) -> None:
        self._answer.close()

    def _next(self) -> bytes:
        with self._pool.heeding(self._stop):
            piece = next(self._pieces, b"")
        if not piece and self._stop is not None and self._stop.cancelled:
            # Without a length the connection's end is the body's end, and it may be the wish that ended it.
            raise httpx.ReadError("the connection was closed by a wish")
        return piece

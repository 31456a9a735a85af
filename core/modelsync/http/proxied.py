"""Requests that must go through a proxy of the environment: httpx's own transport carries them."""

import ssl
import threading
from collections.abc import Callable, Iterator
from typing import cast

import httpx

from modelsync.http.connecting import UNUSABLE_PROXY, unusable_proxy
from modelsync.http.idle import IDLE_PER_HOST_MAX


class ProxiedWay:
    """One client for all of them, made when the first is met; usable from many threads."""

    def __init__(self, tls: Callable[[], ssl.SSLContext]) -> None:
        self._tls = tls
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def send(self, request: httpx.Request, timeout: httpx.Timeout) -> httpx.Response:
        """The answer, its body not yet read; raises httpx's errors, and SettingsError for a proxy of no known kind."""
        on_sent = cast("Callable[[int], object] | None", request.extensions.get("on_sent"))
        counted = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            stream=_Counted(cast("httpx.SyncByteStream", request.stream), on_sent),
            extensions={"timeout": timeout.as_dict()},
        )
        response = self._ready().send(counted, stream=True)
        body = _Pieces(response)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=body,
            extensions={"readinto": body.readinto, "http_version": b"HTTP/1.1"},
        )

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _ready(self) -> httpx.Client:
        tls = self._tls()
        with self._lock:
            if self._client is None:
                try:
                    self._client = httpx.Client(
                        verify=tls,
                        limits=httpx.Limits(max_connections=None, max_keepalive_connections=IDLE_PER_HOST_MAX),
                    )
                except UNUSABLE_PROXY as exc:
                    raise unusable_proxy() from exc
            return self._client


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

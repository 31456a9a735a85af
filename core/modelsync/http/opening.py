"""Opens connections: the name looked up, the socket, TLS, each within its time and given up at a person's wish."""

import errno
import os
import selectors
import socket
import ssl
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic
from typing import cast

import httpx

from modelsync.http.connecting import is_loopback, tls_context
from modelsync.http.connection import Connection
from modelsync.http.idle import Origin
from modelsync.http.stopping import Stop, interruptibly
from modelsync.http.words import words_of

CONNECT_TIMEOUT_S = 10.0
NEXT_ADDRESS_AFTER_S = 0.25
"""How long an address may be silent before the next one of its name is tried beside it (RFC 8305, 5)."""


class Opener:
    """Usable from many threads."""

    def __init__(self, *, ca_file: Path | None, tls: ssl.SSLContext | None, within_s: float) -> None:
        """Without `tls` the certificates, with those in `ca_file`, are loaded when the first https address is met."""
        self._ca_file = ca_file
        self._tls = tls
        self._within_s = within_s
        self._lock = threading.Lock()

    def open(self, origin: Origin, stop: Stop | None) -> Connection:
        """A connection that is ready for a request.

        Raises httpx.ConnectTimeout, httpx.ConnectError (for a certificate that is not trusted, too), SettingsError for
        certificates that cannot be read, or what `stop` raises.
        """
        scheme, host, port = origin
        try:
            sock = _open_socket(host, port, self._within_s, stop)
        except TimeoutError as exc:
            raise httpx.ConnectTimeout(f"no connection to {host} within {self._within_s:g} s") from exc
        except OSError as exc:
            if stop is not None:
                stop.check()
            raise httpx.ConnectError(words_of(exc)) from exc
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if scheme == "https":
            sock = self._wrap(sock, host, stop)
        connection = Connection(host, port)
        connection.sock = sock
        return connection

    def tls_context(self) -> ssl.SSLContext:
        """What is trusted; read once. Raises SettingsError for certificates that cannot be read."""
        with self._lock:
            if self._tls is None:
                self._tls = tls_context(self._ca_file)
            return self._tls

    def _wrap(self, sock: socket.socket, host: str, stop: Stop | None) -> ssl.SSLSocket:
        wrapped = self.tls_context().wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        if stop is not None:
            stop.attach(wrapped)
        try:
            wrapped.do_handshake()
        except OSError as exc:
            wrapped.close()
            raise httpx.ConnectError(words_of(exc)) from exc
        finally:
            if stop is not None:
                stop.detach(wrapped)
        return wrapped


def _open_socket(host: str, port: int, within_s: float, stop: Stop | None) -> socket.socket:
    """Connects to the first address that answers; a person's wish ends the attempt at once."""
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = look_up() if is_loopback(host) else interruptibly(look_up, stop)
    attempts = [_Attempt(family, kind, protocol, address) for family, kind, protocol, _, address in found]
    if len(attempts) == 1:
        return attempts[0].wait(within_s, stop)
    try:
        return _first(attempts, within_s, stop)
    finally:
        for attempt in attempts:
            attempt.end(stop)


def _first(attempts: "Sequence[_Attempt]", within_s: float, stop: Stop | None) -> socket.socket:
    """Each is begun a moment after the one before, or when that has failed; a machine whose IPv6 leads nowhere has
    its connection by IPv4 at once. Raises TimeoutError when none was answered in time, or the last one's OSError.
    """
    until = monotonic() + within_s
    waiting = deque(attempts)
    with selectors.DefaultSelector() as under_way:
        while waiting or under_way.get_map():
            if stop is not None:
                stop.check()
            if waiting:
                attempt = waiting.popleft()
                try:
                    under_way.register(attempt.begin(stop), selectors.EVENT_WRITE, attempt)
                except OSError as exc:
                    attempt.error = exc
                    continue
            left_s = max(0.0, until - monotonic())
            ready = under_way.select(min(left_s, NEXT_ADDRESS_AFTER_S) if waiting else left_s)
            for key, _ in ready:
                sock, tried = cast("tuple[socket.socket, _Attempt]", (key.fileobj, key.data))
                under_way.unregister(sock)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code == 0:
                    return tried.take(within_s, stop)
                tried.error = OSError(code, os.strerror(code))
            if not left_s:
                raise TimeoutError
    raise attempts[-1].error if attempts else OSError("a name without an address")


@dataclass(slots=True, eq=False)
class _Attempt:
    """One address, and the socket that is being connected to it."""

    family: int
    kind: int
    protocol: int
    address: "tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]"
    sock: socket.socket | None = None
    error: OSError = field(default_factory=OSError)

    def wait(self, within_s: float, stop: Stop | None) -> socket.socket:
        """Connects, blocking; raises OSError."""
        sock = self._made(stop)
        sock.settimeout(within_s)
        try:
            sock.connect(self.address)
        except BaseException:
            self.end(stop)
            raise
        return self.take(within_s, stop)

    def begin(self, stop: Stop | None) -> socket.socket:
        """Begins to connect; raises OSError for what cannot even be tried."""
        sock = self._made(stop)
        sock.setblocking(False)
        code = sock.connect_ex(self.address)
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, os.strerror(code))
        return sock

    def take(self, within_s: float, stop: Stop | None) -> socket.socket:
        """The connected socket is the caller's."""
        sock, self.sock = self.sock, None
        assert sock is not None
        if stop is not None:
            stop.detach(sock)
        sock.settimeout(within_s)
        return sock

    def end(self, stop: Stop | None) -> None:
        """Nobody waits for it any more."""
        if self.sock is not None:
            self.take(0.0, stop).close()

    def _made(self, stop: Stop | None) -> socket.socket:
        self.sock = socket.socket(self.family, self.kind, self.protocol)
        if stop is not None:
            stop.attach(self.sock)
        return self.sock

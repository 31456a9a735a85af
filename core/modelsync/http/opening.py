"""Opens connections: the name looked up, the socket, TLS, each within its time and given up at a person's wish."""

import socket
import ssl
import threading
from functools import partial
from pathlib import Path

import httpx

from modelsync.http.connecting import is_loopback, tls_context
from modelsync.http.connection import Connection
from modelsync.http.idle import Origin
from modelsync.http.stopping import Stop, interruptibly
from modelsync.http.words import words_of

CONNECT_TIMEOUT_S = 10.0


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

"""A relay on loopback that passes bytes on unread, counts them, and can hold them back or damage one."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_PIECE_BYTES = 64 << 10


class Relay:
    """Listens on a port of its own for connections to `upstream`, an http URL."""

    def __init__(self, upstream: str) -> None:
        where = urlsplit(upstream)
        self._upstream = (where.hostname or "", where.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.sent = 0
        """Bytes that went to the server."""
        self.received = 0
        """Bytes that came from it."""
        self.held = threading.Event()
        """Set when something waits because of `hold`."""
        self._flows = threading.Event()
        self._flows.set()
        self._mark = b""
        self._damage_at: int | None = None
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, name="relay", daemon=True).start()

    def hold(self, mark: bytes = b"") -> None:
        """From now on a piece that clients send waits until `release`, if `mark` is in it: a piece begins a request."""
        self.held.clear()
        self._mark = mark
        self._flows.clear()

    def release(self) -> None:
        self._flows.set()

    def damage(self, after: int) -> None:
        """Turns a bit of the byte that comes so many bytes from now, on its way to the server."""
        with self._lock:
            self._damage_at = self.sent + after

    def close(self) -> None:
        self.release()
        _shut(self._listener)  # closing alone leaves it open for the thread that waits for a client
        self._listener.close()
        with self._lock:
            for connection in self._open:
                _shut(connection)

    def _accept(self) -> None:
        with suppress(OSError):  # that is how a closed listener ends
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), name="relay", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(self._upstream) as server:
            with self._lock:
                self._open |= {client, server}
            answers = threading.Thread(target=self._back, args=(server, client), name="relay", daemon=True)
            answers.start()
            self._forth(client, server)
            answers.join()
            with self._lock:
                self._open -= {client, server}

    def _forth(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while piece := client.recv(_PIECE_BYTES):
                if not self._flows.is_set() and self._mark in piece:
                    self.held.set()
                    self._flows.wait()
                server.sendall(self._counted(piece))
        _shut(server)

    def _counted(self, piece: bytes) -> bytes:
        with self._lock:
            start, self.sent = self.sent, self.sent + len(piece)
            if self._damage_at is None or self._damage_at >= self.sent:
                return piece
            at = self._damage_at - start
            self._damage_at = None
        return piece[:at] + bytes([piece[at] ^ 1]) + piece[at + 1 :]

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while piece := server.recv(_PIECE_BYTES):
                with self._lock:
                    self.received += len(piece)
                client.sendall(piece)
        _shut(client)


@contextmanager
def relay_to(upstream: str) -> Iterator[Relay]:
    """A relay for the length of a block."""
    relay = Relay(upstream)
    try:
        yield relay
    finally:
        relay.close()


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)

"""A TCP server that answers byte for byte what a test says; each connection is one script on a thread of its own."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Connection:
    """One accepted connection, as a script sees it."""

    sock: socket.socket
    rest: bytes = b""

    def read_head(self) -> str:
        """Reads one request's line and headers; empty when the client hung up."""
        while b"\r\n\r\n" not in self.rest:
            piece = self.sock.recv(65536)
            if not piece:
                return ""
            self.rest += piece
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        return head.decode("latin-1")

    def read_body(self, length: int) -> bytes:
        while len(self.rest) < length:
            piece = self.sock.recv(1 << 20)
            if not piece:
                break
            self.rest += piece
        body, self.rest = self.rest[:length], self.rest[length:]
        return body

    def read_request(self) -> tuple[str, bytes]:
        """Reads a request with a Content-Length."""
        head = self.read_head()
        return head, self.read_body(int(header(head, "content-length") or 0))

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, status: str, body: bytes = b"", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


Script = Callable[[Connection], None]


@dataclass
class RawServer:
    """Where it listens, and how many connections came."""

    url: str
    port: int
    connections: int = 0
    heads: list[str] = field(default_factory=list)


@contextmanager
def raw_server(
    *scripts: Script, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, narrow: bool = False
) -> Iterator[RawServer]:
    """Serves connection n by script n; the last script serves all that follow.

    Loopback has packets of 64 KiB, of which clients keep megabytes under way; a narrow one has those of a real network.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, 0), family=family)
    port = listener.getsockname()[1]
    scheme = "https" if tls else "http"
    server = RawServer(f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}", port)
    if narrow:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 10)
    open_sockets: list[socket.socket] = []

    def serve(sock: socket.socket, script: Script) -> None:
        try:
            with sock if tls is None else tls.wrap_socket(sock, server_side=True) as inside:
                script(Connection(inside))
        except OSError:
            return  # the client hung up, which is what some tests are about

    def accept() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            open_sockets.append(sock)
            script = scripts[min(server.connections, len(scripts) - 1)]
            server.connections += 1
            threading.Thread(target=serve, args=(sock, script), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # frees the blocked accept, so that the port is closed at once
        listener.close()
        for sock in open_sockets:
            sock.close()


def header(head: str, name: str) -> str | None:
    for line in head.split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return None

"""Ways to a server of a test: a door that speaks TLS before it, and a proxy as offices have them."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_PIECE = 1 << 16


@dataclass
class Door:
    """Where it listens, and the first lines of what came through it."""

    port: int
    asked: list[str] = field(default_factory=list)
    to: int = 0
    """The port on loopback that everything goes to; may be set later."""


@contextmanager
def tls_front(certificate: Path) -> Iterator[Door]:
    """Ends TLS with this certificate (a file of `https_file`) and passes the bytes on to the door's `to`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve(sock: socket.socket, door: Door) -> None:
        with context.wrap_socket(sock, server_side=True) as inside:
            _join(inside, socket.create_connection(("127.0.0.1", door.to)))

    with _listening(serve) as door:
        yield door


@contextmanager
def http_proxy() -> Iterator[Door]:
    """A proxy for CONNECT and for plain requests; whatever host is asked for, it connects to loopback.

    So a test can give its server any name, and only who goes through the proxy finds it.
    """

    def serve(sock: socket.socket, door: Door) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = sock.recv(_PIECE)
            if not piece:
                return
            head += piece
        line = head.split(b"\r\n", 1)[0].decode("latin-1")
        door.asked.append(line)
        method, target, _ = line.split(" ", 2)
        host = target if method == "CONNECT" else target.split("/", 3)[2]
        there = socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])))
        if method == "CONNECT":
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            there.sendall(head)
        _join(sock, there)

    with _listening(serve) as door:
        yield door


@contextmanager
def _listening(serve: Callable[[socket.socket, Door], None]) -> Iterator[Door]:
    listener = socket.create_server(("127.0.0.1", 0))
    door = Door(listener.getsockname()[1])

    def one(sock: socket.socket) -> None:
        with sock, suppress(OSError):  # either side hangs up when it likes
            serve(sock, door)

    def accept() -> None:
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                threading.Thread(target=one, args=(sock,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield door
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _join(one: socket.socket, other: socket.socket) -> None:
    """Passes bytes both ways until both sides have ended."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                sink.sendall(piece)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    with other:
        back = threading.Thread(target=pump, args=(other, one), daemon=True)
        back.start()
        pump(one, other)
        back.join()

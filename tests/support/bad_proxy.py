"""A proxy on loopback before a registry, that does harm when a test says so and passes everything on otherwise.

How it works: it speaks HTTP/1.1 with a client connection by connection, and asks the registry anew for each request.
Each request is given to the first rule that matches and has harm left to do; the rule's fault is a function that does
what it likes with the exchange, mostly by passing it on with one thing changed.
"""

import http.client
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

ALWAYS = 1 << 30
"""So many times that it never ends."""
PIECE_BYTES = 64 << 10
RECEIVE_BUFFER_BYTES = 64 << 10
"""Small, so that a client that is not read from notices after a little more than this."""

Edit = Callable[[int, bytes], bytes]
"""Changes a piece of a body that begins at this offset."""


def _unchanged(_at: int, piece: bytes) -> bytes:
    return piece


class ClientGoneError(Exception):
    """The client hung up before its request was through."""


@dataclass(slots=True)
class Request:
    """What a client asked, and how it was answered."""

    method: str
    target: str
    headers: Mapping[str, str]
    """Names in lower case."""
    status: int | None = None
    """None: no answer was begun."""
    taken: int = 0
    """Bytes of its body that were read."""
    given: int = 0
    """Bytes of the answer's body that were sent."""

    @property
    def length(self) -> int:
        return int(self.headers.get("content-length", "0"))

    @property
    def part(self) -> int | None:
        """The part's number, for one part of a multipart upload."""
        numbers = parse_qs(urlsplit(self.target).query).get("partNumber")
        return int(numbers[0]) if numbers else None

    @property
    def range(self) -> tuple[int, int | None] | None:
        """First and last byte asked for."""
        value = self.headers.get("range")
        if value is None:
            return None
        first, _, last = value.removeprefix("bytes=").partition("-")
        return int(first), int(last) if last else None


class Exchange:
    """One request and its answer, as a fault sees them."""

    def __init__(self, proxy: "BadProxy", client: socket.socket, request: Request, rest: bytes) -> None:
        self.request = request
        self.rest = rest
        """What was read from the client beyond this request's head."""
        self.keep = False
        """Whether the connection is good for another request."""
        self._proxy = proxy
        self._client = client

    def take(self, count: int | None = None) -> Iterator[bytes]:
        """The next `count` bytes of the request's body, or all that is left of it, in pieces."""
        left = self.request.length - self.request.taken
        left = left if count is None else min(left, count)
        while left:
            piece = self.rest[:left] if self.rest else self._client.recv(min(left, PIECE_BYTES))
            self.rest = self.rest[len(piece) :]
            if not piece:
                raise ClientGoneError
            self.request.taken += len(piece)
            left -= len(piece)
            yield piece

    def skip(self, count: int | None = None) -> None:
        for _ in self.take(count):
            pass

    def hang_up(self) -> None:
        """Ends the connection as a server does that is done."""
        with suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Ends the connection as a network does that has lost it."""
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._client.close()

    def stall(self) -> None:
        """Does nothing more, and keeps the connection open, until the proxy ends."""
        self._proxy.closing.wait()

    def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Answers by itself."""
        self.begin(status, {"Content-Length": str(len(body)), **(headers or {})})
        self.give(body)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.request.status = status
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, '')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._client.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")

    def give(self, data: bytes) -> None:
        self._client.sendall(data)
        self.request.given += len(data)

    def send_raw(self, data: bytes) -> None:
        """Sends something that is no byte of a body: the frame of a chunk."""
        self._client.sendall(data)

    @contextmanager
    def ask(
        self, *, edit: Edit = _unchanged, without: tuple[str, ...] = (), at_most: int | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Passes the request on and gives the registry's answer; `at_most` bytes of the body, then the line drops."""
        headers = {name: value for name, value in self.request.headers.items() if name not in without}
        host, _, port = self._proxy.upstream.rpartition(":")
        upstream = http.client.HTTPConnection(host, int(port), timeout=60)
        try:
            upstream.putrequest(self.request.method, self.request.target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                upstream.putheader(name, value)
            upstream.endheaders()
            at = self.request.taken
            for piece in self.take(at_most):
                upstream.send(edit(at, piece))
                at += len(piece)
            if at_most is not None and at < self.request.length:
                raise ClientGoneError
            yield upstream.getresponse()
        finally:
            upstream.close()

    def pass_on(
        self,
        answer: http.client.HTTPResponse,
        *,
        edit: Edit = _unchanged,
        headers: Mapping[str, str] | None = None,
        at_most: int | None = None,
        status: int | None = None,
    ) -> bool:
        """Gives the registry's answer to the client; True when it was all of it."""
        kept = {name: value for name, value in answer.getheaders() if name.lower() != "connection"}
        names = {name.lower(): name for name in kept}
        for name, value in (headers or {}).items():
            kept[names.get(name.lower(), name)] = value
        chunked = answer.getheader("transfer-encoding") is not None
        self.begin(status or answer.status, kept)
        while True:
            left = None if at_most is None else at_most - self.request.given
            if left == 0:
                return False
            piece = answer.read1(PIECE_BYTES if left is None else min(PIECE_BYTES, left))
            if not piece:
                break
            changed = edit(self.request.given, piece)
            if chunked:
                self.send_raw(b"%x\r\n" % len(changed))
            self.give(changed)
            if chunked:
                self.send_raw(b"\r\n")
        if chunked:
            self.send_raw(b"0\r\n\r\n")
        return True


Fault = Callable[[Exchange], None]


@dataclass(slots=True)
class Rule:
    """A fault, and which requests it is for."""

    fault: Fault
    matches: Callable[[Request], bool]
    left: int
    done: int = 0


@dataclass(slots=True)
class BadProxy:
    """Where it listens, what it is in front of, and what it has seen."""

    port: int = 0
    upstream: str = ""
    """Host and port of the registry; set before the first request comes."""
    requests: list[Request] = field(default_factory=list)
    """Every request whose head was read, in the order they came."""
    closing: threading.Event = field(default_factory=threading.Event)
    tls: ssl.SSLContext | None = None
    """A server's context; without one it speaks plainly."""
    _rules: list[Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listener: socket.socket | None = None
    _clients: set[socket.socket] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def misbehave(
        self,
        fault: Fault,
        *,
        method: str | None = None,
        times: int = 1,
        where: Callable[[Request], bool] = lambda _request: True,
    ) -> Rule:
        """From now on `fault` is done to so many requests of this method for which `where` holds; earlier rules win."""
        rule = Rule(fault, lambda request: method in (None, request.method) and where(request), times)
        with self._lock:
            self._rules.append(rule)
        return rule

    def behave(self) -> None:
        """No more harm."""
        with self._lock:
            self._rules.clear()

    def count(self, method: str, where: Callable[[Request], bool] = lambda _request: True) -> int:
        """How many such requests came."""
        return sum(request.method == method and where(request) for request in list(self.requests))

    def listen(self) -> None:
        """Takes connections, on the same port as before if it did already."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def refuse(self) -> None:
        """From now on connections are refused, and the open ones are cut."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # frees the blocked accept
            listener.close()
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            with suppress(OSError):
                socket.socket.shutdown(client, socket.SHUT_RDWR)  # not TLS's own: the client's thread still reads

    def close(self) -> None:
        self.closing.set()
        self.refuse()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if self.tls is not None:
                client = self.tls.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
            with self._lock:
                self._clients.add(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        rest = b""
        with client, suppress(OSError, ClientGoneError, http.client.HTTPException):
            if isinstance(client, ssl.SSLSocket):
                client.do_handshake()
            while (read := _read_head(client, rest)) is not None:
                request, rest = read
                self.requests.append(request)
                exchange = Exchange(self, client, request, rest)
                self._fault_for(request)(exchange)
                if not exchange.keep:
                    break
                rest = exchange.rest
        with self._lock:
            self._clients.discard(client)

    def _fault_for(self, request: Request) -> Fault:
        with self._lock:
            for rule in self._rules:
                if rule.left and rule.matches(request):
                    rule.left -= 1
                    rule.done += 1
                    return rule.fault
        return no_harm


@contextmanager
def bad_proxy(tls: ssl.SSLContext | None = None) -> Iterator[BadProxy]:
    """A proxy that listens; it needs an `upstream` before it can pass anything on."""
    proxy = BadProxy(tls=tls)
    proxy.listen()
    try:
        yield proxy
    finally:
        proxy.close()


def _read_head(client: socket.socket, rest: bytes) -> tuple[Request, bytes] | None:
    while b"\r\n\r\n" not in rest:
        piece = client.recv(PIECE_BYTES)
        if not piece:
            return None
        rest += piece
    head, _, rest = rest.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    return Request(method, target, {name.lower(): value.strip() for name, _, value in pairs}), rest


def no_harm(exchange: Exchange) -> None:
    """Passes the request on and the answer back."""
    with exchange.ask() as answer:
        exchange.keep = exchange.pass_on(answer) and not answer.will_close

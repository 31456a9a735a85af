"""A server that answers on loopback whatever a test tells it to, well-mannered or not, and keeps what it was asked."""

import socket
import socketserver
import ssl
import struct
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Self

from support.certificates import KEY_PEM


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, and how it goes wrong."""

    body: bytes = b"{}"
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """The connection is reset after so many bytes of the body; -1: before the status line."""
    endless: bool = False
    """The body again and again, until the client goes."""
    drips: bool = False
    """A byte every few milliseconds, until the client goes."""
    hangs: bool = False
    """No answer at all, until the client goes or the server ends."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    """With its query, escapes as they were sent."""
    headers: Mapping[str, str]
    """Keys in lower case."""
    body: bytes


class StrangeRegistry:
    """Gives the answers in order, the last one for ever."""

    def __init__(self, certificate: Path | None = None) -> None:
        """With a file of `https_file`, it speaks https."""
        self.asked: list[Asked] = []
        self.arrived = threading.Semaphore(0)
        """Released once for each request that has been read whole."""
        self._answers: deque[Answer] = deque([Answer()])
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler_for(self), certificate)
        scheme = "https" if certificate else "http"
        self.port = int(self._server.server_address[1])
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def says(self, *answers: Answer) -> Self:
        """What to answer from now on."""
        self._answers = deque(answers)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def next_answer(self) -> Answer:
        return self._answers.popleft() if len(self._answers) > 1 else self._answers[0]

    def wait_while_open(self, seconds: float) -> bool:
        """Waits; whether the server is still open."""
        return not self._closing.wait(seconds)


def https_file(directory: Path, certificate_pem: str) -> Path:
    """A file with the certificate and its key, for a server."""
    file = directory / "server.pem"
    file.write_text(KEY_PEM + certificate_pem)
    return file


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], certificate: Path | None
    ) -> None:
        super().__init__(address, handler)
        self._tls: ssl.SSLContext | None = None
        if certificate:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate)

    def finish_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        assert isinstance(request, socket.socket)
        if self._tls:
            try:
                request = self._tls.wrap_socket(request, server_side=True)
            except OSError:
                return  # the client did not like the certificate
        super().finish_request(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what many tests are about."""


def _handler_for(registry: StrangeRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {key.lower(): value for key, value in self.headers.items()}
            registry.asked.append(Asked(self.command, self.path, headers, self.rfile.read(length)))
            answer = registry.next_answer()
            registry.arrived.release()
            if answer.hangs:
                while registry.wait_while_open(0.02) and not self._client_is_gone():
                    pass
                self.close_connection = True
            elif answer.cut_after == -1:
                self._reset()
            else:
                self._give(answer)

        do_GET = do_POST = do_PATCH = do_PUT = answer  # noqa: N815 - the names that http.server calls

        def _give(self, answer: Answer) -> None:
            self.send_response(answer.status)
            if answer.content_type:
                self.send_header("Content-Type", answer.content_type)
            for key, value in answer.headers.items():
                self.send_header(key, value)
            if answer.endless or answer.drips:
                self.send_header("Connection", "close")
                self.end_headers()
                self._give_for_ever(answer)
                return
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[: answer.cut_after])
            if answer.cut_after is not None:
                self._reset()

        def _give_for_ever(self, answer: Answer) -> None:
            self.close_connection = True
            while registry.wait_while_open(0.005 if answer.drips else 0.0):
                self.wfile.write(answer.body[:1] if answer.drips else answer.body)

        def _reset(self) -> None:
            self.close_connection = True
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

        def _client_is_gone(self) -> bool:
            self.connection.setblocking(False)
            try:
                return not self.connection.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                return False
            except OSError:
                return True
            finally:
                self.connection.setblocking(True)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return Handler

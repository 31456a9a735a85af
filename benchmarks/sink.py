"""An object store that keeps nothing: it reads what is sent, throws it away, and answers as S3 would.

How it works: a thread per connection. Without `--md5` the kernel is told to drop the bytes (MSG_TRUNC), so that they
are never copied out and the sink takes as little as possible of the processor that the client needs; the ETags are
made up. With `--md5` the bytes are received into one reused buffer and the ETags are their MD5s.

Usage: python -m benchmarks.sink [--md5]; the first line on stdout is its address.
"""

from __future__ import annotations

import argparse
import hashlib
import socket
import sys
import threading
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

BUFFER_BYTES = 1 << 20
HEAD_MAX_BYTES = 64 << 10
ETAG = '"0123456789abcdef0123456789abcdef"'


class Connection:
    """One client's connection, request after request."""

    def __init__(self, sock: socket.socket, *, md5: bool) -> None:
        self._sock = sock
        self._md5 = md5
        self._ahead = b""
        """Received with the last head, and not of it."""
        self._buffer = memoryview(bytearray(BUFFER_BYTES))

    def serve(self) -> None:
        with self._sock:
            while head := self._head():
                method, target, fields = head
                if fields.get("expect", "").lower() == "100-continue":
                    self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                etag = self._body(int(fields.get("content-length", "0")))
                self._answer(method, target, etag)

    def _head(self) -> tuple[str, str, Mapping[str, str]] | None:
        data = self._ahead
        while b"\r\n\r\n" not in data:
            more = self._sock.recv(HEAD_MAX_BYTES)
            if not more or len(data) > HEAD_MAX_BYTES:
                return None
            data += more
        text, _, self._ahead = data.partition(b"\r\n\r\n")
        first, *lines = text.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        pairs = (line.partition(":") for line in lines)
        return method, target, {name.strip().lower(): value.strip() for name, _, value in pairs}

    def _body(self, left: int) -> str:
        digest = hashlib.md5(usedforsecurity=False) if self._md5 else None
        ahead, self._ahead = self._ahead[:left], self._ahead[left:]
        left -= len(ahead)
        if digest is not None:
            digest.update(ahead)
        while left > 0:
            flags = socket.MSG_TRUNC if digest is None else socket.MSG_WAITALL
            count = self._sock.recv_into(self._buffer, min(left, BUFFER_BYTES), flags)
            if count == 0:
                raise ConnectionResetError
            if digest is not None:
                digest.update(self._buffer[:count])
            left -= count
        return ETAG if digest is None else f'"{digest.hexdigest()}"'

    def _answer(self, method: str, target: str, etag: str) -> None:
        query = parse_qs(urlsplit(target).query, keep_blank_values=True)
        body = ""
        if method == "POST" and "uploads" in query:
            body = "<InitiateMultipartUploadResult><UploadId>sink</UploadId></InitiateMultipartUploadResult>"
        elif method == "POST" and "uploadId" in query:
            body = f"<CompleteMultipartUploadResult><ETag>{etag[:-1]}-1&quot;</ETag></CompleteMultipartUploadResult>"
        status = "200 OK" if method in ("PUT", "POST") else "404 Not Found"
        head = f"HTTP/1.1 {status}\r\nETag: {etag}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._sock.sendall((head + body).encode())


def main() -> int:
    parser = argparse.ArgumentParser(description="An object store that keeps nothing.")
    parser.add_argument("--md5", action="store_true", help="answer each part's MD5 as its ETag")
    options = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_serve, args=(sock, options.md5), daemon=True).start()


def _serve(sock: socket.socket, md5: bool) -> None:
    try:
        Connection(sock, md5=md5).serve()
    except (OSError, ValueError):
        return  # a client that went away, or does not speak HTTP: nobody to tell


if __name__ == "__main__":
    sys.exit(main())

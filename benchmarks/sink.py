"""An object store that keeps nothing: it reads what is sent, throws it away, and answers as S3 would.

How it works: a thread per connection. Without `--md5` the kernel is told to drop the bytes (MSG_TRUNC), so that they
are never copied out and the sink takes as little as possible of the processor that the client needs; the ETags are
made up. With `--md5` the bytes are received into one reused buffer and the ETags are their MD5s. A store hashes on
processors of its own; this one shares the client's. So it hashes a part once, when it first comes (in a run that is not
measured), and knows it again by XXH3-128 of all its bytes, which takes fifty times less. A part that comes with other
bytes than before is answered 503, as by a store in trouble, and hashed when it is sent again.

With `--tls` every connection is encrypted, which the sink has to undo byte by byte.

Usage: python -m benchmarks.sink [--md5] [--tls PEM]; the first line on stdout is its address.
"""

from __future__ import annotations

import argparse
import hashlib
import socket
import ssl
import sys
import threading
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import xxhash

BUFFER_BYTES = 1 << 20
HEAD_MAX_BYTES = 64 << 10
ETAG = '"0123456789abcdef0123456789abcdef"'


class Hashes:
    """The MD5s of the parts that came before; used from many threads."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], dict[bytes, str]] = {}

    def knows(self, target: str, size: int) -> bool:
        """Whether something as long was sent there before."""
        return (_place(target), size) in self._known

    def recall(self, target: str, size: int, seen: bytes) -> str | None:
        """The MD5 of these bytes; None when they are others than before, which forgets the place."""
        found = self._known[_place(target), size].get(seen)
        if found is None:
            self._known.pop((_place(target), size), None)
        return found

    def keep(self, target: str, size: int, seen: bytes, md5: str) -> None:
        self._known.setdefault((_place(target), size), {})[seen] = md5


def _place(target: str) -> str:
    """Path and part number: what an address says beside its signature."""
    url = urlsplit(target)
    return f"{url.path}#{parse_qs(url.query).get('partNumber', [''])[0]}"


class Connection:
    """One client's connection, request after request."""

    def __init__(self, sock: socket.socket, hashes: Hashes | None) -> None:
        """Without `hashes` nothing is looked at."""
        self._sock = sock
        self._hashes = hashes
        self._ahead = b""
        """Received with the last head, and not of it."""
        self._buffer = memoryview(bytearray(BUFFER_BYTES))

    def serve(self) -> None:
        with self._sock:
            while head := self._head():
                method, target, fields = head
                if fields.get("expect", "").lower() == "100-continue":
                    self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                etag = self._body(target, int(fields.get("content-length", "0")))
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

    def _body(self, target: str, size: int) -> str | None:
        """Reads it; its ETag, or None for bytes that the sink took for others."""
        left = size
        ahead, self._ahead = self._ahead[:left], self._ahead[left:]
        left -= len(ahead)
        if self._hashes is None:
            flags = 0 if isinstance(self._sock, ssl.SSLSocket) else socket.MSG_TRUNC
            while left > 0:
                left -= self._received(left, flags)
            return ETAG
        known = self._hashes.knows(target, size)
        seen, digest = xxhash.xxh3_128(ahead), hashlib.md5(ahead, usedforsecurity=False)
        while left > 0:
            piece = self._buffer[: self._received(left, socket.MSG_WAITALL)]
            seen.update(piece)
            if not known:
                digest.update(piece)
            left -= len(piece)
        if known:
            md5 = self._hashes.recall(target, size, seen.digest())
        else:
            md5 = digest.hexdigest()
            self._hashes.keep(target, size, seen.digest(), md5)
        return None if md5 is None else f'"{md5}"'

    def _received(self, left: int, flags: int) -> int:
        count = self._sock.recv_into(self._buffer, min(left, BUFFER_BYTES), flags)
        if count == 0:
            raise ConnectionResetError
        return count

    def _answer(self, method: str, target: str, etag: str | None) -> None:
        if etag is None:
            self._sock.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            return
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
    parser.add_argument("--tls", metavar="PEM", help="a certificate and its key")
    options = parser.parse_args()
    if options.md5 and options.tls:
        parser.error("only one of the two is measured at a time")
    tls = None
    if options.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.tls)
    hashes = Hashes() if options.md5 else None
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        print(f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_serve, args=(sock, hashes, tls), daemon=True).start()


def _serve(sock: socket.socket, hashes: Hashes | None, tls: ssl.SSLContext | None) -> None:
    try:
        Connection(tls.wrap_socket(sock, server_side=True) if tls else sock, hashes).serve()
    except (OSError, ValueError):
        return  # a client that went away, or does not speak HTTP: nobody to tell


if __name__ == "__main__":
    sys.exit(main())

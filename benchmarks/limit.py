"""What this machine allows: the bytes moved by bare system calls, without a registry, a check, a retry or an archive.

How it works: a few threads, one connection each, take stretches of one ready-made file in turn. A push sends them by
`sendfile` (with `--md5` it reads, digests and sends, as whoever checks parts must); a pull receives into one buffer
per thread and writes each piece once, at its place. A goal for a push that asks for more than the same run's limit asks
for another machine; of a pull the disk decides, and its turn within the round.

Usage: python -m benchmarks.limit push|pull FILE URL [--md5]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

THREADS = 4
STRETCH_BYTES = 32 << 20
PIECE_BYTES = 1 << 20
WRITE_BYTES = 512 << 10
"""ext4 keeps a write of 1 MiB to a multiple of 1 MiB in one block of memory. A virtual machine that hands free blocks
of that size back to its host waits for them again: such a pull took 2.7 s where half the size took 0.95 s."""
HEAD_MAX_BYTES = 64 << 10
Stretch = TypeVar("Stretch")


def main() -> int:
    parser = argparse.ArgumentParser(description="Moves bytes by bare system calls.")
    parser.add_argument("direction", choices=("push", "pull"))
    parser.add_argument("file")
    parser.add_argument("url")
    parser.add_argument("--md5", action="store_true", help="digest what is pushed")
    options = parser.parse_args()
    url = urlsplit(options.url)
    if options.direction == "push":
        with open(options.file, "rb") as file:  # noqa: PTH123 - pathlib is one more import to wait for
            push = _push_digested if options.md5 else _push
            size = os.fstat(file.fileno()).st_size
            share(
                range(0, size, STRETCH_BYTES), lambda sock, at: push(sock, url, file.fileno(), at, _end(at, size)), url
            )
    else:
        target = os.open(options.file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        size = _size(url)
        os.ftruncate(target, size)
        share(range(0, size, STRETCH_BYTES), lambda sock, at: _pull(sock, url, target, at, _end(at, size)), url)
        os.close(target)
    return 0


def _end(at: int, size: int) -> int:
    return min(size, at + STRETCH_BYTES)


def share(stretches: Iterable[Stretch], move: Callable[[socket.socket, Stretch], None], url: SplitResult) -> None:
    """Has the threads move every stretch; raises what went wrong in one of them."""
    left = iter(stretches)
    lock = threading.Lock()
    troubles: list[Exception] = []

    def taken() -> Iterator[Stretch]:
        while not troubles:
            with lock:
                stretch = next(left, None)
            if stretch is None:
                return
            yield stretch

    def serve() -> None:
        try:
            with connected(url) as sock:
                for stretch in taken():
                    move(sock, stretch)
        except (OSError, ValueError) as exc:
            troubles.append(exc)

    threads = [threading.Thread(target=serve) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if troubles:
        raise SystemExit(f"the limit could not be measured: {troubles[0]}")


def _push(sock: socket.socket, url: SplitResult, file: int, at: int, end: int) -> None:
    ask(sock, url, f"PUT {url.path}?partNumber={at // STRETCH_BYTES + 1}&uploadId=limit", f"Content-Length: {end - at}")
    while at < end:
        at += os.sendfile(sock.fileno(), file, at, min(PIECE_BYTES, end - at))
    head(sock, "200")


def _push_digested(sock: socket.socket, url: SplitResult, file: int, at: int, end: int) -> None:
    ask(sock, url, f"PUT {url.path}?partNumber={at // STRETCH_BYTES + 1}&uploadId=limit", f"Content-Length: {end - at}")
    digest = hashlib.md5(usedforsecurity=False)
    buffer = memoryview(bytearray(PIECE_BYTES))
    while at < end:
        piece = buffer[: os.preadv(file, [buffer[: min(PIECE_BYTES, end - at)]], at)]
        digest.update(piece)
        sock.sendall(piece)
        at += len(piece)
    if digest.hexdigest() not in head(sock, "200"):
        raise ValueError("a part arrived as something else")


def _pull(sock: socket.socket, url: SplitResult, file: int, at: int, end: int) -> None:
    ask(sock, url, f"GET {url.path}", f"Range: bytes={at}-{end - 1}")
    head(sock, "206")
    buffer = memoryview(bytearray(WRITE_BYTES))
    while at < end:
        count = sock.recv_into(buffer, min(WRITE_BYTES, end - at), socket.MSG_WAITALL)
        if not count:
            raise ValueError("the connection was closed early")
        at += os.pwrite(file, buffer[:count], at)


def _size(url: SplitResult) -> int:
    with connected(url) as sock:
        ask(sock, url, f"HEAD {url.path}", "Accept: */*")
        fields = head(sock, "200").lower().split("\r\n")
    return int(next(line for line in fields if line.startswith("content-length:")).partition(":")[2])


def connected(url: SplitResult) -> socket.socket:
    sock = socket.create_connection((url.hostname or "", url.port or 80))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def ask(sock: socket.socket, url: SplitResult, line: str, field: str) -> None:
    sock.sendall(f"{line} HTTP/1.1\r\nHost: {url.netloc}\r\n{field}\r\n\r\n".encode())


def head(sock: socket.socket, status: str) -> str:
    """The head of an answer, and not a byte more; raises ValueError when it is another one than hoped for."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        more = sock.recv(1)
        if not more or len(data) > HEAD_MAX_BYTES:
            raise ValueError("no answer came")
        data += more
    text = data.decode("latin-1")
    if not text.startswith(f"HTTP/1.1 {status}"):
        raise ValueError(text.partition("\r\n")[0])
    return text


if __name__ == "__main__":
    sys.exit(main())

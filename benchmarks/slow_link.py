"""A link that is wide and far: it lets each connection pass only so many bytes per second, however many there are.

How it works: two threads per connection, one for each direction, pass small pieces on and sleep until the piece's time
has come. What the kernel may hold in between is kept small, so that neither side runs ahead of the link.

Usage: python -m benchmarks.slow_link --to PORT [--rate BYTES_PER_S]; the first line on stdout is its address.
"""

from __future__ import annotations

import argparse
import socket
import sys
import threading
import time
from contextlib import suppress

RATE = 16_000_000
"""Bytes per second: one stream over 50 ms with 1 % loss."""
PIECE_BYTES = 64 << 10
HELD_BYTES = 256 << 10
"""By the kernel, for each socket; as little as lets the link run evenly."""
BEHIND_MAX_S = 0.05
"""What a direction that stood still may catch up."""


def main() -> int:
    parser = argparse.ArgumentParser(description="A link that holds each connection to a rate.")
    parser.add_argument("--to", type=int, required=True, metavar="PORT", help="on loopback")
    parser.add_argument("--rate", type=int, default=RATE, metavar="BYTES_PER_S")
    options = parser.parse_args()
    # Room for what is received must be set before the connection is there.
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, HELD_BYTES)
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            near, _ = listener.accept()
            threading.Thread(target=_join, args=(near, options.to, options.rate), daemon=True).start()


def _join(near: socket.socket, port: int, rate: int) -> None:
    far = socket.socket()
    far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, HELD_BYTES)
    with near, far, suppress(OSError):
        far.connect(("127.0.0.1", port))
        for sock in (near, far):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=_pass_on, args=(far, near, rate), daemon=True)
        back.start()
        _pass_on(near, far, rate)
        back.join()


def _pass_on(source: socket.socket, target: socket.socket, rate: int) -> None:
    buffer = memoryview(bytearray(PIECE_BYTES))
    due = time.monotonic()
    with suppress(OSError):  # either side hangs up when it likes
        while count := source.recv_into(buffer):
            target.sendall(buffer[:count])
            now = time.monotonic()
            due = max(due, now - BEHIND_MAX_S) + count / rate
            if due > now:
                time.sleep(due - now)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    sys.exit(main())

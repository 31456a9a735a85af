"""Bulk bytes over a plain socket in as few system calls as the kernel allows.

How it works: a Python socket with a time-out polls before each call and moves what happens to be there, which at full
speed costs a thread switch for every 64 KiB or so. In the bulk mode the socket blocks, the time-out is the kernel's
(SO_RCVTIMEO, SO_SNDTIMEO), and one call moves a whole piece. A shutdown from another thread still frees it at once.

The kernel tells a time-out only when nothing moved within one call: one that moved a byte at its beginning and then
waited tells the byte, and does not say when it came. So its time-out is a fraction of ours, and ours has come when that
many calls in a row moved nothing. Bytes that trickle are no stall, and a stall is told soon after its time.
"""

import os
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Protocol, cast

from modelsync.http.extents import FileExtent

ONCE_BYTES = 1 << 20
"""As much in one call as a cancel or a progress report may wait for."""
CALLS_TO_A_STALL = 16
"""So many calls without a byte are a stall. One that moved a few may have waited twice as long as one that moved none,
and the kernel may find a little room once more: a stall is told after 20/16 of its time at most."""
SEALED_ONCE_BYTES = 64 << 10
"""As much as TLS gets in one call, which has one time-out for all of it: what a slow line takes in that time."""
RECORDS_TOGETHER_S = 0.02
"""As long as TLS records are taken together. A call opens one, 16 KiB at most (RFC 8446, 5.1), into any buffer."""


def can_bulk(sock: socket.socket) -> bool:
    """Not through TLS: its records are opened and sealed here."""
    return not isinstance(sock, ssl.SSLSocket)


def begin_bulk(sock: socket.socket, timeout_s: float) -> None:
    """Makes the socket block, and the calls below raise after so long without a byte. `settimeout` ends the mode."""
    sock.settimeout(None)
    call_s = max(timeout_s / CALLS_TO_A_STALL, 0.001)  # zero would be for ever
    value = struct.pack("ll", int(call_s), int(call_s % 1 * 1_000_000))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)


def receive(sock: socket.socket, view: memoryview) -> int:
    """Fills the view, or returns less at the time-out or the stream's end (0: ended); TimeoutError without a byte."""
    for _ in range(CALLS_TO_A_STALL):
        with suppress(BlockingIOError):
            return sock.recv_into(view, len(view), socket.MSG_WAITALL)
    raise TimeoutError("no byte came in time")


class _Sealed(Protocol):
    """An `ssl.SSLSocket`, whose `read` says in typeshed that it returns bytes, which with a buffer it does not."""

    def read(self, size: int, buffer: memoryview, /) -> int: ...


class Records:
    """Receives through TLS from one socket, many records at a time while they come."""

    def __init__(self) -> None:
        self._trouble: OSError | None = None

    def receive(self, sock: socket.socket, view: memoryview) -> int:
        """Receives at least one byte; 0 at the stream's end. Raises the socket's OSError, TimeoutError for a stall."""
        if self._trouble is not None:
            raise self._trouble
        read = cast("_Sealed", sock).read  # `recv_into` is this after two more calls, for each record
        size = len(view)
        total = read(size, view)
        until = monotonic() + RECORDS_TOGETHER_S
        while 0 < total < size and monotonic() < until:
            try:
                last = read(size - total, view[total:])
            except OSError as exc:
                self._trouble = exc  # what came is good; the next call is told, and need not wait for it again
                break
            if last == 0:
                break
            total += last
        return total


def send(sock: socket.socket, view: memoryview, on_sent: Callable[[int], object] | None) -> None:
    """Sends all of the view; raises TimeoutError when not one byte was taken in time, or the socket's OSError."""
    once = len(view) if can_bulk(sock) else SEALED_ONCE_BYTES
    idle = 0
    while view:
        try:
            count = sock.send(view[:once])
        except BlockingIOError as exc:
            idle = _one_more(idle, exc)
            continue
        idle = 0
        view = view[count:]
        if on_sent is not None:
            on_sent(count)


def send_extent(sock: socket.socket, extent: FileExtent, on_sent: Callable[[int], object] | None) -> None:
    """Sends a stretch of an open file from the page cache, without passing through this process.

    Raises TimeoutError, the socket's OSError, or EOFError when the file is shorter than it was.
    """
    offset, left = extent.offset, extent.length
    out = sock.fileno()
    idle = 0
    while left:
        try:
            count = os.sendfile(out, extent.fd, offset, min(left, ONCE_BYTES))
        except BlockingIOError as exc:
            idle = _one_more(idle, exc)
            continue
        idle = 0
        if count == 0:
            raise EOFError("the file ended early")
        offset += count
        left -= count
        if on_sent is not None:
            on_sent(count)


def _one_more(idle: int, exc: BlockingIOError) -> int:
    """Counts calls in a row that moved nothing; raises TimeoutError when they are a stall."""
    if idle + 1 >= CALLS_TO_A_STALL:
        raise TimeoutError("no byte was taken in time") from exc
    return idle + 1

"""Bulk bytes over a plain socket in as few system calls as the kernel allows.

How it works: a Python socket with a time-out polls before each call and moves what happens to be there, which at full
speed costs a thread switch for every 64 KiB or so. In the bulk mode the socket blocks, the time-out is the kernel's
(SO_RCVTIMEO, SO_SNDTIMEO), and one call moves a whole piece. A shutdown from another thread still frees it at once.
"""

import os
import socket
import ssl
import struct
from collections.abc import Callable

from modelsync.http.extents import FileExtent

ONCE_BYTES = 1 << 20
"""As much in one call as a cancel or a progress report may wait for."""


RECORD_BYTES = 16 << 10
"""What TLS carries in one record (RFC 8446, 5.1); one call opens one, however large its buffer is."""
RECORDS_AT_ONCE = 8


def can_bulk(sock: socket.socket) -> bool:
    """Not through TLS: its records are opened and sealed here."""
    return not isinstance(sock, ssl.SSLSocket)


def begin_bulk(sock: socket.socket, timeout_s: float) -> None:
    """Makes the socket block, with the kernel's time-out for a call that moves nothing. `settimeout` ends the mode."""
    sock.settimeout(None)
    value = struct.pack("ll", int(timeout_s), int(timeout_s % 1 * 1_000_000))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)


def receive(sock: socket.socket, view: memoryview) -> int:
    """Fills the view, or returns less at the time-out or the stream's end (0: ended); TimeoutError without a byte."""
    try:
        return sock.recv_into(view, len(view), socket.MSG_WAITALL)
    except BlockingIOError as exc:
        raise TimeoutError("no byte came in time") from exc


def receive_records(sock: socket.socket, view: memoryview) -> int:
    """Receives through TLS at least one byte, and more while whole records come; 0 at the stream's end.

    Raises the socket's OSError, TimeoutError without a byte in time.
    """
    total = last = sock.recv_into(view)
    for _ in range(RECORDS_AT_ONCE - 1):
        if last < RECORD_BYTES or total == len(view):
            break
        try:
            last = sock.recv_into(view[total:])
        except OSError:
            break  # what came is good; the next call meets the same trouble
        total += last
    return total


def send(sock: socket.socket, view: memoryview, on_sent: Callable[[int], object] | None) -> None:
    """Sends all of the view; raises TimeoutError when not one byte was taken in time, or the socket's OSError."""
    while view:
        try:
            count = sock.send(view)
        except BlockingIOError as exc:
            raise TimeoutError("no byte was taken in time") from exc
        view = view[count:]
        if on_sent is not None:
            on_sent(count)


def send_extent(sock: socket.socket, extent: FileExtent, on_sent: Callable[[int], object] | None) -> None:
    """Sends a stretch of an open file from the page cache, without passing through this process.

    Raises TimeoutError, the socket's OSError, or EOFError when the file is shorter than it was.
    """
    offset, left = extent.offset, extent.length
    out = sock.fileno()
    while left:
        try:
            count = os.sendfile(out, extent.fd, offset, min(left, ONCE_BYTES))
        except BlockingIOError as exc:
            raise TimeoutError("no byte was taken in time") from exc
        if count == 0:
            raise EOFError("the file ended early")
        offset += count
        left -= count
        if on_sent is not None:
            on_sent(count)

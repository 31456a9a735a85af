"""The wish of a person that reaches every thread of one transfer: cancel or pause, at once."""

import socket
import threading
from collections.abc import Callable

from modelsync.errors import Cancelled


class Paused(Cancelled):
    """A person paused the transfer: what is finished is kept, and the next run goes on from it."""

    def __init__(self) -> None:
        super().__init__("Paused.", hint="Resume it to go on from the finished parts.")


class Control:
    """Cancels one transfer from any thread.

    How it works: `cancel` sets the wish and runs the callbacks that blocked threads registered; a thread that blocks
    on a socket registers the socket's `shutdown`, which frees a blocked receive at once (`close` does not).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wish: Cancelled | None = None
        self._event = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._callbacks: dict[object, Callable[[], None]] = {}

    def cancel(self, reason: Cancelled | None = None) -> None:
        """Stops the transfer; the first wish wins. Safe to call from any thread, returns at once."""
        with self._lock:
            if self._wish is not None:
                return
            self._wish = reason or Cancelled()
            sockets, callbacks = list(self._sockets), list(self._callbacks.values())
        self._event.set()
        for sock in sockets:
            _shut(sock)
        for callback in callbacks:
            callback()

    def pause(self) -> None:
        """Stops the transfer and keeps what is finished."""
        self.cancel(Paused())

    @property
    def cancelled(self) -> bool:
        return self._wish is not None

    @property
    def wish(self) -> Cancelled | None:
        """Cancelled or Paused; None while nobody wished anything."""
        return self._wish

    def check(self) -> None:
        """Raises what the person wished: Cancelled or Paused; else returns."""
        if self._wish is not None:
            raise self._wish

    def wait(self, seconds: float) -> None:
        """Sleeps, unless cancelled: then raises at once."""
        self._event.wait(seconds)
        self.check()

    def attach(self, sock: socket.socket) -> None:
        """From now on a cancel shuts this socket down, also when the cancel came first."""
        with self._lock:
            self._sockets.add(sock)
            late = self._wish is not None
        if late:
            _shut(sock)

    def detach(self, sock: socket.socket) -> None:
        with self._lock:
            self._sockets.discard(sock)

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Runs `callback` on cancel (at once if it came first); returns a function that takes it back."""
        key = object()
        with self._lock:
            late = self._wish is not None
            if not late:
                self._callbacks[key] = callback
        if late:
            callback()

        def take_back() -> None:
            with self._lock:
                self._callbacks.pop(key, None)

        return take_back


def _shut(sock: socket.socket) -> None:
    try:
        # A TLS socket's own shutdown takes the TLS away first: whoever reads then gets the sealed bytes for content.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return  # closed already by the other side or by its own thread

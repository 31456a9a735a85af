"""A person's wish to stop, as far as requests need to know of it."""

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

T = TypeVar("T")


class Stop(Protocol):
    """What transfer.control.Control carries (a layer above, so named by its shape)."""

    @property
    def cancelled(self) -> bool:
        """Whether the wish is there."""
        ...

    def check(self) -> None:
        """Raises when the wish is there."""

    def wait(self, seconds: float) -> None:
        """Sleeps, and raises as soon as the wish comes."""

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Runs `callback` when the wish comes; returns a function that takes it back."""
        ...

    def attach(self, sock: socket.socket) -> None:
        """From now on the wish shuts this socket down, also when it came first."""

    def detach(self, sock: socket.socket) -> None:
        """Ends what `attach` began."""


def interruptibly(work: Callable[[], T], stop: Stop | None) -> T:
    """Does what no shutdown of a socket can end, on a thread that is left alone when the person's wish comes first."""
    if stop is None:
        return work()
    stop.check()
    result: Future[T] = Future()
    over = threading.Event()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as exc:  # noqa: BLE001 - nothing is swallowed: it is raised again on the caller's thread
            result.set_exception(exc)
        over.set()

    take_back = stop.on_cancel(over.set)
    try:
        try:
            threading.Thread(target=run, name="modelsync-call", daemon=True).start()
        except RuntimeError:  # the system starts no more of them: better a wish that waits than no work
            run()
        over.wait()
    finally:
        take_back()
    if not result.done():
        stop.check()
    return result.result()

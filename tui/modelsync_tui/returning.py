"""A registry that could not be reached is asked again by itself, less and less often, until it answers."""

from collections.abc import Callable
from itertools import chain, repeat
from typing import TYPE_CHECKING

from textual.app import App

from modelsync.errors import ModelsyncError, NotARegistryError, TlsError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.timer import Timer

AGAIN_AFTER_S = (2.0, 5.0, 10.0, 20.0)
AGAIN_EVERY_S = 30.0
"""From then on: a lid that was closed for the night is opened, and the list is there before it is looked for."""


def may_pass(because: ModelsyncError | None) -> bool:
    """Whether what was said may be over in a while, without anybody's doing."""
    return isinstance(because, UnreachableError) and not isinstance(because, TlsError | NotARegistryError)


class Returning:
    """When to ask; belongs to the event loop."""

    def __init__(self, app: App[object], ask: Callable[[], object]) -> None:
        """`ask` is called when it is time; it ends with another call of `wait`, or of `end`."""
        self._app = app
        self._ask = ask
        self._waits = _waits()
        self._timer: Timer | None = None

    def wait(self) -> None:
        """It cannot be reached: asks once, after a while, unless that is waited for already."""
        if self._timer is None:
            self._timer = self._app.set_timer(next(self._waits), self._due)

    def end(self) -> None:
        """Nobody waits for it any more."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = None
        self._waits = _waits()

    def _due(self) -> None:
        self._timer = None
        self._ask()


def _waits() -> "Iterator[float]":
    return chain(AGAIN_AFTER_S, repeat(AGAIN_EVERY_S))

"""The signed address of one object: made once, used by all its ranges, made anew when the store refuses it."""

import threading
from collections.abc import Callable

from modelsync.registry.targets import DataTarget
from modelsync.transfer.control import Control

TargetFor = Callable[[Control], DataTarget]
"""Signs a fresh URL for the object."""


class SignedAddress:
    """The address that is good now. It lives an hour at the store (contract 4.4); one signature costs a request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: DataTarget | None = None

    def get(self, sign: TargetFor, control: Control) -> DataTarget:
        """The current address; signs one where there is none. Ranges that start together wait for one signature."""
        with self._lock:
            if self._current is None:
                self._current = sign(control)
            return self._current

    def drop(self, refused: DataTarget | None) -> None:
        """The store refused this one; a newer one stays."""
        with self._lock:
            if self._current is refused:
                self._current = None

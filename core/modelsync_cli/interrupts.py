"""Ctrl-C and its kin while a transfer runs: the first one cancels it cleanly, the second one leaves at once."""

import signal
from types import FrameType, TracebackType
from typing import Self

from modelsync.errors import Interrupted
from modelsync.transfer.control import Control
from modelsync_cli import signals


class Interrupts:
    """Takes the ending signals over while it is entered; only the main thread may enter it.

    The handler runs on the main thread, which must hold no lock of a `Control` then: transfers run on a thread of
    their own.
    """

    def __init__(self) -> None:
        self.count = 0
        """How many signals came."""
        self._control: Control | None = None

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._handle) for number in signals.heard()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def cancel(self, control: Control) -> None:
        """From now on the first signal cancels this; also when it came already."""
        self._control = control
        if self.count:
            control.cancel(Interrupted())

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self.count > 1:
            raise KeyboardInterrupt
        if self._control is not None:
            self._control.cancel(Interrupted())

"""One question at a time that takes a while: its seconds are counted in sight, and it can be given up."""

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from textual.app import App

from modelsync.errors import ModelsyncError
from modelsync.transfer.control import Control
from modelsync_tui import work

T = TypeVar("T")


class Asking:
    """Belongs to a screen; an answer to a question that was given up is not heard."""

    def __init__(self, app: App[object], failed: Callable[[ModelsyncError], object], *, group: str) -> None:
        self._app = app
        self._failed = failed
        self._group = group
        self._asked = 0
        self._since = 0.0
        self._control = Control()
        self.told = ""
        """What is waited for; empty while nothing is."""

    @property
    def waits(self) -> bool:
        return bool(self.told)

    @property
    def seconds(self) -> float:
        """How long it has been waited for."""
        return time.monotonic() - self._since

    def ask(self, question: Callable[[Control], T], answered: Callable[[T], object], told: str) -> None:
        """Asks on a thread, as a worker of the application: a screen that goes would wait for its own.

        `question` gets a control that is cancelled when the question is given up.
        """
        self._asked += 1
        asked = self._asked
        self._control = Control()
        self._since = time.monotonic()
        self.told = told

        def heard(say: Callable[[T], object], value: T) -> None:
            if asked == self._asked:
                self.told = ""
                say(value)

        def failed(error: ModelsyncError) -> None:
            if asked == self._asked:
                self.told = ""
                self._failed(error)

        work.run(
            self._app,
            partial(question, self._control),
            partial(heard, answered),
            failed,
            group=self._group,
            description=told,
        )

    def give_up(self) -> None:
        """Stops waiting; whoever can be told to stop is told."""
        self._asked += 1
        self.told = ""
        self._control.cancel()

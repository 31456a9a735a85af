"""A terminal that may go away while it is written to, with its window or its connection.

How it works: Textual writes on a thread of its own, through a queue of few places. When the terminal is gone that
thread would die of the first error, the queue would fill, and the event loop would wait for a place in it for ever: no
signal is heard any more. So what cannot be written is lost, and the end of the program goes its way.
"""

from contextlib import suppress
from typing import TextIO

from textual.app import App
from textual.driver import Driver


class LosingFile:
    """Writes while there is somebody to read."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()


def outlives_its_terminal(driver_class: type[Driver]) -> type[Driver]:
    """A driver whose writes fail in silence; one without a file is left as it is."""

    class Outliving(driver_class):  # type: ignore[valid-type, misc]  # which driver it is, the platform says
        def __init__(self, app: App[object], **options: object) -> None:
            super().__init__(app, **options)
            file = getattr(self, "_file", None)
            if file is not None:
                self._file = LosingFile(file)

    return Outliving

"""The last lines of the log on their way to the pane that shows them."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress

from textual.app import App

from modelsync.logs import LogLine, recent_lines

LINES_MAX = 1_000
DRAWN_AFTER_S = 0.1
"""Lines that come within so long are drawn together: a log in full flow must not cost the screen its time."""


class LogTail:
    """From the thread that logs to the event loop."""

    def __init__(self, app: App[object], show: Callable[[Sequence[LogLine]], object]) -> None:
        self._app = app
        self._show = show
        self._is_coming = False
        self._open = ExitStack()
        self._recent = self._open.enter_context(recent_lines(LINES_MAX, self._added))

    def close(self) -> None:
        """Takes no more lines."""
        self._open.close()

    def _added(self) -> None:
        if not self._is_coming:
            self._is_coming = True
            with suppress(RuntimeError):  # the event loop ended between the line and this call
                self._app.call_later(self._app.set_timer, DRAWN_AFTER_S, self._draw)

    def _draw(self) -> None:
        self._is_coming = False
        self._show(self._recent.lines())

"""Work of many rows on a thread of its own, for a widget that takes the result on the event loop."""

from collections.abc import Callable
from typing import TypeVar

from textual.widget import Widget

from modelsync_tui.pace import Gently, Pace, quiet_collector

AT_ONCE_ROWS = 2_000
"""So many rows, both sides together, take less than a frame: no thread is worth it."""
_T = TypeVar("_T")


def compute(widget: Widget, make: Callable[[Pace], _T], take: Callable[[_T], object], description: str) -> None:
    """Makes something out of many rows and hands it over."""
    pace = Gently()

    def work() -> None:
        with quiet_collector():
            made = make(pace)
        widget.app.call_later(take, made)

    run(widget, work, description)


def run(widget: Widget, work: Callable[[], None], description: str) -> None:
    """Runs on a thread what tells its result by itself."""
    widget.run_worker(work, thread=True, group="lists", description=description, exit_on_error=False)

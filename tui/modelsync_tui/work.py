"""Blocking calls of core, run in Textual's thread workers; their results come back to the event loop as calls."""

import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from textual.app import App
from textual.worker import Worker

from modelsync.errors import ModelsyncError

log = logging.getLogger("modelsync.tui")
T = TypeVar("T")


def run(
    app: App[object],
    work: Callable[[], T],
    done: Callable[[T], object],
    failed: Callable[[ModelsyncError], object],
    *,
    group: str,
    description: str,
) -> Worker[None]:
    """Runs `work` on a thread; exactly one of `done` and `failed` is called, on the event loop, unless the app ends.

    Results are posted, not waited for: a thread never hangs on an application that is closing. What comes when its
    widgets are being taken away is heard by nobody.
    """

    def deliver(call: Callable[[], object]) -> None:
        if app.is_running:
            call()

    def body() -> None:
        try:
            result = work()
        except ModelsyncError as error:
            app.call_later(deliver, partial(failed, error))
        except Exception as error:  # a defect must be told on the screen and in the log, not end the program
            log.exception("%s", description)
            told = ModelsyncError(f"Something unexpected went wrong ({description}).", hint="The log has the details.")
            told.__cause__ = error
            app.call_later(deliver, partial(failed, told))
        else:
            app.call_later(deliver, partial(done, result))

    return app.run_worker(body, thread=True, group=group, description=description, exit_on_error=False)

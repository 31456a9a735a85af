"""Shows a running transfer's progress to a callback, a few times a second, on a thread of its own."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from modelsync.transfer.progress import Progress, ProgressSnapshot

log = logging.getLogger("modelsync.transfer")

INTERVAL_S = 0.125


@contextmanager
def watching(
    progress: Progress, on_progress: Callable[[ProgressSnapshot], object], interval_s: float = INTERVAL_S
) -> Iterator[None]:
    """Calls `on_progress` every `interval_s` seconds inside the block, and once more at its end.

    A callback that raises is logged once and not called again: it must not harm the transfer.
    """
    ended = threading.Event()

    def watch() -> None:
        try:
            while not ended.wait(interval_s):
                on_progress(progress.snapshot())
            on_progress(progress.snapshot())
        except Exception:  # whatever a caller's callback does, the bytes go on
            log.exception("the progress callback raised")

    thread = threading.Thread(target=watch, name="modelsync-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()

"""The last words of a push that did not succeed, and how long they may take once a person wants to leave."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from modelsync.errors import Cancelled
from modelsync.transfer.control import Control

TOLD_WITHIN_S = 5.0
"""Who cancelled does not wait for longer: a registry that is silent would take five time-outs of a minute each."""


@contextmanager
def last_words(control: Control) -> Iterator[Control]:
    """A control for what is still to be said to the registry: it gives up TOLD_WITHIN_S after the wish of `control`.

    Calls made with it then raise Cancelled, whose message says that the registry did not answer.
    """
    words = Control()
    silence = Cancelled(f"The registry did not answer within {TOLD_WITHIN_S:g} s.")
    timer = threading.Timer(TOLD_WITHIN_S, words.cancel, (silence,))
    timer.daemon = True
    take_back = control.on_cancel(timer.start)
    try:
        yield words
    finally:
        take_back()
        timer.cancel()

"""Signals that end the command: which ones are heard, and what they do where nothing is under way yet or any more."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

EXIT_INTERRUPTED = 130
_SENTENCE = b"error: Interrupted.\n"
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def heard() -> Iterator[signal.Signals]:
    """The ending signals; not the hang-up where the caller had it ignored, as `nohup` does."""
    return (number for number in _ENDING if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN)


def leave_at_once() -> None:
    """From now on a signal ends the process with a sentence, without unwinding what Python is about to do.

    By a handler, for the first process of a container does not get signals that have none.
    """
    for number in heard():
        signal.signal(number, _leave)


def _leave(_number: int, _frame: object) -> None:
    with suppress(OSError):
        os.write(2, _SENTENCE)
    os._exit(EXIT_INTERRUPTED)

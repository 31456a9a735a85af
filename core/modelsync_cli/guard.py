"""Runs a command so that however it ends, a person reads a sentence and a script gets its exit code."""

import argparse
import logging
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from modelsync.errors import Cancelled, ModelsyncError
from modelsync_cli import signals
from modelsync_cli.output import Output, forget
from modelsync_cli.session import Session

EXIT_FAILED = 1
EXIT_INTERRUPTED = Cancelled.exit_code

_logger = logging.getLogger("modelsync.command")


def guarded(args: argparse.Namespace) -> int:
    """Runs one command; returns its exit code."""
    try:
        return _guarded(args)
    except KeyboardInterrupt:  # while it was told how the command ended
        return EXIT_INTERRUPTED
    finally:
        signals.leave_at_once()


def _guarded(args: argparse.Namespace) -> int:
    try:
        session = Session.of(args)
    except ModelsyncError as error:  # its places are wrong: there is no log
        Output(as_json=False, quiet=False).error(error)
        return error.exit_code
    try:
        for number in signals.heard():
            signal.signal(number, _interrupt)
        return _run(session)
    except ModelsyncError as error:
        _logger.warning("%s: %s", type(error).__name__, error.sentence)
        _logger.debug("it came from here", exc_info=True)
        session.output.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        signals.leave_at_once()  # whoever is in a hurry gets no traceback of the next lines
        session.output.error(Cancelled("Interrupted."))
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        forget(sys.stdout)
        return EXIT_FAILED
    except Exception:  # noqa: BLE001 - the last door: a traceback belongs into the log, never before a person
        defect = unexpected(session)
        session.output.error(defect)
        return defect.exit_code


def _run(session: Session) -> int:
    """Each command's module is loaded when it is run: listing the store must not wait for what talks to a network."""
    match session.args.command:
        case "push" | "pull":
            from modelsync_cli import transferring

            return transferring.run(session)
        case "verify":
            from modelsync_cli import verifying

            return verifying.run(session)
        case "ls":
            from modelsync_cli import listing

            return listing.run(session)
        case "delete":
            from modelsync_cli import deleting

            return deleting.run(session)
        case "history":
            from modelsync_cli import remembering

            return remembering.run_history(session)
        case "status":
            from modelsync_cli import remembering

            return remembering.run_status(session)
        case "completion":
            from modelsync_cli import completing

            return completing.run(session)
        case "locate":
            from modelsync_cli import locating

            return locating.run(session)
        case _:
            from modelsync_cli import signing_in

            return signing_in.run(session)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def unexpected(session: Session) -> ModelsyncError:
    """What a person is told of a defect; called while it is handled, for its traceback goes into the log."""
    log_file = None
    with suppress(ModelsyncError):  # the settings may be what is wrong
        log_file = session.start_log()
    _logger.exception("unexpected")
    match sys.exception():
        case MemoryError():
            return ModelsyncError(
                "There is not enough memory.", hint="Allow the process more, or move fewer parts at once: --threads 1."
            )
        case RuntimeError() as error if "start new thread" in str(error):
            return ModelsyncError(
                "The system lets no more threads be started.",
                hint="Allow the container or user more processes, or move fewer parts at once: --threads 1.",
            )
    where = f"The details are in {log_file}." if log_file else "Set MODELSYNC_STATE_DIR to see the details in a log."
    return ModelsyncError("Something happened that modelsync did not expect.", hint=where)

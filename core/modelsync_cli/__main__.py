"""The `modelsync` command."""

import gc

# Before the first import: a command makes some ten thousand objects that live as long as it does, and looking through
# them for garbage again and again is a twentieth of its start.
gc.set_threshold(100_000)

# ruff: noqa: E402 - the line above, and the next: while Python imports, an interrupt would be a traceback
from modelsync_cli.signals import leave_at_once

leave_at_once()

from typing import NoReturn

from modelsync.crashes import forbid_core_dumps
from modelsync_cli.completing import answer_shell
from modelsync_cli.guard import guarded
from modelsync_cli.leaving import leave
from modelsync_cli.output import open_closed_streams
from modelsync_cli.parser import build_parser


def main() -> NoReturn:
    """Runs the command line and ends the process with its exit code."""
    leave(run())


def run() -> int:
    """Runs the command line and returns its exit code: 0 done or already there, 2 usage, 3 not signed in or refused,
    4 not found, 5 not reachable, 130 interrupted, 1 any other failure or several kinds of them.

    Raises SystemExit after a usage error, and after `--help` and `--version`.
    """
    forbid_core_dumps()
    open_closed_streams()
    parser = build_parser()
    answer_shell(parser)
    args = parser.parse_args()
    return guarded(args)


if __name__ == "__main__":
    main()

"""The `modelsync` command."""

import sys

from modelsync.crashes import forbid_core_dumps
from modelsync_cli.completing import answer_shell
from modelsync_cli.guard import guarded
from modelsync_cli.output import open_closed_streams
from modelsync_cli.parser import build_parser


def main() -> None:
    """Runs the command line and exits: 0 done or already there, 2 usage, 3 not signed in or refused, 4 not found,
    5 not reachable, 130 interrupted, 1 any other failure or several kinds of them.
    """
    forbid_core_dumps()
    open_closed_streams()
    parser = build_parser()
    answer_shell(parser)
    args = parser.parse_args()
    sys.exit(guarded(args))


if __name__ == "__main__":
    main()

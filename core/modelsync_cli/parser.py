"""The command line: its commands, flags and their help."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from modelsync import __version__
from modelsync.errors import UsageError
from modelsync_cli.completing import (
    SHELLS,
    completed,
    context_names,
    listed_names,
    local_names,
    local_tags,
    local_versions,
)
from modelsync_cli.epilogs import (
    CONTEXTS_EPILOG,
    DELETE_EPILOG,
    EXIT_CODES,
    HISTORY_EPILOG,
    LOCATE_EPILOG,
    LS_EPILOG,
    STATUS_EPILOG,
    TRANSFER_EPILOG,
    VERIFY_EPILOG,
    WHO_EPILOG,
)

_TAG_HELP = "name, name:latest or name:version"
_TAGS = "TAG [TAG ...]"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a line in the words of the command that it is for."""

    def parse_known_args(  # type: ignore[override]  # of its overloads only this one is used
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Nothing is handed back to the parser above: its usage would not be that of the command."""
        known, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}{self._meant(rest[0])}")
        return known, rest

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(UsageError.exit_code, f"{self.prog}: error: {message}\nSee: {self.prog} --help\n")

    def _meant(self, word: str) -> str:
        import difflib  # only for a word that is none: it costs as much as the rest of the parser

        flags = [flag for action in self._actions for flag in action.option_strings]
        near = difflib.get_close_matches(word.partition("=")[0], flags, n=1)
        return f" (did you mean {near[0]}?)" if near else ""


def build_parser() -> argparse.ArgumentParser:
    """The parser; `args.command` says what to run."""
    common = _Parser(add_help=False)
    _common_flags(common)
    parser = _Parser(
        prog="modelsync",
        usage="modelsync COMMAND [OPTION ...]",
        description="Move machine-learning models between BentoML's local store and a registry.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"modelsync {__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", prog="modelsync", required=True
    )
    _common_flags(parser)  # below the commands: it is those that a person looks for

    def add(name: str, help_: str, epilog: str = "", *, takes: str = "") -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            usage=f"modelsync {name} [OPTION ...] {takes}".rstrip(),
            help=help_,
            description=f"{help_[0].upper()}{help_[1:]}.",
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter if epilog else argparse.HelpFormatter,
            parents=[common],
            allow_abbrev=False,
        )

    push = add("push", "send versions of the local store to the registry", _transfer_epilog("pushed"), takes=_TAGS)
    _transfer_flags(push)
    push.add_argument("--no-verify", action="store_true", help="do not compare checksums of the parts that are sent")
    compared = "  verified     whether every byte that came was compared (--verify)\n"
    pull = add(
        "pull",
        "fetch versions from the registry into the local store",
        _transfer_epilog("pulled", compared),
        takes=_TAGS,
    )
    _transfer_flags(pull)
    pull.add_argument("--query", metavar="Q", help="narrow what latest means, e.g. label:stage=prod")
    pull.add_argument(
        "--verify", action="store_true", help="compare what arrives with the checksum that the object store keeps"
    )
    verify = add(
        "verify", "compare versions of the local store with the registry's, byte for byte", VERIFY_EPILOG, takes=_TAGS
    )
    completed(verify.add_argument("tags", nargs="+", metavar="TAG", help=_TAG_HELP), local_tags)
    verify.add_argument("--quick", action="store_true", help="compare names and sizes only")
    _speed_flags(verify)
    ls = add("ls", "list the versions of one side", LS_EPILOG, takes="{local,remote} [NAME]")
    ls.add_argument("side", choices=("local", "remote"), metavar="local or remote", help="the store, or the registry")
    completed(ls.add_argument("name", nargs="?", metavar="NAME", help=f"only this model: {_TAG_HELP}"), listed_names)
    ls.add_argument("--search", metavar="TEXT", help="only models with this in their name")
    ls.add_argument(
        "--label", dest="labels", action="append", metavar="K[=V]", help="only with this label; may be repeated"
    )
    _delete_flags(
        add("delete", "delete versions of the local store, after a question", DELETE_EPILOG, takes="[TAG ...]")
    )
    _history_flags(add("history", "show what was transferred, the last one first", HISTORY_EPILOG, takes="[NAME]"))
    add("status", "show what has not ended, and how to go on with it", STATUS_EPILOG)
    _login_flags(add("login", "sign in to a registry and keep the token", WHO_EPILOG))
    logout = add("logout", "forget a context and its token", takes="[CONTEXT]")
    completed(
        logout.add_argument(
            "name", nargs="?", metavar="CONTEXT", help="the context to forget (default: the current one)"
        ),
        context_names,
    )
    add("whoami", "show who you are, and where the token comes from", WHO_EPILOG)
    add("contexts", "list the kept contexts", CONTEXTS_EPILOG)
    use = add("use", "make a kept context the current one", takes="CONTEXT")
    completed(use.add_argument("name", metavar="CONTEXT"), context_names)
    add("locate", "show where all files are", LOCATE_EPILOG)
    completion = add("completion", "print what makes a shell complete this command", takes="{bash,zsh,fish}")
    completion.add_argument("shell", choices=SHELLS)
    return parser


def _transfer_epilog(verb: str, verified: str = "") -> str:
    return TRANSFER_EPILOG.format(verb=verb, bare=verb.removesuffix("ed"), verified=verified)


def _common_flags(parser: argparse.ArgumentParser) -> None:
    """Flags that may stand before and after the command; one that is not given leaves no trace."""
    flags = parser.add_argument_group("options of every command", argument_default=argparse.SUPPRESS)
    flags.add_argument("--json", action="store_true", help="one line of JSON per result on stdout")
    flags.add_argument("--quiet", "-q", action="store_true", help="only warnings and errors on stderr")
    completed(flags.add_argument("--context", metavar="NAME", help="the kept context to use"), context_names)
    flags.add_argument("--store", metavar="DIR", help="the BentoML directory to use")
    flags.add_argument("--config", metavar="FILE", help="the settings file to use")
    flags.add_argument("--ca-file", metavar="FILE", help="certificates to trust, PEM")
    flags.add_argument("--read-only", action="store_true", help="refuse every push; with login, kept with the context")
    flags.add_argument("--no-keyring", action="store_true", help="do not ask the OS keyring")
    flags.add_argument("--no-color", action="store_true", help="no colours on stderr")
    flags.add_argument("--log-file", metavar="FILE", help="write the log there")
    flags.add_argument("--debug", action="store_true", help="write more into the log file")


def _transfer_flags(parser: argparse.ArgumentParser) -> None:
    completed(parser.add_argument("tags", nargs="+", metavar="TAG", help=_TAG_HELP), local_tags)
    parser.add_argument("--force", action="store_true", help="replace a version that is there already")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    _speed_flags(parser)


def _delete_flags(parser: argparse.ArgumentParser) -> None:
    completed(parser.add_argument("tags", nargs="*", metavar="TAG", help="name:version"), local_versions)
    parser.add_argument("--keep-last", metavar="N", help="with --name: delete all but the N newest builds")
    completed(
        parser.add_argument(
            "--name", dest="names", action="append", metavar="NAME", help="a model to clean up; may be repeated"
        ),
        local_names,
    )
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="say what would be deleted, and delete nothing")
    parser.add_argument("--force-used", action="store_true", help="delete also what local bentos use")


def _history_flags(parser: argparse.ArgumentParser) -> None:
    completed(
        parser.add_argument("name", nargs="?", metavar="NAME", help="only this model: name or name:version"), local_tags
    )
    parser.add_argument("--limit", metavar="N", help="at most so many (default: 50)")
    parser.add_argument("--csv", action="store_true", help="as a table for another program")


def _speed_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", metavar="N", help="parts moved side by side, 1 to 64 (default: 10)")
    parser.add_argument("--bandwidth", metavar="RATE", help='at most this fast, e.g. "40 MiB/s"')


def _login_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--endpoint", metavar="URL", help="the registry's address")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--token-stdin", action="store_true", help="read the token from stdin instead of asking")
    way.add_argument(
        "--browser", action="store_true", help="confirm on a page of the registry, here or on another machine"
    )
    way.add_argument(
        "--import",
        dest="import_name",
        nargs="?",
        const="",
        metavar="NAME",
        help="take over a context of BentoML's .yatai.yaml (default: its current one); the file is only read",
    )
    parser.add_argument("--organization", metavar="ORG", help="for people in several organizations")
    parser.add_argument("--plain-http", action="store_true", help="let token and models travel unencrypted over http")
    parser.add_argument("--writable", action="store_true", help="end the read-only mode of the context")
    parser.add_argument("--color", metavar="COLOR", help="the context's colour on the screen, or auto")
    parser.add_argument(
        "--keep",
        choices=("keyring", "file"),
        help="where the token is kept: the OS keyring (default), or a file in plain text, mode 0600",
    )

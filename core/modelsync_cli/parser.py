"""The command line: its commands, flags and their help."""

import argparse
from typing import Final

from modelsync import __version__
from modelsync_cli.completing import (
    SHELLS,
    completed,
    context_names,
    listed_names,
    local_names,
    local_tags,
    local_versions,
)

EXIT_CODES: Final = """\
exit codes:
  0    done, or already there
  2    the command line or a setting is wrong
  3    not signed in, or the registry refused the token
  4    not found
  5    the registry or the network cannot be reached
  130  interrupted
  1    any other failure, or several kinds of them

The account is that of BENTO_CLOUD_API_KEY and BENTO_CLOUD_API_ENDPOINT, else the kept context
(see `modelsync login`). The store is that of BENTOML_HOME, else ~/bentoml.
"""

TRANSFER_EPILOG: Final = """\
one line per tag on stdout: {verb}, skipped or failed; the tag; why. With --json:
  tag          name:version
  outcome      {verb}, skipped (it is there already) or failed; with --dry-run, would {bare}
  reason       why it was done, or why nothing was; empty after an error
  resumed      whether it went on from an earlier run's parts
{verified}  bytes_total  of the archive on the wire; 0 when nothing was to be moved; with --dry-run, of the files
  bytes_moved  in this run, what was sent again included
  retries, seconds
  error        a sentence, or null

exit codes: as for every command (see `modelsync --help`); a failure of one tag does not stop the next
"""

LS_EPILOG: Final = """\
With --json, one line for each version:
  tag            name:version
  size_bytes     of its files, or null
  created_at     when it was built
  labels         keys and values
  upload_status  what the registry says of its upload; null for a local one
  state          local: latest, ok or what is wrong with it; remote, beside the local store: same, differs, remote
                 only, uploading, failed, stuck (its upload never ended) or reference (to HuggingFace)

exit codes: as for every command (see `modelsync --help`); an empty list of a side is no failure, a NAME that it does
not have is
"""

VERIFY_EPILOG: Final = """\
Neither side is changed, and nothing is stored. model.yaml counts like any file. Names, content, links and whether the
owner may execute a file are compared; times and owners are not.

one line per tag on stdout: verified, same (names and sizes only), differs or failed; the tag; how much was compared.
With --json:
  tag             name:version
  equal           true, false, or null after an error
  verified        true only when every byte was compared and is the same
  quick           true when only names and sizes were to be compared
  files           how many files both sides have
  differences     a list of {"name", "kind"}; kind is one of: only local, only remote, type, link, size, bytes,
                  executable
  bytes_compared  of the content of files
  seconds
  error           a sentence, or null

exit codes: 0 no difference, 1 a difference, else as for every command (see `modelsync --help`)
"""

DELETE_EPILOG: Final = """\
one line per tag on stdout: deleted, refused or failed; the tag; what was freed. With --json:
  tag          name:version
  outcome      deleted, refused (a local bento uses it) or failed
  bytes_freed
  used_by      a list of the local bentos, name:version
  error        a sentence, or null

exit codes: 0 done, 1 a version that was named is used by a bento, 130 not agreed, else as for every command
(see `modelsync --help`)
"""

HISTORY_EPILOG: Final = """\
With --json, one line for each transfer that ended, in whatever program:
  began, ended  UTC
  direction     push or pull
  tag           name:version
  outcome       pushed, pulled, skipped, failed, cancelled or paused
  reason        why it was done, or why not
  resumed       whether it went on from an earlier run's parts
  verified      whether the bytes of both sides were compared
  bytes_total   of the archive on the wire
  bytes_moved   in this run
  retries, seconds, context, host, organization, program
"""

STATUS_EPILOG: Final = """\
With --json, one line for each transfer:
  tag, direction, force
  state         paused at the last quit, was cut short, or who runs it
  bytes_kept    what need not be moved again
  since         when it was last heard of
  endpoint, organization, store
  go_on         the command that goes on with it; empty while it runs
"""

_TAG_HELP = "name, name:latest or name:version"


def build_parser() -> argparse.ArgumentParser:
    """The parser; `args.command` says what to run."""
    common = _common_flags()
    parser = argparse.ArgumentParser(
        prog="modelsync",
        description="Move machine-learning models between BentoML's local store and a registry.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"modelsync {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, help_: str, epilog: str = "") -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=help_,
            description=f"{help_[0].upper()}{help_[1:]}.",
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter if epilog else argparse.HelpFormatter,
            parents=[common],
            allow_abbrev=False,
        )

    push = add("push", "send versions of the local store to the registry", _transfer_epilog("pushed"))
    _transfer_flags(push)
    push.add_argument("--no-verify", action="store_true", help="do not compare checksums of the parts that are sent")
    compared = "  verified     whether every byte that came was compared (--verify)\n"
    pull = add("pull", "fetch versions from the registry into the local store", _transfer_epilog("pulled", compared))
    _transfer_flags(pull)
    pull.add_argument("--query", metavar="Q", help="narrow what latest means, e.g. label:stage=prod")
    pull.add_argument(
        "--verify", action="store_true", help="compare what arrives with the checksum that the object store keeps"
    )
    verify = add("verify", "compare versions of the local store with the registry's, byte for byte", VERIFY_EPILOG)
    completed(verify.add_argument("tags", nargs="+", metavar="TAG", help=_TAG_HELP), local_tags)
    verify.add_argument("--quick", action="store_true", help="compare names and sizes only")
    _speed_flags(verify)
    ls = add("ls", "list the versions of one side", LS_EPILOG)
    ls.add_argument("side", choices=("local", "remote"))
    completed(ls.add_argument("name", nargs="?", metavar="NAME", help=f"only this model: {_TAG_HELP}"), listed_names)
    ls.add_argument("--search", metavar="TEXT", help="only models with this in their name")
    ls.add_argument(
        "--label", dest="labels", action="append", metavar="K[=V]", help="only with this label; may be repeated"
    )
    _delete_flags(add("delete", "delete versions of the local store, after a question", DELETE_EPILOG))
    _history_flags(add("history", "show what was transferred, the last one first", HISTORY_EPILOG))
    add("status", "show what has not ended, and how to go on with it", STATUS_EPILOG)
    _login_flags(add("login", "sign in to a registry and keep the token"))
    logout = add("logout", "forget a context and its token")
    completed(
        logout.add_argument(
            "name", nargs="?", metavar="CONTEXT", help="the context to forget (default: the current one)"
        ),
        context_names,
    )
    add("whoami", "show who you are, and where the token comes from")
    add("contexts", "list the kept contexts")
    use = add("use", "make a kept context the current one")
    completed(use.add_argument("name", metavar="CONTEXT"), context_names)
    add("locate", "show where all files are")
    completion = add("completion", "print what makes a shell complete this command")
    completion.add_argument("shell", choices=SHELLS)
    return parser


def _transfer_epilog(verb: str, verified: str = "") -> str:
    return TRANSFER_EPILOG.format(verb=verb, bare=verb.removesuffix("ed"), verified=verified)


def _common_flags() -> argparse.ArgumentParser:
    """Flags that may stand before and after the command; one that is not given leaves no trace."""
    flags = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS, allow_abbrev=False)
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
    return flags


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

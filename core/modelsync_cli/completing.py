"""Shell completion: the code that a shell loads, and the words that only this machine knows.

How it works: argcomplete's code makes the shell run `modelsync` with a variable set for each press of Tab; then the
parser answers with words instead of running. Nothing that talks to a network is loaded or asked for that.
"""

import argparse
import os
from collections.abc import Callable, Iterable
from contextlib import suppress

from modelsync.errors import ModelsyncError
from modelsync.paths import Paths
from modelsync_cli.session import Session

SHELLS = ("bash", "zsh", "fish")
_LOADING = {
    "bash": 'eval "$(modelsync completion bash)"  in ~/.bashrc',
    "zsh": 'eval "$(modelsync completion zsh)"  in ~/.zshrc, after compinit',
    "fish": "modelsync completion fish | source  in ~/.config/fish/config.fish",
}
Words = Callable[..., Iterable[str]]
"""Gets `prefix`, what was typed of the word, and `parsed_args`, what stands before it."""
_VARIABLE = "_ARGCOMPLETE"


def run(session: Session) -> int:
    """Prints the code for one shell."""
    from argcomplete.shell_integration import shellcode

    shell = session.args.shell
    session.output.text(shellcode(["modelsync"], shell=shell))
    session.output.note(f"To have it in every shell: {_LOADING[shell]}")
    return 0


def answer_shell(parser: argparse.ArgumentParser) -> None:
    """Answers and exits when a shell asks for words; otherwise does nothing, and loads nothing."""
    if _VARIABLE in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser, always_complete_options=False)  # flags only after a dash


def completed(argument: argparse.Action, words: Words) -> None:
    """Says where a shell finds words for this argument."""
    argument.completer = words  # type: ignore[attr-defined]


def local_tags(prefix: str, parsed_args: argparse.Namespace, **_: object) -> Iterable[str]:
    """The versions of the local store, names alone first."""
    with suppress(ModelsyncError):
        models = Session.of(parsed_args).store().scan().models
        names = dict.fromkeys(model.tag.name for model in models)
        return [word for word in (*names, *(str(model.tag) for model in models)) if word.startswith(prefix)]
    return []


def local_versions(prefix: str, parsed_args: argparse.Namespace, **_: object) -> Iterable[str]:
    """The versions of the local store, where a name alone means none."""
    return [word for word in local_tags(prefix, parsed_args) if ":" in word]


def local_names(prefix: str, parsed_args: argparse.Namespace, **_: object) -> Iterable[str]:
    """The names of the local store."""
    return [word for word in local_tags(prefix, parsed_args) if ":" not in word]


def listed_names(prefix: str, parsed_args: argparse.Namespace, **_: object) -> Iterable[str]:
    """Names of the side that is listed, where that needs no network."""
    return local_tags(prefix, parsed_args) if getattr(parsed_args, "side", "") == "local" else []


def context_names(prefix: str, **_: object) -> Iterable[str]:
    """The kept contexts; the keyring is not asked."""
    from modelsync.credentials import Credentials

    with suppress(ModelsyncError):
        names = [context.name for context in Credentials(Paths.of_platform()).contexts()]
        return [name for name in names if name.startswith(prefix)]
    return []

"""What every command begins with: places, settings, accounts and the two streams, from the command line."""

import argparse
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from modelsync.errors import UsageError
from modelsync.paths import Paths, from_home
from modelsync.settings import Settings
from modelsync_cli.output import Output

if TYPE_CHECKING:
    from modelsync.account import Account, Context
    from modelsync.credentials import Credentials
    from modelsync.store import ModelStore
    from modelsync.sync import Sides

COUNT_DIGITS_MAX = 9
_SETTING_FLAGS = ("store", "threads", "bandwidth", "ca_file", "log_file")


@dataclass(frozen=True)
class Session:
    """One run of the command."""

    args: argparse.Namespace
    paths: Paths
    output: Output

    @classmethod
    def of(cls, args: argparse.Namespace) -> "Session":
        """Raises SettingsError for a place in the home of a user who does not exist, UsageError for a relative one
        where the working directory is gone.
        """
        paths = Paths.of_platform()
        if config := flag(args, "config"):
            try:
                paths = replace(paths, config_file=from_home(config, "--config").absolute())
            except OSError as exc:  # the working directory is gone
                raise UsageError(
                    f"--config {config} cannot be found from here ({exc.strerror}).", hint="Give its whole path."
                ) from exc
        return cls(args, paths, Output(as_json=is_set(args, "json"), quiet=is_set(args, "quiet")))

    @cached_property
    def settings(self) -> Settings:
        """Raises SettingsError."""
        flags: dict[str, object] = {name: flag(self.args, name) for name in _SETTING_FLAGS}
        flags["read_only"] = True if is_set(self.args, "read_only") else None
        flags["verify"] = False if is_set(self.args, "no_verify") else None
        flags["keyring"] = False if is_set(self.args, "no_keyring") else None
        flags["color"] = False if is_set(self.args, "no_color") else None
        flags["log_level"] = "debug" if is_set(self.args, "debug") else None
        return Settings.load(flags, paths=self.paths)

    @cached_property
    def credentials(self) -> "Credentials":
        from modelsync.credentials import Credentials

        return Credentials(self.paths, notice=self.output.note, keyring=self.settings.keyring)

    def account(self) -> "Account":
        """The account that the command line, the environment or the kept contexts say; raises AuthenticationError."""
        named = flag(self.args, "context")
        account = self.credentials.account(named, default=self.settings.context)
        if named is None:
            self._warn_of_half_an_account(account.context)
        return account

    def _warn_of_half_an_account(self, used: "Context") -> None:
        """A pipeline whose token is missing must not move models to another registry without a word."""
        from modelsync.credentials import clean_endpoint
        from modelsync.credentials.keeping import ENDPOINT_VARIABLE, TOKEN_VARIABLE

        meant = os.environ.get(ENDPOINT_VARIABLE, "").strip()
        if not meant or self.credentials.environment_wins:
            return
        with suppress(UsageError):  # what is no address at all is another one, too
            meant = clean_endpoint(meant)
        if meant != used.endpoint:
            self.output.warn(
                f"{ENDPOINT_VARIABLE} is set, but {TOKEN_VARIABLE} is not: "
                f"the kept context {used.name} is used, which is at {used.endpoint}."
            )

    def store(self) -> "ModelStore":
        """The local store; loads no HTTP library."""
        from modelsync.store import ModelStore

        return ModelStore(self.settings.store, cache_file=self.paths.models_cache_file)

    def sides(self) -> "Sides":
        """Both sides and what moves bytes between them; the caller closes them."""
        from modelsync.api import open_sides

        return open_sides(self.settings, self.account(), self.paths, waiting=self.output.waiting)

    def start_log(self) -> Path | None:
        """Begins the log file; for commands that talk to a registry, and when something goes wrong."""
        from modelsync import logs

        return logs.start(self.paths.with_log(self.settings.log_file), self.settings.log_level)


def flag(args: argparse.Namespace, name: str) -> str | None:
    """What was given with a flag; None when it was not given."""
    value: str | None = getattr(args, name, None)
    return value


def count_of(args: argparse.Namespace, name: str, *, hint: str) -> int | None:
    """What was given with a flag that counts; None when it was not given. Raises UsageError for what counts nothing."""
    text = flag(args, name)
    if text is None:
        return None
    counts = text.isascii() and text.isdecimal() and len(text) <= COUNT_DIGITS_MAX
    if not counts or int(text) < 1:
        raise UsageError(f"--{name.replace('_', '-')} {text} is not possible.", hint=hint)
    return int(text)


def is_set(args: argparse.Namespace, name: str) -> bool:
    """Whether a switch was given."""
    return getattr(args, name, False) is True

"""Where modelsync keeps its own files on this platform."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from modelsync.errors import SettingsError

APP_NAME = "modelsync"
CONFIG_FILE_NAME = "config.toml"
PRIVATE_DIR_MODE = 0o700
PRIVATE_FILE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Paths:
    """The places of one person's files; nothing is created until something is written there."""

    config_dir: Path
    """Settings and contexts: what a person may edit or back up."""
    config_file: Path
    """The settings, TOML; it need not exist."""
    state_dir: Path
    """Journals, history and the log: what a run leaves for the next one."""
    cache_dir: Path
    """What can be computed again."""
    log_file: Path

    @classmethod
    def of_platform(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The platform's places; MODELSYNC_CONFIG_DIR, _STATE_DIR, _CACHE_DIR and _CONFIG (one file) win over them.

        Raises SettingsError for the home of a user who does not exist, and where nobody says which home it is.
        """
        config_dir = _place(environ, "MODELSYNC_CONFIG_DIR", "user_config_path")
        state_dir = _place(environ, "MODELSYNC_STATE_DIR", "user_state_path")
        cache_dir = _place(environ, "MODELSYNC_CACHE_DIR", "user_cache_path")
        config_file = environ.get("MODELSYNC_CONFIG")
        return cls(
            config_dir=config_dir,
            config_file=from_home(config_file, "MODELSYNC_CONFIG") if config_file else config_dir / CONFIG_FILE_NAME,
            state_dir=state_dir,
            cache_dir=cache_dir,
            log_file=state_dir / "modelsync.log",
        )

    def with_log(self, log_file: Path | None) -> Self:
        """The same places with another log file; None keeps it."""
        return self if log_file is None else replace(self, log_file=log_file)

    @property
    def contexts_file(self) -> Path:
        """The kept contexts, without their tokens."""
        return self.config_dir / "contexts.json"

    @property
    def credentials_file(self) -> Path:
        """Tokens in plain text, only of the contexts whose person chose that."""
        return self.config_dir / "credentials"

    @property
    def journals_dir(self) -> Path:
        """One file per transfer that may be gone on with."""
        return self.state_dir / "journals"

    @property
    def history_file(self) -> Path:
        """What was transferred, by every program."""
        return self.state_dir / "history.jsonl"

    @property
    def queues_dir(self) -> Path:
        """What was not finished when a person quit, one file per registry and store."""
        return self.state_dir / "queues"

    @property
    def screen_file(self) -> Path:
        """What a person picked on the screen and the next start uses again."""
        return self.state_dir / "screen.json"

    @property
    def models_cache_file(self) -> Path:
        """What was read from each model.yaml, so that it need not be parsed again."""
        return self.cache_dir / "store.json"


def from_home(text: str, given_with: str) -> Path:
    """A path in which `~` may stand for a home; raises SettingsError, with what it was given with, where none is."""
    try:
        return Path(text).expanduser()
    except RuntimeError as exc:
        raise SettingsError(f"{given_with}: {text!r} is in no user's home.", hint="Write the whole path.") from exc


def private_dir(path: Path) -> Path:
    """Makes a directory, and those above it, that only this person may enter; returns it. Raises OSError."""
    if not path.is_dir():
        if path.parent != path:
            private_dir(path.parent)
        path.mkdir(mode=PRIVATE_DIR_MODE, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Replaces a file in one step with one of mode 0600: after a crash it is the old one or the new one, whole.

    Raises OSError.
    """
    private_dir(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, PRIVATE_FILE_MODE)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _place(environ: Mapping[str, str], variable: str, name: str) -> Path:
    chosen = environ.get(variable)
    if chosen:
        return from_home(chosen, variable)
    from platformdirs import PlatformDirs  # only where needed: it costs a tenth of a listing's time

    try:
        place: Path = getattr(PlatformDirs(APP_NAME, appauthor=False), name)
        return place.expanduser()  # an older platformdirs leaves the `~` there
    except RuntimeError as exc:  # a container's user without a name, and without HOME
        raise SettingsError(
            "There is no place for modelsync's own files: HOME is not set, and this user has no home directory.",
            hint="Set HOME, or MODELSYNC_CONFIG_DIR, MODELSYNC_STATE_DIR and MODELSYNC_CACHE_DIR.",
        ) from exc

"""The file `latest` of one name: which version `name:latest` means (registry contract 5.2)."""

import os
from collections.abc import Iterable
from pathlib import Path

from modelsync.model import LocalModel
from modelsync.store.disk import write_in_one_step
from modelsync.tag import LATEST, is_valid_part

_READ_MAX = 256


def read_latest(name_directory: Path) -> str | None:
    """The version that the file names, whether it exists or not; None without a readable file."""
    try:
        # O_NONBLOCK: a pipe of that name must not hang the whole list
        handle = os.open(name_directory / LATEST, os.O_RDONLY | os.O_NONBLOCK)
        try:
            text = os.read(handle, _READ_MAX).decode("utf-8", "replace").strip()
        finally:
            os.close(handle)
    except OSError:
        return None
    return text if is_valid_part(text) else None


def newest(models: Iterable[LocalModel]) -> LocalModel | None:
    """The one with the greatest creation_time, of equals the greatest version; None of none."""
    return max(models, key=lambda model: (model.info.creation_time, model.tag.version), default=None)


def latest_of(models: Iterable[LocalModel], recorded: str | None) -> LocalModel | None:
    """What `name:latest` means: the recorded version, or the newest where the file is missing or dangling."""
    known = tuple(models)
    return next((model for model in known if model.tag.version == recorded), None) or newest(known)


def write_latest(name_directory: Path, version: str, *, draft: Path, sync: bool) -> None:
    """Replaces the file in one step; `draft` is a free path on the same file system. Raises OSError.

    Where it cannot be written (a full disk) it is removed: without it the newest is the latest, for bentoml too.
    """
    latest = name_directory / LATEST
    try:
        write_in_one_step(latest, version, draft=draft, sync=sync)
    except OSError as error:
        try:
            latest.unlink(missing_ok=True)
        except OSError:
            raise error from None

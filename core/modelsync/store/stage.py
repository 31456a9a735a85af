"""One version on its way into the store: staged beside it, put in place in one step.

How it works: the version is made whole under the stage folder, on the file system of models/. Installing is one rename
into models/<name>/, or, where a version is there already, one exchange of the two directories; then `latest`, and last
the old version is removed. A record written before the first rename, with the inodes of new and old, lets a later run
see how far an installation got whose process was killed (`settle`). Where two directories cannot be exchanged in one
step, two renames do it: between them the version is missing, and `settle` finishes what was begun.
"""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from modelsync.errors import ArchiveError, BrokenModelError, StoreError
from modelsync.model import LocalModel, ModelInfo
from modelsync.store.disk import (
    make_movable,
    remove_if_empty,
    remove_tree,
    store_error,
    sync_directory,
    sync_tree,
    write_in_one_step,
)
from modelsync.store.exchange import Exchange, rename_to_new
from modelsync.store.lock import VersionLock, name_lock
from modelsync.store.model_yaml import MODEL_YAML, read_model_yaml
from modelsync.store.place import StageFolder
from modelsync.tag import LATEST, Tag

if TYPE_CHECKING:
    from modelsync.http.stopping import Stop

_RENAME_TRIES = 5
"""The real bentoml, which knows no locks, may remove an empty name directory between our two steps."""

LatestUpdate = Callable[[Tag, Path, bool], LocalModel | None]
"""Brings `latest` up to date after a version was put in place: its tag, a draft path, whether to sync.

Returns the version, whose files it has looked through; None where it cannot be read.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """The store that a stage installs into, as far as it must know it."""

    models_dir: Path
    locks_dir: Path
    update_latest: LatestUpdate
    read: Callable[[Tag], LocalModel]
    exchange: Exchange

    def version(self, tag: Tag) -> Path:
        return self.models_dir / tag.name / tag.version


class Stage:
    """A version that is not in the store yet, under its lock.

    A context manager: leaving it without `install` or `keep` removes the folder and frees the lock.
    """

    def __init__(self, folder: StageFolder, lock: VersionLock, target: Target) -> None:
        self.tag = folder.tag
        self.path = folder.model
        """The directory that becomes the version."""
        self._folder = folder
        self._lock = lock
        self._target = target
        self._kept = False

    def keep(self) -> None:
        """Leaves the folder where it is when the stage is left, for `ModelStore.reopen_stage` to go on with."""
        self._kept = True

    def clear(self) -> None:
        """Empties the directory; raises StoreError."""
        try:
            remove_tree(self.path)
            self.path.mkdir(mode=0o777)
        except OSError as error:
            raise store_error(error, f"make room for {self.tag} in the store", self.path) from error

    def install(self, *, replace: bool, sync: bool, stop: "Stop | None" = None) -> LocalModel:
        """Puts the version into the store in one step; with `replace` in the place of the one that is there.

        With `sync` it survives a loss of power from here on; a wish of `stop` does not wait for the disk, and is obeyed
        until the version is in place. Files keep their times. Raises ArchiveError when
        model.yaml does not name the tag, StoreError when the version is there already and `replace` is False, and when
        the disk refuses: then the store is as it was.
        """
        from modelsync.http.stopping import interruptibly  # listing does without sockets

        self._check()
        version = self._target.version(self.tag)
        try:
            if sync:
                interruptibly(lambda: sync_tree(self.path), stop)
            with name_lock(self._target.locks_dir, self.tag.name):
                self._put_in_place(version, replace=replace, sync=sync)
                installed = self._update_latest(sync=sync)
        except OSError as error:
            raise store_error(error, f"put {self.tag} into the store", version) from error
        self._kept = False
        remove_tree(self._folder.path)
        return installed or self._target.read(self.tag)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._kept:
            remove_tree(self._folder.path)
        self._lock.release()

    def _check(self) -> ModelInfo:
        try:
            info = read_model_yaml(self.path / MODEL_YAML)
        except BrokenModelError as error:
            raise ArchiveError(
                f"What arrived as {self.tag} is no model: {error.message}", hint="Push it again from where it is whole."
            ) from error
        if info.tag != self.tag:
            raise ArchiveError(
                f"What arrived as {self.tag} names itself {info.tag}.", hint="Push it again from where it is whole."
            )
        return info

    def _put_in_place(self, version: Path, *, replace: bool, sync: bool) -> None:
        names = version.parent
        for tries_left in reversed(range(_RENAME_TRIES)):
            names.mkdir(parents=True, exist_ok=True)
            try:
                if replace and os.path.lexists(version):
                    _swap(self._folder, version, self._target.exchange, sync=sync)
                else:
                    _write_record(self._folder, version, sync=sync)
                    rename_to_new(self._folder.model, version)
                break
            except FileExistsError as error:
                raise StoreError(
                    f"{self.tag} is in the store already: someone else put it there meanwhile.",
                    hint="Look at it, and use --force to replace it.",
                ) from error
            except FileNotFoundError:
                if not tries_left:
                    raise
            except OSError:
                remove_if_empty(names)
                raise
        if sync:
            for directory in (names, self._target.models_dir, self._target.models_dir.parent):
                sync_directory(directory)

    def _update_latest(self, *, sync: bool) -> LocalModel | None:
        latest = self._target.version(self.tag).with_name(LATEST)
        try:
            return self._target.update_latest(self.tag, self._folder.draft, sync)
        except OSError as error:
            raise store_error(error, f"note in `latest` that {self.tag} is in the store now", latest) from error


def settle(folder: StageFolder, target: Target) -> None:
    """Finishes what a killed installation had begun; the caller holds the lock of the folder's tag. Raises OSError.

    Afterwards the folder's `model` is a stage that was not installed yet, or is not there.
    """
    new = _recorded(folder)
    if new is None:
        return
    version = target.version(folder.tag)
    with name_lock(target.locks_dir, folder.tag.name):
        between_two_renames = os.path.lexists(folder.old) and _inode(folder.model) == new
        if between_two_renames and not os.path.lexists(version):
            folder.model.rename(version)
        if _inode(version) == new:
            if os.path.lexists(folder.model):
                folder.model.rename(folder.old)  # the exchange was done: this is the old version
            target.update_latest(folder.tag, folder.draft, False)
    folder.record.unlink(missing_ok=True)


def _swap(folder: StageFolder, version: Path, exchange: Exchange, *, sync: bool) -> None:
    make_movable(version)
    _write_record(folder, version, sync=sync)
    if exchange(folder.model, version):
        folder.model.rename(folder.old)
        return
    version.rename(folder.old)
    try:
        folder.model.rename(version)
    except OSError:
        with suppress(OSError):
            folder.old.rename(version)
        raise


def _write_record(folder: StageFolder, version: Path, *, sync: bool) -> None:
    text = json.dumps({"new": _inode(folder.model), "old": _inode(version)})
    write_in_one_step(folder.record, text, draft=folder.draft, sync=sync)


def _recorded(folder: StageFolder) -> int | None:
    """Inode of the directory that is to become the version; None where no installation was under way."""
    try:
        facts: object = json.loads(folder.record.read_bytes())
    except (OSError, ValueError):
        return None
    match facts:
        case {"new": int(new), "old": int() | None}:
            return new
    return None


def _inode(path: Path) -> int | None:
    try:
        return path.lstat().st_ino
    except FileNotFoundError:
        return None

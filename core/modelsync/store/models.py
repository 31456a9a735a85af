"""The local store: BentoML's own directory, read and written without BentoML (registry contract 5)."""

import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from modelsync.errors import BrokenModelError, LocalModelNotFoundError, StoreError
from modelsync.model import BrokenEntry, LocalModel
from modelsync.store.disk import free_bytes, make_movable, remove_if_empty, remove_tree, store_error
from modelsync.store.exchange import Exchange, exchange
from modelsync.store.facts import Facts
from modelsync.store.latest import newest, read_latest, write_latest
from modelsync.store.lock import VersionLock, name_lock, remove_free_locks
from modelsync.store.place import StageFolder, StagePlace
from modelsync.store.scan import StoreListing, scan_name, scan_store, scan_version
from modelsync.store.stage import Stage, Target, settle
from modelsync.tag import LATEST, Tag, TagReference

_HINTS_MAX = 3


class ModelStore:
    """The models under one BENTOML_HOME; usable from any thread and beside other processes."""

    def __init__(self, home: Path, *, cache_file: Path | None = None, exchange: Exchange = exchange) -> None:
        """`cache_file` is where parsed facts are kept (its name gets a part for this store); None keeps none.

        `exchange` swaps two directories in one step, or says that it cannot.
        """
        self.home = home.absolute()
        self.models_dir = self.home / "models"
        self._facts = Facts(cache_file, self.models_dir)
        self._place = StagePlace(self.home, self.models_dir)
        self._target = Target(self.models_dir, self._place.locks_dir, self._update_latest, self.get, exchange)

    @property
    def stage_root(self) -> Path:
        """Where versions are staged: home/tmp, unless models/ is on another disk. Raises StoreError if nowhere."""
        return self._place.root()

    def scan(self) -> StoreListing:
        """Everything in the store, whatever state it is in; raises StoreError only when models/ cannot be read."""
        return scan_store(self.models_dir, self._facts)

    def find(self, tag: Tag) -> LocalModel | None:
        """Exactly this version; None when it is not there.

        Raises BrokenModelError when what is there is no model, StoreError when it is the store that cannot be read.
        """
        match scan_version(self._target.version(tag), tag, self._facts):
            case None:
                return None
            case BrokenEntry() as broken:
                self._check_readable()
                raise BrokenModelError(
                    f"{tag} in the local store is {broken.problem}: {broken.reason}",
                    hint="Pull it again with --force, or remove it.",
                )
            case LocalModel() as model:
                return replace(model, is_latest=self._latest_version(tag.name) == tag.version)

    def get(self, tag: Tag) -> LocalModel:
        """Exactly this version; raises LocalModelNotFoundError (its hint names close ones), BrokenModelError."""
        model = self.find(tag)
        if model is None:
            raise self._not_found(tag.name, str(tag))
        return model

    def resolve(self, reference: TagReference) -> LocalModel:
        """What a person meant by `name:version`, `name:latest` or `name`; raises as `get` does.

        The latest is what the file `latest` names, or where it is missing or dangling the newest by creation_time.
        """
        if reference.version is not None:
            return self.get(Tag(reference.name, reference.version))
        version = self._latest_version(reference.name)
        if version is None:
            raise self._not_found(reference.name, reference.name)
        return self.get(Tag(reference.name, version))

    def versions(self, name: str) -> tuple[LocalModel, ...]:
        """The readable versions of one name, sorted; empty when there are none."""
        return scan_name(self.models_dir / name, self._facts).models

    def lock(self, tag: Tag) -> VersionLock:
        """Keeps every other process and thread from changing this version; raises StoreLockedError, StoreError."""
        return VersionLock.take(self._place.locks_dir, tag)

    def new_stage(self, tag: Tag) -> Stage:
        """An empty directory in which a version arrives, under the version's lock.

        Raises StoreLockedError when another process or thread works on it, StoreError, NoSpaceError.
        """
        lock = self.lock(tag)
        try:
            self._settle_all(tag)
            folder = self._place.new_folder(tag)
            try:
                folder.model.mkdir(mode=0o777)  # as the umask has it: this becomes the version's own mode
            except OSError as error:
                remove_tree(folder.path)
                raise store_error(error, f"make room for {tag} in the store", folder.model) from error
        except BaseException:
            lock.release()
            raise
        return Stage(folder, lock, self._target)

    def reopen_stage(self, tag: Tag, path: Path) -> Stage | None:
        """The stage whose `path` was kept by an earlier run; None when it is gone, or was installed already.

        Raises StoreLockedError when another process or thread works on it, StoreError.
        """
        folder = next((known for known in self._place.folders() if known.model == path and known.tag == tag), None)
        if folder is None:
            return None
        lock = self.lock(tag)
        try:
            self._settle_all(tag)
            if not path.is_dir() or path.is_symlink():
                lock.release()
                return None
        except BaseException:
            lock.release()
            raise
        return Stage(folder, lock, self._target)

    def clean_stages(self, keep: Collection[Path] = ()) -> int:
        """Finishes installations whose process was killed and removes stages that nobody holds; returns how many.

        `keep` are the stage paths that a journal goes on with. Only folders with our name are touched, and none whose
        version is locked. For every start of the program.
        """
        kept = set(keep)
        removed = 0
        for folder in list(self._place.folders()):
            with (
                suppress(StoreError),
                self._lock_at_once(folder.tag),
            ):  # in use, or not ours: a later start sees it again
                self._settle(folder)
                if folder.model not in kept or not folder.model.is_dir():
                    removed += remove_tree(folder.path)
        for tag, path in list(self._place.rubbish()):
            with suppress(StoreError), self._lock_at_once(tag):
                removed += remove_tree(path)
        remove_free_locks(self._place.locks_dir)
        return removed

    def delete(self, tag: Tag) -> int:
        """Removes one version, readable or not, and returns the bytes freed; `latest` then names the newest left.

        It leaves models/ in one step. Raises LocalModelNotFoundError, StoreLockedError, StoreError.
        """
        version = self._target.version(tag)
        with self.lock(tag):
            self._settle_all(tag)
            found = scan_version(version, tag, self._facts)
            if found is None and not version.is_symlink():
                raise self._not_found(tag.name, str(tag))
            size = found.size_bytes if isinstance(found, LocalModel) and not version.is_symlink() else 0
            old, draft = self._place.way_out(tag)
            try:
                with name_lock(self._place.locks_dir, tag.name):
                    make_movable(version)
                    version.rename(old)
                    self._latest_after_delete(tag, draft)
            except OSError as error:
                raise store_error(error, f"remove {tag}", version) from error
            finally:
                remove_tree(old)
        return size

    def free_bytes(self) -> int:
        """Bytes that may still be written where versions are staged. Raises StoreError."""
        return free_bytes(self.stage_root)

    def _lock_at_once(self, tag: Tag) -> VersionLock:
        return VersionLock.take(self._place.locks_dir, tag, within_s=0.0)

    def _settle_all(self, tag: Tag) -> None:
        for folder in self._place.folders():
            if folder.tag == tag:
                self._settle(folder)

    def _settle(self, folder: StageFolder) -> None:
        try:
            settle(folder, self._target)
        except OSError as error:
            raise store_error(error, f"finish what was begun with {folder.tag}", folder.path) from error

    def _update_latest(self, tag: Tag, draft: Path, sync: bool) -> LocalModel | None:
        """After an installation: named if nothing valid was, or not older than what was (contract 5.2).

        Returns what was installed, which had to be looked through for this; None where it cannot be read.
        """
        directory = self.models_dir / tag.name
        models = self.versions(tag.name)
        recorded = read_latest(directory)
        new = next((model for model in models if model.tag == tag), None)
        current = next((model for model in models if model.tag.version == recorded), None)
        if new is None:
            return None
        if current is None or current is new:
            right = newest(models) or new
        else:
            right = new if new.info.creation_time >= current.info.creation_time else current
        if right.tag.version != recorded:
            write_latest(directory, right.tag.version, draft=draft, sync=sync)
        return replace(new, is_latest=self._latest_version(tag.name) == tag.version)

    def _latest_version(self, name: str) -> str | None:
        directory = self.models_dir / name
        recorded = read_latest(directory)
        if recorded is not None and (directory / recorded).is_dir():
            return recorded
        model = newest(self.versions(name))
        return None if model is None else model.tag.version

    def _latest_after_delete(self, tag: Tag, draft: Path) -> None:
        directory = self.models_dir / tag.name
        left = newest(self.versions(tag.name))
        try:
            if left is None:
                (directory / LATEST).unlink(missing_ok=True)
                remove_if_empty(directory)
            elif left.tag.version != read_latest(directory):
                write_latest(directory, left.tag.version, draft=draft, sync=False)
        except OSError as error:
            raise store_error(error, f"note in `latest` that {tag} was removed", directory / LATEST) from error

    def _check_readable(self) -> None:
        """Raises StoreError where models/ itself is what is wrong: no folder, or one that may not be read."""
        try:
            os.scandir(self.models_dir).close()
        except FileNotFoundError:
            return
        except OSError as error:
            raise store_error(error, "read the local store", self.models_dir) from error

    def _not_found(self, name: str, wanted: str) -> StoreError | LocalModelNotFoundError:
        self._check_readable()
        message = f"The local store has no {wanted}."
        there = scan_name(self.models_dir / name, self._facts)
        versions = [model.tag.version for model in there.models]
        if versions:
            _, _, version = wanted.partition(":")
            close = _alike(version, versions) or versions[-_HINTS_MAX:]
            return LocalModelNotFoundError(message, hint=f"It has {', '.join(f'{name}:{one}' for one in close)}.")
        if there.broken:
            return BrokenModelError(
                f"No version of {name} in the local store can be read.", hint=f"See why: modelsync ls local {name}"
            )
        names = _alike(name, [model.tag.name for model in self.scan().models])
        if names:
            return LocalModelNotFoundError(message, hint=f"Did you mean {' or '.join(names)}?")
        return LocalModelNotFoundError(message, hint="List what it has with: modelsync ls local")


def _alike(wanted: str, known: list[str]) -> list[str]:
    """The few of `known` that begin like `wanted` or look like it."""
    from difflib import get_close_matches  # only for a person who mistyped

    unique = list(dict.fromkeys(known))
    starting = [one for one in unique if wanted and one.startswith(wanted)]
    return list(dict.fromkeys([*starting, *get_close_matches(wanted, unique, n=_HINTS_MAX)]))[:_HINTS_MAX]

"""Where versions are staged and locked: never inside models/, always on its file system.

How it works: one folder for each stage, `modelsync-<name>@<version>-<random>` ('@' stands in no tag), so that a stage
is known as ours, and of which tag, by its name alone. Inside it `model` becomes the version, `old` is a version on its
way out, `install` the record of an installation that is under way, and `latest` a draft of that file. A version that is
deleted goes without a folder, for which a full disk has no room: `modelsync-<name>@<version>-<random>.old`.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from modelsync.errors import StoreError
from modelsync.store.disk import store_error
from modelsync.tag import Tag, is_valid_part

_FOLDER = re.compile(r"modelsync-([^@]+)@(.+)-[0-9a-f]{8}")
_RUBBISH = re.compile(_FOLDER.pattern + r"\.(?:old|latest)")
_LOCKS = ".modelsync-locks"
_HIDDEN_ROOT = ".modelsync-stage"
LOOKS_MAX = 100
"""How often in a row a directory may vanish between two looks, because others delete the last version in it."""


@dataclass(frozen=True, slots=True)
class StageFolder:
    """The folder of one stage and the places in it."""

    tag: Tag
    path: Path

    @classmethod
    def at(cls, path: Path) -> Self | None:
        """The folder that `path` is by its name; None for anything that is not ours."""
        tag = _tag_of(_FOLDER.fullmatch(path.name))
        return None if tag is None else cls(tag, path)

    @property
    def model(self) -> Path:
        """What becomes the version."""
        return self.path / "model"

    @property
    def old(self) -> Path:
        """A version on its way out; rubbish once the new one is in place."""
        return self.path / "old"

    @property
    def record(self) -> Path:
        """Says that an installation is under way; there only while one is, or was when its process died."""
        return self.path / "install"

    @property
    def draft(self) -> Path:
        """A free name for a small file that is about to be put in place."""
        return self.path / "latest"


class StagePlace:
    """The directories of one store that stages and locks live in; nothing is made before it is needed."""

    def __init__(self, home: Path, models_dir: Path) -> None:
        self._home = home
        self._models_dir = models_dir
        self.locks_dir = home / "tmp" / _LOCKS

    def root(self, name: str | None = None) -> Path:
        """The directory to stage in for versions of `name`: `tmp`, unless models/ is on another disk than it.

        Raises StoreError when no directory outside models/ is on the disk of models/.
        """
        wanted = self._models_dir / name if name else self._models_dir
        try:
            target = _existing(wanted)
        except OSError as error:
            raise store_error(error, "look at the local store", wanted) from error
        for root in self._candidates():
            try:
                if _reaches(root, wanted):
                    return root
            except OSError as error:
                raise store_error(error, "find a place to stage in", root) from error
        raise StoreError(
            f"{target} is on a disk of its own, with no place beside it where a model could arrive unseen.",
            hint=f"Put {self._home / 'tmp'} on that disk too (a link will do), or the whole store on one disk.",
        )

    def new_folder(self, tag: Tag) -> StageFolder:
        """Makes an empty folder for `tag`, open to its owner only; raises StoreError."""
        root = self.root(tag.name)
        path = root / _free_name(tag)
        try:
            root.mkdir(parents=True, exist_ok=True)
            path.mkdir(mode=0o700)
        except OSError as error:
            raise store_error(error, f"make room for {tag} in the store", path) from error
        return StageFolder(tag, path)

    def folders(self) -> Iterator[StageFolder]:
        """Every stage folder there is, ours only."""
        for child in self._children():
            folder = StageFolder.at(child)
            if folder is not None and child.is_dir() and not child.is_symlink():
                yield folder

    def way_out(self, tag: Tag) -> tuple[Path, Path]:
        """Two free paths: for a version that is deleted, and for a draft of `latest`; raises StoreError."""
        root = self.root(tag.name)
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise store_error(error, f"remove {tag}", root) from error
        name = _free_name(tag)
        return root / f"{name}.old", root / f"{name}.latest"

    def rubbish(self) -> Iterator[tuple[Tag, Path]]:
        """What deletions whose process was killed have left, and of which version it was."""
        for child in self._children():
            tag = _tag_of(_RUBBISH.fullmatch(child.name))
            if tag is not None:
                yield tag, child

    def _children(self) -> Iterator[Path]:
        for root in dict.fromkeys(self._candidates()):
            with suppress(OSError):  # not there, or not ours to read: nothing of ours is in it
                yield from sorted(root.iterdir())

    def _candidates(self) -> Iterator[Path]:
        yield self._home / "tmp"
        yield self._home / _HIDDEN_ROOT
        yield self._models_dir.resolve().parent / _HIDDEN_ROOT  # models/ may be a link to another disk


def _tag_of(match: re.Match[str] | None) -> Tag | None:
    if match is None or not (is_valid_part(match[1]) and is_valid_part(match[2])):
        return None
    return Tag(match[1], match[2])


def _free_name(tag: Tag) -> str:
    return f"modelsync-{tag.name}@{tag.version}-{os.urandom(4).hex()}"


def _existing(path: Path) -> Path:
    while not path.exists() and path.parent != path:
        path = path.parent
    return path.resolve()


def _reaches(root: Path, wanted: Path) -> bool:
    """Whether renames go from where `root` is, or will be, to where `wanted` is; either may be deleted meanwhile."""
    for _ in range(LOOKS_MAX - 1):
        with suppress(FileNotFoundError):
            return _renames_reach(_existing(root), _existing(wanted))
    return _renames_reach(_existing(root), _existing(wanted))


def _renames_reach(source: Path, target: Path) -> bool:
    """Whether a rename can go from one directory into the other: same file system, and same mount of it."""
    if source.stat().st_dev != target.stat().st_dev:
        return False
    missing = f".modelsync-{os.urandom(8).hex()}"
    try:
        (source / missing).rename(target / missing)  # compared by Linux before it sees that nothing is there
    except OSError as error:
        return error.errno != errno.EXDEV
    return True

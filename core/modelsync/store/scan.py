"""The list of a store: every version that can be read, and everything under models/ that is none."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from modelsync.errors import BrokenModelError
from modelsync.model import BrokenEntry, EntryProblem, LocalModel
from modelsync.store.disk import store_error
from modelsync.store.facts import Facts
from modelsync.store.latest import latest_of, read_latest
from modelsync.store.model_yaml import MODEL_YAML, read_model_yaml
from modelsync.tag import LATEST, Tag, is_valid_part

_SORTED_AT_ONCE = 4_096


@dataclass(frozen=True, slots=True)
class StoreListing:
    """What a store holds at one moment."""

    models: tuple[LocalModel, ...]
    """Sorted by tag."""
    broken: tuple[BrokenEntry, ...]
    """What else is under models/, sorted by name and version; the real bentoml stops at most of it (contract 5.2)."""


def scan_store(models_dir: Path, facts: Facts) -> StoreListing:
    """Lists a whole store; empty where it does not exist yet. Raises StoreError when models/ cannot be read."""
    models: list[LocalModel] = []
    broken: list[BrokenEntry] = []
    try:
        with os.scandir(models_dir) as entries:
            names = _sorted(entries)
    except FileNotFoundError:
        return StoreListing((), ())
    except OSError as error:
        raise store_error(error, "list the local store", models_dir) from error
    for entry in names:
        problem = _directory_problem(entry)
        if problem is not None:
            broken.append(BrokenEntry(Path(entry.path), entry.name, "", *problem))
        elif _is_directory(entry):
            name = scan_name(Path(entry.path), facts)
            models.extend(name.models)
            broken.extend(name.broken)
    facts.save([f"{model.tag.name}/{model.tag.version}" for model in models])
    return StoreListing(tuple(models), tuple(broken))


def scan_name(name_directory: Path, facts: Facts) -> StoreListing:
    """Lists the versions of one name; empty where the directory does not exist. Never raises for one bad entry."""
    models: list[LocalModel] = []
    broken: list[BrokenEntry] = []
    name = name_directory.name
    try:
        with os.scandir(name_directory) as entries:
            found = _sorted(entries)
    except FileNotFoundError:
        return StoreListing((), ())
    except OSError as error:
        reason = f"The directory cannot be read: {error.strerror}."
        return StoreListing((), (BrokenEntry(name_directory, name, "", EntryProblem.BROKEN, reason),))
    for entry in found:
        problem = _directory_problem(entry, is_version=True)
        if problem is not None:
            broken.append(BrokenEntry(Path(entry.path), name, entry.name, *problem))
        elif _is_directory(entry):
            version = _read(name, entry.name, name_directory / entry.name, entry.path, facts)
            if isinstance(version, LocalModel):
                models.append(version)
            elif version is not None:
                broken.append(version)
    recorded = read_latest(name_directory)
    if not any(entry.version == recorded for entry in broken):
        latest = latest_of(models, recorded)
        models = [replace(model, is_latest=True) if model is latest else model for model in models]
    return StoreListing(tuple(models), tuple(broken))


def scan_version(path: Path, tag: Tag, facts: Facts) -> LocalModel | BrokenEntry | None:
    """Reads one version; None where nothing is. Says nothing of `latest`: is_latest is False."""
    return _read(tag.name, tag.version, path, str(path), facts)


def _sorted(entries: Iterator[os.DirEntry[str]]) -> list[os.DirEntry[str]]:
    """By name; first in pieces, so that no single call keeps other threads waiting for long."""
    found: list[os.DirEntry[str]] = []
    while piece := list(islice(entries, _SORTED_AT_ONCE)):
        found += sorted(piece, key=_name)
    found.sort(key=_name)  # what is in order by pieces already takes it little time
    return found


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _directory_problem(entry: os.DirEntry[str], *, is_version: bool = False) -> tuple[EntryProblem, str] | None:
    """Why an entry can be no name or version directory; None for one that can, and for a plain file (harmless)."""
    if not _is_directory(entry):
        if entry.is_symlink() and not os.path.exists(entry.path):  # noqa: PTH110 - a DirEntry, 10,000 times
            return EntryProblem.BROKEN, "The link leads nowhere: its target is gone or not mounted."
        return None
    if not is_valid_part(entry.name) or (is_version and entry.name == LATEST):
        what = "version" if is_version else "name"
        return EntryProblem.FOREIGN, f"{entry.name!r} is not a {what} that BentoML gives; bentoml stops at it."
    return None


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle, or into a directory that may not be entered
        return False


def _read(name: str, version: str, path: Path, path_text: str, facts: Facts) -> LocalModel | BrokenEntry | None:
    """`path_text` is `path`: to make either out of the other takes longer than much of what is done with them."""
    try:
        size, yaml_facts = _measure(path_text)
    except FileNotFoundError:
        return None  # removed while we looked
    except OSError as error:
        place = error.filename or path
        return _broken(name, version, path, f"{place} cannot be read: {error.strerror}.")
    if yaml_facts is None:
        reason = f"No {MODEL_YAML}: a copy that was cut short, or no model; bentoml stops at it."
        return BrokenEntry(path, name, version, EntryProblem.HALF_WRITTEN, reason)
    key = f"{name}/{version}"
    info = facts.get(key, yaml_facts)
    if info is None:
        try:
            info = read_model_yaml(path / MODEL_YAML)
        except BrokenModelError as error:
            return _broken(name, version, path, error.message)
        facts.put(key, yaml_facts, info)
    if info.tag.name != name or info.tag.version != version:
        return _broken(name, version, path, f"Its {MODEL_YAML} names {info.tag}, not {name}:{version}.")
    return LocalModel(info, path, size)


def _broken(name: str, version: str, path: Path, reason: str) -> BrokenEntry:
    return BrokenEntry(path, name, version, EntryProblem.BROKEN, reason)


def _measure(top: str) -> tuple[int, os.stat_result | None]:
    """The sum of the sizes of all files, and what the system says of model.yaml. Raises OSError.

    The rule: every file counts under each of its names; a link to a file counts what it leads to, unless that is a
    file of this version or another link led there already; a link to a directory counts nothing.
    """
    size = 0
    links: list[str] = []
    model_yaml: os.stat_result | None = None
    waiting = [top]
    while waiting:
        directory = waiting.pop()
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    facts = entry.stat(follow_symlinks=False)
                    size += facts.st_size
                    if entry.name == MODEL_YAML and directory is top:
                        model_yaml = facts
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_symlink():
                    links.append(entry.path)
    if links:
        size += _size_behind(links, top)
    return size, model_yaml or _followed(top)


def _followed(top: str) -> os.stat_result | None:
    try:
        return os.stat(os.path.join(top, MODEL_YAML))  # noqa: PTH116, PTH118 - a link or a pipe, for the reader to judge
    except FileNotFoundError:
        return None


def _size_behind(links: list[str], top: str) -> int:
    counted: set[tuple[int, int]] = set()
    for directory, _, names in os.walk(top):
        own = (os.lstat(os.path.join(directory, name)) for name in names)  # noqa: PTH118 - as above
        counted.update((facts.st_dev, facts.st_ino) for facts in own)
    size = 0
    for link in links:
        try:
            facts = os.stat(link)  # noqa: PTH116 - as above
        except OSError:
            continue  # leads nowhere: it has no bytes
        if stat.S_ISREG(facts.st_mode) and (facts.st_dev, facts.st_ino) not in counted:
            counted.add((facts.st_dev, facts.st_ino))
            size += facts.st_size
    return size

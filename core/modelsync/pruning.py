"""Deleting local versions: which ones, what is freed, and what stops it."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from modelsync.errors import ModelsyncError, StoreError, StoreLockedError
from modelsync.model import BrokenEntry, LocalModel
from modelsync.store import ModelStore
from modelsync.tag import Tag, is_valid_part
from modelsync.transfer.journal import Journals
from modelsync.transfer.unfinished import working_on

UsedBy = Callable[[Collection[Tag]], Mapping[Tag, tuple[str, ...]]]
"""For each version the local bentos, `name:version`, that need it; asked once for all of them."""


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """One version that was chosen."""

    tag: Tag
    size_bytes: int
    """What is freed; 0 for an entry that is no whole model, whose size nobody looked at."""
    used_by: tuple[str, ...]
    """The local bentos that stop working without it."""
    is_latest: bool = False


@dataclass(frozen=True, slots=True)
class DeletePlan:
    """What a deletion will do, before it does it."""

    items: tuple[DeleteItem, ...]
    force_used: bool = False
    """Told a second time: what bentos use goes too."""

    @property
    def going(self) -> tuple[DeleteItem, ...]:
        return tuple(item for item in self.items if self.force_used or not item.used_by)

    @property
    def refused(self) -> tuple[DeleteItem, ...]:
        """What stays, because local bentos use it."""
        return tuple(item for item in self.items if item.used_by and not self.force_used)

    @property
    def bytes_freed(self) -> int:
        return sum(item.size_bytes for item in self.going)


@dataclass(frozen=True, slots=True)
class Deletion:
    """How the deletion of one version ended."""

    item: DeleteItem
    bytes_freed: int
    error: ModelsyncError | None


def plan_delete(
    entries: Iterable[LocalModel | BrokenEntry], used_by: UsedBy, *, force_used: bool = False
) -> DeletePlan:
    """Plans to delete versions, each once, in the order given; entries whose name is no tag are left out."""
    sizes: dict[Tag, tuple[int, bool]] = {}
    for entry in entries:
        match entry:
            case LocalModel():
                sizes[entry.tag] = (entry.size_bytes, entry.is_latest)
            case BrokenEntry():
                if is_valid_part(entry.name) and is_valid_part(entry.version):
                    sizes[Tag(entry.name, entry.version)] = (0, False)
    users = used_by(sizes.keys())
    items = (DeleteItem(tag, size, users.get(tag, ()), is_latest) for tag, (size, is_latest) in sizes.items())
    return DeletePlan(tuple(items), force_used)


def keep_last(models: Iterable[LocalModel], count: int) -> tuple[LocalModel, ...]:
    """What is to go so that of each name the `count` newest builds stay, by creation time; sorted by tag.

    Raises ValueError for a count below 1: nobody cleans up by losing everything.
    """
    if count < 1:
        raise ValueError("at least one version of each name stays")
    by_name: defaultdict[str, list[LocalModel]] = defaultdict(list)
    for model in models:
        by_name[model.tag.name].append(model)
    going: list[LocalModel] = []
    for versions in by_name.values():
        versions.sort(key=lambda model: (model.info.creation_time, model.tag), reverse=True)
        going += versions[count:]
    return tuple(sorted(going, key=lambda model: model.tag))


def delete(plan: DeletePlan, store: ModelStore, journals: Journals) -> Iterator[Deletion]:
    """Deletes what goes, one after the other; one that fails does not stop the next.

    A version that a transfer works on, in this process or another, stays: its error is a StoreLockedError. An
    unfinished push of a version that is deleted cannot go on.
    """
    for item in plan.going:
        try:
            _refuse_while_moving(item.tag, journals)
            yield Deletion(item, store.delete(item.tag), None)
        except ModelsyncError as error:
            yield Deletion(item, 0, error)


def _refuse_while_moving(tag: Tag, journals: Journals) -> None:
    try:
        holder = working_on(journals, tag)
    except OSError as exc:
        raise StoreError(
            f"Whether {tag} is being pushed cannot be told: {exc.strerror}.",
            hint=f"Check the permissions of {journals.directory}.",
        ) from exc
    if holder is not None:
        raise StoreLockedError(
            f"{tag} is being moved by {holder}.", hint="Wait until that has ended, or end it, then delete again."
        )

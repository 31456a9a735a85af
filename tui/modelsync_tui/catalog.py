"""What is known of both sides at one moment: an immutable value that the two browsers are drawn from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TypeVar

from modelsync.comparison import RowState, row_state
from modelsync.model import BrokenEntry, LocalModel, RemoteModel
from modelsync_tui.pace import AT_ONCE, Pace

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Catalog:
    """Both sides; every change makes a new one, so that a thread can read it while the next is made."""

    locals: Mapping[str, LocalModel] = field(default_factory=dict)
    """By `name:version`."""
    broken: tuple[BrokenEntry, ...] = ()
    remotes: Mapping[str, RemoteModel] = field(default_factory=dict)
    """By `name:version`, as far as loaded."""
    remote_total: int | None = None
    """How many versions the registry says it has; None before its first page."""
    remote_next: int = 0
    """Where the next page starts."""
    asked: frozenset[str] = frozenset()
    """Names whose versions were all asked for, beside the pages."""
    local_bytes: int = 0
    """Sum of the sizes of `locals`."""

    @property
    def remote_known(self) -> bool:
        """Whether the registry has answered at all."""
        return self.remote_total is not None

    @property
    def remote_complete(self) -> bool:
        """Whether every page is loaded."""
        return self.remote_total is not None and self.remote_next >= self.remote_total

    def knows_remote(self, name: str) -> bool:
        """Whether a version of that name which is not in `remotes` is truly not in the registry."""
        return self.remote_complete or name in self.asked

    def state(self, tag_text: str, name: str, now: datetime) -> RowState | None:
        """The state of a version that one side has at least; None while the registry's side is not known."""
        remote = self.remotes.get(tag_text)
        if remote is None and not self.knows_remote(name):
            return None
        return row_state(self.locals.get(tag_text), remote, now)

    def unasked_names(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those names whose state cannot be told yet."""
        if not self.remote_known or self.remote_complete:
            return ()
        return tuple(name for name in names if name not in self.asked)

    def with_local(
        self, models: Iterable[LocalModel], broken: tuple[BrokenEntry, ...], pace: Pace = AT_ONCE
    ) -> "Catalog":
        """The local side read anew."""
        found = _renewed(self.locals, models, _local_tag, pace)
        size = sum(model.size_bytes for model in pace.over(found.values()))
        return replace(self, locals=found, broken=broken, local_bytes=size)

    def with_local_of(self, other: "Catalog") -> "Catalog":
        """The other's local side beside this one's registry."""
        return replace(self, locals=other.locals, broken=other.broken, local_bytes=other.local_bytes)

    def with_local_version(self, tag_text: str, model: LocalModel | None) -> "Catalog":
        """One local version read anew; None: it is gone."""
        before = self.locals.get(tag_text)
        size = self.local_bytes + (model.size_bytes if model else 0) - (before.size_bytes if before else 0)
        return replace(self, locals=_with(self.locals, tag_text, model), local_bytes=size)

    def with_remote_version(self, tag_text: str, model: RemoteModel | None) -> "Catalog":
        """One version of the registry read anew; None: it is not there."""
        added = (model is not None) - (tag_text in self.remotes) if self.remote_complete else 0
        return replace(
            self,
            remotes=_with(self.remotes, tag_text, model),
            remote_total=None if self.remote_total is None else self.remote_total + added,
            remote_next=self.remote_next + added,
        )

    def with_page(self, start: int, total: int, items: Iterable[RemoteModel]) -> "Catalog":
        """One more page of the registry; an empty one ends the list, whatever its total says."""
        page = {item.tag_text: item for item in items}
        end = start + len(page) if page else total
        return replace(self, remotes={**self.remotes, **page}, remote_total=total, remote_next=end)

    def with_remote_anew(
        self, items: Iterable[RemoteModel], total: int, end: int, asked: Iterable[str], pace: Pace = AT_ONCE
    ) -> "Catalog":
        """The registry's side read anew up to `end`, and all versions of the names that were asked for."""
        remotes = _renewed(self.remotes, items, _remote_tag, pace)
        return replace(self, remotes=remotes, remote_total=total, remote_next=end, asked=frozenset(asked))

    def with_remote_of(self, other: "Catalog") -> "Catalog":
        """The other's registry beside this one's local side."""
        return replace(other, locals=self.locals, broken=self.broken, local_bytes=self.local_bytes)

    def same_as(self, other: "Catalog") -> bool:
        """Whether both are of the same versions, without comparing one by one; False is no proof."""
        return (
            self.locals is other.locals
            and self.broken is other.broken
            and self.remotes is other.remotes
            and (self.remote_total, self.remote_next, self.asked)
            == (other.remote_total, other.remote_next, other.asked)
        )

    def with_names(self, names: Iterable[str], items: Iterable[RemoteModel]) -> "Catalog":
        """All versions of some names."""
        found = {item.tag_text: item for item in items}
        return replace(self, remotes={**self.remotes, **found}, asked=self.asked | frozenset(names))

    def first(self, versions: int) -> "Catalog":
        """The beginning of both sides, for a first look."""
        return replace(
            self,
            locals=dict(islice(self.locals.items(), versions)),
            remotes=dict(islice(self.remotes.items(), versions)),
        )

    def without_remote(self) -> "Catalog":
        """The registry's side unknown again."""
        return Catalog().with_local_of(self)


def _local_tag(model: LocalModel) -> str:
    return str(model.tag)


def _remote_tag(model: RemoteModel) -> str:
    return model.tag_text


def _renewed(known: Mapping[str, _T], items: Iterable[_T], tag_of: Callable[[_T], str], pace: Pace) -> Mapping[str, _T]:
    """The items by their tags; what did not change stays the same object.

    So a list that is read again frees one object after the other, in the thread that read it, and not 100,000 at the
    moment when the last one lets go.
    """
    found: dict[str, _T] = {}
    for item in pace.over(items):
        tag = tag_of(item)
        old = known.get(tag)
        found[tag] = old if old is not None and old == item else item
    return found


def _with(mapping: Mapping[str, _T], key: str, value: _T | None) -> dict[str, _T]:
    changed = dict(mapping)
    if value is None:
        changed.pop(key, None)
    else:
        changed[key] = value
    return changed

"""One side's list as it is shown: rows filtered, grouped by name and sorted, then laid flat for the cursor.

How it works: `build` makes a `Listing` from a catalog, pure and safe in a thread; `Listing.flat` lays it out in one
array, by which groups are open. The rows of a catalog are the same for every filter and order: who makes another list
of it hands them in again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import assert_never

from modelsync.comparison import RowState
from modelsync.model import BrokenEntry, EntryProblem, LocalModel, RemoteModel
from modelsync_tui.catalog import Catalog
from modelsync_tui.filter import NO_FILTER, Filter
from modelsync_tui.pace import AT_ONCE, AbandonedError, Gently, Pace, sorted_by

Key = tuple[str, str]
"""Name and version; an empty version means the whole group."""
_NEVER = datetime.min.replace(tzinfo=UTC)


class Side(StrEnum):
    LOCAL = "local"
    REMOTE = "remote"


class SortKey(StrEnum):
    NAME = "name"
    SIZE = "size"
    DATE = "date"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version on one side."""

    name: str
    version: str
    size_bytes: int | None
    made: datetime | None
    """When the model was built: the same on both sides."""
    when: datetime | None
    """What the side's date column says: made here, pushed there."""
    by: str
    labels: Mapping[str, str]
    state: RowState | None
    """None: not known yet."""
    problem: EntryProblem | None = None
    """Why a local entry is no model."""
    reason: str = ""
    """Words for the problem, or for a failed upload."""
    ghost: bool = False
    """Only the other side has it."""

    @property
    def key(self) -> Key:
        return (self.name, self.version)

    @property
    def tag_text(self) -> str:
        return f"{self.name}:{self.version}"

    @property
    def state_word(self) -> str:
        if self.problem is not None:
            return self.problem.value
        return "" if self.state is None else self.state.value


@dataclass(frozen=True, slots=True)
class GroupRow:
    """All versions of one name that are shown."""

    name: str
    rows: tuple[VersionRow, ...]
    size_bytes: int
    newest: datetime | None
    states: tuple[tuple[RowState, int], ...]
    """How many versions are in which state, what needs a person's eye first."""
    count: int
    """Versions that this side has."""

    @property
    def key(self) -> Key:
        return (self.name, "")


Row = GroupRow | VersionRow


@dataclass(frozen=True, slots=True)
class Ask:
    """What a list is asked to show."""

    side: Side
    filter: Filter = NO_FILTER
    only_differing: bool = False
    sort: SortKey = SortKey.NAME
    reverse: bool = False

    @property
    def narrowed(self) -> bool:
        return self.filter.active or self.only_differing


@dataclass(frozen=True, slots=True)
class Flat:
    """Rows in the order of the screen, and where each one stands."""

    rows: list[Row] = field(default_factory=list)
    positions: dict[Key, int] = field(default_factory=dict)

    def at(self, index: int) -> Row | None:
        return self.rows[index] if 0 <= index < len(self.rows) else None

    def free(self, pace: Gently) -> None:
        """Empties it piece by piece, when it is shown no more; for a thread."""
        pace.free(self.rows)
        while self.positions:
            self.positions.popitem()
            pace.rest()


@dataclass(frozen=True, slots=True)
class Listing:
    """One side, filtered, grouped and sorted."""

    groups: list[GroupRow] = field(default_factory=list)
    shown: int = 0
    """Versions shown, those of the other side not counted."""
    total: int = 0
    """Versions known on this side."""

    def flat(self, is_open: Callable[[str], bool], pace: Pace = AT_ONCE) -> Flat:
        """Lays the rows of open groups under their groups."""
        rows: list[Row] = []
        for group in pace.over(self.groups):
            rows.append(group)
            if is_open(group.name):
                rows.extend(group.rows)
        return Flat(rows, {row.key: index for index, row in enumerate(pace.over(rows))})


def rows_of_side(catalog: Catalog, side: Side, now: datetime, pace: Pace = AT_ONCE) -> list[VersionRow]:
    """Every version that a side can show."""
    rows: list[VersionRow] = []
    try:
        rows.extend(pace.over(_rows(catalog, side, now)))
    except AbandonedError:
        pace.free(rows)
        raise
    return rows


def size_of(catalog: Catalog, side: Side, key: Key) -> int | None:
    """The size of a version that this side has; None where it has no such version."""
    tag = f"{key[0]}:{key[1]}"
    known: LocalModel | RemoteModel | None = catalog.locals.get(tag) if side is Side.LOCAL else catalog.remotes.get(tag)
    return None if known is None else known.size_bytes or 0


def build(
    catalog: Catalog, ask: Ask, now: datetime, rows: Iterable[VersionRow] | None = None, pace: Pace = AT_ONCE
) -> Listing:
    """What the side shows for what is asked; a pure function that may run in a thread.

    `rows` are those of this catalog and side, when they are known already.
    """
    total = 0
    shown = 0
    by_name: dict[str, list[VersionRow]] = {}
    for row in pace.over(_rows(catalog, ask.side, now) if rows is None else rows):
        total += not row.ghost
        if ask.only_differing and row.state in (RowState.SAME, RowState.REFERENCE):
            continue
        if ask.filter.active and not ask.filter.matches(row):
            continue
        shown += not row.ghost
        by_name.setdefault(row.name, []).append(row)
    groups: list[GroupRow] = []
    try:
        groups.extend(_group(name, by_name.pop(name), ask) for name in pace.over(list(by_name)))
        own = [group for group in groups if group.count]
        return Listing(sorted_by(own, _group_key(ask.sort), reverse=ask.reverse, pace=pace), shown, total)
    except AbandonedError:
        pace.free(groups)
        raise


def local_row(catalog: Catalog, model: LocalModel, now: datetime) -> VersionRow:
    """One whole local version."""
    tag, info = model.tag, model.info
    state = catalog.state(str(tag), tag.name, now)
    made = info.creation_time
    return VersionRow(tag.name, tag.version, model.size_bytes, made, made, "", info.labels, state)


def remote_row(catalog: Catalog, remote: RemoteModel, now: datetime) -> VersionRow:
    """One version of the registry."""
    return VersionRow(
        remote.name,
        remote.version,
        remote.size_bytes,
        remote.build_at,
        remote.created_at or remote.build_at,
        remote.creator_name or remote.creator_email.partition("@")[0],
        remote.labels,
        catalog.state(remote.tag_text, remote.name, now),
        reason=remote.status_reason,
    )


def _rows(catalog: Catalog, side: Side, now: datetime) -> Iterable[VersionRow]:
    match side:
        case Side.LOCAL:
            for model in catalog.locals.values():
                yield local_row(catalog, model, now)
            for entry in catalog.broken:
                yield _broken_row(entry)
        case Side.REMOTE:
            for remote in catalog.remotes.values():
                yield remote_row(catalog, remote, now)
            yield from _ghosts(catalog, now)
        case _:
            assert_never(side)


def _ghosts(catalog: Catalog, now: datetime) -> Iterable[VersionRow]:
    """Local versions that the registry does not have, of names that it does have."""
    if not catalog.remote_known:
        return
    names = {remote.name for remote in catalog.remotes.values()}
    for tag_text, model in catalog.locals.items():
        if tag_text not in catalog.remotes and model.tag.name in names and catalog.knows_remote(model.tag.name):
            yield replace(local_row(catalog, model, now), ghost=True)


def _broken_row(entry: BrokenEntry) -> VersionRow:
    return VersionRow(entry.name, entry.version, None, None, None, "", {}, None, entry.problem, entry.reason)


_STATE_ORDER: Mapping[RowState | None, int] = {
    RowState.DIFFERS: 0,
    RowState.FAILED: 1,
    RowState.STUCK: 2,
    RowState.UPLOADING: 3,
    RowState.LOCAL_ONLY: 4,
    RowState.REMOTE_ONLY: 5,
    RowState.SAME: 6,
    RowState.REFERENCE: 7,
    None: 8,
}
"""What needs a person's eye comes first."""


def _group(name: str, rows: list[VersionRow], ask: Ask) -> GroupRow:
    if len(rows) == 1:  # 100,000 names of one version each are what takes longest
        row = rows[0]
        states = () if row.state is None else ((row.state, 1),)
        return GroupRow(name, (row,), 0 if row.ghost else row.size_bytes or 0, row.when, states, int(not row.ghost))
    counts: dict[RowState, int] = {}
    for row in rows:
        if row.state is not None:
            counts[row.state] = counts.get(row.state, 0) + 1
    return GroupRow(
        name,
        tuple(sorted_by(rows, _row_key(ask.sort), reverse=ask.reverse and ask.sort is not SortKey.NAME)),
        sum(row.size_bytes or 0 for row in rows if not row.ghost),
        max((row.when for row in rows if row.when is not None), default=None),
        tuple(sorted(counts.items(), key=lambda item: _STATE_ORDER[item[0]])),
        sum(not row.ghost for row in rows),
    )


def _age_key(when: datetime | None) -> float:
    return -(when or _NEVER).timestamp()


SortValue = tuple[float, str]
"""Newest, largest and most pressing first are the smaller numbers; names in the order of letters."""


def _row_key(sort: SortKey) -> Callable[[VersionRow], SortValue]:
    match sort:
        case SortKey.NAME:
            return lambda row: (_age_key(row.made), row.version)
        case SortKey.DATE:
            return lambda row: (_age_key(row.when), row.version)
        case SortKey.SIZE:
            return lambda row: (-(row.size_bytes or 0), row.version)
        case SortKey.STATE:
            return lambda row: (_STATE_ORDER[row.state], row.version)
        case _:
            assert_never(sort)


def _group_key(sort: SortKey) -> Callable[[GroupRow], SortValue]:
    match sort:
        case SortKey.NAME:
            return lambda group: (0.0, group.name)
        case SortKey.DATE:
            return lambda group: (_age_key(group.newest), group.name)
        case SortKey.SIZE:
            return lambda group: (-group.size_bytes, group.name)
        case SortKey.STATE:
            return lambda group: (
                float(min((_STATE_ORDER[state] for state, _ in group.states), default=len(_STATE_ORDER))),
                group.name,
            )
        case _:
            assert_never(sort)

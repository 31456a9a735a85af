"""Every version of one model, from both sides: what its details are drawn from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from modelsync.comparison import Direction, RowState
from modelsync.model import BrokenEntry, LocalModel, RemoteModel
from modelsync.tag import Tag
from modelsync_tui.catalog import Catalog
from modelsync_tui.listing import Key, Side, VersionRow

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Version:
    """One version; at least one of `local`, `remote` and `broken` is there."""

    name: str
    version: str
    local: LocalModel | None = None
    remote: RemoteModel | None = None
    broken: BrokenEntry | None = None
    """What is in its place in the local store, where that is no model."""
    state: RowState | None = None
    """None: not known, or not comparable."""

    @property
    def key(self) -> Key:
        return (self.name, self.version)

    @property
    def tag_text(self) -> str:
        return f"{self.name}:{self.version}"

    @property
    def tag(self) -> Tag | None:
        """None where no local store can keep such a name."""
        if self.local is not None:
            return self.local.tag
        return None if self.remote is None else self.remote.tag

    @property
    def path(self) -> Path | None:
        """Its directory in the local store."""
        if self.local is not None:
            return self.local.path
        return None if self.broken is None else self.broken.path

    @property
    def size_bytes(self) -> int | None:
        """The local size where there is one."""
        if self.local is not None:
            return self.local.size_bytes
        return None if self.remote is None else self.remote.size_bytes

    @property
    def made(self) -> datetime | None:
        """When it was built, by the local side where there is one."""
        if self.local is not None:
            return self.local.info.creation_time
        return None if self.remote is None else self.remote.build_at

    @property
    def by(self) -> str:
        """Who pushed it."""
        return "" if self.remote is None else self.remote.creator_name or self.remote.creator_email.partition("@")[0]

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Where it can be moved to: from each side that has it."""
        here = (Direction.PUSH,) if self.local is not None else ()
        return (*here, Direction.PULL) if self.remote is not None else here

    @property
    def why(self) -> str:
        """Why the local entry is no model, or the upload failed; a path in it is told from the entry on."""
        if self.broken is not None:
            return self.broken.reason.replace(f"{self.broken.path}/", "")
        return "" if self.remote is None else self.remote.status_reason

    @property
    def row(self) -> VersionRow:
        """The same as a row of a browser."""
        return VersionRow(
            self.name,
            self.version,
            self.size_bytes,
            self.made,
            self.made,
            self.by,
            self.local.info.labels if self.local else self.remote.labels if self.remote else {},
            self.state,
            self.broken.problem if self.broken else None,
            self.why,
        )


def versions_of(catalog: Catalog, name: str, now: datetime) -> tuple[Version, ...]:
    """The versions of a name, newest build first, those that are no models last."""
    beginning = f"{name}:"
    tags = dict.fromkeys(tag for side in (catalog.locals, catalog.remotes) for tag in side if tag.startswith(beginning))
    broken = {entry.version: entry for entry in catalog.broken if entry.name == name}
    found = []
    for tag in tags:
        version = tag.removeprefix(beginning)
        local, remote = catalog.locals.get(tag), catalog.remotes.get(tag)
        state = catalog.state(tag, name, now)
        found.append(Version(name, version, local, remote, None if local else broken.pop(version, None), state))
    found += [Version(name, version, broken=entry) for version, entry in broken.items()]
    return tuple(sorted(found, key=_newest_first))


def totals(versions: Iterable[Version]) -> tuple[int, int]:
    """Bytes on the local side and in the registry."""
    versions = tuple(versions)
    return (
        sum(version.local.size_bytes for version in versions if version.local),
        sum(version.remote.size_bytes or 0 for version in versions if version.remote),
    )


def side_of(version: Version, opened_from: Side) -> Side:
    """The side that an action means: where a person came from, if the version is there."""
    if version.local is None and version.remote is not None:
        return Side.REMOTE
    return Side.LOCAL if version.remote is None else opened_from


def _newest_first(version: Version) -> tuple[float, str]:
    return (-(version.made or _NEVER).timestamp(), version.version)

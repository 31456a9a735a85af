"""`modelsync ls`: the versions of one side."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from modelsync.errors import LocalModelNotFoundError, RemoteModelNotFoundError, StoreError, UsageError
from modelsync.model import BrokenEntry, Json, LocalModel, RemoteModel
from modelsync.tag import LATEST
from modelsync_cli.output import labels_text, size_text, time_json, time_text
from modelsync_cli.session import Session, flag

if TYPE_CHECKING:
    from modelsync.registry.client import Registry

_HEADS = ("TAG", "SIZE", "CREATED", "STATE", "LABELS")


@dataclass(frozen=True, slots=True)
class _Choice:
    """What narrows a list beside a name."""

    search: str
    """A piece of the name."""
    labels: Mapping[str, str | None]
    """Labels that must be there; with the value None, whatever their value."""

    @classmethod
    def of(cls, args: argparse.Namespace) -> "_Choice":
        """Raises UsageError for a label without a key."""
        pairs = [text.partition("=") for text in args.labels or []]
        if not all(key.strip() for key, _, _ in pairs):
            raise UsageError("A label has a key.", hint="Write --label KEY or --label KEY=VALUE.")
        return cls(flag(args, "search") or "", {key: value if equals else None for key, equals, value in pairs})

    def has_labels(self, labels: Mapping[str, str]) -> bool:
        return not self.labels or all(
            key in labels and value in (None, labels[key]) for key, value in self.labels.items()
        )

    @property
    def words(self) -> str:
        """For a sentence about an empty list."""
        return " with these words and labels" if self.search or self.labels else ""


def run(session: Session) -> int:
    """Lists one side; raises NotFoundError for a name that is not there."""
    name, _, version = (getattr(session.args, "name", None) or "").partition(":")
    if session.args.side == "local":
        return _local(session, name.lower(), version.lower())  # as every tag is read; a registry may have others
    return _remote(session, name, version)


def _local(session: Session, name: str, version: str) -> int:
    """Reads the disk only, and loads nothing that talks to a network."""
    chosen = _Choice.of(session.args)
    store = session.store()
    listing = store.scan()
    models = [
        model
        for model in listing.models
        if _wanted(model.tag.name, model.tag.version, name, "" if version == LATEST else version)
        and (version != LATEST or model.is_latest)
        and chosen.search in model.tag.name
        and chosen.has_labels(model.info.labels)
    ]
    broken = [
        entry
        for entry in listing.broken
        if _wanted(entry.name, entry.version, name, version) and chosen.search in entry.name and not chosen.labels
    ]
    if name and not models and not broken:
        raise LocalModelNotFoundError(
            f"The local store {store.home} has no {session.args.name}{chosen.words}.",
            hint="See what it has: modelsync ls local",
        )
    if not models and not broken:
        session.output.note(f"No models{chosen.words} in {store.models_dir}.")
    if session.output.as_json:
        session.output.records(chain(map(_local_record, models), map(_broken_record, broken)))
        return 0
    rows = [
        (
            str(m.tag),
            size_text(m.size_bytes),
            time_text(m.info.creation_time),
            _local_state(m),
            labels_text(m.info.labels),
        )
        for m in models
    ]
    rows += [(_entry_tag(entry), "-", "-", str(entry.problem), entry.reason) for entry in broken]
    _table(session, rows)
    return 0


def _local_state(model: LocalModel) -> str:
    return "latest" if model.is_latest else "ok"


def _local_record(model: LocalModel) -> Mapping[str, Json]:
    return {
        "tag": str(model.tag),
        "size_bytes": model.size_bytes,
        "created_at": time_json(model.info.creation_time),
        "labels": dict(model.info.labels),
        "upload_status": None,
        "state": _local_state(model),
    }


def _broken_record(entry: BrokenEntry) -> Mapping[str, Json]:
    return {
        "tag": _entry_tag(entry),
        "size_bytes": None,
        "created_at": None,
        "labels": {},
        "upload_status": None,
        "state": str(entry.problem),
    }


def _entry_tag(entry: BrokenEntry) -> str:
    return f"{entry.name}:{entry.version}" if entry.version else entry.name


def _remote(session: Session, name: str, version: str) -> int:
    from modelsync.registry.client import Registry

    chosen = _Choice.of(session.args)
    session.start_log()
    locals_ = _locals(session)
    with Registry(session.account(), ca_file=session.settings.ca_file, waiting=session.output.waiting) as registry:
        found = 0
        rows = []
        for model in _remote_models(registry, name, version, chosen):
            found += 1
            if session.output.as_json:
                session.output.record(_remote_record(model, locals_), ())
            else:
                rows.append(_remote_row(model, locals_))
    if name and not found:
        raise RemoteModelNotFoundError(
            f"The registry has no {session.args.name}{chosen.words}.", hint="See what it has: modelsync ls remote"
        )
    if not found:
        session.output.note(f"No models{chosen.words} in the registry.")
    _table(session, rows)
    return 0


def _remote_models(registry: "Registry", name: str, version: str, chosen: "_Choice") -> Iterable[RemoteModel]:
    """What the registry finds, looked at again: not every registry applies a search in the list of one name."""
    from modelsync.registry.query import Query

    query = str(Query.of(labels=chosen.labels))
    found: Iterable[RemoteModel]
    if name and version == LATEST:
        newest = registry.latest(name, query)
        found = () if newest is None else (newest,)
    elif name:
        found = (model for model in registry.all_versions(name, query=query) if version in ("", model.version))
    else:
        found = (model for model in registry.all_models(search=chosen.search, query=query))
    return (model for model in found if chosen.search in model.name and chosen.has_labels(model.labels))


def _remote_row(model: RemoteModel, locals_: Mapping[str, LocalModel]) -> tuple[str, ...]:
    created = time_text(model.build_at or model.created_at)
    return (
        model.tag_text,
        size_text(model.size_bytes),
        created,
        _remote_state(model, locals_),
        labels_text(model.labels),
    )


def _remote_record(model: RemoteModel, locals_: Mapping[str, LocalModel]) -> Mapping[str, Json]:
    return {
        "tag": model.tag_text,
        "size_bytes": model.size_bytes,
        "created_at": time_json(model.build_at or model.created_at),
        "labels": dict(model.labels),
        "upload_status": str(model.status),
        "state": _remote_state(model, locals_),
    }


def _remote_state(model: RemoteModel, locals_: Mapping[str, LocalModel]) -> str:
    from modelsync.comparison import row_state

    return str(row_state(locals_.get(model.tag_text), model))


def _locals(session: Session) -> Mapping[str, LocalModel]:
    """The other side of the comparison; a store that cannot be read must not hide the registry."""
    try:
        return {str(model.tag): model for model in session.store().scan().models}
    except StoreError as error:
        session.output.warn(f"{error.sentence} States are told as if it were empty.")
        return {}


def _wanted(name: str, version: str, wanted_name: str, wanted_version: str) -> bool:
    return wanted_name in ("", name) and wanted_version in ("", version)


def _table(session: Session, rows: Sequence[tuple[str, ...]]) -> None:
    if rows:
        session.output.table([_HEADS, *rows])

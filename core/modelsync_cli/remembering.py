"""`modelsync history` and `modelsync status`: what was transferred, and what has not ended."""

import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path

from modelsync.account import Context
from modelsync.credentials import DEFAULT_ENDPOINT, clean_endpoint
from modelsync.credentials.keeping import ENDPOINT_VARIABLE
from modelsync.errors import ModelsyncError, UsageError
from modelsync.history import ExportForm, History, HistoryEntry, export
from modelsync.model import Direction, Json
from modelsync.queue_file import saved_queues
from modelsync.store import ModelStore
from modelsync.tag import Tag, TagReference
from modelsync.transfer.journal import Journals
from modelsync.transfer.unfinished import unfinished
from modelsync_cli.output import printable, size_text, time_json, time_text
from modelsync_cli.session import Session, count_of, flag, is_set

LIMIT_DEFAULT = 50
_CUT_SHORT = "was cut short"


def run_history(session: Session) -> int:
    """Lists what was transferred, the last one first; raises UsageError."""
    as_csv = is_set(session.args, "csv")
    if as_csv and session.output.as_json:
        raise UsageError("--csv and --json are two forms of the same.", hint="Choose one of them.")
    entries = _entries(session)
    if as_csv:
        table = StringIO(newline="")
        export(entries, ExportForm.CSV, table)
        session.output.text(table.getvalue())
    elif session.output.as_json:
        for entry in entries:
            session.output.record(entry.facts(), ())
    elif entries:
        session.output.table([_HISTORY_HEADS, *(_history_row(entry) for entry in entries)], cut=True)
    else:
        name = session.args.name
        session.output.note(f"Nothing of {name} was transferred yet." if name else "Nothing was transferred yet.")
    return 0


def _entries(session: Session) -> tuple[HistoryEntry, ...]:
    history = History(session.paths.history_file)
    limit = count_of(session.args, "limit", hint="Use 1 or more.") or LIMIT_DEFAULT
    if session.args.name is None:
        return history.entries(limit=limit)
    name, colon, _ = session.args.name.partition(":")
    if colon:
        return history.entries(limit=limit, tag=Tag.parse(session.args.name))
    return history.entries(limit=limit, name=TagReference.parse(name).name)


_HISTORY_HEADS = ("BEGAN", "", "TAG", "OUTCOME", "MOVED", "TIME", "CONTEXT", "WHY")


def _history_row(entry: HistoryEntry) -> tuple[str, ...]:
    return (
        time_text(entry.began),
        entry.direction.value,
        str(entry.tag),
        f"{entry.outcome}, resumed" if entry.resumed else entry.outcome.value,
        size_text(entry.bytes_moved),
        f"{entry.seconds:.1f} s",
        entry.context,
        entry.reason,
    )


@dataclass(frozen=True, slots=True)
class Left:
    """One transfer that has not ended."""

    direction: Direction
    tag: Tag
    force: bool
    endpoint: str
    organization: str | None
    store: Path
    state: str
    bytes_kept: int
    since: datetime
    """When it was last heard of."""


def run_status(session: Session) -> int:
    """Lists what has not ended, and how to go on with it."""
    session.start_log()
    left = _all_left(session)
    contexts = session.credentials.contexts()
    rows = []
    for one in left:
        how = _how_to_go_on(session, one, contexts)
        if session.output.as_json:
            session.output.record(_status_record(one, how), ())
        else:
            rows.append(
                (one.direction.value, str(one.tag), one.state, size_text(one.bytes_kept), time_text(one.since), how)
            )
    if rows:
        session.output.table([("", "TAG", "STATE", "KEPT", "SINCE", "GO ON WITH"), *rows])
    if not left:
        session.output.note("Nothing is unfinished.")
    return 0


def _all_left(session: Session) -> tuple[Left, ...]:
    """What journals and saved queues tell; a transfer that both know is told once."""
    found: dict[object, Left] = {}
    for saved in saved_queues(session.paths.queues_dir):
        for request in saved.requests:
            key = (request.direction, request.tag, saved.endpoint, saved.organization, saved.store)
            found[key] = Left(
                *(request.direction, request.tag, request.force, saved.endpoint, saved.organization, saved.store),
                state="paused at the last quit",
                bytes_kept=0,
                since=saved.saved,
            )
    for one in unfinished(Journals(session.paths.journals_dir)):
        where = one.key
        key = (where.direction, where.tag, where.endpoint, where.organization, where.store)
        known = found.get(key)
        state = f"runs in {one.holder}" if one.holder else known.state if known else _CUT_SHORT
        force = known.force if known else _would_replace(where.direction, where.tag, where.store)
        found[key] = Left(
            *(where.direction, where.tag, force, where.endpoint, where.organization, where.store),
            state=state,
            bytes_kept=one.bytes_kept,
            since=one.touched,
        )
    return tuple(sorted(found.values(), key=lambda left: left.since, reverse=True))


def _would_replace(direction: Direction, tag: Tag, store: Path) -> bool:
    """Whether a pull that was cut short was a forced one: the version it fetches is there."""
    return direction is Direction.PULL and _is_there(tag, store)  # a push that was begun goes on without force


def _is_there(tag: Tag, store: Path) -> bool:
    """Whether the store has the version, in whatever state."""
    try:
        return ModelStore(store).find(tag) is not None
    except ModelsyncError:
        return True


def _how_to_go_on(session: Session, left: Left, contexts: Iterable[Context]) -> str:
    """The command, or what must come before it; empty for one that runs."""
    if left.state.startswith("runs in"):
        return ""
    words = ["modelsync", left.direction.value, str(left.tag)]
    if left.force:
        words.append("--force")
    if not _is_current(session, left):
        names = [one.name for one in contexts if (one.endpoint, one.organization) == (left.endpoint, left.organization)]
        if not names or session.credentials.environment_wins:
            return printable(f"sign in to {left.endpoint}, then {shlex.join(words)}")
        words += ["--context", names[0]]
    if left.store != session.store().home:
        words += ["--store", str(left.store)]
    command = shlex.join(words)
    if left.state == _CUT_SHORT and left.direction is Direction.PUSH and not _is_there(left.tag, left.store):  # deleted
        command = f"save {left.tag} again, then {command}"
    return printable(command)


def _is_current(session: Session, left: Left) -> bool:
    """Whether a command without --context would mean the registry of this transfer."""
    credentials = session.credentials
    if credentials.environment_wins:
        try:
            endpoint = clean_endpoint(os.environ.get(ENDPOINT_VARIABLE) or DEFAULT_ENDPOINT)
        except UsageError:  # whoever uses it will be told
            return False
        return (endpoint, None) == (left.endpoint, left.organization)
    current = flag(session.args, "context") or session.settings.context or credentials.current()
    kept = next((one for one in credentials.contexts() if one.name == current), None)
    return kept is not None and (kept.endpoint, kept.organization) == (left.endpoint, left.organization)


def _status_record(left: Left, how: str) -> Mapping[str, Json]:
    return {
        "tag": str(left.tag),
        "direction": left.direction.value,
        "state": left.state,
        "force": left.force,
        "bytes_kept": left.bytes_kept,
        "since": time_json(left.since),
        "endpoint": left.endpoint,
        "organization": left.organization,
        "store": str(left.store),
        "go_on": how,
    }

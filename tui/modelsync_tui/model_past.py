"""What happened to the versions of one model, by whom and when: transfers of this person, pushes of everybody."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from modelsync.history import Ending, HistoryEntry
from modelsync.model import Direction, RemoteModel, UploadStatus
from modelsync.tag import Tag
from modelsync_tui.integrity import CLOCKS_DIFFER_MAX
from modelsync_tui.text import literal, size_text
from modelsync_tui.versions import Version
from modelsync_tui.widgets.lines import Tone
from modelsync_tui.widgets.words import about_text


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one version."""

    when: datetime
    what: Direction
    version: str
    who: str
    words: str
    tone: Tone


def past_of(history: Sequence[HistoryEntry], versions: Iterable[Version], host: str) -> tuple[Event, ...]:
    """The last one first; a push that both the history and the registry know stands once.

    `history` is what was moved from this machine, `host` the registry that `versions` tell of.
    """
    ours: defaultdict[Tag, list[HistoryEntry]] = defaultdict(list)
    for entry in history:
        if entry.direction is Direction.PUSH and entry.host == host:
            ours[entry.tag].append(entry)
    pushes = (_push(version.remote) for version in versions if version.remote and not _is_among(version, ours))
    events = [*(_transfer(entry, host) for entry in history), *(push for push in pushes if push is not None)]
    return tuple(sorted(events, key=lambda event: event.when, reverse=True))


def _is_among(version: Version, pushes: Mapping[Tag, Sequence[HistoryEntry]]) -> bool:
    """Whether the push that the registry records is one of these."""
    when, tag = _pushed_at(version.remote), version.tag
    if when is None or tag is None:
        return False
    mine = pushes.get(tag, ())
    return any(entry.began - CLOCKS_DIFFER_MAX <= when <= entry.ended + CLOCKS_DIFFER_MAX for entry in mine)


def _pushed_at(remote: RemoteModel | None) -> datetime | None:
    return None if remote is None else remote.upload_finished_at or remote.upload_started_at or remote.created_at


def _push(remote: RemoteModel) -> Event | None:
    when = _pushed_at(remote)
    if when is None:
        return None
    match remote.status:
        case UploadStatus.SUCCESS:
            words, tone = size_text(remote.size_bytes), Tone.PLAIN
        case UploadStatus.FAILED:
            words, tone = f"failed: {literal(remote.status_reason) or 'no reason was given'}", Tone.BAD
        case UploadStatus.PENDING | UploadStatus.UPLOADING | UploadStatus.UNKNOWN:
            words, tone = "a reference" if remote.is_reference else "not ended", Tone.MUTED
        case _:
            assert_never(remote.status)
    who = literal(remote.creator_name or remote.creator_email.partition("@")[0]) or "-"
    return Event(when, Direction.PUSH, literal(remote.version), who, words, tone)


def _transfer(entry: HistoryEntry, host: str) -> Event:
    words, tone = _ending(entry)
    if host and entry.host != host:
        words += f", {'to' if entry.direction is Direction.PUSH else 'from'} {literal(entry.host)}"
    return Event(entry.ended, entry.direction, literal(entry.tag.version), "you", words, tone)


def _ending(entry: HistoryEntry) -> tuple[str, Tone]:
    """How a transfer ended, in a few words."""
    reason = literal(entry.reason)
    match entry.outcome:
        case Ending.PUSHED | Ending.PULLED:
            moved = f"{size_text(entry.bytes_total)} in {about_text(entry.seconds)}"
            resumed = f", {size_text(entry.bytes_moved)} of it now" if entry.resumed else ""
            retries = f", {entry.retries} retried" if entry.retries else ""
            return f"{moved}{resumed}{retries}", Tone.PLAIN
        case Ending.SKIPPED:
            return f"skipped: {reason}", Tone.MUTED
        case Ending.FAILED:
            return f"failed: {reason}", Tone.BAD
        case Ending.CANCELLED | Ending.PAUSED:
            return f"{entry.outcome.value}, {size_text(entry.bytes_moved)} moved", Tone.WARN
        case _:
            assert_never(entry.outcome)

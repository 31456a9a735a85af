"""The facts of one version, both sides in one: what is the same stands once, what differs stands with its side."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from modelsync.comparison import RowState
from modelsync.model import Json, LocalModel, RemoteModel, UploadStatus
from modelsync_tui.answers import Answer, Failed, Reading, Told
from modelsync_tui.files import FileState, FileTable
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.inspecting import Uses
from modelsync_tui.notices import short_path
from modelsync_tui.text import ago_text, count_text, left, literal, size_pair, size_text, wrapped
from modelsync_tui.versions import Version
from modelsync_tui.widgets.lines import Piece, Tone
from modelsync_tui.widgets.picklist import PickList
from modelsync_tui.widgets.version_list import state_words
from modelsync_tui.widgets.words import moment_text

_NAME_CELLS = 12
ITEMS_SHOWN_MAX = 200
"""Of one mapping."""
_DEPTH_MAX = 16
"""Deeper values are not written out: a hostile registry may nest them without end."""
_VALUE_MAX_CHARS = 2_000
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact in a few items, which are laid out one after the other."""

    name: str
    items: tuple[Piece, ...]


class FactLines(PickList):
    """The facts of the version that is looked at; scrolls."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._facts: tuple[Fact, ...] = ()
        self._laid: tuple[int, list[Sequence[Piece]]] = (0, [])

    def show(self, facts: tuple[Fact, ...], *, other_version: bool) -> None:
        """Shows facts, of another version from the first on."""
        if facts == self._facts:
            return
        self._facts, self._laid = facts, (0, [])
        self.lines_changed()
        if other_version:
            self.scroll_to(y=0, animate=False)

    def line_count(self) -> int:
        return len(self._lines(max(1, self.scrollable_content_region.width)))

    def line(self, index: int, width: int) -> Sequence[Piece]:
        lines = self._lines(width)
        return lines[index] if index < len(lines) else ()

    def _lines(self, width: int) -> list[Sequence[Piece]]:
        if self._laid[0] != width:
            self._laid = (width, laid_out(self._facts, width))
        return self._laid[1]


def laid_out(facts: Iterable[Fact], width: int) -> list[Sequence[Piece]]:
    """Names at the left, items beside each other as long as they fit; one that is too long goes on below itself."""
    room = max(1, width - _NAME_CELLS - 1)
    lines: list[Sequence[Piece]] = []
    for fact in facts:
        row: list[Piece] = []
        used = 0
        rows = [row]
        for text, tone in fact.items:
            if row and used + 2 + cell_len(text) > room:
                row, used = [], 0
                rows.append(row)
            if row:
                row.append(("  ", Tone.PLAIN))
                used += 2
            *whole, rest = wrapped(text, room)
            for piece in whole:
                row.append((piece, tone))
                row = []
                rows.append(row)
            row.append((rest, tone))
            used += cell_len(rest)
        for place, pieces in enumerate(rows):
            name = left(f" {fact.name}" if place == 0 else "", _NAME_CELLS)
            lines.append(((name, Tone.MUTED), *pieces))
    return lines


def facts_of(version: Version, uses: Answer[Uses], files: FileTable, glyphs: Glyphs) -> tuple[Fact, ...]:
    """Everything that is known of a version, as far as it is known."""
    local, remote = version.local, version.remote
    if version.broken is not None:
        return _broken(version, glyphs)
    here, there = (local.info if local else None), remote
    facts = [
        Fact("tag", ((literal(version.tag_text), Tone.STRONG),)),
        Fact("state", (state_words(version, glyphs),)),
        _both("module", here.module if here else None, there.module if there else None, glyphs),
        _mapping("labels", here.labels if here else None, there.labels if there else None, glyphs),
        _mapping("metadata", here.metadata if here else None, there.metadata if there else None, glyphs),
        _mapping("options", here.options if here else None, there.options if there else None, glyphs),
        _mapping(
            "context", _context(here.context if here else None), _context(there.context if there else None), glyphs
        ),
        _signatures(local),
        _built(local, remote, glyphs),
        _sizes(local, remote, glyphs),
        *_upload(remote, version.state, glyphs),
        _files(files, glyphs),
        _used_by(uses, glyphs),
    ]
    if local is not None:
        facts.append(Fact("path", ((short_path(local.path), Tone.PLAIN),)))
        if local.is_latest:
            facts.append(Fact("latest", ((f"{literal(local.tag.name)}:latest is this version here", Tone.PLAIN),)))
    if remote is not None and remote.description:
        facts.append(Fact("description", ((literal(" ".join(remote.description.split())), Tone.PLAIN),)))
    return tuple(fact for fact in facts if fact.items)


def value_text(value: Json) -> str:
    """A value of a model's metadata on one line: text as it is, the rest as JSON, deep and long ones cut."""
    return literal(value if isinstance(value, str) else _json(value, _DEPTH_MAX))[:_VALUE_MAX_CHARS]


def _json(value: Json, depth: int) -> str:
    match value:
        case dict() if value:
            if depth == 0:
                return "{…}"
            pairs = (f"{json.dumps(key, ensure_ascii=False)}: {_json(item, depth - 1)}" for key, item in value.items())
            return "{" + _joined(pairs) + "}"
        case list() if value:
            return "[" + _joined(_json(item, depth - 1) for item in value) + "]" if depth else "[…]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _joined(words: Iterable[str]) -> str:
    found: list[str] = []
    chars = 0
    for word in words:
        found.append(word)
        chars += len(word)
        if chars > _VALUE_MAX_CHARS:
            break
    return ", ".join(found)


def _broken(version: Version, glyphs: Glyphs) -> tuple[Fact, ...]:
    entry = version.broken
    if entry is None:
        return ()
    return (
        Fact("tag", ((literal(version.tag_text.removesuffix(":")), Tone.STRONG),)),
        Fact("state", (state_words(version, glyphs),)),
        Fact("why", ((literal(entry.reason), Tone.BAD),)),
        Fact("path", ((short_path(entry.path), Tone.PLAIN),)),
        Fact("what to do", (("pull it again with F where the registry has it, or remove the directory", Tone.PLAIN),)),
    )


def _both(name: str, here: str | None, there: str | None, glyphs: Glyphs) -> Fact:
    """A fact that both sides should agree on; None: the side has no such version."""
    here, there = (None if side is None else literal(side) for side in (here, there))
    if here is None or there is None or here == there:
        words = here or there
        return Fact(name, ((words, Tone.PLAIN),) if words else ())
    return Fact(
        name,
        (
            (f"{glyphs.differs} local {here or '-'}", Tone.WARN),
            (f"remote {there or '-'}", Tone.WARN),
        ),
    )


def _mapping(
    name: str,
    here: Mapping[str, Json] | Mapping[str, str] | None,
    there: Mapping[str, Json] | Mapping[str, str] | None,
    glyphs: Glyphs,
) -> Fact:
    """Keys and values: those that both sides agree on once, the others with their side."""
    ours: Mapping[str, object] = here or {}
    theirs: Mapping[str, object] = there or {}
    one_side = here is None or there is None
    items: list[Piece] = []
    keys = list(dict.fromkeys([*ours, *theirs]))
    for key in keys[:ITEMS_SHOWN_MAX]:
        mine, other = ours.get(key, _MISSING), theirs.get(key, _MISSING)
        if one_side or mine == other:
            items.append((f"{literal(key)}={_value(other if mine is _MISSING else mine)}", Tone.PLAIN))
            continue
        if mine is not _MISSING:
            items.append((f"{glyphs.differs} local {literal(key)}={_value(mine)}", Tone.WARN))
        if other is not _MISSING:
            items.append((f"{glyphs.differs} remote {literal(key)}={_value(other)}", Tone.WARN))
    if more := len(keys) - ITEMS_SHOWN_MAX:
        items += [(f"and {more:,} more", Tone.MUTED)] if more > 0 else []
    return Fact(name, tuple(items))


def _value(value: object) -> str:
    return value_text(value) if isinstance(value, str | int | float | list | dict) or value is None else ""


def _context(context: Mapping[str, Json] | None) -> dict[str, Json] | None:
    """Versions of programs as `torch=2.8.0`; what is empty says nothing."""
    if context is None:
        return None
    found: dict[str, Json] = {}
    for key, value in context.items():
        if key == "framework_versions" and isinstance(value, dict):
            found |= value
        elif value not in ("", None, {}, []):
            found[key.removesuffix("_version").replace("framework_name", "framework")] = value
    return found


def _signatures(local: LocalModel | None) -> Fact:
    if local is None:
        return Fact("signatures", ())
    items = []
    for name, value in list(local.info.signatures.items())[:ITEMS_SHOWN_MAX]:
        batchable = isinstance(value, dict) and value.get("batchable") is True
        items.append((f"{literal(name)}{' (batchable)' if batchable else ''}", Tone.PLAIN))
    return Fact("signatures", tuple(items))


def _built(local: LocalModel | None, remote: RemoteModel | None, glyphs: Glyphs) -> Fact:
    here, there = local.info.creation_time if local else None, remote.build_at if remote else None
    if local is None or remote is None or here == there:
        return Fact("built", ((moment_text(here or there), Tone.PLAIN),))
    words, others = moment_text(here), moment_text(there)
    if words == others and here is not None and there is not None:
        words, others = (f"{when.astimezone():%Y-%m-%d %H:%M:%S.%f}" for when in (here, there))
    return Fact("built", ((f"{glyphs.differs} local {words}", Tone.WARN), (f"remote {others}", Tone.WARN)))


def _sizes(local: LocalModel | None, remote: RemoteModel | None, glyphs: Glyphs) -> Fact:
    here, there = (side.size_bytes if side else None for side in (local, remote))
    if local is None or remote is None or here == there:
        words = size_text(here if local else there)
        exact = f" ({(here if local else there) or 0:,} bytes)" if words else ""
        return Fact("size", ((words + exact, Tone.PLAIN),) if words else ())
    words, others = size_pair(here, there)
    return Fact("size", ((f"{glyphs.differs} local {words}", Tone.WARN), (f"remote {others}", Tone.WARN)))


def _upload(remote: RemoteModel | None, state: RowState | None, glyphs: Glyphs) -> list[Fact]:
    if remote is None:
        return []
    who = literal(remote.creator_email or remote.creator_name) or "someone"
    when = remote.upload_finished_at or remote.upload_started_at or remote.created_at
    facts = [Fact("pushed", ((f"{moment_text(when)} by {who}", Tone.PLAIN),))]
    began, ended = remote.upload_started_at, remote.upload_finished_at
    match remote.status:
        case UploadStatus.SUCCESS:
            span = (ended - began).total_seconds() if began and ended else 0.0
            item = (f"{glyphs.done} complete" + (f", it took {ago_text(span)}" if span >= 1 else ""), Tone.PLAIN)
        case UploadStatus.FAILED:
            reason = f": {literal(remote.status_reason)}" if remote.status_reason else ", no reason was given"
            item = (f"{glyphs.failed} failed{reason}", Tone.BAD)
        case _ if state is RowState.REFERENCE:
            item = (f"{glyphs.reference} a HuggingFace reference: the registry holds no content", Tone.PLAIN)
        case _ if state is RowState.UPLOADING:
            item = (f"{glyphs.moving} {remote.status}, begun {moment_text(began or remote.created_at)}", Tone.ACCENT)
        case _:
            began_words = moment_text(began or remote.created_at)
            item = (f"{glyphs.stuck} {remote.status}, begun {began_words} and never ended", Tone.BAD)
    return [*facts, Fact("upload", (item,))]


def _files(table: FileTable, glyphs: Glyphs) -> Fact:
    if table.compared:
        differs = "differs" if table.counts.get(FileState.DIFFERS) == 1 else "differ"
        named = (
            (FileState.SAME_SIZE, "same size", Tone.PLAIN),
            (FileState.DIFFERS, differs, Tone.WARN),
            (FileState.LOCAL_ONLY, "local only", Tone.WARN),
            (FileState.REMOTE_ONLY, "remote only", Tone.WARN),
        )
        return Fact("files", tuple((f"{table.counts[s]:,} {w}", tone) for s, w, tone in named if table.counts.get(s)))
    if table.rows:
        return Fact("files", ((count_text(len(table.rows), "file"), Tone.PLAIN),))
    return Fact("files", (("reading " + glyphs.ellipsis, Tone.MUTED),) if table.reading else ())


def _used_by(uses: Answer[Uses], glyphs: Glyphs) -> Fact:
    match uses:
        case Reading():
            return Fact("used by", (("reading " + glyphs.ellipsis, Tone.MUTED),))
        case Failed(error):
            return Fact("used by", ((literal(error.sentence), Tone.BAD),))
        case Told(found):
            return Fact("used by", tuple(_users(found)))


def _users(uses: Uses) -> Iterable[Piece]:
    named = (
        ("local bento", uses.local_bentos),
        ("bento", uses.remote_bentos or ()),
        ("deployment", uses.deployments or ()),
    )
    any_user = False
    for what, users in named:
        for user in users[:ITEMS_SHOWN_MAX]:
            any_user = True
            yield f"{what} {literal(user)}", Tone.PLAIN
    if uses.trouble is not None:
        yield f"not known: {literal(uses.trouble.sentence)}", Tone.BAD
    elif not any_user and uses.remote_bentos is not None:
        yield "nothing known", Tone.MUTED

"""Everything that is known of one version, both sides in one list of facts."""

from datetime import datetime

from modelsync.comparison import RowState
from modelsync.model import LocalModel, RemoteModel
from modelsync_tui.answers import Answer
from modelsync_tui.comparing import Comparison
from modelsync_tui.fact import Fact
from modelsync_tui.files import FileState, FileTable
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.inspecting import Uses
from modelsync_tui.manifest_facts import calling_facts, manifest_facts
from modelsync_tui.notices import short_path
from modelsync_tui.registry_facts import upload_facts, used_by
from modelsync_tui.text import count_text, literal, size_pair, size_text, when_text
from modelsync_tui.versions import Version
from modelsync_tui.widgets.lines import Tone
from modelsync_tui.widgets.version_list import state_words
from modelsync_tui.widgets.words import moment_text

_EXACT_FROM_BYTES = 1_000


def facts_of(
    version: Version,
    uses: Answer[Uses],
    files: FileTable,
    glyphs: Glyphs,
    *,
    verified: datetime | None = None,
    comparison: Comparison | None = None,
) -> tuple[Fact, ...]:
    """As far as it is known; `verified`: when a transfer compared the bytes of both sides, `comparison`: what V did."""
    local, remote = version.local, version.remote
    facts = (
        Fact("tag", ((literal(version.tag_text.removesuffix(":")), Tone.STRONG),)),
        Fact("state", (state_words(version, glyphs),)),
        *_broken(version),
        *manifest_facts(local.info if local else None, remote, glyphs),
        _built(local, remote, glyphs),
        _sizes(local, remote, glyphs),
        *upload_facts(remote, version.state, glyphs),
        _files(files, glyphs),
        used_by(uses, glyphs),
        _integrity(version, verified, comparison, glyphs),
        *calling_facts(local.info if local else None, remote, glyphs),
        Fact.plain("path", short_path(version.path) if version.path else ""),
        Fact.plain("latest", _latest(local)),
        Fact.plain("description", literal(" ".join(remote.description.split())) if remote else ""),
    )
    return tuple(fact for fact in facts if fact.items)


def _broken(version: Version) -> tuple[Fact, ...]:
    """Why what is here is no model."""
    if version.broken is None:
        return ()
    again = "F pulls it again" if version.remote is not None else "look into the directory"
    return (
        Fact("why", ((literal(version.why), Tone.BAD),)),
        Fact.plain("next step", f"{again}, or Del deletes it"),
    )


def _latest(local: LocalModel | None) -> str:
    return f"{literal(local.tag.name)}:latest is this version here" if local is not None and local.is_latest else ""


def _integrity(version: Version, verified: datetime | None, comparison: Comparison | None, glyphs: Glyphs) -> Fact:
    """Whether what is called the same was compared byte for byte."""
    if comparison is not None and not comparison.found.equal:
        count = count_text(len(comparison.found.differences), "difference")
        return Fact("integrity", ((f"{glyphs.differs} compared {when_text(comparison.when)}: {count}", Tone.WARN),))
    if comparison is not None:
        return Fact.plain("integrity", f"verified {when_text(comparison.when)}, bytes of both sides")
    if version.state is not RowState.SAME:
        return Fact("integrity")
    if verified is None:
        return Fact("integrity", (("not compared byte by byte (V does)", Tone.MUTED),))
    return Fact.plain("integrity", f"verified {when_text(verified)}, bytes of both sides")


def _built(local: LocalModel | None, remote: RemoteModel | None, glyphs: Glyphs) -> Fact:
    here, there = local.info.creation_time if local else None, remote.build_at if remote else None
    if local is None or remote is None or here == there:
        return Fact.plain("built", moment_text(here or there) if local or remote else "")
    words, others = moment_text(here), moment_text(there)
    if words == others and here is not None and there is not None:
        words, others = (f"{when.replace(tzinfo=None).isoformat(' ', 'microseconds')} UTC" for when in (here, there))
    return Fact.differing("built", words, others, glyphs)


def _sizes(local: LocalModel | None, remote: RemoteModel | None, glyphs: Glyphs) -> Fact:
    here, there = (side.size_bytes if side else None for side in (local, remote))
    if local is None or remote is None or here == there:
        words = size_text(here if local else there)
        size = (here if local else there) or 0
        return Fact.plain("size", f"{words} ({size:,} bytes)" if size >= _EXACT_FROM_BYTES else words)
    return Fact.differing("size", *size_pair(here, there), glyphs)


def _files(table: FileTable, glyphs: Glyphs) -> Fact:
    if table.compared:
        differs = "differs" if table.counts.get(FileState.DIFFERS) == 1 else "differ"
        named = (
            (FileState.SAME_BYTES, "same bytes", Tone.PLAIN),
            (FileState.SAME_SIZE, "same size", Tone.PLAIN),
            (FileState.BYTES_DIFFER, "with other bytes", Tone.WARN),
            (FileState.DIFFERS, differs, Tone.WARN),
            (FileState.LOCAL_ONLY, "local only", Tone.WARN),
            (FileState.REMOTE_ONLY, "remote only", Tone.WARN),
        )
        return Fact("files", tuple((f"{table.counts[s]:,} {w}", tone) for s, w, tone in named if table.counts.get(s)))
    if table.rows:
        return Fact.plain("files", f"{len(table.rows):,}")
    return Fact("files", (("reading " + glyphs.ellipsis, Tone.MUTED),) if table.reading else ())

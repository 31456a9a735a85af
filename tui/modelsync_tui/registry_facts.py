"""Facts that the registry adds to a version: who pushed it, how its upload stands, and what uses it."""

from collections.abc import Iterable

from modelsync.comparison import RowState
from modelsync.model import RemoteModel, UploadStatus
from modelsync_tui.answers import Answer, Failed, Reading, Told
from modelsync_tui.fact import ITEMS_SHOWN_MAX, Fact
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.inspecting import Uses
from modelsync_tui.text import ago_text, literal
from modelsync_tui.widgets.lines import Piece, Tone
from modelsync_tui.widgets.words import moment_text


def upload_facts(remote: RemoteModel | None, state: RowState | None, glyphs: Glyphs) -> list[Fact]:
    """Who pushed it when, and what became of the upload; none where the registry has no such version."""
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


def used_by(uses: Answer[Uses], glyphs: Glyphs) -> Fact:
    """The bentos and deployments that need it, as far as they are known."""
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

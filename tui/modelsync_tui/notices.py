"""The sentences of the screen: empty lists, the row under the cursor, what failed."""

from datetime import datetime
from pathlib import Path

from modelsync.comparison import RowState
from modelsync.errors import ModelsyncError, NotSignedInError
from modelsync.model import LocalModel, RemoteModel
from modelsync_tui.catalog import Catalog
from modelsync_tui.listing import GroupRow, Row, VersionRow
from modelsync_tui.loading import Link
from modelsync_tui.returning import may_pass
from modelsync_tui.text import count_text, literal, size_pair, size_text, when_text
from modelsync_tui.widgets.messageline import Kind


def short_path(path: Path) -> str:
    """The path with `~` for the home, made harmless."""
    home = Path.home()
    words = f"~/{path.relative_to(home)}" if path.is_relative_to(home) and path != home else str(path)
    return literal(words)


def local_notice(models_dir: Path, *, read: bool, error: ModelsyncError | None) -> tuple[str, ...]:
    """What stands where no local models are."""
    if error is not None:
        return (literal(error.message), "", literal(error.hint), "", "r    read it again")
    if not read:
        return ("Reading the local store ...",)
    return (
        f"No models in {short_path(models_dir)} yet.",
        "",
        "Tab  go to the registry, p pulls from it",
        "?    help",
        "",
        "or in Python:",
        '  bentoml.models.create("name")',
    )


def remote_notice(link: Link, because: ModelsyncError | None, *, known: bool, host: str) -> tuple[str, ...]:
    """What stands where no models of the registry are."""
    match link:
        case Link.CONNECTING:
            return ("Connecting to the registry ...",)
        case Link.ONLINE if not known:
            return ("Reading the registry's list ...",)
        case Link.ONLINE:
            return (
                f"No models in {literal(host)} yet.",
                "",
                "Tab  go to the local store, P pushes from it",
                "?    help",
            )
        case Link.OFFLINE if because is None or isinstance(because, NotSignedInError):
            return (
                "Offline: no account is in use.",
                "",
                "a    sign in",
                "?    help",
                "",
                "The local side works as ever.",
            )
        case _:
            return (
                "Offline.",
                "",
                literal(because.message) if because else "",
                literal(because.hint) if because else "",
                "",
                *(("It is tried again by itself.", "") if may_pass(because) else ()),
                "r    try again",
                "a    sign in",
            )


def failed_words(error: ModelsyncError) -> str:
    """Why something of a side came to nothing, with the key that is next."""
    if isinstance(error, NotSignedInError):
        return f"{literal(error.message)} a signs in."
    return literal(error.sentence)


def row_words(row: Row | None, catalog: Catalog) -> tuple[str, Kind]:
    """A sentence about the row under the cursor."""
    if row is None:
        return "", Kind.PLAIN
    if isinstance(row, GroupRow):
        states = ", ".join(f"{count:,} {state}" for state, count in row.states)
        name = literal(row.name)
        return (
            f"{name}  {count_text(row.count, 'version')}, {size_text(row.size_bytes)}{': ' * bool(states)}{states}",
            (Kind.PLAIN),
        )
    tag = literal(row.tag_text)
    if row.problem is not None:
        tag = tag.removesuffix(":")
        return f"{tag} is {row.problem.value}: {literal(row.reason)}", Kind.BAD
    local, remote = catalog.locals.get(row.tag_text), catalog.remotes.get(row.tag_text)
    match row.state:
        case RowState.DIFFERS if local and remote:
            return f"{tag} differs: {_sides(local, remote)}; F overwrites", Kind.PLAIN
        case RowState.FAILED if remote:
            why = f": {literal(remote.status_reason)}" if remote.status_reason else ""
            return f"{tag}: its upload failed{why}; P pushes it again", Kind.BAD
        case RowState.STUCK if remote:
            began = when_text(remote.upload_started_at or remote.created_at)
            return f"{tag}: its upload began {began} and never ended; P pushes it again", Kind.BAD
        case RowState.UPLOADING if remote:
            return f"{tag}: {_who(remote)} is uploading it", Kind.PLAIN
        case RowState.REFERENCE:
            return f"{tag} is a HuggingFace reference: the registry holds no content", Kind.PLAIN
        case _:
            return f"{tag}  {_labels(row)}".rstrip(), Kind.PLAIN


def _sides(local: LocalModel, remote: RemoteModel) -> str:
    if local.size_bytes != remote.size_bytes:
        here, there = size_pair(local.size_bytes, remote.size_bytes)
        return f"{here} here, {there} there"
    return f"made {_moment(local.info.creation_time)} here, {_moment(remote.build_at)} there"


def _moment(when: datetime | None) -> str:
    if when is None:
        return "at an unknown time"
    try:
        return f"{when.astimezone():%Y-%m-%d %H:%M:%S}"
    except OverflowError:  # the first or last day that there is, in another time zone
        return f"{when:%Y-%m-%d}"


def _who(remote: RemoteModel) -> str:
    return literal(remote.creator_email or remote.creator_name or "someone")


def _labels(row: VersionRow) -> str:
    return "  ".join(f"{literal(key)}={literal(value)}" for key, value in row.labels.items())

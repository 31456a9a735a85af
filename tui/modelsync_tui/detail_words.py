"""The words around the panes of the details: title, borders, notes, and what one can do with a version."""

from collections.abc import Mapping, Sequence

from rich.cells import cell_len

from modelsync.comparison import RowState
from modelsync.errors import ModelsyncError
from modelsync.model import RemoteModel
from modelsync.results import NotListed
from modelsync_tui.answers import Failed, Reading, Told
from modelsync_tui.arrangement import FACTS, FILES, HISTORY, VERSIONS
from modelsync_tui.catalog import Catalog
from modelsync_tui.files import FileState, FileTable
from modelsync_tui.glyphs import Glyphs
from modelsync_tui.notices import row_words
from modelsync_tui.text import count_text, cut, literal, size_text
from modelsync_tui.versions import Version, totals
from modelsync_tui.widgets.lines import Piece, Tone
from modelsync_tui.widgets.messageline import Kind

Borders = tuple[tuple[str, str], tuple[str, str]]
"""The words at the left and the right of the upper and of the lower border."""
_WIDE_CELLS = 100
_TABS = {VERSIONS: "Versions", FACTS: "Details", FILES: "Files", HISTORY: "History"}


def title_pieces(name: str, versions: Sequence[Version], width: int, glyphs: Glyphs) -> Sequence[Piece]:
    """The first line: which model, and how much of it there is on each side."""
    here, there = (size_text(size) for size in totals(versions))
    wide = width >= _WIDE_CELLS
    count = count_text(len(versions), "version")
    sizes = f"{here} local  {there} remote " if wide else f"{here} {glyphs.both_ways} {there} "
    news = f"{count}   {sizes}"
    first = " modelsync  "
    shown = cut(literal(name), width - len(first) - cell_len(news) - 2, glyphs.ellipsis)
    fill = width - len(first) - cell_len(shown) - cell_len(news)
    if fill < 1:
        return ((first, Tone.ACCENT), (cut(literal(name), width - len(first), glyphs.ellipsis), Tone.STRONG))
    return ((first, Tone.ACCENT), (shown, Tone.STRONG), (" " * fill, Tone.PLAIN), (news, Tone.MUTED))


def tab_words(tab: str, tabs: Sequence[str]) -> str:
    """`[Details] Files  History`: what shares the place, with what is seen in brackets."""
    return "".join(f"[{_TABS[name]}]" if name == tab else f" {_TABS[name]} " for name in tabs).strip()


def pane_titles(
    version: Version | None, place: tuple[int, int], table: FileTable, tabs: Sequence[str]
) -> Mapping[str, Borders]:
    """What stands in the borders of each pane; those that share a place name each other.

    `place`: which of the versions the cursor is on, and how many there are.
    """
    name = literal(version.version) if version else ""
    titles: dict[str, Borders] = {
        VERSIONS: (("Versions", ""), ("", f"{place[0]:,}/{place[1]:,}" if place[1] else "")),
        FACTS: ((f"Details  {name}", ""), ("", "y copy")),
        FILES: files_titles(version, table),
        HISTORY: (("History", ""), ("", "")),
    }
    for tab in tabs:
        (_, news), _ = titles[tab]
        titles[tab] = (tab_words(tab, tabs), ""), (news, "[ ] switch tab")
    return titles


def version_words(version: Version, catalog: Catalog) -> tuple[str, Kind]:
    """What a person may want to do with a version, or what is wrong with it."""
    tag = literal(version.tag_text)
    match version.state:
        case _ if version.broken is not None:
            return row_words(version.row, catalog)
        case RowState.LOCAL_ONLY:
            return f"{tag} is only here: P pushes it", Kind.PLAIN
        case RowState.REMOTE_ONLY if version.tag is None:
            return f"{tag} is only in the registry: no local store can keep such a name", Kind.PLAIN
        case RowState.REMOTE_ONLY:
            return f"{tag} is only in the registry: p pulls it", Kind.PLAIN
        case RowState.SAME:
            return f"{tag} is the same on both sides", Kind.PLAIN
        case RowState.FAILED if version.remote is not None:
            why = literal(version.remote.status_reason).rstrip(".") or "no reason was given"
            return f"{tag}: its upload failed: {why}{_again(version)}", Kind.BAD
        case RowState.STUCK:
            return f"{tag}: its upload never ended{_again(version)}", Kind.BAD
        case None:
            return f"{tag}: the registry's side is not known", Kind.PLAIN
        case _:
            return row_words(version.row, catalog)


def _again(version: Version) -> str:
    return "; P pushes it again" if version.local is not None else "; who has it can push it again"


def files_titles(version: Version | None, table: FileTable) -> Borders:
    """Both borders of the files: whose they are, how they compare, and what a push would send."""
    if version is None:
        return ("Files", ""), ("", "")
    name = literal(version.version)
    sides = [side for side, there in (("local", table.local), ("remote", table.remote)) if there is not None]
    counts = (
        (FileState.SAME_BYTES, "same bytes"),
        (FileState.SAME_SIZE, "same size"),
        (FileState.BYTES_DIFFER, "with other bytes"),
        (FileState.DIFFERS, "differs" if table.counts.get(FileState.DIFFERS) == 1 else "differ"),
        (FileState.LOCAL_ONLY, "local only"),
        (FileState.REMOTE_ONLY, "remote only"),
    )
    if table.compared:
        news = "  ".join(f"{table.counts[state]:,} {words}" for state, words in counts if table.counts.get(state))
    else:
        news = count_text(len(table.rows), "file") if table.rows else ""
    send = ""
    if version.local is not None and version.state is not RowState.SAME:
        send = f"to send if pushed: {size_text(version.local.size_bytes)} (one archive per version)"
    whose = "  vs  ".join(f"{side} {name}" for side in sides)
    return (f"Files  {whose}".rstrip(), news), ("", send)


def file_notes(version: Version, table: FileTable) -> tuple[tuple[str, ...], bool]:
    """Sentences above the files while not all of them can be shown, and whether something went wrong."""
    notes: list[str] = []
    bad = False
    match table.local:
        case Reading():
            notes.append("Reading the local files ...")
        case Failed(error):
            notes.append(_sentence(error))
            bad = True
    match table.remote:
        case Reading():
            notes.append("Reading the registry's list of files ...")
        case Failed(error):
            notes.append(_sentence(error))
            bad = True
        case Told(NotListed(reason)):
            notes.append(literal(reason))
        case None if version.remote is not None:
            notes.append(_no_content(version.remote, version.state))
    if not notes and not table.rows:
        notes.append("There are no files in it.")
    return tuple(notes), bad


def _no_content(remote: RemoteModel, state: RowState | None) -> str:
    """Why the registry is not asked for the files."""
    if remote.is_reference:
        return "A HuggingFace reference: the registry holds no files of it."
    if remote.tag is None:
        return "The files in the registry are not listed: no local store can keep such a name."
    if state is RowState.FAILED:
        return "The registry holds no whole archive of it: its upload failed."
    return "The registry holds no whole archive of it: its upload has not ended."


def _sentence(error: ModelsyncError) -> str:
    return literal(error.sentence)

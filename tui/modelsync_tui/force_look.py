"""What the force dialog shows once both sides were asked: how their files differ, and what uses the version."""

from modelsync.comparison import Direction, PlanItem
from modelsync.errors import Cancelled, ModelsyncError
from modelsync.transfer.control import Control
from modelsync_tui.answers import Told
from modelsync_tui.dialogs.sides import Fact
from modelsync_tui.files import FileReading, FileState, FileTable
from modelsync_tui.inspecting import Inspector, Uses
from modelsync_tui.looking import has_files
from modelsync_tui.text import count_text, literal
from modelsync_tui.versions import Version


def look(inspector: Inspector, direction: Direction, item: PlanItem, control: Control) -> tuple[Fact, ...]:
    """Asks both sides about one version; blocks. What cannot be told is `-`. Raises Cancelled."""
    version = Version(
        item.local.tag.name if item.local else item.remote.name if item.remote else "",
        item.local.tag.version if item.local else item.remote.version if item.remote else "",
        item.local,
        item.remote,
    )
    table = _files(inspector, version, control)
    uses = inspector.uses(version, control)
    control.check()
    return _files_fact(table, direction), _uses_fact(uses)


def _files(inspector: Inspector, version: Version, control: Control) -> FileTable:
    reading = FileReading(local=version.local is not None, remote=version.remote is not None)
    try:
        if version.local is not None:
            reading.take_local(Told(inspector.local_files(version.local.path, control)))
        if version.remote is not None and has_files(version):
            reading.take_remote(Told(inspector.remote_files(version.remote, control)))
    except Cancelled:
        raise
    except ModelsyncError:
        pass  # the details say why; here the question is whether to overwrite
    return reading.table


def _files_fact(table: FileTable, direction: Direction) -> Fact:
    here = str(sum(row.local is not None for row in table.rows)) if isinstance(table.local, Told) else "-"
    there = str(sum(row.remote is not None for row in table.rows)) if table.remote_files is not None else "-"
    new, gone = FileState.LOCAL_ONLY, FileState.REMOTE_ONLY
    if direction is Direction.PULL:
        new, gone = gone, new
    differing = table.counts.get(FileState.DIFFERS, 0)
    named = ((differing, "differs" if differing == 1 else "differ"), (table.counts.get(new, 0), "new"))
    changes = [f"{count} {word}" for count, word in (*named, (table.counts.get(gone, 0), "gone")) if count]
    if not table.compared:
        return Fact("files", here, there, differs=False)
    words = f"  ({', '.join(changes)})" if changes else "  (same sizes)"
    if direction is Direction.PUSH:
        return Fact("files", here, there + words, bool(changes))
    return Fact("files", here + words, there, bool(changes))


def _uses_fact(uses: Uses) -> Fact:
    here = _named(("bento", uses.local_bentos))
    there = _named(("bento", uses.remote_bentos or ()), ("deployment", uses.deployments or ()))
    return Fact("used by", here, there, differs=False)


def _named(*users: tuple[str, tuple[str, ...]]) -> str:
    """`1 deployment: chat-prod, 2 bentos: chat:1, rag:2`."""
    words = [
        f"{count_text(len(names), what)}: {', '.join(literal(name) for name in names)}"
        for what, names in users
        if names
    ]
    return ", ".join(words) or "-"

"""What a person does with the version under the cursor of the details: moves it, deletes it, reads its files."""

from collections.abc import Callable
from functools import partial

from textual.app import App

from modelsync.comparison import Direction
from modelsync_tui import menus
from modelsync_tui.comparing import Comparisons
from modelsync_tui.deleting import Deleter
from modelsync_tui.dialogs.menu import Choice, Menu
from modelsync_tui.dialogs.preview import PreviewScreen, Source
from modelsync_tui.files import FileRow, FileTable
from modelsync_tui.inspecting import Inspector
from modelsync_tui.listing import Side
from modelsync_tui.loading import Loader
from modelsync_tui.moving import Mover
from modelsync_tui.queueing import Queueing
from modelsync_tui.session import Session
from modelsync_tui.text import literal
from modelsync_tui.verifying import Verifier
from modelsync_tui.versions import Version, side_of
from modelsync_tui.widgets.messageline import Kind, MessageLine

_FORCE = {
    "P": (Direction.PUSH, "push: overwrite the registry"),
    "p": (Direction.PULL, "pull: replace the local one"),
}
_NO_FILE = "There is no file here that could be read."


class VersionActs:
    """Belongs to the details screen."""

    def __init__(
        self,
        app: App[object],
        session: Session,
        loader: Loader,
        queueing: Queueing,
        message: MessageLine,
        told: Callable[[str, Kind], object],
        came_from: Side,
        comparisons: Comparisons,
    ) -> None:
        """`told` says what became of a deletion; `came_from` is the side that a person was on."""
        self._app = app
        self._session = session
        self._loader = loader
        self._message = message
        self._came_from = came_from
        self._verifier = Verifier(app, loader, comparisons, message.say)
        self._mover = Mover(app, session, loader, queueing, message, self._agreed)
        self._deleter = Deleter(app, session, loader, told)

    def move(self, version: Version | None, direction: Direction, *, force: bool = False) -> None:
        """Asks, then lets it go."""
        self._mover.move((version.key,) if version else (), direction, force=force)

    def force(self, version: Version | None) -> None:
        """Overwrites one side; asks which where both have the version."""
        if version is None or len(version.directions) < 2:
            self.move(version, version.directions[0] if version and version.directions else Direction.PULL, force=True)
            return

        def chosen(key: str | None) -> None:
            if key is not None:
                self.move(version, _FORCE[key][0], force=True)

        choices = [Choice(key, words) for key, (_, words) in _FORCE.items()]
        at = "P" if side_of(version, self._came_from) is Side.LOCAL else "p"
        self._app.push_screen(Menu(f"Force  {literal(version.version)}", choices, at=at), chosen)

    def delete(self, version: Version | None) -> None:
        """Asks, then deletes the local one; what is only in the registry stays there."""
        keys = (version.key,) if version else ()
        side = Side.REMOTE if version is not None and version.path is None else Side.LOCAL
        self._deleter.delete(keys, side)

    def verify(self, version: Version | None, ended: Callable[[], object]) -> None:
        """Compares every byte of both sides, with the person watching."""
        self._verifier.verify(version, ended)

    def copy(self, version: Version | None) -> None:
        """Asks what of it goes to the clipboard."""
        if version is None:
            return
        online = self._session.online
        context = online.context.name if online and self._session.several_contexts else None
        side = side_of(version, self._came_from)
        menus.copy(self._app, (version.key,), side, self._loader.catalog, context, self._message.say)

    def read(self, version: Version | None, row: FileRow | None, table: FileTable, inspector: Inspector) -> None:
        """Shows the beginning of a file, of the local one first."""
        sources = []
        if row is not None and row.path is not None:
            sources.append(Source("local", partial(inspector.beginning, row.path)))
        there = table.remote_files
        if row is not None and row.remote is not None and there is not None and version and version.remote:
            read = partial(inspector.remote_beginning, version.remote, there, row.name)
            sources.append(Source("remote", read))
        if row is None or not sources:
            self._message.say(_NO_FILE, Kind.BAD)
        else:
            self._app.push_screen(PreviewScreen(row.name, sources))

    def _agreed(self) -> None:
        self._message.say("It is in the queue: Esc, then 3 shows it.", Kind.GOOD)

"""The history on the screen: read and exported on threads, shown, and the way from it into the lists."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from modelsync.errors import ModelsyncError
from modelsync_tui import work
from modelsync_tui.in_front import InFront, Wish
from modelsync_tui.notices import short_path
from modelsync_tui.text import count_text, literal
from modelsync_tui.widgets.messageline import Kind

if TYPE_CHECKING:
    from modelsync.history import HistoryEntry
    from modelsync.tag import Tag

SHOWN_MAX = 5_000
"""So many of the last transfers are shown, and exported."""


class Past:
    """What the key for the history does."""

    def __init__(
        self,
        app: App[object],
        file: Path,
        say: Callable[[str, Kind], object],
        chosen: "Callable[[Tag], object]",
    ) -> None:
        """`file`: the history; `chosen` is told the version that a person wants to see in the lists."""
        self._app = app
        self._file = file
        self._say = say
        self._chosen = chosen
        self._in_front = InFront(app)

    def show(self) -> None:
        """Reads the history and shows it."""
        self._run(self._read, partial(self._show, self._in_front.wish()), "read the history")

    def _read(self) -> "Sequence[HistoryEntry]":
        from modelsync.history import History

        return History(self._file).entries(limit=SHOWN_MAX)

    def _show(self, wish: Wish, entries: "Sequence[HistoryEntry]") -> None:
        from modelsync_tui.dialogs.history import HistoryScreen

        if not wish.has_keys:
            return
        self._app.push_screen(HistoryScreen(entries, self._ask_name), self._closed)

    def _closed(self, tag: "Tag | None") -> None:
        if tag is not None:
            self._chosen(tag)

    def _ask_name(self, entries: "Sequence[HistoryEntry]") -> None:
        from modelsync_tui.dialogs.export import ExportDialog

        def named(path: Path | None) -> None:
            if path is not None:
                self._run(partial(_write, entries, path), self._written, "export the history")

        subject = count_text(len(entries), "transfer")
        self._app.push_screen(ExportDialog(subject, name="modelsync-history.csv"), named)

    def _written(self, path: Path) -> None:
        words = f"The history is in {short_path(path.absolute())}."
        self._say(words, Kind.GOOD)
        self._app.notify(words, markup=False)

    def _run(self, body: Callable[[], work.T], done: Callable[[work.T], object], description: str) -> None:
        def failed(error: ModelsyncError) -> None:
            self._say(literal(error.sentence), Kind.BAD)
            self._app.notify(literal(error.sentence), severity="error", markup=False)

        work.run(self._app, body, done, failed, group="history", description=description)


def _write(entries: "Sequence[HistoryEntry]", path: Path) -> Path:
    from modelsync.history import ExportForm, export
    from modelsync_tui.dialogs.export import form_of

    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            export(entries, form_of(path) or ExportForm.CSV, file)
    except OSError as exc:
        raise ModelsyncError(f"{path} cannot be written: {exc.strerror}.", hint="Choose another name.") from exc
    return path

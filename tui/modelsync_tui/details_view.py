"""What stands on the details screen: its widgets, and what they show of a model and of one version of it."""

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Static

from modelsync_tui import glyphs
from modelsync_tui.arrangement import FACTS, FILES, HISTORY, PANES, VERSIONS
from modelsync_tui.detail_words import file_notes, pane_titles, title_pieces
from modelsync_tui.details_panes import DetailPanes
from modelsync_tui.fact import Fact
from modelsync_tui.files import FileTable
from modelsync_tui.keys import Where
from modelsync_tui.model_past import Event
from modelsync_tui.versions import Version
from modelsync_tui.widgets.columnline import ColumnLine
from modelsync_tui.widgets.facts import FactLines
from modelsync_tui.widgets.file_list import FileList
from modelsync_tui.widgets.footer import Footer
from modelsync_tui.widgets.history_list import HistoryList
from modelsync_tui.widgets.lines import Piece
from modelsync_tui.widgets.messageline import MessageLine
from modelsync_tui.widgets.picklist import PickList
from modelsync_tui.widgets.toosmall import TooSmall
from modelsync_tui.widgets.version_list import VersionList


class DetailsView:
    """Belongs to the details screen; asks nobody."""

    def __init__(self, screen: Screen[None], name: str, keymap: Mapping[str, str]) -> None:
        """`name`: of the model; `keymap`: a person's own keys by action id."""
        self._screen = screen
        self._name = name
        self.versions = VersionList(id="version-list")
        self.files = FileList(id="file-list")
        self._facts = FactLines(id="fact-lines")
        self._history = HistoryList(id="history-list")
        lists: tuple[PickList, ...] = (self.versions, self._facts, self.files, self._history)
        self.panes = DetailPanes(screen, dict(zip(PANES, lists, strict=True)))
        self.message = MessageLine()
        self._title = ColumnLine(self._title_pieces)
        self._note = Static(id="files-note", markup=False)
        self._footer = Footer(keymap, Where.DETAILS)
        self._too_small = TooSmall()
        self._table = FileTable()

    def compose(self) -> ComposeResult:
        """Everything, in its place."""
        frames = self.panes.frames
        yield self._title
        with Horizontal(id="upper"):
            with frames[VERSIONS]:
                yield ColumnLine(self.versions.heading)
                yield self.versions
            with frames[FACTS]:
                yield self._facts
        with frames[FILES]:
            yield self._note
            yield ColumnLine(self.files.heading)
            yield self.files
        with frames[HISTORY]:
            yield self._history
        yield self.message
        yield self._footer
        yield self._too_small

    @property
    def picked(self) -> Version | None:
        """The version under the cursor."""
        return self.versions.picked

    def fit(self, size: Size) -> None:
        """Shares a screen of that size among the panes."""
        self.panes.fit(size)
        self._too_small.measure(size)
        self.show_titles()

    def show_versions(self, versions: tuple[Version, ...], at: str | None) -> None:
        """The versions of the model; the cursor stays, or goes to the version `at`."""
        self.versions.show(versions, at)
        self._title.refresh()

    def show_past(self, events: tuple[Event, ...]) -> None:
        """What happened to them."""
        self._history.show(events, "Nothing is known to have been moved of it.")

    def show_version(
        self, version: Version | None, facts: tuple[Fact, ...], table: FileTable, *, other_version: bool
    ) -> None:
        """Facts and files of one version; None: there is none."""
        self._table = table
        self._facts.show(facts, other_version=other_version)
        self.files.show(table, other_version=other_version)
        words, bad = file_notes(version, table) if version is not None else ((), False)
        self._note.update(Content("\n".join(words)))
        self._note.display = bool(words)
        self._note.set_class(bad, "-bad")
        self.show_titles()

    def show_titles(self) -> None:
        """What the borders say."""
        self.panes.say(pane_titles(self.picked, self.versions.place, self._table, self.panes.tabs))

    def _title_pieces(self, width: int) -> Sequence[Piece]:
        return title_pieces(self._name, self.versions.versions, width, glyphs.of(self._screen.app))

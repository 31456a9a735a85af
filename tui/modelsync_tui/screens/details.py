"""The details of a model: its versions, and of the one under the cursor the facts, the files and what was moved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType

from modelsync.comparison import Direction, RowState
from modelsync.errors import ModelsyncError
from modelsync.history import HistoryEntry
from modelsync.tag import Tag
from modelsync_tui import glyphs, keys, work
from modelsync_tui.arrangement import FILES, VERSIONS
from modelsync_tui.closing import ClosesOnce
from modelsync_tui.comparing import Comparisons
from modelsync_tui.detail_words import version_words
from modelsync_tui.details_acts import VersionActs
from modelsync_tui.details_view import DetailsView
from modelsync_tui.files import FileTable, with_bytes
from modelsync_tui.inspecting import Inspector
from modelsync_tui.integrity import verified_at
from modelsync_tui.listing import Key, Side
from modelsync_tui.loading import Link, Loader
from modelsync_tui.looking import Looker, Seen
from modelsync_tui.model_past import past_of
from modelsync_tui.queueing import Queueing
from modelsync_tui.session import Session
from modelsync_tui.version_facts import facts_of
from modelsync_tui.versions import Version, versions_of
from modelsync_tui.widgets.messageline import Kind
from modelsync_tui.widgets.picklist import PickList


@dataclass(frozen=True, slots=True)
class Asked:
    """What the details are opened on."""

    name: str
    version: str
    """Empty: the newest."""
    side: Side
    """Where a person came from."""


class DetailsScreen(ClosesOnce[None]):
    """Shows what it is given, reads the rest by itself, and closes without an answer."""

    CSS_PATH = "details.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.DETAILS)]

    def __init__(
        self,
        asked: Asked,
        session: Session,
        loader: Loader,
        queueing: Queueing,
        refresh: Callable[[], object],
        comparisons: Comparisons | None = None,
    ) -> None:
        """`refresh` reads both sides again, or connects; `comparisons`: those that were made before."""
        super().__init__()
        self._asked = asked
        self._session = session
        self._loader = loader
        self._queueing = queueing
        self._refresh_sides = refresh
        self._comparisons = comparisons or Comparisons(session)
        self._inspector = Inspector(session)
        self._link = loader.link
        self._shown: tuple[Key, RowState | None] | None = None
        """The version whose facts and files are drawn, and its state."""
        self._has_news = False
        """Whether the message says what became of something, which another state of the version does not replace."""
        self._past: tuple[HistoryEntry, ...] = ()
        self._view = DetailsView(self, asked.name, session.settings.keys)

    def compose(self) -> ComposeResult:
        yield from self._view.compose()

    def on_mount(self) -> None:
        self._looker = Looker(self.app, self._inspector, self._show_seen)
        self._acts = VersionActs(
            self.app,
            self._session,
            self._loader,
            self._queueing,
            self._view.message,
            self._tell,
            self._asked.side,
            self._comparisons,
        )
        self._view.versions.focus()
        self.show(at=self._asked.version or None)
        self.read_history()

    def on_unmount(self) -> None:
        self._looker.stop()

    def on_resize(self, event: events.Resize) -> None:
        self._view.fit(event.size)

    # What it is given

    def show(self, at: str | None = None) -> None:
        """Shows what the loader knows now; the cursor stays, or goes to the version `at`."""
        if not self.is_attached:
            return
        self._loader.ask((self._asked.name,))
        self._view.show_versions(versions_of(self._loader.catalog, self._asked.name, datetime.now(UTC)), at)
        came_online = self._loader.link is Link.ONLINE and self._link is not Link.ONLINE
        self._link = self._loader.link
        self._look(again=came_online)
        self._show_past()
        self._view.show_titles()

    def show_moving(self, fractions: Mapping[str, float]) -> None:
        """Shows how much of a version has moved, by `name:version`."""
        self._view.versions.show_moving(fractions)

    def transfer_ended(self, tag: Tag) -> None:
        """A transfer of some version ended: the history has one more."""
        if tag.name == self._asked.name and self.is_attached:
            self.read_history()

    @property
    def place(self) -> keys.Where:
        """Which keys work."""
        return keys.Where.DETAILS

    # What is read

    def _look(self, *, again: bool = False) -> None:
        picked = self._view.picked
        if picked is None:
            self._show_nothing()
            return
        self._looker.look_at(picked, again=again)
        self._draw(picked)

    def _show_seen(self, seen: Seen) -> None:
        picked = self._view.picked
        if self.is_attached and picked is not None and seen.version.key == picked.key:
            self._draw(picked)

    def _draw(self, picked: Version) -> None:
        seen = self._looker.seen
        if seen is None or seen.version.key != picked.key:
            return
        shown = (picked.key, picked.state)
        other_version = self._shown is None or self._shown[0] != picked.key
        if shown != self._shown:
            self._shown = shown
            if not self._has_news:
                self._view.message.say(*version_words(picked, self._loader.catalog))
        verified = verified_at(picked, self._past, self._host)
        comparison = self._comparisons.of(picked)
        table = seen.files if comparison is None else with_bytes(seen.files, comparison.found)
        facts = facts_of(picked, seen.uses, table, glyphs.of(self.app), verified=verified, comparison=comparison)
        self._view.show_version(picked, facts, table, other_version=other_version)

    def _show_nothing(self) -> None:
        self._looker.stop()
        self._shown = None
        if not self._has_news:
            asks = self._loader.link is Link.CONNECTING
            words = "Looking what the registry has ..." if asks else "No version is left: Esc goes back."
            self._view.message.say(words)
        self._view.show_version(None, (), FileTable(), other_version=True)

    def read_history(self) -> None:
        """Reads what was moved of the model."""

        def show(entries: tuple[HistoryEntry, ...]) -> None:
            if self.is_attached:
                self._past = entries
                self._show_past()
                self._look()

        def failed(error: ModelsyncError) -> None:
            if self.is_attached:
                self.notify(error.sentence, severity="warning", markup=False)

        read = partial(self._inspector.history, self._asked.name)
        work.run(self.app, read, show, failed, group="details", description="read the history")

    def _show_past(self) -> None:
        self._view.show_past(past_of(self._past, self._view.versions.versions, self._host))

    @property
    def _host(self) -> str:
        """Of the registry that the versions are compared with; empty without one."""
        online = self._session.online
        return online.host if online is not None else ""

    def _tell(self, words: str, kind: Kind) -> None:
        self._has_news = kind is not Kind.PLAIN
        self._view.message.say(words, kind)

    # Where a person goes

    def _go_to(self, name: str) -> None:
        self._view.panes.go_to(name)
        self._view.show_titles()

    def action_next_pane(self) -> None:
        self._view.panes.step(1)
        self._view.show_titles()

    def action_previous_pane(self) -> None:
        self._view.panes.step(-1)
        self._view.show_titles()

    def action_tab(self, by: int) -> None:
        self._view.panes.turn(by)
        self._view.show_titles()

    def action_move(self, by: int) -> None:
        self._view.panes.lines.move_cursor(by)

    def action_page(self, direction: int) -> None:
        lines = self._view.panes.lines
        lines.move_cursor(direction * max(1, lines.page_rows - 1))

    def action_half_page(self, direction: int) -> None:
        lines = self._view.panes.lines
        lines.move_cursor(direction * max(1, lines.page_rows // 2))

    def action_top(self) -> None:
        self._view.panes.lines.go_to_top()

    def action_bottom(self) -> None:
        self._view.panes.lines.go_to_bottom()

    def action_open(self) -> None:
        """From the versions to the files, from a file into it."""
        seen = self._looker.seen
        if self._view.panes.current != FILES:
            self._go_to(FILES)
        elif seen is not None:
            self._acts.read(self._view.picked, self._view.files.picked, seen.files, self._inspector)

    def action_close(self) -> None:
        """From the other panes to the versions, from there back."""
        if self._view.panes.current == VERSIONS:
            self.dismiss()
        else:
            self._go_to(VERSIONS)

    def action_back(self) -> None:
        self.dismiss()

    # What a person does

    def action_push(self) -> None:
        self._acts.move(self._view.picked, Direction.PUSH)

    def action_pull(self) -> None:
        self._acts.move(self._view.picked, Direction.PULL)

    def action_force(self) -> None:
        self._acts.force(self._view.picked)

    def action_delete(self) -> None:
        self._acts.delete(self._view.picked)

    def action_verify(self) -> None:
        self._acts.verify(self._view.picked, self._look)

    def action_clipboard(self) -> None:
        self._acts.copy(self._view.picked)

    def action_refresh(self) -> None:
        """Reads both sides of this version again."""
        picked = self._view.picked
        if picked is None or self._loader.link is not Link.ONLINE:
            self._view.message.say("Reading both sides again ...")
            self._refresh_sides()
        elif picked.tag is not None:
            self._loader.reread(picked.tag)
        self._look(again=True)
        self.read_history()

    # Events

    @on(PickList.Moved)
    def _moved(self, event: PickList.Moved) -> None:
        event.stop()
        if event.picked is self._view.versions:
            self._has_news = False
            self._look()

    @on(PickList.Opened)
    def _opened(self, event: PickList.Opened) -> None:
        event.stop()
        self.action_open()

"""The main screen: both sides, the transfers, and one line that says what would happen."""

from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from modelsync.comparison import Direction
from modelsync.errors import ModelsyncError
from modelsync_tui import glyphs, keys, menus
from modelsync_tui.accounts import Accounts
from modelsync_tui.alerts import Alerts
from modelsync_tui.deleting import Deleter
from modelsync_tui.details_door import DetailsDoor
from modelsync_tui.listing import Side
from modelsync_tui.loading import FirstScan, Link, Loader
from modelsync_tui.logtail import LogTail
from modelsync_tui.moving import Mover
from modelsync_tui.notices import local_notice, remote_notice, row_words, short_path
from modelsync_tui.past import Past
from modelsync_tui.planning import plan_for, plan_words
from modelsync_tui.queueing import Queueing
from modelsync_tui.session import Session
from modelsync_tui.terminal import TerminalVoice
from modelsync_tui.text import ago_text, literal
from modelsync_tui.widgets.browser import Browser
from modelsync_tui.widgets.context_tone import context_tone
from modelsync_tui.widgets.footer import Footer
from modelsync_tui.widgets.header import Header, HeaderFacts
from modelsync_tui.widgets.lines import Tone
from modelsync_tui.widgets.log import LogPane
from modelsync_tui.widgets.messageline import FilterBar, Kind, MessageLine
from modelsync_tui.widgets.toosmall import TooSmall
from modelsync_tui.widgets.transfers import TransfersPane
from modelsync_tui.widgets.wishes import Wish

if TYPE_CHECKING:
    from modelsync.tag import Tag
    from modelsync.transfers import QueueSnapshot, TransferRow

ONE_PANE_BELOW_CELLS = 60
WIDE_FROM_CELLS = 100
SHORT_BELOW_ROWS = 30
AGE_SHOWN_EVERY_S = 5.0
PLANNED_MAX_VERSIONS = 2_000
"""Of a larger marked set the message line does not say what F5 would do: the plan itself does."""


class MainScreen(Screen[None]):
    """Gives widgets what they show, and turns what a person does into calls of the session."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.Where.MAIN)]

    def __init__(
        self,
        session: Session,
        scan: FirstScan | None,
        voice: TerminalVoice,
    ) -> None:
        """`scan`: a reading of the store that is under way; `voice` tells the terminal."""
        super().__init__()
        self._session = session
        self._scan = scan
        self._voice = voice
        self._was_shown = False
        self._shown_link = Link.CONNECTING
        self.local = Browser(Side.LOCAL, id="local")
        self.remote = Browser(Side.REMOTE, id="remote")
        self._current = self.local
        self.local.add_class("-current", update=False)
        self._transfers = TransfersPane(id="transfers")
        self._log = LogPane()
        self._message = MessageLine()
        self._header = Header(HeaderFacts(short_path(session.store.models_dir)))
        self._footer = Footer(session.settings.keys)

    def compose(self) -> ComposeResult:
        yield self._header
        with Horizontal(id="browsers"):
            yield self.local
            yield self.remote
        yield self._transfers
        yield self._log
        yield self._message
        yield FilterBar()
        yield self._footer
        yield TooSmall()

    def on_mount(self) -> None:
        self.loader = Loader(self.app, self._session, self._sides_changed, self._side_failed)
        queues = lambda: self._session.queues  # noqa: E731 - they are others after every connection
        self.queueing = Queueing(self.app, self._show_queue, self._transfer_ended, self._voice, queues)
        self.accounts = Accounts(self.app, self._session, self)
        self._alerts = Alerts(self.app, self._voice)
        self._log_tail = LogTail(self.app, self._log.show)
        self._deleter = Deleter(self.app, self._session, self.loader, self.say)
        self._mover = Mover(self.app, self._session, self.loader, self.queueing, self._message, self._agreed)
        self._details = DetailsDoor(
            self.app, self._session, self.loader, self.queueing, refresh=self.action_refresh_sides
        )
        self.set_class(glyphs.of(self.app) is glyphs.ASCII, "-ascii")
        self.local.focus_list()
        if self._scan is None or not self._scan.ready:
            self._sides_changed()
        self.loader.store.read(self._scan)
        self.set_interval(AGE_SHOWN_EVERY_S, self._show_titles)
        self.app.theme_changed_signal.subscribe(self, lambda _: self.call_after_refresh(self._draw_borders))

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Its widgets have just been styled when it is shown first: the first frame does not wait for that again."""
        event.refresh_styles = self._was_shown
        self._was_shown = True

    def on_unmount(self) -> None:
        self._log_tail.close()

    # What comes from the session

    def connect(self) -> None:
        """Goes online with the account that is kept."""
        self.loader.registry.connect(partial(self._session.connect, self.queueing.start, self.queueing.finished))

    def connect_anew(self) -> None:
        """Goes online with another context, or with another token of it."""
        self.disconnect()
        self.loader.read_local()
        self.connect()

    def disconnect(self) -> None:
        """Shows the registry's side as if there had never been one; transfers go on."""
        self.remote.clear_marks()
        self.loader.registry.forget()

    @property
    def is_online(self) -> bool:
        return self.loader.link is Link.ONLINE

    def _sides_changed(self) -> None:
        loader, online = self.loader, self._session.online
        transfers = self._session.transfers
        if transfers is not None and transfers is not self.queueing.transfers:
            self.queueing.use(transfers)
        catalog = loader.catalog
        self._header.show(
            HeaderFacts(
                short_path(self._session.store.models_dir),
                catalog.local_bytes,
                len(catalog.locals),
                online.host if online else "",
                online.organization.name if online else "",
                online.user.label if online else "",
                loader.link.value,
                self._session.read_only,
                online.context.name if online else "",
                context_tone(online.context) if online else Tone.PLAIN,
            )
        )
        self.local.show_notice(
            local_notice(self._session.store.models_dir, read=loader.local_read, error=loader.store.error)
        )
        self.remote.show_notice(
            remote_notice(
                loader.link,
                loader.registry.offline_because,
                known=catalog.remote_known,
                host=online.host if online else "",
            )
        )
        self.local.show(catalog)
        self.remote.show(catalog)
        self._show_titles()
        self._details.sides_changed()
        came_online = loader.link is Link.ONLINE and self._shown_link is not Link.ONLINE
        self._shown_link = loader.link
        if came_online:  # what the message line said of a registry that was not there is over
            self._say_what_would_happen()

    def _side_failed(self, side: Side, error: ModelsyncError) -> None:
        self.say(literal(error.sentence), Kind.BAD)
        if side is Side.REMOTE and self.loader.registry.offline_because is error:
            self.accounts.offline(error)

    def say(self, words: str, kind: Kind = Kind.PLAIN) -> None:
        """Shows a sentence until the next one."""
        self._message.say(words, kind)

    def _show_titles(self) -> None:
        one_pane = self.has_class("-one-pane")
        self.local.show_title("Local [1/2]" if one_pane else "1 Local", "")
        online = self._session.online
        name = "Remote [2/2]" if one_pane else "2 Remote"
        if online is not None:
            name += f"  {literal(online.registry_name)}"
        age = ""
        read_at = self.loader.registry.read_at
        if read_at is not None and self.loader.link is Link.ONLINE:
            age = ago_text(monotonic() - read_at)
            if self.size.width >= WIDE_FROM_CELLS:
                age = f"refreshed {age} ago"
        self.remote.show_title(name, age)

    def _draw_borders(self) -> None:
        """The lines in the borders' texts, whose colour is part of the text."""
        for pane in (self.local, self.remote, self._transfers, self._log):
            pane.draw_titles()

    # The transfers

    def _show_queue(self, snapshot: "QueueSnapshot") -> None:
        self._transfers.show(snapshot)
        running = [row for row in snapshot.rows if row.status.value == "running"]
        moving = {str(row.request.tag): row.progress.fraction for row in running}
        self.local.show_moving(moving)
        self.remote.show_moving({str(row.request.tag): row.progress.fraction for row in running if not row.context})
        self.accounts.watch(snapshot)
        self._details.show_moving(moving)

    def _transfer_ended(self, row: "TransferRow") -> None:
        self.loader.reread(row.request.tag)
        self._details.transfer_ended(row.request.tag)
        if row.error is not None:
            words = f"{row.request.direction} {row.request.tag} failed: {literal(row.error.sentence)}"
            self._message.say(words, Kind.BAD)
        self._alerts.ended(row)

    @on(Wish)
    def _wished(self, wish: Wish) -> None:
        self.queueing.tell(wish.do)

    @on(TransfersPane.Said)
    def _said(self, event: TransfersPane.Said) -> None:
        self.say(literal(event.words))

    def action_workers(self, by: int) -> None:
        self.say(self.queueing.change_workers(by))

    def action_history(self) -> None:
        Past(self.app, self._session.paths.history_file, self.say, self._go_to).show()

    def _go_to(self, tag: "Tag") -> None:
        """Shows a version in the list that has it, the local one first."""
        key = (tag.name, tag.version)
        at_hand = (
            (self.local, "local", self.loader.catalog.locals),
            (self.remote, "remote", self.loader.catalog.remotes),
        )
        for browser, name, versions in at_hand:
            if str(tag) in versions and browser.go_to(key):
                self.action_pane(name)
                return
        self.say(f"{tag} is in neither list now.", Kind.BAD)

    def action_bandwidth(self) -> None:
        self.queueing.ask_bandwidth(self.say)

    # The browsers

    @on(Browser.CursorMoved)
    def _cursor_moved(self, event: Browser.CursorMoved) -> None:
        browser = event.browser
        if browser is not self._current:
            return
        self._link_cursor()
        self._say_what_would_happen()
        self.loader.ask(browser.names_in_sight)

    def _link_cursor(self) -> None:
        """Puts the other side's cursor on the same tag."""
        browser = self._current
        other = self.remote if browser is self.local else self.local
        if browser.row is not None and browser.has_list_focus:
            other.point_at(browser.row.key)

    @on(Browser.MarksChanged)
    def _marks_changed(self) -> None:
        self._say_what_would_happen()

    @on(Browser.ListChanged)
    def _list_changed(self, event: Browser.ListChanged) -> None:
        self.loader.ask(event.browser.names_in_sight)
        self._link_cursor()
        if event.browser is self._current and self._message.kind is Kind.PLAIN:
            self._say_what_would_happen()
        if event.browser is self.remote and event.browser.wants_more:
            self.loader.registry.more_unasked()

    @on(Browser.NeedsMore)
    def _needs_more(self, event: Browser.NeedsMore) -> None:
        self.loader.ask(event.browser.names_in_sight)
        if event.browser is self.remote:
            self.loader.registry.more()

    def _say_what_would_happen(self) -> None:
        browser = self._current
        if not browser.marks or self.loader.link is not Link.ONLINE or len(browser.marks) > PLANNED_MAX_VERSIONS:
            self._message.say(*row_words(browser.row, self.loader.catalog))
            return
        plan = plan_for(self.loader.catalog, browser.marks.keys, self._direction)
        self._message.say(f"marked {len(browser.marks)}: F5 {plan_words(plan)}")

    @property
    def _direction(self) -> Direction:
        """Where a copy from the current pane goes."""
        return Direction.PUSH if self._current is self.local else Direction.PULL

    def _agreed(self) -> None:
        """What was marked is on its way: the marks did their work."""
        self._current.clear_marks()
        self._say_what_would_happen()

    def action_copy_over(self) -> None:
        self._mover.move(self._current.targets, self._direction)

    def action_push(self) -> None:
        self._mover.move(self._current.targets, Direction.PUSH)

    def action_pull(self) -> None:
        self._mover.move(self._current.targets, Direction.PULL)

    def action_force(self) -> None:
        self._mover.move(self._current.targets, self._direction, force=True)

    def action_delete(self) -> None:
        self._deleter.delete(self._current.targets, self._current.side)

    def action_clean_up(self) -> None:
        self._deleter.clean_up(self._current.targets, self._current.side)

    def action_sort(self) -> None:
        menus.sort(self._current)

    def action_clipboard(self) -> None:
        online = self._session.online
        context = online.context.name if online and self._session.several_contexts else None
        current = self._current
        menus.copy(self.app, current.targets, current.side, current.catalog, context, self.say)

    def action_details(self) -> None:
        self._details.open(self._current.row, self._current.side)

    @on(Browser.Opened)
    def _opened(self, event: Browser.Opened) -> None:
        self._details.open(event.browser.row, event.browser.side)

    # The filter

    def action_filter(self) -> None:
        self._message.display = False
        self.query_one(FilterBar).begin(self._current.ask.filter.text)
        self._hint_filter()

    @on(FilterBar.Typed)
    def _filter_typed(self, event: FilterBar.Typed) -> None:
        self._current.set_filter(event.text)
        self._hint_filter()

    def _hint_filter(self) -> None:
        not_understood = self._current.ask.filter.not_understood
        words = "not understood: " + " ".join(literal(word) for word in not_understood) if not_understood else ""
        self.query_one(FilterBar).hint(words)

    @on(FilterBar.Closed)
    def _filter_closed(self, event: FilterBar.Closed) -> None:
        self._message.display = True
        if not event.keep:
            self._current.set_filter("")
        self._current.focus_list()

    # Panes and sizes

    def action_pane(self, name: str) -> None:
        if name == "transfers":
            if self.has_class("-transfers-off"):
                self.action_transfers_size()
            if not self._transfers.display:
                self.remove_class("-log")  # it has the place of the transfers
            self._transfers.focus()
            return
        if name == "log":
            self._show_log()
            self._log.focus()
            return
        self.remove_class("-transfers-full")
        self._transfers.full = False
        self._make_current(self.local if name == "local" else self.remote)
        self._current.focus_list()

    def _make_current(self, browser: Browser) -> None:
        self._current = browser
        for pane in (self.local, self.remote):
            pane.set_class(pane is browser, "-current")

    @property
    def place(self) -> keys.Where:
        """Which pane has the focus."""
        if self._log.has_focus:
            return keys.Where.LOG
        return keys.Where.TRANSFERS if self._transfers.has_focus else keys.Where.BROWSER

    def action_next_pane(self) -> None:
        self._step_pane(1)

    def action_previous_pane(self) -> None:
        self._step_pane(-1)

    def _step_pane(self, by: int) -> None:
        names = ["local", "remote"]
        if not self.has_class("-one-pane"):
            names += [name for name, pane in (("transfers", self._transfers), ("log", self._log)) if pane.display]
        at = "local" if self._current is self.local else "remote"
        if self.place is not keys.Where.BROWSER:
            at = "log" if self.place is keys.Where.LOG else "transfers"
        place = names.index(at) if at in names else 0
        self.action_pane(names[(place + by) % len(names)])

    def action_transfers_size(self) -> None:
        """Small, full, off, and small again."""
        if self.has_class("-transfers-off"):
            self.remove_class("-transfers-off")
        elif self._transfers.full:
            self._transfers.full = False
            self.remove_class("-transfers-full", update=False)  # the next line styles the whole screen anew
            self.add_class("-transfers-off")
            self._current.focus_list()
        else:
            self._transfers.full = True
            self.add_class("-transfers-full")
            self._transfers.focus()

    def action_toggle_log(self) -> None:
        """The log below the transfers, or where it is short in their place; and away again."""
        if not self.has_class("-log"):
            self._show_log()
            return
        if self._log.has_focus:
            self._current.focus_list()
        self.remove_class("-log")

    def _show_log(self) -> None:
        self.add_class("-log")
        if self.has_class("-short") and self._transfers.full:
            self._transfers.full = False
            self.remove_class("-transfers-full")

    @on(LogPane.FileAsked)
    def _say_log_file(self) -> None:
        path = self._session.paths.log_file
        self.app.copy_to_clipboard(str(path))
        self.say(f"The log file is {short_path(path)}; its path is copied.", Kind.GOOD)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        for browser in (self.local, self.remote):
            if browser in event.widget.ancestors:
                self._make_current(browser)
                self._say_what_would_happen()
        self._footer.show(self.place)

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        self.set_class(width < ONE_PANE_BELOW_CELLS, "-one-pane")
        self.set_class(height < SHORT_BELOW_ROWS, "-short")
        self.query_one(TooSmall).measure(event.size)
        self._make_current(self._current)
        self._show_titles()

    def action_refresh_sides(self) -> None:
        self._message.say("Reading both sides again ...")
        self.loader.refresh(self.connect)

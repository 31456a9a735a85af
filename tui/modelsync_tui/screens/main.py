"""The main screen: both sides, the transfers, and one line that says what would happen."""

from functools import partial
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
from modelsync_tui.filtering import Filtering
from modelsync_tui.following import Following
from modelsync_tui.forecast import Forecast
from modelsync_tui.listing import Side
from modelsync_tui.loading import FirstScan, Link, Loader
from modelsync_tui.logtail import LogTail
from modelsync_tui.moving import Mover
from modelsync_tui.notices import failed_words, short_path
from modelsync_tui.overview import Overview
from modelsync_tui.panes import Panes
from modelsync_tui.past import Past
from modelsync_tui.queue_news import QueueNews
from modelsync_tui.queueing import Queueing
from modelsync_tui.session import Session
from modelsync_tui.terminal import TerminalVoice
from modelsync_tui.text import literal
from modelsync_tui.widgets.browser import Browser
from modelsync_tui.widgets.footer import Footer
from modelsync_tui.widgets.header import Header, HeaderFacts
from modelsync_tui.widgets.log import LogPane
from modelsync_tui.widgets.messageline import FilterBar, Kind, MessageLine
from modelsync_tui.widgets.toosmall import TooSmall
from modelsync_tui.widgets.transfers import TransfersPane
from modelsync_tui.widgets.wishes import ClearDone, Wish

if TYPE_CHECKING:
    from modelsync.tag import Tag
    from modelsync.transfers import QueueSnapshot, TransferRow

AGE_SHOWN_EVERY_S = 5.0


class MainScreen(Screen[None]):
    """Joins the widgets with what gives them their content; each key and message goes to the one that it is about."""

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
        self.local = Browser(Side.LOCAL, id="local")
        self.remote = Browser(Side.REMOTE, id="remote")
        self._transfers = TransfersPane(id="transfers")
        self._log = LogPane()
        self._panes = Panes(self, {Side.LOCAL: self.local, Side.REMOTE: self.remote}, self._transfers, self._log)
        self._message = MessageLine()
        self._filter_bar = FilterBar()
        self._filtering = Filtering(self, self._panes, self._log, self._filter_bar)
        self._header = Header(HeaderFacts(short_path(session.store.models_dir)))
        self._footer = Footer(session.settings.keys)
        self._too_small = TooSmall()

    def compose(self) -> ComposeResult:
        yield self._header
        with Horizontal(id="browsers"):
            yield self.local
            yield self.remote
        yield self._transfers
        yield self._log
        yield self._message
        yield self._filter_bar
        yield self._footer
        yield self._too_small

    def on_mount(self) -> None:
        app, session = self.app, self._session
        loader = self.loader = Loader(app, session, self._sides_changed, self._side_failed)
        queues = lambda: session.queues  # noqa: E731 - they are others after every connection
        self.queueing = Queueing(app, self._show_queue, self._transfer_ended, self._voice, queues)
        self.accounts = Accounts(app, session, self)
        self._overview = Overview(session, loader, self._panes, self._header, self.local, self.remote)
        self._forecast = Forecast(loader, self._panes, self._transfers, self._message)
        self._following = Following(loader, self._panes)
        self._log_tail = LogTail(app, self._log.show)
        self._deleter = Deleter(app, session, loader, self.say)
        self._mover = Mover(app, session, loader, self.queueing, self._message, self._agreed)
        self._details = DetailsDoor(app, session, loader, self.queueing, refresh=self.action_refresh_sides)
        panes = (self.local, self.remote, self._transfers)
        alerts = Alerts(app, self._voice)
        self._queue_news = QueueNews(loader, panes, self._message, self.accounts, alerts, self._details)
        self.set_class(glyphs.of(app) is glyphs.ASCII, "-ascii")
        self.local.focus_list()
        if self._scan is None or not self._scan.ready:
            self._sides_changed()
        loader.store.read(self._scan)
        self.set_interval(AGE_SHOWN_EVERY_S, self._overview.show_titles)
        app.theme_changed_signal.subscribe(self, lambda _: self.call_after_refresh(self._panes.draw_borders))

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Its widgets have just been styled when it is shown first: the first frame does not wait for that again."""
        event.refresh_styles = self._was_shown
        if self._was_shown:
            self._forecast.break_silence()
        self._was_shown = True

    def on_unmount(self) -> None:
        self._log_tail.close()

    @property
    def place(self) -> keys.Where:
        """Which pane has the focus."""
        return self._panes.place

    @property
    def is_online(self) -> bool:
        return self.loader.link is Link.ONLINE

    def say(self, words: str, kind: Kind = Kind.PLAIN) -> None:
        """Shows a sentence until the next one."""
        self._message.say(words, kind)

    # Both sides

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

    def action_refresh_sides(self) -> None:
        self.say("Reading both sides again ...")
        self.loader.refresh(self.connect)
        self._overview.show_titles()

    def _sides_changed(self) -> None:
        transfers = self._session.transfers
        if transfers is not None and transfers is not self.queueing.transfers:
            self.queueing.use(transfers)
        self._overview.show()
        self._details.sides_changed()
        self._forecast.link_changed()

    def _side_failed(self, side: Side, error: ModelsyncError) -> None:
        self.say(failed_words(error), Kind.BAD)
        if side is Side.REMOTE and self.loader.registry.offline_because is error:
            self.accounts.offline(error)

    # The browsers

    @on(Browser.CursorMoved)
    def _cursor_moved(self, event: Browser.CursorMoved) -> None:
        if event.browser is self._panes.current:
            self._following.cursor_moved(event.browser)
            self._forecast.tell()

    @on(Browser.MarksChanged)
    def _marks_changed(self) -> None:
        self._forecast.tell()

    @on(Browser.ListChanged)
    def _list_changed(self, event: Browser.ListChanged) -> None:
        self._following.list_changed(event.browser)
        if event.browser is self._panes.current:
            self._forecast.tell_again()

    @on(Browser.NeedsMore)
    def _needs_more(self, event: Browser.NeedsMore) -> None:
        self._following.end_reached(event.browser)

    @on(Browser.Opened)
    def _opened(self, event: Browser.Opened) -> None:
        self._details.open(event.browser.row, event.browser.side)

    def action_details(self) -> None:
        self._details.open(self._panes.current.row, self._panes.current.side)

    def action_verify(self) -> None:
        self._details.verify(self._panes.current.row, self.say)

    def action_sort(self) -> None:
        menus.sort(self._panes.current)

    def action_clipboard(self) -> None:
        online = self._session.online
        context = online.context.name if online and self._session.several_contexts else None
        current = self._panes.current
        menus.copy(self.app, current.targets, current.side, current.catalog, context, self.say)

    def action_delete(self) -> None:
        self._deleter.delete(self._panes.current.targets, self._panes.current.side)

    def action_clean_up(self) -> None:
        self._deleter.clean_up(self._panes.current.targets, self._panes.current.side)

    # Moving models

    def action_copy_over(self) -> None:
        self._mover.move(self._panes.current.targets, self._forecast.direction)

    def action_push(self) -> None:
        self._mover.move(self._panes.current.targets, Direction.PUSH)

    def action_pull(self) -> None:
        self._mover.move(self._panes.current.targets, Direction.PULL)

    def action_force(self) -> None:
        self._mover.move(self._panes.current.targets, self._forecast.direction, force=True)

    def _agreed(self) -> None:
        """What was marked is on its way: the marks did their work."""
        self._panes.current.clear_marks()
        self._forecast.tell()

    # The transfers

    def _show_queue(self, snapshot: "QueueSnapshot") -> None:
        self._transfers.already_there = self.queueing.already_there
        self._queue_news.show(snapshot)

    def _transfer_ended(self, row: "TransferRow") -> None:
        self._queue_news.ended(row)

    @on(Wish)
    def _wished(self, wish: Wish) -> None:
        if isinstance(wish, ClearDone):
            self.queueing.clear_done()
        else:
            self.queueing.tell(wish.do)

    @on(TransfersPane.Pointed)
    def _pointed(self, event: TransfersPane.Pointed) -> None:
        if event.by_person:
            self._forecast.tell()
        else:
            self._forecast.tell_again()

    @on(TransfersPane.Said)
    def _said(self, event: TransfersPane.Said) -> None:
        self.say(literal(event.words))

    def action_workers(self, by: int) -> None:
        self.say(self.queueing.change_workers(by))

    def action_bandwidth(self) -> None:
        self.queueing.ask_bandwidth(self.say)

    def action_history(self) -> None:
        Past(self.app, self._session.paths.history_file, self.say, self._go_to).show()

    def _go_to(self, tag: "Tag") -> None:
        if not self._panes.go_to(tag):
            self.say(f"{tag} is in neither list now.", Kind.BAD)

    # The filter

    def action_filter(self) -> None:
        self._filtering.begin()

    @on(FilterBar.Typed)
    def _filter_typed(self, event: FilterBar.Typed) -> None:
        self._filtering.typed(event.text)

    @on(FilterBar.Closed)
    def _filter_closed(self, event: FilterBar.Closed) -> None:
        self._filtering.end(keep=event.keep)

    # Panes and sizes

    def action_pane(self, name: str) -> None:
        self._panes.go(name)

    def action_next_pane(self) -> None:
        self._panes.step(1)

    def action_previous_pane(self) -> None:
        self._panes.step(-1)

    def action_transfers_size(self) -> None:
        self._panes.turn_transfers()

    def action_toggle_log(self) -> None:
        self._panes.turn_log()

    @on(LogPane.FileAsked)
    def _say_log_file(self) -> None:
        path = self._session.paths.log_file
        self.app.copy_to_clipboard(str(path))
        self.say(f"The log file is {short_path(path)}; its path is copied.", Kind.GOOD)

    @on(LogPane.Left)
    def _left_log(self) -> None:
        self._panes.go(self._panes.current.side.value)

    @on(TransfersPane.Left)
    def _left_transfers(self) -> None:
        self._panes.go(self._panes.current.side.value)

    @on(TransfersPane.LogAsked)
    def _show_log_of(self, event: TransfersPane.LogAsked) -> None:
        self._panes.go("log")
        self._log.set_filter(str(event.tag))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        for browser in (self.local, self.remote):
            if browser in event.widget.ancestors:
                self._panes.make_current(browser)
                self._forecast.tell()
        if event.widget is self._transfers:
            self._forecast.tell()
        self._footer.show(self.place)

    def on_resize(self, event: events.Resize) -> None:
        if not self._too_small.measure(event.size):
            self._panes.fit(event.size)
            self._overview.show_titles()

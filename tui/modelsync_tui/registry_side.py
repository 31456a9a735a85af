"""Keeps the registry's side of the catalog true: connects, pages through its list, reads it and single versions again.

How it works: every question is asked on a thread. An answer counts only while what it was asked for is still wanted:
a page until the list is read anew, everything until another registry is meant. One that nobody answers for is asked
again by itself (Returning), and its list read when it is back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic

from textual.app import App

from modelsync.errors import ModelsyncError, TokenRefusedError, UnreachableError
from modelsync.model import RemoteModel
from modelsync.tag import Tag
from modelsync_tui import work
from modelsync_tui.catalog import Catalog
from modelsync_tui.known import Change, Known, Reading
from modelsync_tui.pace import Gently, drained, quiet_collector
from modelsync_tui.returning import Returning, may_pass
from modelsync_tui.session import Online, RemotePage, Session
from modelsync_tui.store_side import FIRST_ROWS

_UNASKED_PAGES_MAX = 25
"""Pages that are loaded because few rows are left of them, before a person asks for more."""
_READINGS_MAX = 3
"""How often one reading of the list begins, when versions come or go meanwhile."""


class Link(StrEnum):
    """How it stands with the registry."""

    CONNECTING = "connecting"
    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was asked: of which registry, and since which reading of its whole list."""

    registry: int = 0
    reading: int = 0


class RegistrySide:
    """The registry in use, as far as it was read."""

    def __init__(
        self, app: App[object], session: Session, known: Known, failed: Callable[[ModelsyncError], object]
    ) -> None:
        self._app = app
        self._session = session
        self._known = known
        self._failed = failed
        self._reading = Reading()
        self._returning = Returning(app, self._ask_again)
        self._connect: Callable[[], Online] | None = None
        self._paging = False
        self._unasked_pages = 0
        self.moment = Moment()
        self.link = Link.OFFLINE
        self.offline_because: ModelsyncError | None = None
        self.read_at: float | None = None
        """When the whole list was read last, on the monotonic clock."""

    @property
    def is_reading(self) -> bool:
        """Whether the whole list is being read."""
        return self._reading.is_under_way

    def connect(self, connect: Callable[[], Online]) -> None:
        """Signs in and reads the first page; where nobody answers, it is tried again by itself."""
        self._connect = connect
        self.link = Link.CONNECTING
        self._tell()
        self.ask(connect, self._connected, "connect to the registry")

    def go_offline(self, because: ModelsyncError | None) -> None:
        """Not reachable; what was loaded stays on the screen."""
        self.link = Link.OFFLINE
        self.offline_because = because
        if may_pass(because):
            self._returning.wait()
        else:
            self._returning.end()
        self._tell()

    def _connected(self, _: Online) -> None:
        self._returning.end()
        self.link = Link.ONLINE
        self.offline_because = None
        self.read()

    def _ask_again(self) -> None:
        """Connects without a word: only an answer changes what is shown."""
        connect, registry = self._connect, self.moment.registry
        if connect is None or self.link is not Link.OFFLINE:
            return

        def waited_for() -> bool:
            return registry == self.moment.registry and self.link is Link.OFFLINE

        def answered(online: Online) -> None:
            if waited_for():
                self._connected(online)

        def failed(error: ModelsyncError) -> None:
            if waited_for() and may_pass(error):
                self._returning.wait()
            elif waited_for():
                self.go_offline(error)
                self._failed(error)

        work.run(self._app, connect, answered, failed, group="sides-remote", description="look for the registry")

    def forget(self) -> None:
        """Another registry is meant: what was loaded of this one, or still comes, is of no use."""
        self.moment = Moment(self.moment.registry + 1)
        self._paging = False
        self._unasked_pages = 0
        self._reading.end()
        self.read_at = None
        self._known.change(lambda catalog: catalog.without_remote())
        self.go_offline(None)

    def read(self) -> None:
        """Reads as much of the list again as was loaded before."""
        self.moment = Moment(self.moment.registry, self.moment.reading + 1)
        self._paging = False
        self._reading.begin()
        pace, before = Gently(), self._known.catalog
        moment, until, names = self.moment, before.remote_next, before.asked

        def read() -> Catalog:
            page = self._session.page(0)
            items = list(page.items)
            if not before.remotes and len(items) > FIRST_ROWS:
                self._app.call_later(first, RemotePage(0, page.total, page.items[:FIRST_ROWS]))
            readings = 1
            while page.items and _end(page) < min(until, page.total):
                total, page = page.total, self._session.page(_end(page))
                if page.total != total and readings < _READINGS_MAX:  # rows may have slid past between the pages
                    readings += 1
                    page, items = self._session.page(0), []
                items += page.items
            end = _end(page) if page.items else page.total
            if end < page.total:
                items += self._session.versions(names)
            with quiet_collector():
                return before.with_remote_anew(drained(items), page.total, end, names, pace)

        def first(page: RemotePage) -> None:
            if moment == self.moment:
                self._known.change(lambda catalog: catalog.with_page(0, page.total, page.items))

        def done(read: Catalog) -> None:
            self.read_at = monotonic()
            self._known.change(self._reading.end(lambda catalog: catalog.with_remote_of(read)))

        self.ask(read, done, "read the registry's list", on_failure=self._reading.end)

    def more(self) -> None:
        """Loads the next page, if there is one and none is on its way."""
        self._unasked_pages = 0
        self._more()

    def more_unasked(self) -> None:
        """Loads the next page because the rows do not fill the window; stops by itself after a while."""
        if self._unasked_pages < _UNASKED_PAGES_MAX:
            self._unasked_pages += 1
            self._more()

    def _more(self) -> None:
        catalog = self._known.catalog
        if self._paging or self.link is not Link.ONLINE or not catalog.remote_known or catalog.remote_complete:
            return
        self._paging = True
        start = catalog.remote_next

        def done(page: RemotePage) -> None:
            self._paging = False
            has_moved = page.total != self._known.catalog.remote_total
            self.change(lambda catalog: _with_next(catalog, page))
            if has_moved and not self._reading.is_under_way:
                self.read()  # versions came or went before this page, so that some are on none of the pages read

        def failed() -> None:
            self._paging = False

        self.ask(lambda: self._session.page(start), done, "load more of the registry's list", on_failure=failed)

    def read_again(self, tag: Tag) -> None:
        """Reads one version again."""

        def done(model: RemoteModel | None) -> None:
            self.change(lambda catalog: catalog.with_remote_version(str(tag), model))

        self.ask(lambda: self._session.remote(tag), done, f"read {tag} again", outlives_reading=True)

    def change(self, change: Change) -> None:
        """Takes what was found out of single versions; a reading of the whole list that is under way is older."""
        self._known.change(self._reading.note(change))

    def ask(
        self,
        blocking: "Callable[[], work.T]",
        done: "Callable[[work.T], object]",
        description: str,
        *,
        on_failure: Callable[[], object] = lambda: None,
        outlives_reading: bool = False,
    ) -> None:
        """Asks the registry on a thread; neither an answer nor an error counts when nobody wants it any more.

        `outlives_reading`: it is wanted even when the whole list is read anew meanwhile.
        """
        asked = self.moment

        def wanted() -> bool:
            return asked.registry == self.moment.registry if outlives_reading else asked == self.moment

        def answered(answer: "work.T") -> None:
            if wanted():
                done(answer)

        def failed(error: ModelsyncError) -> None:
            if not wanted():
                return
            on_failure()
            if self.link is Link.CONNECTING or isinstance(error, (UnreachableError, TokenRefusedError)):
                self.go_offline(error)
            self._failed(error)

        work.run(self._app, blocking, answered, failed, group="sides-remote", description=description)

    def _tell(self) -> None:
        self._known.change(lambda catalog: catalog)


def _end(page: RemotePage) -> int:
    return page.start + len(page.items)


def _with_next(catalog: Catalog, page: RemotePage) -> Catalog:
    """With one more page, if it is still the next one."""
    return catalog.with_page(page.start, page.total, page.items) if page.start == catalog.remote_next else catalog

"""Keeps the catalog of both sides true: reads the store, connects, pages through the registry, reads again.

How it works: every blocking call runs in a thread worker and its result is folded into the catalog on the event loop;
a result that was asked for before the last refresh is thrown away.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from typing import Protocol

from textual.app import App

from modelsync.errors import BrokenModelError, ModelsyncError, TokenRefusedError, UnreachableError
from modelsync.model import LocalModel, RemoteModel
from modelsync.store import StoreListing
from modelsync.tag import Tag
from modelsync_tui import work
from modelsync_tui.catalog import Catalog
from modelsync_tui.listing import Side
from modelsync_tui.pace import Gently, drained, quiet_collector
from modelsync_tui.session import Online, RemotePage, Session

FIRST_ROWS = 200
"""So many versions are shown before the others of a side are sorted in."""
_NAMES_ASKED_AT_ONCE = 8
_ANSWERS_GATHERED_S = 0.05
_UNASKED_PAGES_MAX = 25
"""Pages that are loaded because few rows are left of them, before a person asks for more."""


class Link(StrEnum):
    """How it stands with the registry."""

    CONNECTING = "connecting"
    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class _Reread:
    tag_text: str
    local: LocalModel | None
    remote: RemoteModel | None
    remote_read: bool


class FirstScan(Protocol):
    """A reading of the store that began before the screen was there."""

    @property
    def ready(self) -> bool:
        """Whether calling it would not wait."""
        ...

    def __call__(self) -> StoreListing: ...


class Loader:
    """Belongs to the main screen; tells it by two functions what changed."""

    def __init__(
        self,
        app: App[object],
        session: Session,
        changed: Callable[[], object],
        failed: Callable[[Side, ModelsyncError], object],
    ) -> None:
        self._app = app
        self._session = session
        self._changed = changed
        self._failed = failed
        self._epoch = 0
        self._paging = False
        self._asking: set[str] = set()
        self._answers: list[tuple[tuple[str, ...], tuple[RemoteModel, ...]]] = []
        """What came back for names that were asked for, and was not taken yet."""
        self._unasked_pages = 0
        self.catalog = Catalog()
        self.local_read = False
        self.link = Link.OFFLINE
        self.offline_because: ModelsyncError | None = None
        self.remote_read_at: float | None = None
        """On the monotonic clock."""

    def read_local(self, scan: FirstScan | None = None) -> None:
        """Reads the store; `scan` may be one that began before the first frame."""
        if scan is not None and scan.ready:
            try:
                self.take_local(scan())
            except ModelsyncError as error:
                self._failed(Side.LOCAL, error)
            return
        look = scan or self._session.scan

        before, pace = self.catalog, Gently()

        def read() -> Catalog:
            with quiet_collector():
                listing = look()
                models, broken = list(listing.models), listing.broken
                del listing
                if not before.locals and len(models) > FIRST_ROWS:
                    self._app.call_later(self._take_local, Catalog().with_local(models[:FIRST_ROWS], ()))
                return before.with_local(drained(models), broken, pace)

        self._run(read, self._take_local, Side.LOCAL, "read the local store")

    def take_local(self, listing: StoreListing) -> None:
        """Takes a listing of the store as the truth."""
        self._take_local(self.catalog.with_local(listing.models, listing.broken))

    def _take_local(self, read: Catalog) -> None:
        self.local_read = True
        self.catalog = self.catalog.with_local_of(read)
        self._changed()

    def connect(self, connect: Callable[[], Online]) -> None:
        """Signs in and reads the registry's first page."""
        self.link = Link.CONNECTING
        self._changed()

        def done(_: Online) -> None:
            self.link = Link.ONLINE
            self.offline_because = None
            self.read_remote()

        self._run(connect, done, Side.REMOTE, "connect to the registry")

    def go_offline(self, because: ModelsyncError | None) -> None:
        """Shows the registry's side as not reachable; what was loaded of it stays on the screen."""
        self.link = Link.OFFLINE
        self.offline_because = because
        self._changed()

    def forget_remote(self) -> None:
        """Another registry is meant: what was loaded of this one, or still comes, is of no use."""
        self._epoch += 1
        self._paging = False
        self._asking.clear()
        self._answers.clear()
        self._unasked_pages = 0
        self.catalog = self.catalog.without_remote()
        self.remote_read_at = None
        self.go_offline(None)

    def read_remote(self) -> None:
        """Reads as much of the registry again as was loaded before."""
        self._epoch += 1
        self._paging = False
        self._asking.clear()
        self._answers.clear()
        epoch, pace = self._epoch, Gently()
        before, until, names = self.catalog, self.catalog.remote_next, self.catalog.asked

        def read() -> Catalog:
            page = self._session.page(0)
            items = list(page.items)
            if not before.remotes and len(items) > FIRST_ROWS:
                self._app.call_later(first, RemotePage(0, page.total, page.items[:FIRST_ROWS]))
            while page.items and _end(page) < min(until, page.total):
                page = self._session.page(_end(page))
                items += page.items
            end = _end(page) if page.items else page.total
            if end < page.total:
                items += self._session.versions(names)
            with quiet_collector():
                return before.with_remote_anew(drained(items), page.total, end, names, pace)

        def first(page: RemotePage) -> None:
            if epoch == self._epoch:
                self.catalog = self.catalog.with_page(0, page.total, page.items)
                self._changed()

        def done(read: Catalog) -> None:
            self.catalog = self.catalog.with_remote_of(read)
            self.remote_read_at = monotonic()
            self._changed()

        self._run(read, done, Side.REMOTE, "read the registry's list")

    def more(self) -> None:
        """Loads the next page, if there is one and none is on its way."""
        self._unasked_pages = 0
        self._more()

    def _more(self) -> None:
        if self._paging or self.link is not Link.ONLINE or not self.catalog.remote_known:
            return
        if self.catalog.remote_complete:
            return
        self._paging = True
        start = self.catalog.remote_next

        def done(page: RemotePage) -> None:
            self._paging = False
            self.catalog = self.catalog.with_page(page.start, page.total, page.items)
            self._changed()

        self._run(lambda: self._session.page(start), done, Side.REMOTE, "load more of the registry's list")

    def more_unasked(self) -> None:
        """Loads the next page because the rows do not fill the window; stops by itself after a while."""
        if self._unasked_pages < _UNASKED_PAGES_MAX:
            self._unasked_pages += 1
            self._more()

    def ask(self, names: Iterable[str]) -> None:
        """Finds out what the registry has of some names, so that their state can be told."""
        if self.link is not Link.ONLINE:
            return
        wanted = [name for name in self.catalog.unasked_names(names) if name not in self._asking]
        for at in range(0, len(wanted), _NAMES_ASKED_AT_ONCE):
            self._ask(tuple(wanted[at : at + _NAMES_ASKED_AT_ONCE]))

    def _ask(self, names: tuple[str, ...]) -> None:
        self._asking.update(names)

        def done(models: tuple[RemoteModel, ...]) -> None:
            if not self._answers:
                self._app.set_timer(_ANSWERS_GATHERED_S, self._take_answers)
            self._answers.append((names, models))

        self._run(lambda: self._session.versions(names), done, Side.REMOTE, "look up versions in the registry")

    def _take_answers(self) -> None:
        """Takes what came together at once: each change makes both lists anew."""
        answers, self._answers = self._answers, []
        names = [name for asked, _ in answers for name in asked]
        if names:
            self._asking.difference_update(names)
            self.catalog = self.catalog.with_names(names, [model for _, models in answers for model in models])
            self._changed()

    def know(self, names: Iterable[str], then: Callable[[], object]) -> None:
        """Calls `then` when the state of these names can be told: at once, or after the registry was asked."""
        unknown = self.catalog.unasked_names(dict.fromkeys(names))
        if not unknown:
            then()
            return

        def done(models: tuple[RemoteModel, ...]) -> None:
            self.catalog = self.catalog.with_names(unknown, models)
            self._changed()
            then()

        self._run(lambda: self._session.versions(unknown), done, Side.REMOTE, "look up versions in the registry")

    def reread(self, tag: Tag) -> None:
        """Reads one version again on both sides: a transfer of it ended."""
        online = self.link is Link.ONLINE

        def read() -> _Reread:
            try:
                local = self._session.local(tag)
            except BrokenModelError:
                local = None
            return _Reread(str(tag), local, self._session.remote(tag) if online else None, online)

        def done(read: _Reread) -> None:
            catalog = self.catalog.with_local_version(read.tag_text, read.local)
            if read.remote_read:
                catalog = catalog.with_remote_version(read.tag_text, read.remote)
            self.catalog = catalog
            self._changed()

        self._run(read, done, Side.REMOTE, f"read {tag} again")

    def _run(
        self, blocking: "Callable[[], work.T]", done: "Callable[[work.T], object]", side: Side, description: str
    ) -> None:
        epoch = self._epoch

        def fresh(result: "work.T") -> None:
            if side is Side.LOCAL or epoch == self._epoch:
                done(result)

        def failed(error: ModelsyncError) -> None:
            if side is Side.REMOTE:
                if epoch != self._epoch:
                    return
                self._paging = False
                self._asking.clear()
                if self.link is Link.CONNECTING or isinstance(error, (UnreachableError, TokenRefusedError)):
                    self.go_offline(error)
            self._failed(side, error)

        work.run(self._app, blocking, fresh, failed, group=f"sides-{side}", description=description)


def _end(page: RemotePage) -> int:
    return page.start + len(page.items)

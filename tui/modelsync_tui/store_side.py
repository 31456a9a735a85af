"""Keeps the local side of the catalog true: reads the store whole, and single versions again.

How it works: a thread reads; at most one reading of the whole store is under way, and what is asked for meanwhile is
one more after it, because a store that changed behind a reading is seen by the next one only.
"""

from collections.abc import Callable
from time import monotonic
from typing import Protocol

from textual.app import App

from modelsync.errors import BrokenModelError, ModelsyncError
from modelsync.model import LocalModel
from modelsync.store import StoreListing
from modelsync.tag import Tag
from modelsync_tui import work
from modelsync_tui.catalog import Catalog
from modelsync_tui.known import Known, Reading
from modelsync_tui.pace import Gently, drained, quiet_collector
from modelsync_tui.session import Session

FIRST_ROWS = 200
"""So many versions are shown before the others of a side are sorted in."""
AT_A_GLANCE_S = 1.0
"""A store that is read within so long is read whenever a person comes back to the terminal."""
_GROUP = "sides-local"


class FirstScan(Protocol):
    """A reading of the store that began before the screen was there."""

    @property
    def ready(self) -> bool:
        """Whether calling it would not wait."""
        ...

    def __call__(self) -> StoreListing: ...


class StoreSide:
    """The store, as far as it was read."""

    def __init__(
        self, app: App[object], session: Session, known: Known, failed: Callable[[ModelsyncError], object]
    ) -> None:
        self._app = app
        self._session = session
        self._known = known
        self._failed = failed
        self._reading = Reading()
        self._wanted_again = False
        self._began_at = 0.0
        self._took_s = float("inf")
        """How long the last whole reading took."""
        self.was_read = False
        self.error: ModelsyncError | None = None
        """Why the last reading came to nothing."""

    @property
    def is_reading(self) -> bool:
        """Whether the whole store is being read."""
        return self._reading.is_under_way

    def read(self, scan: FirstScan | None = None) -> None:
        """Reads the store; `scan` may be one that began before the first frame."""
        if self.is_reading:
            self._wanted_again = True
            return
        self._wanted_again = False
        self._began_at = monotonic()
        self._reading.begin()
        if scan is not None and scan.ready:
            try:
                listing = scan()
            except ModelsyncError as error:
                self._fail(error)
            else:
                self._take(Catalog().with_local(listing.models, listing.broken))
            return
        look = scan or self._session.scan

        before, pace = self._known.catalog, Gently()

        def read() -> Catalog:
            with quiet_collector():
                listing = look()
                models, broken = list(listing.models), listing.broken
                del listing
                if not before.locals and len(models) > FIRST_ROWS:
                    self._app.call_later(self._take_first, Catalog().with_local(models[:FIRST_ROWS], ()))
                return before.with_local(drained(models), broken, pace)

        work.run(self._app, read, self._take, self._fail, group=_GROUP, description="read the local store")

    def glance(self) -> None:
        """Reads the store again where that is no work: a model may have been saved while nobody looked here."""
        if not self.is_reading and self._took_s <= AT_A_GLANCE_S:
            self.read()

    def read_again(self, tag: Tag) -> None:
        """Reads one version again."""

        def read() -> LocalModel | None:
            try:
                return self._session.local(tag)
            except BrokenModelError:
                return None

        def done(model: LocalModel | None) -> None:
            self._known.change(self._reading.note(lambda catalog: catalog.with_local_version(str(tag), model)))

        work.run(self._app, read, done, self._failed, group=_GROUP, description=f"read {tag} again")

    def _take_first(self, first: Catalog) -> None:
        if not self._known.catalog.locals:
            self.was_read = True
            self._known.change(lambda catalog: catalog.with_local_of(first))

    def _take(self, read: Catalog) -> None:
        self.was_read = True
        self._took_s = monotonic() - self._began_at
        self.error = None
        self._known.change(self._reading.end(lambda catalog: catalog.with_local_of(read)))
        self._read_what_was_wanted()

    def _fail(self, error: ModelsyncError) -> None:
        self.error = error
        self._known.change(self._reading.end())
        self._failed(error)
        self._read_what_was_wanted()

    def _read_what_was_wanted(self) -> None:
        if self._wanted_again:
            self.read()

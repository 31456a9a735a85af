"""Makes a browser's list: a short one at once, a long one in a thread after its first rows are shown.

How it works: one thread makes at most one list at a time. What is asked for meanwhile waits, only the last of it is
made then; a list that is narrowed or sorted otherwise than is wanted by now is given up half-way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from textual.widget import Widget

from modelsync_tui.beside import AT_ONCE_ROWS, run
from modelsync_tui.catalog import Catalog
from modelsync_tui.listing import Ask, Flat, Listing, VersionRow, build, rows_of_side
from modelsync_tui.openness import Openness
from modelsync_tui.pace import AbandonedError, Gently, Pace, quiet_collector

FIRST_ROWS = 200
ROWS_LIVE = timedelta(minutes=1)
"""A row's state may follow the clock (an upload that is stuck), so rows are made anew now and then."""

_Work = Callable[[Pace], Callable[[], object]]
"""Computes in a thread and returns what hands the result over on the event loop."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one catalog, for the next list of it."""

    catalog: Catalog
    made: datetime
    rows: list[VersionRow]


class ListMaker:
    """Belongs to one browser, whose lists it hands over in the order in which they were asked for."""

    def __init__(self, widget: Widget, take: Callable[[Listing, Flat], object]) -> None:
        self._widget = widget
        self._take = take
        self._asked: Ask | None = None
        self._known: _Rows | None = None
        self._running = False
        self._waiting: _Work | None = None
        self._lay_out_again: Callable[[], object] | None = None

    def make(self, catalog: Catalog, ask: Ask, openness: Openness, *, first: bool) -> None:
        """Hands a list over, now or soon; `first`: nothing is shown yet."""
        self._asked = ask
        self._waiting = None
        now = datetime.now(UTC)
        known = len(catalog.locals) + len(catalog.remotes)
        if known <= AT_ONCE_ROWS:
            listing = build(catalog, ask, now)
            openness.settle(listing.total)
            self._take(listing, listing.flat(openness.is_open))
            return
        if first:
            listing = build(catalog.first(FIRST_ROWS), ask, now)
            self._take(listing, listing.flat(openness.frozen(known)))

        def work(pace: Pace) -> Callable[[], object]:
            is_open = openness.frozen(known)
            rows = self._rows(catalog, ask, now, pace)
            listing = build(catalog, ask, now, rows, pace)
            flat = listing.flat(is_open, pace)
            return partial(self._hand_over, ask, listing, flat)

        self._ask(work)

    def lay_out(self, listing: Callable[[], Listing], openness: Openness, take: Callable[[Flat], object]) -> None:
        """Lays the list flat anew after groups were opened or closed."""
        if listing().total <= AT_ONCE_ROWS:
            take(listing().flat(openness.is_open))
            return
        if self._running or self._waiting is not None:
            self._lay_out_again = partial(self.lay_out, listing, openness, take)
            return
        now = listing()

        def work(pace: Pace) -> Callable[[], object]:
            flat = now.flat(openness.frozen(now.total), pace)
            return partial(take, flat)

        self._ask(work)

    def retire(self, listing: Listing | None, flat: Flat) -> None:
        """Frees what is shown no more."""
        if len(flat.rows) + (len(listing.groups) if listing else 0) <= AT_ONCE_ROWS:
            return

        pace = Gently()

        def work() -> None:
            flat.free(pace)
            if listing is not None:
                pace.free(listing.groups)

        run(self._widget, work, "free a list")

    def _rows(self, catalog: Catalog, ask: Ask, now: datetime, pace: Pace) -> list[VersionRow]:
        """For the thread that makes lists, of which there is one."""
        known = self._known
        if known is not None and known.catalog.same_as(catalog) and now - known.made < ROWS_LIVE:
            return known.rows
        rows = rows_of_side(catalog, ask.side, now, pace)
        self._known = _Rows(catalog, now, rows)
        if known is not None:
            pace.free(known.rows)
        return rows

    def _hand_over(self, ask: Ask, listing: Listing, flat: Flat) -> None:
        if ask == self._asked:
            self._take(listing, flat)
        else:
            self.retire(listing, flat)

    def _ask(self, work: _Work) -> None:
        self._waiting = work
        if not self._running:
            self._begin()

    def _begin(self) -> None:
        work, self._waiting = self._waiting, None
        if work is None:
            return
        asked = self._asked
        self._running = True
        pace = Gently(lambda: asked == self._asked)

        def body() -> None:
            hand_over: Callable[[], object] | None = None
            try:
                with quiet_collector():
                    hand_over = work(pace)
            except AbandonedError:
                pass
            finally:
                self._widget.app.call_later(self._ended, hand_over)

        run(self._widget, body, "make a list")

    def _ended(self, hand_over: Callable[[], object] | None) -> None:
        self._running = False
        if hand_over is not None:
            hand_over()
        self._begin()
        again = self._lay_out_again
        if again is not None and not self._running:
            self._lay_out_again = None
            again()

"""Makes a browser's list: a short one at once, a long one in a thread after its first rows are shown."""

from collections.abc import Callable
from datetime import UTC, datetime

from textual.widget import Widget

from modelsync_tui.catalog import Catalog
from modelsync_tui.listing import Ask, Flat, Listing, build, quiet_collector, retire
from modelsync_tui.marks import Marks
from modelsync_tui.openness import Openness

AT_ONCE_ROWS = 2_000
"""Both sides together; building so many rows takes less than a frame."""
FIRST_ROWS = 500


class ListMaker:
    """Belongs to one browser; of several lists that were asked for, only the last is handed over."""

    def __init__(self, widget: Widget, take: Callable[[Listing, Flat], object]) -> None:
        self._widget = widget
        self._take = take
        self._generation = 0

    def make(self, catalog: Catalog, ask: Ask, openness: Openness, *, first: bool) -> None:
        """Hands a list over, now or soon; `first`: nothing is shown yet."""
        self._generation += 1
        now = datetime.now(UTC)
        known = len(catalog.locals) + len(catalog.remotes)
        if known <= AT_ONCE_ROWS:
            listing = build(catalog, ask, now)
            openness.settle(listing.total)
            self._take(listing, listing.flat(openness.is_open))
            return
        is_open = openness.frozen(known)
        if first:
            listing = build(catalog.first(FIRST_ROWS), ask, now)
            self._take(listing, listing.flat(is_open))
        generation = self._generation

        def work() -> None:
            with quiet_collector():
                listing = build(catalog, ask, now)
                flat = listing.flat(is_open)
            self._widget.app.call_later(self._hand_over, generation, listing, flat)

        self._run(work, f"make the list of the {ask.side} side")

    def lay_out(self, listing: Listing, openness: Openness, take: Callable[[Flat], object]) -> None:
        """Lays a list flat anew after groups were opened or closed."""
        is_open = openness.frozen(listing.total)
        if listing.total <= AT_ONCE_ROWS:
            take(listing.flat(is_open))
            return
        self._generation += 1
        generation = self._generation

        def done(flat: Flat) -> None:
            if generation == self._generation:
                take(flat)

        def work() -> None:
            with quiet_collector():
                flat = listing.flat(is_open)
            self._widget.app.call_later(done, flat)

        self._run(work, "lay out a list")

    def mark(self, listing: Listing, marks: Callable[[], Marks], take: Callable[[Marks], object]) -> None:
        """Makes the marks of a whole list."""
        if listing.shown <= AT_ONCE_ROWS:
            take(marks())
            return

        def work() -> None:
            with quiet_collector():
                made = marks()
            self._widget.app.call_later(take, made)

        self._run(work, "mark a list")

    def retire(self, listing: Listing | None, flat: Flat) -> None:
        """Frees what is shown no more."""
        if len(flat.rows) + (len(listing.groups) if listing else 0) > AT_ONCE_ROWS:
            self._run(lambda: retire(listing, flat), "free a list")

    def _hand_over(self, generation: int, listing: Listing, flat: Flat) -> None:
        if generation == self._generation:
            self._take(listing, flat)
        else:
            self.retire(listing, flat)

    def _run(self, work: Callable[[], None], description: str) -> None:
        self._widget.run_worker(work, thread=True, group="lists", description=description, exit_on_error=False)

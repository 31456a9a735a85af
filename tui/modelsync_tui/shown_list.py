"""One side's list as it is shown: made anew from every catalog; filter, order and open groups outlive that."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from textual.widget import Widget

from modelsync_tui.catalog import Catalog
from modelsync_tui.filter import NO_FILTER, Filter
from modelsync_tui.listing import Ask, Flat, GroupRow, Key, Listing, Side, SortKey, VersionRow
from modelsync_tui.listmaker import ListMaker
from modelsync_tui.openness import Openness


class ShownList:
    """Belongs to one browser, which is told when other rows are to be shown."""

    def __init__(self, widget: Widget, side: Side, changed: Callable[[], object]) -> None:
        self._widget = widget
        self._changed = changed
        self._openness = Openness()
        self._maker = ListMaker(widget, self._take)
        self.catalog = Catalog()
        """What the list is made of."""
        self.ask = Ask(side)
        self.listing = Listing()
        self.flat = Flat()

    def show(self, catalog: Catalog) -> None:
        """Shows other data."""
        self.catalog = catalog
        self._make()

    def filter(self, text: str) -> None:
        """Narrows the list; any text is fine."""
        self._ask_for(replace(self.ask, filter=Filter.parse(text, datetime.now(UTC))))

    def turn_only_differing(self) -> None:
        """Shows only what differs, or everything again."""
        self._ask_for(replace(self.ask, only_differing=not self.ask.only_differing))

    def widen(self) -> None:
        """Shows everything again."""
        self._ask_for(replace(self.ask, filter=NO_FILTER, only_differing=False))

    def sort_by(self, sort: SortKey, *, reverse: bool) -> None:
        """Orders groups, and the versions inside them."""
        self._ask_for(replace(self.ask, sort=sort, reverse=reverse))

    def set_open(self, name: str, *, opened: bool) -> None:
        """Opens or closes a group."""
        self._openness.set(name, opened=opened)
        self._maker.lay_out(lambda: self.listing, self._openness, self._take_flat)

    def is_opened(self, row: GroupRow) -> bool:
        """Whether the versions of a group stand below it."""
        return isinstance(self.flat.at(self.index_of(row.key, -1) + 1), VersionRow)

    def index_of(self, key: Key, otherwise: int) -> int:
        """Where a version stands, or its group when that is closed; `otherwise` where neither is here."""
        positions = self.flat.positions
        return positions.get(key, positions.get((key[0], ""), otherwise))

    def _ask_for(self, ask: Ask) -> None:
        self.ask = ask
        self._openness.narrowed(ask.narrowed)
        self._make()

    def _make(self) -> None:
        self._maker.make(self.catalog, self.ask, self._openness, first=not self.flat.rows)

    def _take(self, listing: Listing, flat: Flat) -> None:
        if not self._widget.is_mounted:
            return
        old_listing, old_flat = self.listing, self.flat
        self.listing, self.flat = listing, flat
        self._changed()
        self._maker.retire(old_listing, old_flat)

    def _take_flat(self, flat: Flat) -> None:
        old, self.flat = self.flat, flat
        self._changed()
        self._maker.retire(None, old)

"""What is known of both sides now: the one place where a catalog follows another, and who is told of it."""

from collections.abc import Callable

from modelsync_tui.catalog import Catalog

Change = Callable[[Catalog], Catalog]


class Known:
    """Belongs to the loader; lives on the event loop."""

    def __init__(self, changed: Callable[[], object], catalog: Catalog) -> None:
        self.catalog = catalog
        self._changed = changed

    def change(self, change: Change) -> None:
        """Takes what was found out, and tells it."""
        self.catalog = change(self.catalog)
        self._changed()


class Reading:
    """One side is read whole, or not; what is found out of single versions meanwhile is newer than what that brings."""

    def __init__(self) -> None:
        self._later: list[Change] | None = None

    @property
    def is_under_way(self) -> bool:
        return self._later is not None

    def begin(self) -> None:
        """A reading begins, or begins again."""
        self._later = []

    def note(self, change: Change) -> Change:
        """Remembers a change of single versions, to be made once more when the reading is there."""
        if self._later is not None:
            self._later.append(change)
        return change

    def end(self, change: Change = lambda catalog: catalog) -> Change:
        """The reading is there, or failed: its change, with all that was noted on top."""
        later, self._later = self._later or [], None

        def whole(catalog: Catalog) -> Catalog:
            for each in (change, *later):
                catalog = each(catalog)
            return catalog

        return whole

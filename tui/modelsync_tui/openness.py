"""Which groups of a list are open: a rule for all of them, and what a person opened and closed beside it."""

from collections.abc import Callable

OPEN_AT_FIRST_MAX_VERSIONS = 60
"""A store up to this size starts with every group open: there is nothing to search in it."""
OPEN_WHEN_NARROWED_MAX_VERSIONS = 5_000


class Openness:
    """Settled once by the size of the first list; a narrowed list is open, so that what was searched is seen."""

    def __init__(self) -> None:
        self._all_open: bool | None = None
        self._turned: set[str] = set()
        self._narrowed = False
        self._turned_narrowed: set[str] = set()

    def settle(self, versions: int) -> None:
        """Decides how the list starts; only the first list that is not empty counts."""
        if self._all_open is None and versions:
            self._all_open = versions <= OPEN_AT_FIRST_MAX_VERSIONS

    def narrowed(self, narrowed: bool) -> None:
        """A filter begins or ends: what was opened and closed without it comes back after it."""
        if narrowed != self._narrowed:
            self._narrowed = narrowed
            self._turned_narrowed.clear()

    def set(self, name: str, *, opened: bool) -> None:
        turned = self._turned_narrowed if self._narrowed else self._turned
        if opened == self._rule:
            turned.discard(name)
        else:
            turned.add(name)

    def is_open(self, name: str) -> bool:
        return (name in (self._turned_narrowed if self._narrowed else self._turned)) != self._rule

    def frozen(self, versions: int) -> Callable[[str], bool]:
        """The rule as it is now, for a thread; `versions` settles it where nothing has."""
        self.settle(versions)
        turned = frozenset(self._turned_narrowed if self._narrowed else self._turned)
        rule = self._rule
        return lambda name: (name in turned) != rule

    @property
    def _rule(self) -> bool:
        return self._narrowed or bool(self._all_open)

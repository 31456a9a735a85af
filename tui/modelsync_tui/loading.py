"""Both sides as the screens see them: what is known of them now, and what makes that true again."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import assert_never

from textual.app import App

from modelsync.errors import ModelsyncError
from modelsync.tag import Tag
from modelsync_tui.catalog import Catalog
from modelsync_tui.known import Known
from modelsync_tui.listing import Side
from modelsync_tui.names_asked import NamesAsked
from modelsync_tui.registry_side import Link as Link
from modelsync_tui.registry_side import RegistrySide
from modelsync_tui.session import Session
from modelsync_tui.store_side import FirstScan as FirstScan
from modelsync_tui.store_side import StoreSide


class Loader:
    """Belongs to the main screen; tells it by two functions what changed."""

    def __init__(
        self,
        app: App[object],
        session: Session,
        changed: Callable[[], object],
        failed: Callable[[Side, ModelsyncError], object],
        catalog: Catalog | None = None,
    ) -> None:
        """`catalog`: what is known already."""
        self._known = Known(changed, catalog or Catalog())
        self.store = StoreSide(app, session, self._known, partial(failed, Side.LOCAL))
        self.registry = RegistrySide(app, session, self._known, partial(failed, Side.REMOTE))
        self._names = NamesAsked(app, session, self._known, self.registry)

    @property
    def catalog(self) -> Catalog:
        """What is known of both sides now."""
        return self._known.catalog

    @property
    def link(self) -> Link:
        """How it stands with the registry."""
        return self.registry.link

    @property
    def local_read(self) -> bool:
        """Whether the store was read at all."""
        return self.store.was_read

    def read_local(self) -> None:
        """Reads the store again."""
        self.store.read()

    def refresh(self, connect: Callable[[], object]) -> None:
        """Reads both sides again, or connects where there is no connection."""
        self.store.read()
        match self.link:
            case Link.ONLINE:
                self.registry.read()
            case Link.OFFLINE:
                connect()
            case Link.CONNECTING:
                pass
            case _:
                assert_never(self.link)

    def ask(self, names: Iterable[str]) -> None:
        """Finds out what the registry has of some names, so that their state can be told."""
        self._names.ask(names)

    def know(self, names: Iterable[str], then: Callable[[], object]) -> None:
        """Calls `then` when the state of these names can be told: at once, or after the registry was asked."""
        self._names.know(names, then)

    def reread(self, tag: Tag) -> None:
        """Reads one version again on both sides, each by itself: a transfer of it ended."""
        self.store.read_again(tag)
        if self.link is Link.ONLINE:
            self.registry.read_again(tag)

"""The way into the details of a model and back, and into a comparison of its bytes, from the main screen."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from textual.app import App

from modelsync.tag import Tag
from modelsync_tui.listing import GroupRow, Row, Side
from modelsync_tui.loading import Loader
from modelsync_tui.queueing import Queueing
from modelsync_tui.session import Session

if TYPE_CHECKING:  # not needed for the first frame
    from modelsync_tui.comparing import Comparisons
    from modelsync_tui.screens.details import DetailsScreen
    from modelsync_tui.verifying import Say


class DetailsDoor:
    """Belongs to the main screen."""

    def __init__(
        self, app: App[object], session: Session, loader: Loader, queueing: Queueing, refresh: Callable[[], object]
    ) -> None:
        """`refresh` reads both sides again, or connects."""
        self._app = app
        self._session = session
        self._loader = loader
        self._queueing = queueing
        self._refresh = refresh
        self._open: DetailsScreen | None = None
        self._comparisons: Comparisons | None = None
        """What was compared in this run."""

    def open(self, row: Row | None, side: Side) -> None:
        """Shows the model of a row, with the cursor on its version, or on the newest of a group."""
        if row is None or self._open is not None:
            return
        from modelsync_tui.screens.details import Asked, DetailsScreen

        asked = Asked(row.name, "" if isinstance(row, GroupRow) else row.version, side)
        made = self._known_comparisons()
        self._open = DetailsScreen(asked, self._session, self._loader, self._queueing, self._refresh, made)
        self._app.push_screen(self._open, self._closed)

    def verify(self, row: Row | None, say: "Say") -> None:
        """Compares every byte of both sides of a row's version; `say` is told why where that cannot be."""
        from modelsync_tui.verifying import Verifier

        Verifier(self._app, self._loader, self._known_comparisons(), say).verify_row(row)

    def _known_comparisons(self) -> "Comparisons":
        from modelsync_tui.comparing import Comparisons

        self._comparisons = self._comparisons or Comparisons(self._session)
        return self._comparisons

    def _closed(self, _: None) -> None:
        self._open = None

    def sides_changed(self) -> None:
        """The lists of both sides say something new."""
        if self._open is not None:
            self._open.show()

    def show_moving(self, fractions: Mapping[str, float]) -> None:
        """How much of a version has moved, by `name:version`."""
        if self._open is not None:
            self._open.show_moving(fractions)

    def transfer_ended(self, tag: Tag) -> None:
        """A transfer is over, well or not."""
        if self._open is not None:
            self._open.transfer_ended(tag)

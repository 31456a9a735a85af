"""Has every byte of both sides of one version compared while a person watches, or says why that cannot be."""

from collections.abc import Callable
from functools import partial
from typing import assert_never

from textual.app import App

from modelsync_tui.comparing import Comparisons
from modelsync_tui.dialogs.compare import CompareDialog
from modelsync_tui.listing import GroupRow, Row, VersionRow
from modelsync_tui.loading import Link, Loader
from modelsync_tui.looking import has_files
from modelsync_tui.versions import Version
from modelsync_tui.widgets.messageline import Kind

Say = Callable[[str, Kind], object]


class Verifier:
    """Belongs to one screen, whose message line it speaks through."""

    def __init__(self, app: App[object], loader: Loader, comparisons: Comparisons, say: Say) -> None:
        self._app = app
        self._loader = loader
        self._comparisons = comparisons
        self._say = say

    def verify(self, version: Version | None, ended: Callable[[], object]) -> None:
        """Compares it now; `ended` is called when the person has closed what was found."""
        if not self._may_ask():
            return
        if version is None or version.local is None or version.remote is None or not has_files(version):
            self._say("Both sides must have a whole copy to be compared.", Kind.BAD)
            return
        compare = partial(self._comparisons.make, version, version.local.tag)

        def closed(_: object) -> None:
            ended()

        self._app.push_screen(CompareDialog(version.tag_text, compare), closed)

    def verify_row(self, row: Row | None) -> None:
        """The version of a browser's row, after the registry was asked where its side is not known yet."""
        if row is None:
            self._say("There is nothing to compare here.", Kind.BAD)
            return
        one = row if isinstance(row, VersionRow) else row.rows[0]
        if isinstance(row, GroupRow) and len(row.rows) > 1:
            self._say("One version at a time is compared: go to it, then V.", Kind.BAD)
            return
        if not self._may_ask():
            return

        def known() -> None:
            self._say("", Kind.PLAIN)
            catalog, tag = self._loader.catalog, one.tag_text
            self.verify(Version(one.name, one.version, catalog.locals.get(tag), catalog.remotes.get(tag)), lambda: None)

        self._say("Looking at both sides ...", Kind.PLAIN)
        self._loader.know((one.name,), known)

    def _may_ask(self) -> bool:
        """Whether there is a registry to compare with; says it where there is none."""
        match self._loader.link:
            case Link.ONLINE:
                return True
            case Link.CONNECTING:
                self._say("Still connecting to the registry: try again in a moment.", Kind.PLAIN)
            case Link.OFFLINE:
                self._say("Not connected to a registry: r tries again, a signs in.", Kind.BAD)
            case _:
                assert_never(self._loader.link)
        return False

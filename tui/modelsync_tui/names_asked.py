"""Asks the registry what it has of single names, where its list is too long to be loaded whole.

How it works: names in sight are asked for in small lots; answers that come together are taken together, because each
change makes both lists anew.
"""

from collections.abc import Callable, Iterable
from functools import partial

from textual.app import App

from modelsync.model import RemoteModel
from modelsync_tui.known import Known
from modelsync_tui.registry_side import Link, Moment, RegistrySide
from modelsync_tui.session import Session

_NAMES_ASKED_AT_ONCE = 8
_LOTS_AT_ONCE = 8
"""Names that a person waits for are asked for on so many threads: one after the other, thousands would take minutes."""
_ANSWERS_GATHERED_S = 0.05


class NamesAsked:
    """The questions about names that are under way."""

    def __init__(self, app: App[object], session: Session, known: Known, registry: RegistrySide) -> None:
        self._app = app
        self._session = session
        self._known = known
        self._registry = registry
        self._moment = Moment()
        self._asking: set[str] = set()
        self._answers: list[tuple[tuple[str, ...], tuple[RemoteModel, ...]]] = []
        """What came back and was not taken yet."""

    def ask(self, names: Iterable[str]) -> None:
        """Finds out what the registry has of some names, so that their state can be told."""
        if self._registry.link is not Link.ONLINE:
            return
        if self._moment != self._registry.moment:  # what was asked before is not wanted any more
            self._moment = self._registry.moment
            self._asking.clear()
            self._answers.clear()
        wanted = [name for name in self._known.catalog.unasked_names(names) if name not in self._asking]
        for at in range(0, len(wanted), _NAMES_ASKED_AT_ONCE):
            self._ask(tuple(wanted[at : at + _NAMES_ASKED_AT_ONCE]))

    def know(self, names: Iterable[str], then: Callable[[], object]) -> None:
        """Calls `then` when the state of these names can be told: at once, or after the registry was asked."""
        unknown = self._known.catalog.unasked_names(dict.fromkeys(names))
        if not unknown:
            then()
            return

        lots = [unknown[first::_LOTS_AT_ONCE] for first in range(min(_LOTS_AT_ONCE, len(unknown)))]
        found: list[tuple[RemoteModel, ...]] = []

        def done(models: tuple[RemoteModel, ...]) -> None:
            found.append(models)
            if len(found) == len(lots):
                every = [model for lot in found for model in lot]
                self._registry.change(lambda catalog: catalog.with_names(unknown, every))
                then()

        for lot in lots:
            question = partial(self._session.versions, lot)
            self._registry.ask(question, done, "look up versions in the registry", outlives_reading=True)

    def _ask(self, names: tuple[str, ...]) -> None:
        self._asking.update(names)

        def done(models: tuple[RemoteModel, ...]) -> None:
            if not self._answers:
                self._app.set_timer(_ANSWERS_GATHERED_S, self._take)
            self._answers.append((names, models))

        def failed() -> None:
            self._asking.difference_update(names)

        question = lambda: self._session.versions(names)  # noqa: E731 - one expression, named for the line below
        self._registry.ask(question, done, "look up versions in the registry", on_failure=failed)

    def _take(self) -> None:
        answers, self._answers = self._answers, []
        names = [name for asked, _ in answers for name in asked]
        if names and self._moment == self._registry.moment:
            self._asking.difference_update(names)
            models = [model for _, found in answers for model in found]
            self._registry.change(lambda catalog: catalog.with_names(names, models))

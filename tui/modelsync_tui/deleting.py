"""What the keys that delete local versions do: facts, question, deletion, and what became of it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from textual.app import App

from modelsync.errors import ModelsyncError
from modelsync.model import BrokenEntry, LocalModel
from modelsync_tui import work
from modelsync_tui.catalog import Catalog
from modelsync_tui.in_front import InFront, Wish
from modelsync_tui.listing import Key, Side
from modelsync_tui.loading import Loader
from modelsync_tui.session import Session
from modelsync_tui.text import count_text, literal, size_text
from modelsync_tui.widgets.messageline import Kind

if TYPE_CHECKING:
    from modelsync.pruning import DeletePlan, Deletion

log = logging.getLogger("modelsync.tui")
KEPT_AT_FIRST = 3
"""So many of the newest versions of each name a clean-up leaves, unless another number is typed."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a person may want to delete."""

    models: tuple[LocalModel, ...]
    broken: tuple[BrokenEntry, ...] = ()
    siblings: tuple[LocalModel, ...] = ()
    """Every version of the same names: which ones are the newest depends on them all."""
    only_here: frozenset[str] = field(default_factory=frozenset)
    """Tags of which it is known that the registry does not have them."""


class Deleter:
    """Belongs to the main screen; deletes nothing that was not agreed to."""

    def __init__(self, app: App[object], session: Session, loader: Loader, say: Callable[[str, Kind], object]) -> None:
        self._app = app
        self._session = session
        self._loader = loader
        self._say = say
        self._in_front = InFront(app)

    def delete(self, keys: tuple[Key, ...], side: Side) -> None:
        """Asks about these versions; says why where there is nothing to delete."""
        self._begin(chosen(self._loader.catalog, keys), side, None)

    def clean_up(self, keys: tuple[Key, ...], side: Side) -> None:
        """Asks about all versions of these names but the newest."""
        names = dict.fromkeys(name for name, _ in keys)
        catalog = self._loader.catalog
        every = tuple(
            (model.tag.name, model.tag.version) for model in catalog.locals.values() if model.tag.name in names
        )
        self._begin(chosen(catalog, every), side, KEPT_AT_FIRST)

    def _begin(self, chosen: Chosen, side: Side, keep: int | None) -> None:
        if side is Side.REMOTE:
            self._say("Only local versions can be deleted: a registry keeps what was pushed.", Kind.BAD)
        elif not chosen.models and not chosen.broken:
            self._say("Nothing is marked that could be deleted, and the cursor is on nothing.", Kind.BAD)
        else:
            self._say("Looking which local bentos use them ...", Kind.PLAIN)
            self._run(
                partial(self._session.plan_delete, (*chosen.models, *chosen.broken)),
                partial(self._ask, self._in_front.wish(), chosen, keep),
                "look which local bentos use the versions",
            )

    def _ask(self, wish: Wish, chosen: Chosen, keep: int | None, plan: "DeletePlan") -> None:
        from modelsync_tui.dialogs.delete import DeleteDialog

        if not wish.is_last:
            return
        if not wish.has_keys:
            words = "The question what to delete came too late: press its key again."
            self._app.notify(words, severity="warning", markup=False)
            return
        self._say("", Kind.PLAIN)
        self._app.push_screen(DeleteDialog(plan, chosen, keep=keep), self._agreed)

    def _agreed(self, plan: "DeletePlan | None") -> None:
        if plan is not None and plan.going:
            self._run(partial(self._delete, plan), self._ended, "delete local versions")

    def _delete(self, plan: "DeletePlan") -> "tuple[Deletion, ...]":
        """On a thread of its own."""
        ended = []
        count = len(plan.going)
        for deletion in self._session.delete(plan):
            ended.append(deletion)
            self._app.call_later(self._say, f"Deleting ...  {len(ended)} of {count}", Kind.PLAIN)
        return tuple(ended)

    def _ended(self, deletions: "Sequence[Deletion]") -> None:
        self._say(*ended_words(deletions))
        for deletion in deletions:
            if deletion.error is not None:
                log.warning("%s was not deleted: %s", deletion.item.tag, deletion.error.message)
        self._loader.read_local()

    def _run(self, blocking: "Callable[[], work.T]", done: "Callable[[work.T], object]", description: str) -> None:
        def failed(error: ModelsyncError) -> None:
            self._say(literal(error.sentence), Kind.BAD)

        work.run(self._app, blocking, done, failed, group="delete", description=description)


def chosen(catalog: Catalog, keys: Sequence[Key]) -> Chosen:
    """What these keys mean in the local store; versions that are only in the registry are left out."""
    wanted = set(keys)
    names = {name for name, _ in keys}
    siblings = tuple(model for model in catalog.locals.values() if model.tag.name in names)
    models = tuple(model for model in siblings if (model.tag.name, model.tag.version) in wanted)
    only_here = frozenset(
        str(model.tag)
        for model in models
        if catalog.knows_remote(model.tag.name) and str(model.tag) not in catalog.remotes
    )
    broken = tuple(entry for entry in catalog.broken if (entry.name, entry.version) in wanted)
    return Chosen(models, broken, siblings, only_here)


def ended_words(deletions: "Sequence[Deletion]") -> tuple[str, Kind]:
    """How many went and what that freed, and why others stayed."""
    stayed = [deletion for deletion in deletions if deletion.error is not None]
    gone = len(deletions) - len(stayed)
    freed = size_text(sum(deletion.bytes_freed for deletion in deletions))
    words = f"Deleted {count_text(gone, 'version')}, freed {freed}." if gone else "Nothing was deleted."
    if not stayed:
        return words, Kind.GOOD
    first = stayed[0].error
    why = literal(first.message) if first is not None else ""
    more = f" (and {len(stayed) - 1} more)" if len(stayed) > 1 else ""
    return f"{words} {len(stayed)} {'stays' if len(stayed) == 1 else 'stay'}: {why}{more}", Kind.BAD

"""What the keys that move models do: facts, plan, question, queue."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from modelsync.comparison import Direction, Plan
from modelsync.errors import ModelsyncError
from modelsync_tui import work
from modelsync_tui.beside import AT_ONCE_ROWS
from modelsync_tui.in_front import InFront, Wish
from modelsync_tui.listing import Key
from modelsync_tui.loading import Link, Loader
from modelsync_tui.pace import quiet_collector
from modelsync_tui.planning import agreed, plan_for
from modelsync_tui.queueing import Queueing
from modelsync_tui.session import Online, Session
from modelsync_tui.text import literal
from modelsync_tui.widgets.messageline import Kind, MessageLine

if TYPE_CHECKING:
    from textual.app import App

    from modelsync.tag import Tag


class Mover:
    """Asks before anything goes; what was agreed to it puts into the queue."""

    def __init__(
        self,
        app: "App[object]",
        session: Session,
        loader: Loader,
        queueing: Queueing,
        message: MessageLine,
        agreed: Callable[[], object],
    ) -> None:
        """`agreed` is called when a person let something go."""
        self._app = app
        self._session = session
        self._loader = loader
        self._queueing = queueing
        self._message = message
        self._agreed = agreed
        self._in_front = InFront(app)

    def move(self, keys: tuple[Key, ...], direction: Direction, *, force: bool = False) -> None:
        """Plans a push or pull of these versions and asks; says why where it cannot be."""
        if not keys:
            self._message.say("Nothing is marked, and the cursor is on nothing.", Kind.BAD)
        elif self._loader.link is Link.CONNECTING:
            self._message.say("Still connecting to the registry: try again in a moment.")
        elif self._loader.link is Link.OFFLINE:
            self._message.say("Not connected to a registry: r tries again, a signs in.", Kind.BAD)
        elif direction is Direction.PUSH and self._session.read_only:
            online = self._session.online
            of_context = online is not None and online.context.read_only
            whose = f"Context {literal(online.context.name)} is read-only" if online and of_context else "Read-only"
            self._message.say(f"{whose}: nothing is pushed from here.", Kind.BAD)
        else:
            self._message.say("Looking at both sides ...")
            plan = partial(self._plan, self._in_front.wish(), keys, direction, force=force)
            self._loader.know((name for name, _ in keys), plan)

    def _plan(self, wish: Wish, keys: tuple[Key, ...], direction: Direction, *, force: bool) -> None:
        goes_on = self._queueing.goes_on
        make = partial(plan_for, self._loader.catalog, keys, direction, force=force, goes_on=goes_on)
        online = self._session.online

        def planned(plan: Plan) -> None:
            if online is self._session.online:
                self._ask(wish, keys, plan)

        self._make(len(keys), make, planned, "plan what goes")

    def _is_too_late(self, wish: Wish, direction: Direction) -> bool:
        """Whether a person does something else by now, whose keys are not for this question."""
        if wish.is_last and not wish.has_keys:
            words = f"The question about the {direction} came too late: press its key again."
            self._app.notify(words, severity="warning", markup=False)
        return not (wish.is_last and wish.has_keys)

    def _ask(self, wish: Wish, keys: tuple[Key, ...], plan: Plan) -> None:
        from modelsync_tui.dialogs.force import ForceDialog
        from modelsync_tui.force_look import look
        from modelsync_tui.inspecting import Inspector

        if self._is_too_late(wish, plan.direction):
            return
        self._message.say("")
        direction = plan.direction
        if not plan.items:
            where = "the local store" if direction is Direction.PUSH else "the registry"
            subject = f"{keys[0][0]}:{keys[0][1]} is" if len(keys) == 1 else "None of them is"
            self._message.say(f"{subject} not in {where}: nothing to {direction}.", Kind.BAD)
        elif plan.force:
            looks = partial(look, Inspector(self._session), direction)
            dialog = ForceDialog(plan, bytes_per_s=self._queueing.recent_speed, look=looks)
            self._app.push_screen(dialog, partial(self._forced, plan))
        elif direction is Direction.PULL:
            ask = partial(self._ask_plan, wish, plan, self._session.online)
            work.run(
                self._app,
                self._session.free_bytes,
                ask,
                lambda _: ask(None),
                group="sides-local",
                description="see how much room there is",
            )
        else:
            self._ask_plan(wish, plan, self._session.online, None)

    def _ask_plan(self, wish: Wish, plan: Plan, online: Online | None, free_bytes: int | None) -> None:
        from modelsync_tui.dialogs.plan import PlanDialog

        if online is not self._session.online:
            return  # the context was switched meanwhile: this plan is about another registry
        if self._is_too_late(wish, plan.direction):
            return
        target = online.host if online else ""
        self._app.push_screen(PlanDialog(plan, target=target, free_bytes=free_bytes), partial(self._planned, plan))

    def _planned(self, plan: Plan, go: bool | None) -> None:
        if go:
            self._queue(plan)

    def _forced(self, plan: Plan, tags: "tuple[Tag, ...] | None") -> None:
        if tags:
            self._queue(plan, frozenset(tags))

    def _queue(self, plan: Plan, only: "frozenset[Tag] | None" = None) -> None:
        self._make(len(plan.items), partial(agreed, plan, only), self._queueing.add, "put what goes into the queue")
        if plan.going:
            self._agreed()
        else:
            first, moved = plan.items[0], "sent" if plan.direction is Direction.PUSH else "fetched"
            why = f" of {literal(first.tag_text)}: {literal(first.decision.reason)}" if len(plan.items) == 1 else ""
            self._message.say(f"Nothing was {moved}{why}.")

    def _make(
        self, versions: int, make: "Callable[[], work.T]", done: "Callable[[work.T], object]", description: str
    ) -> None:
        """Makes something of so many versions: at once, or on a thread where it would hold up the keys."""

        def quietly() -> "work.T":
            with quiet_collector():
                return make()

        def failed(error: ModelsyncError) -> None:
            self._message.say(literal(error.sentence), Kind.BAD)

        if versions <= AT_ONCE_ROWS:
            done(make())
        else:
            work.run(self._app, quietly, done, failed, group="plan", description=description)

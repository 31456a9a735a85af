"""From marked rows to a plan, from a plan to requests, and a plan in few words."""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from modelsync.comparison import Decision, Direction, Plan, PlanItem, Verdict, plan_pull, plan_push
from modelsync.tag import Tag
from modelsync_tui.catalog import Catalog
from modelsync_tui.listing import Key

if TYPE_CHECKING:
    from modelsync.model import RemoteModel
    from modelsync.transfers import TransferRequest

REASON_GOES_ON = "goes on where it was cut short"


@dataclass(frozen=True, slots=True)
class Agreed:
    """What becomes of a plan to which a person agreed."""

    requests: "list[TransferRequest]"
    """For the queue, which tells of each what came of it."""
    already_there: frozenset[tuple[Direction, Tag]]
    """Of these nothing is moved, and nobody is asked again: a result that one line tells of all."""


def plan_for(
    catalog: Catalog,
    keys: Iterable[Key],
    direction: Direction,
    *,
    force: bool = False,
    goes_on: "Callable[[Tag, RemoteModel], bool] | None" = None,
) -> Plan:
    """What moving these versions would do; versions that the giving side does not have are left out.

    `goes_on` tells of an upload that is under way whether it is one's own that was cut short.
    """
    tags = [f"{name}:{version}" for name, version in keys]
    match direction:
        case Direction.PUSH:
            plan = plan_push(
                [catalog.locals[tag] for tag in tags if tag in catalog.locals], catalog.remotes, force=force
            )
            return plan if goes_on is None else _with_own_uploads(plan, goes_on)
        case Direction.PULL:
            return plan_pull(
                [catalog.remotes[tag] for tag in tags if tag in catalog.remotes], catalog.locals, force=force
            )
        case _:
            assert_never(direction)


def _with_own_uploads(plan: Plan, goes_on: "Callable[[Tag, RemoteModel], bool]") -> Plan:
    """The same plan, in which an upload that was begun here is no obstacle: a push of it goes on."""

    def seen(item: PlanItem) -> PlanItem:
        if item.decision.verdict is not Verdict.REFUSE or item.tag is None or item.remote is None:
            return item
        is_own = not item.remote.is_reference and goes_on(item.tag, item.remote)
        return replace(item, decision=Decision(Verdict.GO, REASON_GOES_ON)) if is_own else item

    return replace(plan, items=tuple(seen(item) for item in plan.items))


def plan_words(plan: Plan) -> str:
    """`pushes 1, skips 1 (already on remote)`: what F5 would do, for the message line."""
    there = "on remote" if plan.direction is Direction.PUSH else "here"
    verb = "pushes" if plan.direction is Direction.PUSH else "pulls"
    same = sum(item.decision.verdict is Verdict.SKIP_SAME for item in plan.items)
    differ = sum(item.decision.verdict is Verdict.SKIP_DIFFERS for item in plan.items)
    refused = sum(item.decision.verdict is Verdict.REFUSE for item in plan.items)
    words = [f"{verb} {len(plan.going):,}"]
    if same:
        words.append(f"skips {same:,} (already {there})")
    if differ:
        words.append(f"skips {differ:,} that {'differs' if differ == 1 else 'differ'} (F overwrites)")
    if refused:
        words.append(f"cannot move {refused:,}")
    return ", ".join(words)


def agreed(plan: Plan, only: Container[Tag] | None = None) -> Agreed:
    """The plan's versions for the queue; beside what goes also what differs or is refused: its row says why.

    `only` names those that a person kept, None all.
    """
    from modelsync.transfers import TransferRequest  # loads HTTP, which the first frame does not wait for

    requests, there = [], set()
    goes = bool(plan.going)  # else the question was closed, and a person who closes one expects nothing to begin
    for item in plan.items:
        if item.tag is None or (only is not None and item.tag not in only):
            continue
        if item.decision.verdict is Verdict.SKIP_SAME:
            there.add((plan.direction, item.tag))
        elif goes:
            requests.append(TransferRequest(plan.direction, item.tag, force=plan.force, size_bytes=item.size_bytes))
    return Agreed(requests, frozenset(there))

"""From marked rows to a plan, from a plan to requests, and a plan in few words."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from modelsync.comparison import Direction, Plan, Verdict, plan_pull, plan_push
from modelsync.tag import Tag
from modelsync_tui.catalog import Catalog
from modelsync_tui.listing import Key

if TYPE_CHECKING:
    from modelsync.transfers import TransferRequest


@dataclass(frozen=True, slots=True)
class Agreed:
    """What becomes of a plan to which a person agreed."""

    requests: "list[TransferRequest]"
    """For the queue, which tells of each what came of it."""
    already_there: frozenset[tuple[Direction, Tag]]
    """Of these nothing is moved, and nobody is asked again: a result that one line tells of all."""


def plan_for(catalog: Catalog, keys: Iterable[Key], direction: Direction, *, force: bool = False) -> Plan:
    """What moving these versions would do; versions that the giving side does not have are left out."""
    tags = [f"{name}:{version}" for name, version in keys]
    match direction:
        case Direction.PUSH:
            return plan_push(
                [catalog.locals[tag] for tag in tags if tag in catalog.locals], catalog.remotes, force=force
            )
        case Direction.PULL:
            return plan_pull(
                [catalog.remotes[tag] for tag in tags if tag in catalog.remotes], catalog.locals, force=force
            )
        case _:
            assert_never(direction)


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
    """The plan's versions for the queue; those that differ or are refused too: the engine knows of kept journals.

    `only` names those that a person kept, None all.
    """
    from modelsync.transfers import TransferRequest  # loads HTTP, which the first frame does not wait for

    requests, there = [], set()
    for item in plan.items:
        if item.tag is None or (only is not None and item.tag not in only):
            continue
        if item.decision.verdict is Verdict.SKIP_SAME:
            there.add((plan.direction, item.tag))
        else:
            requests.append(TransferRequest(plan.direction, item.tag, force=plan.force, size_bytes=item.size_bytes))
    return Agreed(requests, frozenset(there))

"""From marked rows to a plan, from a plan to requests, and a plan in few words."""

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING, assert_never

from modelsync.comparison import Direction, Plan, Verdict, plan_pull, plan_push
from modelsync.tag import Tag
from modelsync_tui.catalog import Catalog
from modelsync_tui.listing import Key

if TYPE_CHECKING:
    from modelsync.transfers import TransferRequest


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


def requests(plan: Plan, only: Container[Tag] | None = None) -> "list[TransferRequest]":
    """The plan's versions for the queue, the skipped ones too: that nothing was sent is a result to be seen.

    `only` names those that a person kept, None all.
    """
    from modelsync.transfers import TransferRequest  # loads HTTP, which the first frame does not wait for

    return [
        TransferRequest(plan.direction, item.tag, force=plan.force, size_bytes=item.size_bytes)
        for item in plan.items
        if item.tag is not None and (only is None or item.tag in only)
    ]

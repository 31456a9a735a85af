"""Push, pull and verify: idempotence, force, and the order of calls.

Names are imported when they are first used: a program that pushes need not load what a pull is made of.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelsync.sync.giving_up import give_up
    from modelsync.sync.pulling import pull, resolve_remote, would_pull
    from modelsync.sync.pushing import push, resolve_local, would_push
    from modelsync.sync.sides import Sides
    from modelsync.sync.verifying import verify

_HOMES = {
    "Sides": "sides",
    "give_up": "giving_up",
    "pull": "pulling",
    "push": "pushing",
    "resolve_local": "pushing",
    "resolve_remote": "pulling",
    "verify": "verifying",
    "would_pull": "pulling",
    "would_push": "pushing",
}
"""The module that each public name lives in."""

__all__ = ["Sides", "give_up", "pull", "push", "resolve_local", "resolve_remote", "verify", "would_pull", "would_push"]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'modelsync.sync' has no attribute {name!r}")
    return getattr(import_module(f"modelsync.sync.{home}"), name)

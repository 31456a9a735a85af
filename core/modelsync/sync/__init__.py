"""Push, pull and verify: idempotence, force, and the order of calls."""

from modelsync.sync.giving_up import give_up
from modelsync.sync.pulling import pull, resolve_remote
from modelsync.sync.pushing import push
from modelsync.sync.sides import Sides
from modelsync.sync.verifying import verify

__all__ = ["Sides", "give_up", "pull", "push", "resolve_remote", "verify"]

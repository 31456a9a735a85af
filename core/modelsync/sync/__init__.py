"""Push and pull: idempotence, force, and the order of calls."""

from modelsync.sync.pulling import pull, resolve_remote
from modelsync.sync.pushing import push
from modelsync.sync.sides import Sides

__all__ = ["Sides", "pull", "push", "resolve_remote"]

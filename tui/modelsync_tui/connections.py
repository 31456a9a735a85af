"""The contexts that one run has used: each keeps its connections and its queue, so that its transfers go on.

How it works: all share the part threads, the limit and the numbering of transfers, so that their queues can be shown as
one. A context that is used again, with whatever token, finds its queue as it was.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from modelsync.model import Organization, User
from modelsync.paths import Paths
from modelsync.settings import Settings

if TYPE_CHECKING:  # they load HTTP, which the first frame does not wait for
    from modelsync.account import Account, Context
    from modelsync.queue_file import QueueFile
    from modelsync.sync import Sides
    from modelsync.transfers import Starter, TransferRow, Transfers


@dataclass(frozen=True, slots=True)
class Online:
    """Who is signed in where."""

    context: "Context"
    host: str
    user: User
    organization: Organization

    @property
    def registry_name(self) -> str:
        """What the registry is called: its context's name; by its host where the account is the environment's."""
        from modelsync.credentials.keeping import ENVIRONMENT_CONTEXT

        return self.host if self.context.name == ENVIRONMENT_CONTEXT else self.context.name


@dataclass(frozen=True, slots=True)
class Connection:
    """Both sides of one context, and what is moved between them."""

    sides: "Sides"
    transfers: "Transfers"
    queue_file: "QueueFile"

    def look(self, account: "Account") -> Online:
        """Asks the registry whose token it is, which from then on every transfer carries; raises what it says.

        Transfers that an older token was refused to go on.
        """
        registry = self.sides.registry
        registry.renew(account.token)
        online = Online(account.context, registry.host, registry.current_user(), registry.current_organization())
        self.transfers.signed_in(account)
        return online


class Connections:
    """Opened when a context is first used, closed with the run; may be asked from any thread."""

    def __init__(self, settings: Settings, paths: Paths) -> None:
        self._settings = settings
        self._paths = paths
        self._lock = threading.Lock()
        self._open: dict[Context, Connection] = {}
        self._ids = count(1)

    def of(self, account: "Account", start: "Starter", finished: "Callable[[TransferRow], object]") -> Connection:
        """That of the account's context, opened if there is none; talks to no registry. Raises UsageError."""
        context = replace(account.context, user="", color="")  # what makes no difference to a transfer
        with self._lock:
            if context not in self._open:
                self._open[context] = self._opened(account, start, finished)
            return self._open[context]

    @property
    def queues(self) -> "tuple[tuple[str, Transfers], ...]":
        """The contexts by name, and what each one moves."""
        with self._lock:
            return tuple((context.name, connection.transfers) for context, connection in self._open.items())

    def close(self) -> None:
        """Keeps what is not finished for the next start; what a transfer still uses ends with the process."""
        with self._lock:
            for connection in self._open.values():
                connection.queue_file.save(connection.transfers.unfinished())
                if connection.transfers.wait(0):
                    connection.sides.close()
            self._open.clear()

    def _opened(self, account: "Account", start: "Starter", finished: "Callable[[TransferRow], object]") -> Connection:
        from modelsync.api import open_sides
        from modelsync.queue_file import QueueFile
        from modelsync.transfers import Transfers

        others = tuple(self._open.values())
        workers = others[0].sides.workers if others else None
        sides = open_sides(self._settings, account, self._paths, workers=workers)
        transfers = Transfers(sides, running=self._settings.running, start=start, finished=finished, ids=self._ids)
        queue_file = QueueFile(self._paths.queues_dir, sides.registry.context, sides.store.home)
        if queue_file.path not in (other.queue_file.path for other in others):  # else it was taken from there already
            transfers.restore(queue_file.load())
        return Connection(sides, transfers, queue_file)

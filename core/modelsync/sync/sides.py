"""The two sides of a transfer and what moves bytes between them."""

import logging
from dataclasses import dataclass, field

from modelsync.errors import RemoteModelNotFoundError, StoreError
from modelsync.history import History
from modelsync.model import Direction, RemoteModel
from modelsync.registry.client import Registry
from modelsync.store import ModelStore
from modelsync.sync.unrecorded import Unrecorded
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from modelsync.transfer.data import DataClient
from modelsync.transfer.journal import JournalKey, Journals
from modelsync.transfer.leftovers import clean
from modelsync.transfer.retry import RetryPolicy
from modelsync.transfer.workers import Workers

log = logging.getLogger("modelsync.sync")


@dataclass(frozen=True, slots=True)
class Sides:
    """A local store, a registry, and the threads and connections that all transfers between them share."""

    store: ModelStore
    registry: Registry
    workers: Workers
    data: DataClient
    journals: Journals
    """What is kept of unfinished transfers."""
    verify: bool = True
    """Compare each part's MD5 with its ETag."""
    sync_to_disk: bool = True
    """Flush what a pull installs before it counts as there."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    """When a part is tried again, and after how long."""
    history: History | None = None
    """Where every transfer that ends is recorded; None records nothing."""
    unrecorded: Unrecorded = field(default_factory=Unrecorded, repr=False)
    """The transfers that run, until they are in the history."""

    def journal_key(self, direction: Direction, tag: Tag) -> JournalKey:
        """Names the journal of a transfer between just these two sides."""
        context = self.registry.context
        return JournalKey(direction, tag, context.endpoint, context.organization, self.store.home)

    def record(self, tag: Tag, control: Control) -> RemoteModel:
        """What the registry tells of a version; raises RemoteModelNotFoundError, and the errors of the registry."""
        remote = self.registry.model(tag, control=control)
        if remote is None:
            raise RemoteModelNotFoundError(
                f"The registry has no {tag}.", hint=f"See what it has: modelsync ls remote {tag.name}"
            )
        return remote

    def tidy(self) -> None:
        """Removes what transfers that were given up have left; for every start of a program.

        A store that cannot be tidied now is tidied another time: whoever works with it will be told what is wrong.
        """
        clean(self.journals.directory)
        try:
            self.store.clean_stages(keep=self.journals.stages())
        except StoreError as exc:
            log.warning("the store was not tidied: %s", exc.message)

    def close(self) -> None:
        """Closes the connections; call it when no transfer runs."""
        self.data.close()
        self.registry.close()

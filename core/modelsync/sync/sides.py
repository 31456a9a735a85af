"""The two sides of a transfer and what moves bytes between them."""

from dataclasses import dataclass, field
from pathlib import Path

from modelsync.registry.client import Registry
from modelsync.store import ModelStore
from modelsync.transfer.data import DataClient
from modelsync.transfer.retry import RetryPolicy
from modelsync.transfer.workers import Workers


@dataclass(frozen=True, slots=True)
class Sides:
    """A local store, a registry, and the threads and connections that all transfers between them share."""

    store: ModelStore
    registry: Registry
    workers: Workers
    data: DataClient
    state_dir: Path
    """Where journals of unfinished transfers are kept."""
    verify: bool = True
    """Compare each part's MD5 with its ETag."""
    sync_to_disk: bool = True
    """Flush what a pull installs before it counts as there."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    """When a part is tried again, and after how long."""

    def close(self) -> None:
        """Closes the connections; call it when no transfer runs."""
        self.data.close()
        self.registry.close()

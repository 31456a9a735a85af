"""What core makes of one run's settings: the store, the account, the registry and the queue; every call blocks."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelsync.errors import NotSignedInError, RemoteModelNotFoundError
from modelsync.model import LocalModel, Organization, RemoteModel, User
from modelsync.paths import Paths
from modelsync.settings import Settings
from modelsync.store import ModelStore, StoreListing
from modelsync.tag import Tag

if TYPE_CHECKING:  # they load HTTP and the keyring, which the first frame does not wait for
    from modelsync.account import Account, Context
    from modelsync.credentials import Credentials
    from modelsync.sync import Sides
    from modelsync.transfers import Starter, TransferRow, Transfers

PAGE_VERSIONS = 200
"""Versions that one request for the registry's list asks for."""


@dataclass(frozen=True, slots=True)
class Online:
    """Who is signed in where."""

    context: "Context"
    host: str
    user: User
    organization: Organization


@dataclass(frozen=True, slots=True)
class RemotePage:
    """A piece of the registry's list."""

    start: int
    total: int
    items: tuple[RemoteModel, ...]


class Session:
    """What screens ask for; its methods may be called from any thread, one connection at a time."""

    def __init__(self, settings: Settings, paths: Paths, environ: Mapping[str, str] = os.environ) -> None:
        self.settings = settings
        self.paths = paths
        self.environ = environ
        self.store = ModelStore(settings.store, cache_file=paths.cache_dir / "store.json")
        self.online: Online | None = None
        self.transfers: Transfers | None = None
        self._sides: Sides | None = None
        self._credentials: Credentials | None = None
        self._account: Account | None = None
        self._several_contexts = False

    @property
    def credentials(self) -> "Credentials":
        """The kept accounts; the first use loads what they need."""
        if self._credentials is None:
            from modelsync.credentials import Credentials

            self._credentials = Credentials(self.paths, self.environ)
        return self._credentials

    def scan(self) -> StoreListing:
        """Everything in the local store; raises StoreError."""
        return self.store.scan()

    def connect(self, start: "Starter", finished: "Callable[[TransferRow], object]") -> Online:
        """Signs in with the kept account and makes the queue; raises NotSignedInError and what the registry says.

        Signing in again with the same account keeps the connections and the queue, whose transfers may be running.
        """
        from modelsync.api import open_sides
        from modelsync.transfers import Transfers

        account = self.account()
        self._several_contexts = not self.credentials.environment_wins and len(self.credentials.contexts()) > 1
        if self._sides is not None and account == self._account:
            self.online = _who(self._sides)
            return self.online
        sides = open_sides(self.settings, account, self.paths)
        try:
            online = _who(sides)
        except BaseException:
            sides.close()
            raise
        self.close()
        self._sides, self._account, self.online = sides, account, online
        self.transfers = Transfers(sides, running=self.settings.running, start=start, finished=finished)
        return online

    def account(self) -> "Account":
        """The kept account, or the environment's; may wait for a person to unlock the keyring."""
        settings = self.settings
        return self.credentials.account(default=settings.context)

    @property
    def read_only(self) -> bool:
        """Whether pushes are refused, by a setting or by the context."""
        return self.settings.read_only or (self.online is not None and self.online.context.read_only)

    @property
    def several_contexts(self) -> bool:
        """Whether a command must say which registry it means; False before the first connection."""
        return self._several_contexts

    def page(self, start: int) -> RemotePage:
        """The registry's versions from `start` on."""
        page = self._connected.registry.models(start=start, count=PAGE_VERSIONS)
        return RemotePage(page.start, page.total, page.items)

    def versions(self, names: Iterable[str]) -> tuple[RemoteModel, ...]:
        """Every version of these names; a name that the registry does not have has none."""
        found: list[RemoteModel] = []
        for name in names:
            try:
                found.extend(self._connected.registry.all_versions(name))
            except RemoteModelNotFoundError:
                continue
        return tuple(found)

    def remote(self, tag: Tag) -> RemoteModel | None:
        """One version as the registry has it now."""
        return self._connected.registry.model(tag)

    def local(self, tag: Tag) -> LocalModel | None:
        """One version as the store has it now; raises BrokenModelError."""
        return self.store.find(tag)

    def free_bytes(self) -> int:
        """Room where pulled versions are put."""
        return self.store.free_bytes()

    def close(self) -> None:
        """Closes the connections, unless a transfer still uses them: then they end with the process."""
        if self.transfers is not None and not self.transfers.wait(0):
            return
        sides, self._sides, self.online = self._sides, None, None
        if sides is not None:
            sides.close()

    @property
    def _connected(self) -> "Sides":
        if self._sides is None:
            raise NotSignedInError("Not connected to a registry.", hint="Press r to try again.")
        return self._sides


def _who(sides: "Sides") -> Online:
    registry = sides.registry
    return Online(registry.context, registry.host, registry.current_user(), registry.current_organization())

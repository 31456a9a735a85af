"""What core makes of one run's settings: the store, the account, the registry and the queue; every call blocks."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, count
from typing import TYPE_CHECKING

from modelsync.errors import Cancelled, NotSignedInError, RemoteModelNotFoundError
from modelsync.model import BrokenEntry, LocalModel, RemoteModel
from modelsync.paths import Paths
from modelsync.settings import Settings
from modelsync.store import ModelStore, StoreListing
from modelsync.tag import Tag
from modelsync_tui.connections import Connection, Connections
from modelsync_tui.connections import Online as Online

if TYPE_CHECKING:  # they load HTTP and the keyring, which the first frame does not wait for
    from modelsync.account import Account, Context, TokenSource
    from modelsync.credentials import Credentials
    from modelsync.pruning import DeletePlan, Deletion
    from modelsync.sync import Sides
    from modelsync.transfers import Starter, TransferRow, Transfers

PAGE_VERSIONS = 200
"""Versions that one request for the registry's list asks for."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A context that is kept."""

    context: "Context"
    source: "TokenSource"
    """Where its token is."""
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class SignInPlace:
    """What a sign-in begins with."""

    context: str
    endpoint: str


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
        self.notice: Callable[[str], object] = lambda _words: None
        """Told, on a thread of its own, when the keyring lets one wait."""
        self._connections = Connections(settings, paths)
        self._connection: Connection | None = None
        self._credentials: Credentials | None = None
        self._chosen: str | None = settings.context
        self._turn = 0
        self._lock = threading.Lock()
        self._several_contexts = False

    @property
    def credentials(self) -> "Credentials":
        """The kept accounts; the first use loads what they need."""
        if self._credentials is None:
            from modelsync.credentials import Credentials

            self._credentials = Credentials(
                self.paths,
                self.environ,
                notice=lambda words: self.notice(words),
                keyring=self.settings.keyring,
            )
        return self._credentials

    def scan(self) -> StoreListing:
        """Everything in the local store; raises StoreError."""
        return self.store.scan()

    def choose(self, name: str | None) -> None:
        """From now on this context is meant, None: the current one; nothing is connected until `connect` has been."""
        with self._lock:
            self._chosen = name
            self._turn += 1
            self._connection = self.online = None

    def connect(self, start: "Starter", finished: "Callable[[TransferRow], object]") -> Online:
        """Signs in with the account of the chosen context; raises NotSignedInError and what the registry says.

        A context that was used before in this run keeps its connections and its queue, whose transfers may be running;
        with a new token those that were refused go on. Raises Cancelled when another context was chosen meanwhile.
        """
        with self._lock:
            turn = self._turn
        account = self.account()
        self._several_contexts = not self.credentials.environment_wins and len(self.credentials.contexts()) > 1
        connection = self._connections.of(account, start, finished)
        online = connection.look(account)
        with self._lock:
            if turn != self._turn:
                raise Cancelled("Another context was chosen meanwhile.")
            self._connection, self.online = connection, online
        return online

    def account(self) -> "Account":
        """The kept account, or the environment's; may wait for a person to unlock the keyring."""
        return self.credentials.account(default=self._chosen)

    @property
    def environment_wins(self) -> bool:
        """Whether the account is the environment's, so that no kept context can be used."""
        return self.credentials.environment_wins

    def kept(self) -> tuple[Kept, ...]:
        """The kept contexts; raises AuthenticationError when their file cannot be understood."""
        credentials = self.credentials
        chosen = self._chosen or credentials.current()
        return tuple(
            Kept(context, credentials.source(context.name), context.name == chosen)
            for context in credentials.contexts()
        )

    def sign_in_place(self, name: str | None = None, *, another: bool = False) -> SignInPlace:
        """Where to sign in to: the named context, or the chosen one, or `another` than all; raises as `kept`."""
        from modelsync.credentials.checks import DEFAULT_CONTEXT, DEFAULT_ENDPOINT
        from modelsync.credentials.keeping import ENDPOINT_VARIABLE

        elsewhere = self.environ.get(ENDPOINT_VARIABLE) or DEFAULT_ENDPOINT
        known = {context.name: context.endpoint for context in self.credentials.contexts()}
        if another:
            names = chain((DEFAULT_CONTEXT,), (f"context-{number}" for number in count(2)))
            return SignInPlace(next(one for one in names if one not in known), elsewhere)
        wanted = name or self._chosen or self.credentials.current() or DEFAULT_CONTEXT
        return SignInPlace(wanted, known.get(wanted, elsewhere))

    @property
    def transfers(self) -> "Transfers | None":
        """What is moved with the context that is connected."""
        return None if self._connection is None else self._connection.transfers

    @property
    def queues(self) -> "tuple[tuple[str, Transfers], ...]":
        """The contexts that this run has used, by name, and what each one moves."""
        return self._connections.queues

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
        page = self.connected.registry.models(start=start, count=PAGE_VERSIONS)
        return RemotePage(page.start, page.total, page.items)

    def versions(self, names: Iterable[str]) -> tuple[RemoteModel, ...]:
        """Every version of these names; a name that the registry does not have has none."""
        found: list[RemoteModel] = []
        for name in names:
            try:
                found.extend(self.connected.registry.all_versions(name))
            except RemoteModelNotFoundError:
                continue
        return tuple(found)

    def remote(self, tag: Tag) -> RemoteModel | None:
        """One version as the registry has it now."""
        return self.connected.registry.model(tag)

    def local(self, tag: Tag) -> LocalModel | None:
        """One version as the store has it now; raises BrokenModelError."""
        return self.store.find(tag)

    def plan_delete(self, entries: "Iterable[LocalModel | BrokenEntry]") -> "DeletePlan":
        """What deleting these local versions would do; reads the local bentos."""
        from modelsync.pruning import plan_delete
        from modelsync.store.bentos import bentos_using

        return plan_delete(entries, partial(bentos_using, self.store.home))

    def delete(self, plan: "DeletePlan") -> "Iterator[Deletion]":
        """Deletes local versions, one after the other."""
        from modelsync.pruning import delete
        from modelsync.transfer.journal import Journals

        return delete(plan, self.store, Journals(self.paths.journals_dir))

    def free_bytes(self) -> int:
        """Room where pulled versions are put."""
        return self.store.free_bytes()

    def close(self) -> None:
        """Keeps what is not finished for the next start, and closes the connections that no transfer uses."""
        self._connections.close()
        self._connection = self.online = None

    @property
    def connected(self) -> "Sides":
        """Both sides joined; raises NotSignedInError while there is no connection."""
        connection = self._connection
        if connection is None:
            raise NotSignedInError("Not connected to a registry.", hint="Press r to try again.")
        return connection.sides

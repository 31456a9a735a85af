"""A local store and a registry, joined by the engine as the application joins them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.http.transport import STALL_AFTER_S, Transport
from modelsync.registry.client import Registry
from modelsync.store import ModelStore
from modelsync.sync import Sides
from modelsync.transfer.data import DataClient
from modelsync.transfer.journal import Journals
from modelsync.transfer.retry import RetryPolicy
from modelsync.transfer.workers import Workers
from support.registry_server import TOKEN, RegistryServer

SidesFactory = Callable[..., Sides]


def account_of(server: RegistryServer, token: str = TOKEN, *, read_only: bool = False) -> Account:
    return Account(Context("test", server.url, read_only=read_only), Token(token), TokenSource.SESSION)


@pytest.fixture
def make_sides(tmp_path: Path) -> Iterator[SidesFactory]:
    """Joins a store and a registry; they are closed with the test."""
    opened: list[Sides] = []

    def make(
        server: RegistryServer,
        home: str = "home",
        *,
        state: str = "state",
        token: str = TOKEN,
        read_only: bool = False,
        threads: int = 4,
        verify: bool = True,
        retry: RetryPolicy | None = None,
        stall_after_s: float = STALL_AFTER_S,
    ) -> Sides:
        sides = Sides(
            store=ModelStore(tmp_path / home),
            registry=Registry(account_of(server, token, read_only=read_only)),
            workers=Workers(threads),
            data=DataClient(transport=Transport(stall_after_s=stall_after_s)),
            journals=Journals(tmp_path / state),
            verify=verify,
            sync_to_disk=False,
            retry=retry or RetryPolicy(),
        )
        opened.append(sides)
        return sides

    yield make
    for sides in opened:
        sides.close()

"""An author's store and a reader's, a registry, and a bad proxy between them and the registry's objects."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.archive.layout import ArchiveLayout
from modelsync.http.opening import CONNECT_TIMEOUT_S
from modelsync.http.transport import Transport
from modelsync.model import RemoteModel, UploadStatus
from modelsync.registry.client import Registry
from modelsync.registry.retry import Backoff
from modelsync.store import ModelStore
from modelsync.sync import Sides, push
from modelsync.tag import Tag
from modelsync.transfer.data import DataClient
from modelsync.transfer.journal import Journals
from modelsync.transfer.parts import part_size_for
from modelsync.transfer.retry import RetryPolicy
from modelsync.transfer.workers import Workers
from support.bad_proxy import BadProxy, bad_proxy
from support.local_store import read_tree, write_model
from support.registry_server import TOKEN, RegistryFactory, RegistryServer, model_path, presign_get
from support.tls_ends import client_end, server_end

MiB = 1 << 20
TAG = Tag("iris", "v1")
TRIES = 4
QUICK = RetryPolicy(tries=TRIES, base_s=0.001, max_s=0.002, jitter=lambda: 0.0)
"""Gives up after four tries, and hardly waits between them."""
STALL_AFTER_S = 10.0
"""Long, so that a busy machine is not taken for a stall."""
STALL_SOON_S = 0.5
"""For the tests of stalls."""
THREADS = 4
SIZE_BYTES = 10 * MiB
"""Of the model's one large file: two parts up, two ranges beside the head down."""


@dataclass(slots=True)
class Bench:
    """What a fault test works with."""

    server: RegistryServer
    proxy: BadProxy
    folder: Path
    _open: ExitStack

    def transport(self, *, patience_s: float, connect_within_s: float = CONNECT_TIMEOUT_S) -> Transport:
        """One that trusts the proxy's certificate and waits so long without a byte."""
        return Transport(
            tls=client_end(), connect_within_s=connect_within_s, stall_after_s=patience_s, answer_within_s=patience_s
        )

    def sides(
        self,
        home: str = "author",
        *,
        all_through_proxy: bool = False,
        threads: int = THREADS,
        retry: RetryPolicy = QUICK,
        backoff: Backoff | None = None,
        impatient: bool = False,
        sync_to_disk: bool = False,
    ) -> Sides:
        """A store and the registry; its calls go straight there, its bytes through the proxy.

        An impatient one takes half a second without a byte for a stall.
        """
        stall_s = STALL_SOON_S if impatient else STALL_AFTER_S
        endpoint = self.proxy.url if all_through_proxy else self.server.url
        account = Account(Context("test", endpoint), Token(TOKEN), TokenSource.SESSION)
        sides = Sides(
            store=ModelStore(self.folder / home),
            registry=Registry(account, backoff=backoff or Backoff(tries=3, first_s=0.001, longest_s=0.002)),
            workers=Workers(threads),
            data=DataClient(transport=self.transport(patience_s=stall_s)),
            journals=Journals(self.folder / "state" / home),
            sync_to_disk=sync_to_disk,
            retry=retry,
        )
        self._open.callback(sides.close)
        return sides

    def write(self, home: str = "author", size: int = SIZE_BYTES) -> Path:
        """Writes iris:v1 with new random content; its directory."""
        return write_model(
            self.folder / home, str(TAG), files={"weights.bin": os.urandom(size), "sub/config.json": b"{}"}
        )

    def publish(self, size: int = SIZE_BYTES) -> Path:
        """Has iris:v1 in the registry, whole; its directory in the author's store."""
        model = self.write(size=size)
        push(TAG, self.sides(), force=True)
        self.proxy.requests.clear()
        return model

    def record(self) -> RemoteModel:
        """What the registry says of iris:v1."""
        found = self.sides().registry.model(TAG)
        assert found is not None
        return found

    def stored(self) -> bytes | None:
        """The object behind iris:v1, None where there is none."""
        url = presign_get(self.server.api, model_path(TAG.name, TAG.version)).replace(self.proxy.url, self.server.url)
        answer = httpx.get(url, trust_env=False)
        return answer.content if answer.status_code == 200 else None

    def archive(self, model: Path, threads: int = THREADS) -> bytes:
        """The archive that a push of this directory sends."""
        layout = ArchiveLayout.of(model, part_size=lambda total: part_size_for(total, threads))
        data = bytearray(layout.size_bytes)
        with layout.open() as reader:
            reader.read_into(0, memoryview(data))
        return bytes(data)

    def assert_pushed(self, model: Path) -> None:
        """The object is the archive, byte for byte, and the registry says so."""
        assert self.record().status is UploadStatus.SUCCESS
        assert self.stored() == self.archive(model)

    def assert_push_failed(self, says: str, before: bytes | None = None) -> None:
        """The registry knows that it failed and why, and its object is what it was."""
        record = self.record()
        assert record.status is UploadStatus.FAILED
        assert says in record.status_reason
        assert self.stored() == before

    def assert_pulled(self, model: Path, home: str = "reader") -> None:
        """The version is in place, whole, and nothing lies beside it."""
        assert read_tree(self.folder / home / "models/iris/v1") == read_tree(model)
        assert self.stages(home) == []

    def assert_nothing_pulled(self, home: str = "reader") -> None:
        """No version, no name, nothing half: unless a journal names it, so that the next pull goes on from it."""
        models = self.folder / home / "models"
        assert not models.exists() or list(models.iterdir()) == []
        named = Journals(self.folder / "state" / home).stages()
        assert [stage for stage in self.stages(home) if not any(path.is_relative_to(stage) for path in named)] == []

    def stages(self, home: str = "reader") -> list[Path]:
        """What the store's folder for unfinished work holds; locks are no work."""
        folder = self.folder / home / "tmp"
        return [path for path in folder.iterdir() if "lock" not in path.name] if folder.exists() else []


BenchFactory = Callable[..., Bench]


@pytest.fixture
def make_bench(make_registry: RegistryFactory, tmp_path: Path) -> Iterator[BenchFactory]:
    """Makes a bench; with `tls` the proxy speaks it, the other arguments are fields of `RegistryConfig`."""
    with ExitStack() as opened:

        def make(*, tls: bool = False, **settings: object) -> Bench:
            proxy = opened.enter_context(bad_proxy(server_end() if tls else None))
            server = make_registry(**{"public_url": proxy.url, **settings})
            proxy.upstream = server.url.removeprefix("http://")
            return Bench(server, proxy, tmp_path, opened)

        yield make


@pytest.fixture
def bench(make_bench: BenchFactory) -> Bench:
    """A bench with a registry of the default settings."""
    return make_bench()


@pytest.fixture(params=[False, True], ids=["plain", "TLS"])
def either_bench(request: pytest.FixtureRequest, make_bench: BenchFactory) -> Bench:
    """A bench whose bytes go plainly, and one whose bytes go through TLS."""
    return make_bench(tls=request.param)

"""Registry and store at an address of IPv6: in URLs, in Host headers, in the log, in the words of an error."""

import os
import socket
from pathlib import Path

import pytest

from modelsync.errors import UnreachableError
from modelsync.registry.client import Registry
from modelsync.registry.retry import Backoff
from modelsync.results import Outcome
from modelsync.sync import pull, push, verify
from modelsync.tag import Tag
from modelsync_registry.config import TransmissionStrategy
from support.command import Command
from support.local_store import read_tree, write_model
from support.registry_server import TOKEN, RegistryFactory
from support.two_sides import SidesFactory, account_of

TAG = Tag("iris", "v1")
MiB = 1 << 20


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6, not even to itself")


@pytest.mark.parametrize("strategy", [*TransmissionStrategy, None])
def test_a_version_goes_there_and_comes_back(
    strategy: TransmissionStrategy | None, make_registry: RegistryFactory, make_sides: SidesFactory, tmp_path: Path
) -> None:
    server = make_registry(host="::1", strategy=strategy)
    assert server.url.startswith("http://[::1]:")
    model = write_model(tmp_path / "home", str(TAG), files={"weights.bin": os.urandom(20 * MiB)})
    assert push(TAG, make_sides(server)).retries == 0
    reader = make_sides(server, "reader")
    assert pull(TAG, reader, verify=True).retries == 0
    assert read_tree(reader.store.get(TAG).path) == read_tree(model)
    assert verify(TAG, reader).verified


def test_the_command_signs_in_and_moves_by_such_an_address(make_registry: RegistryFactory, tmp_path: Path) -> None:
    server = make_registry(host="::1")
    author = Command.in_folder(tmp_path / "author", BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=server.url)
    model = write_model(author.store, str(TAG), files={"weights.bin": os.urandom(MiB)})
    assert author.run("push", str(TAG)).code == 0
    reader = Command.in_folder(tmp_path / "reader")
    reader.folder.mkdir()
    signed_in = reader.run("login", "--endpoint", server.url, "--token-stdin", "--keep", "file", stdin=TOKEN)
    assert signed_in.code == 0, signed_in.err
    assert reader.run("pull", str(TAG), "--json").records[0]["outcome"] == Outcome.PULLED
    assert read_tree(reader.store / "models/iris/v1") == read_tree(model)


def test_a_registry_that_is_gone_is_named_with_its_brackets(
    make_registry: RegistryFactory, make_sides: SidesFactory
) -> None:
    server = make_registry(host="::1")
    server.stop()
    registry = Registry(account_of(server), backoff=Backoff(tries=1))
    with pytest.raises(UnreachableError, match=r"\[::1\]"):
        registry.model(TAG)
    registry.close()

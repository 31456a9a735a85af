"""One person with a command, and the same person signed in to a registry by their environment."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import Command
from support.registry_server import TOKEN, RegistryServer


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Not signed in anywhere; an empty store."""
    return Command.in_folder(tmp_path)


@pytest.fixture
def signed_in(command: Command, registry_server: RegistryServer) -> Command:
    """Signed in to `registry_server` by the environment."""
    return command.with_(BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=registry_server.url)


@pytest.fixture
def hang_ups_are_heard() -> Iterator[None]:
    """Also where these tests run under `nohup`: what a parent handles, its children begin without."""
    before = signal.signal(signal.SIGHUP, lambda *_: None)
    yield
    signal.signal(signal.SIGHUP, before)

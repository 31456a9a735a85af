"""People with machines of their own, each signed in to one registry."""

from pathlib import Path

from support.command import Command
from support.registry_server import TOKEN, RegistryServer


def person(folder: Path, server: RegistryServer) -> Command:
    """Someone whose home, store and settings are all in a folder."""
    return Command.in_folder(folder, BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=server.url)

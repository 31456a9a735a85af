"""The details in a real terminal: read a file of the registry, verify, delete one, many, and what is used."""

from datetime import timedelta
from pathlib import Path

import pytest

from modelsync.store import ModelStore
from modelsync.sync import push
from modelsync.tag import Tag
from support.local_store import CREATED, write_model
from support.registry_server import TOKEN, TOM_TOKEN, RegistryServer
from support.terminal import Terminal, TerminalFactory
from support.two_sides import SidesFactory

pytestmark = pytest.mark.needs("tmux")


@pytest.fixture
def home(tmp_path: Path, registry_server: RegistryServer, make_sides: SidesFactory) -> Path:
    """bert:v1 to v5 here, of which v5 is in the registry too and a bento uses v2; v6 only in the registry."""
    home = tmp_path / "home"
    for number in range(1, 6):
        write_model(home, f"bert:v{number}", created=CREATED + timedelta(days=number))
    push(Tag("bert", "v5"), make_sides(registry_server))
    files = {"README.md": b"# Read [b]me[/b]\n"}
    write_model(tmp_path / "tom", "bert:v6", files=files, created=CREATED + timedelta(days=6))
    push(Tag("bert", "v6"), make_sides(registry_server, "tom", token=TOM_TOKEN))
    bento = home / "bentos/chat/one"
    bento.mkdir(parents=True)
    (bento / "bento.yaml").write_text("models:\n- tag: bert:v2\n")
    return home


def opened(open_terminal: TerminalFactory, server: RegistryServer) -> Terminal:
    """Signed in by the environment, with the details of bert open."""
    terminal = open_terminal("modelsync-tui", BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=server.url)
    terminal.see("1 Local", "< remote only", "online")
    terminal.press("i")
    terminal.see("Versions", "Details  v6", "History", "tom")
    return terminal


def versions(home: Path) -> list[str]:
    return [model.tag.version for model in ModelStore(home).versions("bert")]


def test_a_remote_file_is_read_and_a_version_is_verified(
    home: Path, registry_server: RegistryServer, open_terminal: TerminalFactory
) -> None:
    terminal = opened(open_terminal, registry_server)
    terminal.see("README.md", "model.yaml")
    terminal.press("Enter", "Enter")
    terminal.see("README.md  remote", "# Read [b]me[/b]")
    terminal.press("Escape")
    terminal.see_gone("Esc closes")
    terminal.press("h", "j")
    terminal.see("Details  v5", "= same size")
    terminal.press("V")
    terminal.see("Verify  bert:v5", "The same:")
    terminal.press("Escape")
    terminal.see("bytes of both sides", "= same bytes")
    assert versions(home) == ["v1", "v2", "v3", "v4", "v5"]
    terminal.press("q")
    assert terminal.exit_code() == 0


def test_one_is_deleted_in_the_details_and_what_a_bento_uses_only_when_told_twice(
    home: Path, registry_server: RegistryServer, open_terminal: TerminalFactory
) -> None:
    terminal = opened(open_terminal, registry_server)
    terminal.press("j", "j")
    terminal.see("Details  v4")
    terminal.press("F8")
    terminal.see("Delete  bert:v4", "frees", "It is not in the registry.")
    terminal.press("Tab", "Enter")
    terminal.see("Deleted 1 version, freed")
    assert versions(home) == ["v1", "v2", "v3", "v5"]
    terminal.press("j")
    terminal.see("Details  v2")
    terminal.press("DC")
    terminal.see("stays: used by chat:one", "1 stays: local bentos use it.")
    terminal.press("u")
    terminal.see("[ Delete 1 version ]")
    terminal.press("Tab", "Enter")
    terminal.see("Deleted 1 version, freed")
    assert versions(home) == ["v1", "v3", "v5"]
    terminal.press("q")
    assert terminal.exit_code() == 0


def test_all_but_the_newest_are_cleaned_up_and_what_a_bento_uses_stays(
    home: Path, registry_server: RegistryServer, open_terminal: TerminalFactory
) -> None:
    terminal = opened(open_terminal, registry_server)
    terminal.press("Escape")
    terminal.see("1 Local")
    terminal.press("D")
    terminal.see("Clean up", "Keep the newest [ 3", "Deletes 1 version", "1 stays: local bentos use it.")
    terminal.press("BSpace", "1")
    terminal.see("Deletes 3 versions")
    terminal.press("Tab", "Tab", "Tab", "Enter")
    terminal.see("Deleted 3 versions, freed")
    assert versions(home) == ["v2", "v5"]
    terminal.press("q")
    assert terminal.exit_code() == 0

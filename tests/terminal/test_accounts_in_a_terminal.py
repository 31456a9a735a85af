"""Accounts in a real terminal: a browser elsewhere, contexts, a real keyring; and a version that is deleted."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.credentials import Credentials
from modelsync.paths import Paths
from support.leaks import files_with
from support.local_store import write_model
from support.registry_server import TOKEN, RegistryFactory, RegistryServer, register_model
from support.secret_service import SecretService, make_secret_service
from support.terminal import Terminal, TerminalFactory

__all__ = ["make_secret_service"]

pytestmark = pytest.mark.needs("tmux")


def type_endpoint(terminal: Terminal, url: str) -> None:
    terminal.see("Sign in", "API token")
    terminal.press("BTab", "C-u")
    terminal.see_gone("https://cloud.bentoml.com")
    terminal.type(url)
    terminal.see(url)
    terminal.press("Tab")


def test_a_person_on_a_remote_machine_confirms_in_a_browser_elsewhere(
    registry_server: RegistryServer, open_terminal: TerminalFactory
) -> None:
    terminal = open_terminal("modelsync-tui", columns=80, rows=24, SSH_CONNECTION="10.0.0.1 2222 10.0.0.2 22")
    type_endpoint(terminal, registry_server.url)
    terminal.press("C-b")
    screen = terminal.see("Open this page in any browser, on any machine", "Esc stops waiting")
    found = re.search(r"(http://\S+/api_tokens)\?code=(\S+)", screen)
    assert found is not None
    assert f"it must be {found[2]}" in screen
    httpx.post(found[1], data={"code": found[2], "token": TOKEN}, trust_env=False).raise_for_status()
    terminal.see("1 Local", "online")
    assert TOKEN not in terminal.everything()
    limits = Path(f"/proc/{terminal.pid('modelsync-tui')}/limits").read_text()
    assert re.search(r"Max core file size +0 +0 ", limits), limits
    terminal.press("q")
    assert terminal.exit_code() == 0


def test_contexts_are_switched_by_a_and_the_command_follows(
    tmp_path: Path, make_registry: RegistryFactory, open_terminal: TerminalFactory
) -> None:
    config = {"MODELSYNC_CONFIG_DIR": str(tmp_path / "config")}
    credentials = Credentials(Paths.of_platform(config), config)
    for name in ("prod-eu", "lab"):
        server = make_registry(organizations=(f"org-{name}",))
        register_model(server.api, f"of-{name}", "v1")
        account = Account(Context(name, server.url, user="mia@acme.io"), Token(TOKEN), TokenSource.FILE)
        credentials.keep(account, TokenSource.FILE)
    terminal = open_terminal("modelsync-tui", columns=80, rows=24, **config)
    terminal.see("of-lab", "lab  org-lab@127.0.0.1")
    terminal.press("a")
    terminal.see("Contexts", "prod-eu", "Add another")
    terminal.press("Up", "Enter")
    terminal.see("of-prod-eu", "prod-eu  org-prod-eu@127.0.0.1", "online")
    terminal.see_gone("of-lab")
    terminal.press("q")
    assert terminal.exit_code() == 0
    command = open_terminal("modelsync ls remote", **config)
    command.see("of-prod-eu:v1", "exit-code 0")


@pytest.mark.needs("gnome-keyring")
def test_a_token_kept_in_a_real_keyring_needs_no_second_sign_in_and_a_silent_one_holds_nothing_up(
    tmp_path: Path,
    registry_server: RegistryServer,
    open_terminal: TerminalFactory,
    make_secret_service: Callable[..., SecretService],
) -> None:
    write_model(tmp_path / "home", "iris:v1")
    service = make_secret_service()
    environ = service.environ | {"PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
    del environ["PATH"]
    terminal = open_terminal("modelsync-tui", **environ)
    terminal.see("(●) System keyring    Secret Service")
    type_endpoint(terminal, registry_server.url)
    terminal.paste(TOKEN)
    terminal.press("Enter")
    terminal.see("mia@acme.io", "online")
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert files_with(TOKEN, tmp_path) == []

    again = open_terminal("modelsync-tui", **environ)
    again.see("mia@acme.io", "online")
    again.press("q")
    assert again.exit_code() == 0

    service.stop_answering()
    silent = open_terminal("modelsync-tui", **environ)
    silent.see("Waiting for the OS keyring, at most 30 s", "iris")
    silent.press("j", "j")
    silent.see("iris:v1")
    silent.press("q")
    assert silent.exit_code() == 0


@pytest.mark.parametrize("key", ["DC", "F8"])
def test_a_version_is_deleted_by_either_key_after_a_question(
    tmp_path: Path, registry_server: RegistryServer, open_terminal: TerminalFactory, key: str
) -> None:
    for version in ("v1", "v2"):
        write_model(tmp_path / "home", f"iris:{version}")
    terminal = open_terminal(
        "modelsync-tui",
        columns=80,
        rows=24,
        BENTO_CLOUD_API_KEY=TOKEN,
        BENTO_CLOUD_API_ENDPOINT=registry_server.url,
    )
    terminal.see("v1", "v2", "online")
    terminal.press("j")
    screen = terminal.until(lambda screen: re.search(r"^ iris:v\d", screen, re.M) is not None, "the cursor's row")
    version = re.findall(r"^ iris:(v\d)", screen, re.M)[0]
    terminal.press(key)
    terminal.see(f"Delete  iris:{version}", "It is not in the registry.", "[ Delete 1 version ]")
    terminal.press("Tab", "Enter")
    terminal.see("Deleted 1 version")
    assert not (tmp_path / "home/models/iris" / version).exists()
    terminal.press("q")
    assert terminal.exit_code() == 0


def test_a_context_named_beside_the_environments_account_is_a_usage_error(
    registry_server: RegistryServer, open_terminal: TerminalFactory
) -> None:
    terminal = open_terminal(
        "modelsync-tui --context prod", BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=registry_server.url
    )
    assert terminal.exit_code() == 2
    assert "BENTO_CLOUD_API_KEY is set and wins over every context, also over 'prod'" in terminal.screen()

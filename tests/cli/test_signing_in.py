"""`modelsync login, logout, whoami, contexts, use`: what is checked before anything is kept, and what is said."""

import stat
from pathlib import Path

import pytest

from support.command import Command
from support.registry_server import EXPIRED_TOKEN, TOKEN, TOM_TOKEN, RegistryServer
from support.strange_registry import free_port


def login(command: Command, server: RegistryServer, token: str = TOKEN, context: str = "default") -> None:
    args = ("login", "--endpoint", server.url, "--context", context, "--token-stdin", "--keep", "file")
    assert command.run(*args, stdin=f"{token}\n").code == 0


def files_with(text: str, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_a_token_from_stdin_is_checked_kept_and_used_by_the_next_run(
    command: Command, registry_server: RegistryServer
) -> None:
    args = ("login", "--endpoint", f"{registry_server.url}/", "--token-stdin", "--keep", "file")
    done = command.run(*args, stdin=f"{TOKEN}\n")
    assert (done.code, done.out) == (0, "")
    assert "Signed in as mia@acme.io" in done.err
    assert "plain text" in done.err
    (who,) = command.run("whoami", "--json").records
    assert who == {
        "user": "mia@acme.io",
        "organization": "default",
        "endpoint": registry_server.url,
        "context": "default",
        "token": "file",
    }


def test_the_kept_token_is_in_its_file_and_nowhere_else(command: Command, registry_server: RegistryServer) -> None:
    login(command, registry_server)
    (kept,) = files_with(TOKEN, command.folder)
    assert kept == command.folder / "config/credentials"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("token", ["tok-wrong-987", EXPIRED_TOKEN])
def test_a_refused_token_is_not_kept(
    command: Command, registry_server: RegistryServer, token: str, status: int
) -> None:
    registry_server.faults.unauthorized_status = status
    args = ("login", "--endpoint", registry_server.url, "--token-stdin", "--keep", "file")
    done = command.run(*args, stdin=token)
    assert (done.code, done.out) == (3, "")
    assert token not in done.err
    assert files_with(token, command.folder) == []
    assert command.run("contexts").out == ""


def test_what_is_no_registry_keeps_nothing(command: Command, registry_server: RegistryServer) -> None:
    for endpoint in f"{registry_server.url}/wrong", f"http://127.0.0.1:{free_port()}":
        done = command.run("login", "--endpoint", endpoint, "--token-stdin", "--keep", "file", stdin=TOKEN)
        assert done.code == 5
    assert files_with(TOKEN, command.folder) == []


def test_a_token_goes_unencrypted_to_no_other_machine(command: Command) -> None:
    args = ("login", "--endpoint", "http://registry.example", "--token-stdin", "--keep", "file")
    done = command.run(*args, stdin=TOKEN)
    assert done.code == 2
    assert "http" in done.err


def test_without_a_keyring_the_way_on_is_named(command: Command, registry_server: RegistryServer) -> None:
    done = command.run("login", "--endpoint", registry_server.url, "--token-stdin", stdin=TOKEN)
    assert done.code == 3
    assert "--keep file" in done.err
    assert files_with(TOKEN, command.folder) == []


def test_without_a_terminal_and_without_a_pipe_the_flag_is_named(
    command: Command, registry_server: RegistryServer
) -> None:
    done = command.run("login", "--endpoint", registry_server.url, "--keep", "file")
    assert done.code == 2
    assert "--token-stdin" in done.err


def test_an_empty_token_is_a_usage_error(command: Command, registry_server: RegistryServer) -> None:
    done = command.run("login", "--endpoint", registry_server.url, "--keep", "file", "--token-stdin", stdin="\n")
    assert done.code == 2


def test_on_a_terminal_the_token_is_asked_for_and_not_shown(command: Command, registry_server: RegistryServer) -> None:
    args = ("login", "--endpoint", registry_server.url, "--keep", "file")
    done = command.run_on_terminal(*args, answers=[("API token: ", f"{TOKEN}\n")])
    assert done.code == 0
    assert "Signed in as mia@acme.io" in done.err
    assert TOKEN not in done.err + done.out


def test_on_a_terminal_the_endpoint_is_asked_for_and_one_is_proposed(
    command: Command, registry_server: RegistryServer
) -> None:
    done = command.run_on_terminal(
        "login",
        "--keep",
        "file",
        answers=[("Registry [https://cloud.bentoml.com]: ", f"{registry_server.url}\n"), ("token: ", f"{TOKEN}\n")],
    )
    assert done.code == 0
    assert command.run("whoami", "--json").records[0]["endpoint"] == registry_server.url


def test_contexts_are_listed_chosen_and_forgotten(command: Command, registry_server: RegistryServer) -> None:
    login(command, registry_server, TOKEN, "prod")
    login(command, registry_server, TOM_TOKEN, "lab")
    assert [(r["context"], r["current"], r["user"]) for r in command.run("contexts", "--json").records] == [
        ("prod", False, "mia@acme.io"),
        ("lab", True, "tom@acme.io"),
    ]
    assert command.run("use", "prod").code == 0
    assert command.run("whoami", "--json").records[0]["user"] == "mia@acme.io"
    assert command.run("whoami", "--json", "--context", "lab").records[0]["user"] == "tom@acme.io"
    assert command.run("logout", "lab").code == 0
    assert files_with(TOM_TOKEN, command.folder) == []
    assert command.run("logout").code == 0
    assert files_with(TOKEN, command.folder) == []
    assert command.run("whoami").code == 3


def test_an_unknown_context_is_answered_with_the_known_ones(command: Command, registry_server: RegistryServer) -> None:
    login(command, registry_server, TOKEN, "prod")
    done = command.run("use", "stage")
    assert done.code == 3
    assert "prod" in done.err


def test_the_settings_may_name_the_context_and_the_environment_still_wins(
    command: Command, registry_server: RegistryServer
) -> None:
    login(command, registry_server, TOKEN, "prod")
    login(command, registry_server, TOM_TOKEN, "lab")
    (command.folder / "config/config.toml").write_text('context = "prod"\n')
    assert command.run("whoami", "--json").records[0]["user"] == "mia@acme.io"
    environ = {"BENTO_CLOUD_API_KEY": TOM_TOKEN, "BENTO_CLOUD_API_ENDPOINT": registry_server.url}
    assert command.with_(**environ).run("whoami", "--json").records[0]["token"] == "environment"


def test_a_read_only_context_refuses_every_push(command: Command, registry_server: RegistryServer) -> None:
    args = ("login", "--endpoint", registry_server.url, "--token-stdin", "--keep", "file", "--read-only")
    assert command.run(*args, stdin=TOKEN).code == 0
    assert command.run("contexts", "--json").records[0]["read_only"] is True
    done = command.run("push", "m")
    assert done.code != 0


def test_signing_in_beside_the_environments_token_says_which_one_wins(
    command: Command, registry_server: RegistryServer
) -> None:
    environ = {"BENTO_CLOUD_API_KEY": TOM_TOKEN, "BENTO_CLOUD_API_ENDPOINT": registry_server.url}
    args = ("login", "--token-stdin", "--keep", "file")
    done = command.with_(**environ).run(*args, stdin=TOKEN)
    assert done.code == 0
    assert "BENTO_CLOUD_API_KEY is set and wins" in done.err

"""`modelsync login`: by browser, by a context of BentoML's own file, and what a context keeps when its token is new."""

import re
import threading
from pathlib import Path

import httpx
import pytest

from support.command import Command
from support.local_store import write_model
from support.registry_server import (
    READ_TOKEN,
    TOKEN,
    TOM_TOKEN,
    RegistryFactory,
    RegistryServer,
    put_object,
    register_model,
)
from support.strange_registry import Answer, StrangeRegistry
from support.waiting import wait_for


def login(command: Command, server: RegistryServer, *flags: str, token: str = TOKEN) -> None:
    done = command.run("login", "--endpoint", server.url, "--token-stdin", "--keep", "file", *flags, stdin=token)
    assert done.code == 0, done.err


def context_of(command: Command) -> dict[str, object]:
    (record,) = command.run("contexts", "--json").records
    return dict(record)


def files_with(text: str, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def yatai_file(command: Command, *contexts: tuple[str, str, str], current: str = "default") -> Path:
    lines = [
        f"- api_token: {token}\n  email: null\n  endpoint: {url}/\n  name: {name}\n" for name, url, token in contexts
    ]
    path = command.store / ".yatai.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"contexts:\n{''.join(lines)}current_context_name: {current}\n")
    return path


def test_by_browser_the_address_is_shown_and_the_confirmed_token_is_kept(
    command: Command, registry_server: RegistryServer
) -> None:
    process = command.start("login", "--browser", "--endpoint", registry_server.url, "--keep", "file", "--quiet")
    shown: list[str] = []
    assert process.stderr is not None
    reader = threading.Thread(target=lambda: shown.extend(process.stderr or ()), daemon=True)
    reader.start()
    address = re.compile(r"http://\S+/api_tokens\?code=(\S+)")
    wait_for(lambda: address.search("".join(shown)), within_s=30, what="the address")
    found = address.search("".join(shown))
    assert found is not None
    assert f"it must be {found[1]}" in "".join(shown)
    page = httpx.URL(found[0])
    httpx.post(page.copy_with(query=None), data={"code": found[1], "token": TOKEN}, trust_env=False).raise_for_status()
    assert process.wait(30) == 0
    reader.join()
    process.communicate()
    assert TOKEN not in "".join(shown)
    assert command.run("whoami", "--json").records[0]["user"] == "mia@acme.io"
    assert found[1] not in command.log


def test_a_registry_without_sign_in_by_browser_is_told_and_keeps_nothing(command: Command) -> None:
    with StrangeRegistry() as yatai:
        yatai.says(Answer(b'{"message":"not found this router with method GET"}', status=404))
        done = command.run("login", "--browser", "--endpoint", yatai.url, "--keep", "file")
    assert done.code == 3
    assert "paste it" in done.err
    assert command.run("contexts").out == ""


def test_waiting_for_the_browser_can_be_interrupted(command: Command, registry_server: RegistryServer) -> None:
    process = command.start("login", "--browser", "--endpoint", registry_server.url, "--keep", "file")
    assert process.stderr is not None
    while "Waiting" not in process.stderr.readline():
        assert process.poll() is None
    process.terminate()
    assert process.wait(30) == 130
    process.communicate()


def test_a_context_of_bentoml_is_taken_over_and_its_file_only_read(
    command: Command, registry_server: RegistryServer
) -> None:
    path = yatai_file(command, ("default", registry_server.url, TOKEN), ("lab", registry_server.url, TOM_TOKEN))
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    assert command.run("login", "--import", "--keep", "file").code == 0
    assert command.run("whoami", "--json").records[0]["user"] == "mia@acme.io"
    assert command.run("login", "--import", "lab", "--context", "other", "--keep", "file").code == 0
    assert command.run("whoami", "--json").records[0]["user"] == "tom@acme.io"
    assert [one["context"] for one in command.run("contexts", "--json").records] == ["default", "other"]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_what_cannot_be_imported_is_named(command: Command, registry_server: RegistryServer) -> None:
    nothing = command.run("login", "--import", "--keep", "file")
    assert nothing.code == 4
    assert "there is no" in nothing.err
    yatai_file(command, ("a", registry_server.url, "tok-wrong-1"), ("b", registry_server.url, TOKEN), current="gone")
    for args in ((), ("c",)):
        unknown = command.run("login", "--import", *args, "--keep", "file")
        assert unknown.code == 4
        assert "a, b" in unknown.err
    refused = command.run("login", "--import", "a", "--keep", "file")
    assert refused.code == 3
    assert "tok-wrong-1" not in refused.err
    assert command.run("login", "--import", "a", "--endpoint", "https://x.example").code == 2
    assert command.run("login", "--import", "a", "--token-stdin", stdin=TOKEN).code == 2
    assert command.run("contexts").out == ""


def test_a_new_token_ends_neither_the_read_only_mode_nor_the_organization_of_a_context(
    command: Command, make_registry: RegistryFactory
) -> None:
    server = make_registry(organizations=("acme", "labs"))
    login(command, server, "--read-only", "--organization", "labs", "--color", "magenta")
    login(command, server, token=TOM_TOKEN)
    kept = context_of(command)
    assert (kept["user"], kept["read_only"], kept["organization"], kept["color"]) == (
        "tom@acme.io",
        True,
        "labs",
        "magenta",
    )
    assert command.run("whoami", "--json").records[0]["organization"] == "labs"
    login(command, server, "--writable", "--color", "auto")
    kept = context_of(command)
    assert (kept["read_only"], kept["color"] == "magenta") == (False, False)
    other = make_registry()
    login(command, other)
    assert context_of(command)["organization"] is None


def test_a_read_only_context_refuses_a_push_that_would_have_gone(
    command: Command, registry_server: RegistryServer
) -> None:
    write_model(command.store, "iris:v1")
    login(command, registry_server, "--read-only")
    done = command.run("push", "iris:v1", "--force")
    assert done.code == 3
    assert "read-only" in done.err
    assert command.run("ls", "remote").out == ""
    login(command, registry_server, "--writable")
    assert command.run("push", "iris:v1").code == 0
    assert command.with_(MODELSYNC_READ_ONLY="1").run("push", "iris:v1", "--force").code == 3


def test_an_organization_that_the_registry_does_not_know_keeps_nothing(
    command: Command, registry_server: RegistryServer
) -> None:
    args = ("login", "--endpoint", registry_server.url, "--organization", "nowhere", "--token-stdin", "--keep", "file")
    done = command.run(*args, stdin=TOKEN)
    assert done.code == 3
    assert "no organization 'nowhere'" in done.err
    assert files_with(TOKEN, command.folder) == []


def test_a_token_that_may_not_push_is_kept_and_that_is_said(command: Command, registry_server: RegistryServer) -> None:
    put_object(registry_server.api, register_model(registry_server.api, "iris", "v1"), [b"x"])
    args = ("login", "--endpoint", registry_server.url, "--token-stdin", "--keep", "file")
    done = command.run(*args, stdin=READ_TOKEN)
    assert done.code == 0
    assert "may pull, but not push" in done.err
    write_model(command.store, "iris:v2")
    push = command.run("push", "iris:v2")
    assert push.code == 3
    assert "write_organization" in push.err
    assert "may pull" not in command.run(*args, stdin=TOKEN).err
    assert "may pull" not in command.run(*args, "--read-only", stdin=READ_TOKEN).err


def test_a_token_without_any_view_is_refused_at_sign_in(command: Command, make_registry: RegistryFactory) -> None:
    from modelsync_registry.tokens import TokenGrant

    grant = TokenGrant(token="tok-cluster-1", scopes=frozenset({"read_cluster"}))
    server = make_registry(tokens=(grant,))
    args = ("login", "--endpoint", server.url, "--token-stdin", "--keep", "file")
    done = command.run(*args, stdin="tok-cluster-1")
    assert done.code == 3
    assert "read_organization" in done.err
    assert files_with("tok-cluster-1", command.folder) == []


@pytest.mark.parametrize("color", ["pink", ""])
def test_a_colour_that_is_none_is_refused(command: Command, registry_server: RegistryServer, color: str) -> None:
    args = ("login", "--endpoint", registry_server.url, "--token-stdin", "--keep", "file", "--color", color)
    done = command.run(*args, stdin=TOKEN)
    assert done.code == 2
    assert "magenta" in done.err


def test_the_environments_account_beside_a_named_context_is_a_usage_error(
    command: Command, registry_server: RegistryServer
) -> None:
    login(command, registry_server, "--context", "prod")
    environ = {"BENTO_CLOUD_API_KEY": TOM_TOKEN, "BENTO_CLOUD_API_ENDPOINT": registry_server.url}
    for args in (("whoami",), ("push", "iris:v1"), ("ls", "remote")):
        done = command.with_(**environ).run(*args, "--context", "prod")
        assert done.code == 2
        assert "BENTO_CLOUD_API_KEY" in done.err

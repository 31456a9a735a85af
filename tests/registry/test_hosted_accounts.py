"""Who may call the registry, as whom, and for which organization."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelsync_registry.tokens import TokenFileError, TokenGrant, parse_token_file
from support.registry_server import (
    EXPIRED_TOKEN,
    READ_TOKEN,
    TOKEN,
    RegistryFactory,
    RegistryServer,
    client,
    items_of,
    json_of,
    model_path,
    register_model,
)
from support.waiting import wait_for


def test_a_known_token_is_told_who_it_belongs_to(registry_server: RegistryServer) -> None:
    user = json_of(registry_server.api.get("/api/v1/auth/current"))
    assert (user["name"], user["email"], user["resource_type"]) == ("mia", "mia@acme.io", "user")
    assert user["first_name"] == user["last_name"] == ""
    organization = json_of(registry_server.api.get("/api/v1/current_org"))
    assert organization["name"] == "default"


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (None, "username in cookie is empty"),
        ("", "username in cookie is empty"),
        ("tok-unknown", "get api token: record not found"),
        (EXPIRED_TOKEN, "the api token is expired"),
    ],
)
def test_a_refused_token_is_a_403_with_a_message(
    registry_server: RegistryServer, token: str | None, message: str
) -> None:
    with client(registry_server.url, token) as api:
        answer = api.get("/api/v1/auth/current")
    assert answer.status_code == 403
    assert answer.json() == {"message": message}


def test_a_refused_token_can_be_a_401_as_on_bentocloud(registry_server: RegistryServer) -> None:
    registry_server.faults.unauthorized_status = 401
    with client(registry_server.url, "tok-unknown") as api:
        assert api.get("/api/v1/auth/current").status_code == 401
        assert api.get(f"{model_path('m', 'v1')}/download").status_code == 401


def test_a_token_expires_while_the_registry_runs(make_registry: RegistryFactory) -> None:
    grant = TokenGrant(token=TOKEN, user="mia", expires_at=datetime(2100, 1, 1, tzinfo=UTC))
    registry = make_registry(tokens=(grant,))
    assert registry.api.get("/api/v1/auth/current").status_code == 200
    registry.clock.advance(100 * 366 * 24 * 3600)
    assert registry.api.get("/api/v1/auth/current").status_code == 403


def test_a_token_that_is_no_longer_configured_is_refused(make_registry: RegistryFactory) -> None:
    first = make_registry()
    data = first.data
    first.stop()
    second = make_registry(data=data, tokens=(TokenGrant(token="tok-new"),))
    assert second.api.get("/api/v1/auth/current").status_code == 403


def test_tokens_are_withdrawn_and_given_out_while_the_registry_runs(registry_server: RegistryServer) -> None:
    registry_server.set_tokens(TokenGrant(token="tok-new"))
    assert registry_server.api.get("/api/v1/auth/current").status_code == 403
    with client(registry_server.url, "tok-new") as api:
        assert api.get("/api/v1/auth/current").status_code == 200


def test_a_registry_without_a_terminal_reads_its_token_file_again_on_sighup(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("tok-a\n")
    tokens.chmod(0o600)
    command = [sys.executable, "-m", "modelsync_registry", "serve", "--data", str(tmp_path / "d")]
    process = subprocess.Popen(
        [*command, "--token-file", str(tokens)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    url = process.stdout.readline().strip()

    def accepts(token: str) -> bool:
        with client(url, token) as api:
            return api.get("/api/v1/auth/current").status_code == 200

    try:
        assert accepts("tok-a")
        tokens.write_text("tok-b\n")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: accepts("tok-b"), what="the new token")
        assert not accepts("tok-a")
        for broken in ("tok-c nonsense\n", ""):
            tokens.write_text(broken)
            process.send_signal(signal.SIGHUP)
            assert "stay as they were" in process.stderr.readline()
        assert accepts("tok-b")
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_token_that_may_only_read_cannot_push(registry_server: RegistryServer) -> None:
    model = register_model(registry_server.api, "m", "v1")
    with client(registry_server.url, READ_TOKEN) as reader:
        assert json_of(reader.get(model))["version"] == "v1"
        answers = [
            reader.post("/api/v1/model_repositories", json={"name": "n"}),
            reader.patch(f"{model}/start_upload"),
            reader.patch(f"{model}/presign_upload_url"),
        ]
        upload = reader.put(f"{model}/upload", content=b"x")
    for answer in answers:
        assert answer.status_code == 400
        assert "scopes" in answer.json()["error"]
    assert upload.status_code == 500
    assert json_of(registry_server.api.get(model))["upload_status"] == "pending"


def test_the_organization_is_named_by_header_or_parameter(make_registry: RegistryFactory) -> None:
    api = make_registry(organizations=("acme", "labs")).api
    named = {"X-Yatai-Organization": "labs"}
    assert json_of(api.get("/api/v1/current_org"))["name"] == "acme"
    assert json_of(api.get("/api/v1/current_org", headers=named))["name"] == "labs"
    assert json_of(api.get("/api/v1/current_org?organization_name=labs"))["name"] == "labs"
    assert [row["name"] for row in items_of(api.get("/api/v1/orgs"))] == ["acme", "labs"]
    assert [row["name"] for row in items_of(api.get("/api/v1/orgs?start=1&count=1"))] == ["labs"]


def test_organizations_share_no_models(make_registry: RegistryFactory) -> None:
    api = make_registry(organizations=("acme", "labs")).api
    register_model(api, "m", "v1", labels={"a": "1"})
    named = {"X-Yatai-Organization": "labs"}
    assert api.get(model_path("m", "v1"), headers=named).status_code == 404
    assert json_of(api.get("/api/v1/models", headers=named))["total"] == 0
    assert api.get("/api/v1/labels", headers=named).json() == []
    assert api.get("/api/v1/current_org/model_modules", headers=named).json() == []


def test_an_unknown_organization_is_a_404_without_a_body(registry_server: RegistryServer) -> None:
    answer = registry_server.api.get("/api/v1/models", headers={"X-Yatai-Organization": "nowhere"})
    assert (answer.status_code, answer.content) == (404, b"")


def test_an_organization_is_closed_to_those_who_are_not_in_it(make_registry: RegistryFactory) -> None:
    grant = TokenGrant(token=TOKEN, user="mia", organizations=frozenset({"labs"}))
    api = make_registry(organizations=("acme", "labs"), tokens=(grant,)).api
    assert json_of(api.get("/api/v1/current_org"))["name"] == "labs"
    refused = api.get("/api/v1/current_org", headers={"X-Yatai-Organization": "acme"})
    assert refused.status_code == 403
    assert "not a member" in refused.json()["message"]


def test_no_file_of_the_registry_holds_a_token(registry_server: RegistryServer) -> None:
    registry_server.api.get("/api/v1/auth/current")
    registry_server.stop()
    for path in registry_server.data.rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes(), path
    assert (registry_server.data / "secret").stat().st_mode & 0o777 == 0o600


def test_a_token_file_names_users_scopes_and_expiry() -> None:
    lines = [
        "# people",
        "",
        "tok-a",
        "tok-b  user=mia email=mia@acme.io scopes=read_organization,write_organization"
        " expires=2026-12-01T00:00:00Z organizations=acme",
    ]
    assert parse_token_file(lines) == (
        TokenGrant(token="tok-a", user="admin", email="", scopes=frozenset({"api"})),
        TokenGrant(
            token="tok-b",
            user="mia",
            email="mia@acme.io",
            scopes=frozenset({"read_organization", "write_organization"}),
            expires_at=datetime(2026, 12, 1, tzinfo=UTC),
            organizations=frozenset({"acme"}),
        ),
    )


@pytest.mark.parametrize(
    "line",
    [
        *("tok-a scopes=everything", "tok-a expires=soon", "tok-a colour=red", "tok-a mia", "tok-0", "tok-ä"),
        "tok-a expires=9999-12-31T23:00:00-05:00",
    ],
)
def test_a_bad_line_of_a_token_file_is_named_without_its_token(line: str) -> None:
    with pytest.raises(TokenFileError, match="line 2") as caught:
        parse_token_file(["tok-0", line])
    assert "tok-" not in str(caught.value)


def test_a_token_is_not_in_the_repr_of_its_grant() -> None:
    assert "tok-a" not in repr(TokenGrant(token="tok-a"))

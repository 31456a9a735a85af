"""Tokens that people make for themselves: what they open, what they cannot, and how they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from modelsync_registry.jsontypes import JsonObject
from modelsync_registry.tokens import TokenGrant
from support.registry_server import (
    READ_TOKEN,
    TOKEN,
    TOKENS,
    TOM_TOKEN,
    RegistryFactory,
    RegistryServer,
    client,
    items_of,
    json_of,
    register_model,
    text_of,
)

PATH = "/api/v1/api_tokens"


def make(api: httpx.Client, name: str = "ci", **fields: object) -> JsonObject:
    return json_of(api.post(PATH, json={"name": name, "scopes": ["api"], **fields}))


def opens(server: RegistryServer, token: str) -> bool:
    with client(server.url, token) as api:
        return api.get("/api/v1/auth/current").status_code == 200


def test_a_token_that_was_made_opens_what_its_scopes_say_and_is_shown_once(registry_server: RegistryServer) -> None:
    api = registry_server.api
    model = register_model(api, "m", "v1")
    made = make(api, description="for the nightly job", scopes=["read_organization"])
    token, uid = text_of(made, "token"), text_of(made, "uid")
    with client(registry_server.url, token) as reader:
        assert json_of(reader.get("/api/v1/auth/current"))["name"] == "mia"
        assert reader.get(model).status_code == 200
        assert reader.patch(f"{model}/start_upload").status_code == 400
    shown = json_of(api.get(f"{PATH}/{uid}"))
    assert (shown["name"], shown["description"], shown["scopes"]) == (
        "ci",
        "for the nightly job",
        ["read_organization"],
    )
    assert (shown["resource_type"], shown["expired_at"], shown["is_expired"]) == ("api_token", None, False)
    assert shown["last_used_at"]
    assert "token" not in shown
    assert token not in api.get(PATH).text
    assert token.encode() not in b"".join(file.read_bytes() for file in registry_server.data.rglob("registry.sqlite3*"))


def test_the_list_has_ones_own_tokens_only_the_newest_first(registry_server: RegistryServer) -> None:
    for name in "one", "two", "three":
        make(registry_server.api, name)
    with client(registry_server.url, TOM_TOKEN) as tom:
        uid = text_of(make(tom, "one"), "uid")
        assert [row["name"] for row in items_of(tom.get(PATH))] == ["one"]
    page = json_of(registry_server.api.get(f"{PATH}?start=1&count=1"))
    assert page["total"] == 3
    assert [row["name"] for row in items_of(registry_server.api.get(PATH))] == ["three", "two", "one"]
    assert [row["name"] for row in items_of(registry_server.api.get(f"{PATH}?start=1&count=1"))] == ["two"]
    assert [row["name"] for row in items_of(registry_server.api.get(f"{PATH}?search=tw"))] == ["two"]
    for answer in registry_server.api.get(f"{PATH}/{uid}"), registry_server.api.delete(f"{PATH}/{uid}"):
        assert answer.status_code == 404
        assert answer.json()["error"].endswith("record not found")


def test_a_deleted_token_opens_nothing_from_then_on(registry_server: RegistryServer) -> None:
    made = make(registry_server.api)
    token, path = text_of(made, "token"), f"{PATH}/{text_of(made, 'uid')}"
    assert opens(registry_server, token)
    assert json_of(registry_server.api.delete(path))["name"] == "ci"
    assert not opens(registry_server, token)
    assert registry_server.api.delete(path).status_code == 404
    make(registry_server.api)  # the name is free again


def test_a_token_ends_when_it_was_said_to(registry_server: RegistryServer) -> None:
    for name, written in ("ci", "2100-01-01T00:00:00Z"), ("cd", "2100-01-01 00:00:00.000000"):
        made = make(registry_server.api, name, expired_at=written)
        assert made["expired_at"] == "2100-01-01T00:00:00Z"
        assert opens(registry_server, text_of(made, "token"))
    registry_server.clock.advance((datetime(2100, 1, 2, tzinfo=UTC) - datetime.now(UTC)).total_seconds())
    assert not opens(registry_server, text_of(made, "token"))
    assert all(row["is_expired"] for row in items_of(registry_server.api.get(PATH)))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "Not A Label"}, "DNS-1035"),
        ({"name": ""}, "DNS-1035"),
        ({"scopes": None}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "no such scope: everything"),
        ({"expired_at": "tomorrow"}, "expired_at"),
        ({"expired_at": "0001-01-01T00:00:00+14:00"}, "expired_at"),
        ({"expired_at": "9999-12-31T23:59:59-14:00"}, "expired_at"),
    ],
)
def test_what_no_token_can_be_is_refused(
    registry_server: RegistryServer, fields: dict[str, object], words: str
) -> None:
    answer = registry_server.api.post(PATH, json={"name": "ci", "scopes": ["api"], **fields})
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert items_of(registry_server.api.get(PATH)) == []


def test_two_of_one_name_are_refused(registry_server: RegistryServer) -> None:
    make(registry_server.api)
    answer = registry_server.api.post(PATH, json={"name": "ci", "scopes": ["api"]})
    assert answer.status_code == 400
    assert "duplicate key" in answer.json()["error"]


def test_no_token_makes_one_that_opens_more_than_itself(make_registry: RegistryFactory) -> None:
    writer = TokenGrant(
        token="tok-writer",
        user="wim",
        scopes=frozenset({"write_organization"}),
        expires_at=datetime(2100, 1, 1, tzinfo=UTC),
        organizations=frozenset({"acme"}),
    )
    server = make_registry(tokens=(*TOKENS, writer), organizations=("acme", "labs"))
    with client(server.url, READ_TOKEN) as reader:
        assert reader.post(PATH, json={"name": "ci", "scopes": ["read_organization"]}).status_code == 400
    with client(server.url, "tok-writer") as api:
        for fields in (
            {"scopes": ["api"]},
            {"scopes": ["write_organization", "operate_organization"]},
            {"scopes": ["write_organization"]},
            {"scopes": ["write_organization"], "expired_at": "2200-01-01T00:00:00Z"},
        ):
            assert api.post(PATH, json={"name": "ci", **fields}).status_code == 400, fields
        make(api, scopes=["write_organization"], expired_at="2099-01-01T00:00:00Z")
    token = text_of(make(server.api), "token")  # mia is a member of both; what she makes in acme opens acme
    with client(server.url, token) as api:
        assert [row["name"] for row in items_of(api.get("/api/v1/orgs"))] == ["acme"]
        assert api.get("/api/v1/models", headers={"X-Yatai-Organization": "labs"}).status_code == 403


def test_it_outlives_a_restart_and_ends_with_what_its_owner_may(make_registry: RegistryFactory) -> None:
    first = make_registry()
    token = text_of(make(first.api), "token")
    first.stop()
    second = make_registry(data=first.data)
    assert opens(second, token)
    second.set_tokens(TokenGrant(token="tok-new", user="mia"))
    assert opens(second, token)
    second.set_tokens(TokenGrant(token=TOKEN, user="mia", scopes=frozenset({"read_organization"})))
    assert not opens(second, token)
    second.set_tokens(*TOKENS)
    assert not opens(second, token)


def test_it_ends_with_its_owners_tokens_when_these_are_made_to_end(registry_server: RegistryServer) -> None:
    token = text_of(make(registry_server.api), "token")
    soon = registry_server.clock() + timedelta(hours=1)
    registry_server.set_tokens(TokenGrant(token=TOKEN, user="mia", expires_at=soon))
    assert opens(registry_server, token)
    registry_server.clock.advance(2 * 3600)
    assert not opens(registry_server, token)


def test_it_lives_as_long_as_the_last_of_its_owners_tokens(registry_server: RegistryServer) -> None:
    token = text_of(make(registry_server.api), "token")
    soon = registry_server.clock() + timedelta(hours=1)
    ending = TokenGrant(token=TOKEN, user="mia", expires_at=soon)
    registry_server.set_tokens(ending, TokenGrant(token="tok-other", user="mia"))
    registry_server.clock.advance(2 * 3600)
    assert opens(registry_server, token)

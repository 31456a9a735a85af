"""What the registry remembers having said about a model is forgotten as soon as anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelsync_registry.database import Database
from modelsync_registry.remembered import ANSWERS_MAX, Remembered
from modelsync_registry.tokens import TokenGrant
from support.registry_server import (
    READ_TOKEN,
    TOKEN,
    TOM_TOKEN,
    RegistryFactory,
    RegistryServer,
    client,
    json_of,
    register_model,
    start_multipart,
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "registry.sqlite3")
    yield opened
    opened.close()


def test_what_was_said_once_is_not_read_again_until_something_is_written(database: Database) -> None:
    remembered = Remembered(database)
    assert remembered.answer("bert", lambda: {"status": "pending"}) == {"status": "pending"}
    assert remembered.answer("bert", lambda: {"status": "uploading"}) == {"status": "pending"}
    with database.write():
        pass
    assert remembered.answer("bert", lambda: {"status": "uploading"}) == {"status": "uploading"}


def test_what_was_read_while_a_write_ended_is_not_remembered(database: Database) -> None:
    remembered = Remembered(database)

    def read_the_old_state() -> dict[str, str]:
        with database.write():  # another thread's
            pass
        return {"status": "pending"}

    assert remembered.answer("bert", lambda: {**read_the_old_state()}) == {"status": "pending"}
    assert remembered.answer("bert", lambda: {"status": "uploading"}) == {"status": "uploading"}


def test_no_more_is_remembered_than_so_many_answers(database: Database) -> None:
    remembered = Remembered(database)
    for number in range(ANSWERS_MAX + 1):
        remembered.answer(number, lambda: {"said": "first"})
    assert remembered.answer(ANSWERS_MAX, lambda: {"said": "again"}) == {"said": "first"}
    assert remembered.answer(0, lambda: {"said": "again"}) == {"said": "again"}


def test_a_part_is_presigned_with_what_somebody_else_has_changed_meanwhile(registry_server: RegistryServer) -> None:
    model = register_model(registry_server.api, "bert", "v1")
    body = {"upload_id": start_multipart(registry_server.api, model), "part_number": 1}
    before = json_of(registry_server.api.patch(f"{model}/presign_multipart_upload_url", json=body))
    with client(registry_server.url, TOM_TOKEN) as tom:
        json_of(tom.patch(model, json={"description": "smaller", "labels": [{"key": "stage", "value": "test"}]}))
    after = json_of(registry_server.api.patch(f"{model}/presign_multipart_upload_url", json=body))
    assert (before["description"], after["description"]) == ("", "smaller")
    assert after["labels"] == [{"key": "stage", "value": "test"}]


def test_a_model_that_somebody_else_changes_stays_its_creators(registry_server: RegistryServer) -> None:
    model = register_model(registry_server.api, "bert", "v1")
    with client(registry_server.url, TOM_TOKEN) as tom:
        for answer in tom.patch(model, json={"description": "smaller"}), tom.patch(f"{model}/start_upload"):
            creator = json_of(answer)["creator"]
            assert isinstance(creator, dict)
            assert (creator["name"], creator["email"]) == ("mia", "mia@acme.io")


def test_what_one_part_was_told_is_not_told_to_the_next(registry_server: RegistryServer) -> None:
    model = register_model(registry_server.api, "bert", "v1")
    upload_id = start_multipart(registry_server.api, model)
    urls = {
        json_of(
            registry_server.api.patch(
                f"{model}/presign_multipart_upload_url", json={"upload_id": upload_id, "part_number": number}
            )
        )["presigned_upload_url"]
        for number in (1, 2)
    }
    assert len(urls) == 2
    shown = json_of(registry_server.api.get(model))
    assert (shown["presigned_upload_url"], shown["upload_id"]) == ("", "")


def test_a_token_that_ends_during_a_push_is_refused_for_the_next_part(make_registry: RegistryFactory) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=600)
    registry = make_registry(tokens=(TokenGrant(token=TOKEN, expires_at=ends),))
    model = register_model(registry.api, "bert", "v1")
    body = {"upload_id": start_multipart(registry.api, model), "part_number": 1}
    address = f"{model}/presign_multipart_upload_url"
    assert [registry.api.patch(address, json=body).status_code for _ in range(2)] == [200, 200]
    registry.clock.advance(601)
    refused = registry.api.patch(address, json=body)
    assert (refused.status_code, refused.json()) == (403, {"message": "the api token is expired"})


def test_a_token_that_is_withdrawn_during_a_push_is_refused_for_the_next_part(registry_server: RegistryServer) -> None:
    model = register_model(registry_server.api, "bert", "v1")
    body = {"upload_id": start_multipart(registry_server.api, model), "part_number": 1}
    address = f"{model}/presign_multipart_upload_url"
    assert [registry_server.api.patch(address, json=body).status_code for _ in range(2)] == [200, 200]
    registry_server.set_tokens(TokenGrant(token=TOM_TOKEN, user="tom"))
    assert registry_server.api.patch(address, json=body).status_code == 403


def test_scopes_and_organization_are_looked_at_for_every_part(registry_server: RegistryServer) -> None:
    model = register_model(registry_server.api, "bert", "v1")
    body = {"upload_id": start_multipart(registry_server.api, model), "part_number": 1}
    address = f"{model}/presign_multipart_upload_url"
    json_of(registry_server.api.patch(address, json=body))
    with client(registry_server.url, READ_TOKEN) as reader:
        json_of(reader.get(model))  # known from now on
        assert "scopes" in str(reader.patch(address, json=body).json()["error"])
    elsewhere = registry_server.api.patch(address, json=body, headers={"X-Yatai-Organization": "acme"})
    assert (elsewhere.status_code, elsewhere.content) == (404, b"")

"""What the registry remembers having said about a model is forgotten as soon as anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelsync_registry.database import Database
from modelsync_registry.remembered import ANSWERS_MAX, Remembered
from support.registry_server import (
    TOM_TOKEN,
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

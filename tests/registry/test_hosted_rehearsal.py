"""What the registry plays before it answers leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Table, select

from modelsync_registry.accounts import Accounts
from modelsync_registry.database import Database, metadata
from modelsync_registry.rehearsal import rehearse
from modelsync_registry.tokens import TokenGrant
from support.registry_server import RegistryFactory, json_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "registry.sqlite3")
    yield opened
    opened.close()


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    def rows(table: Table) -> list[tuple[object, ...]]:
        with database.read() as connection:
            return [tuple(row) for row in connection.execute(select(table))]

    return {table.name: rows(table) for table in metadata.sorted_tables}


@pytest.mark.parametrize("grants", [(), (TokenGrant(token="t"),)])
def test_a_rehearsal_leaves_every_table_as_it_was(database: Database, grants: tuple[TokenGrant, ...]) -> None:
    accounts = Accounts(database, secret=b"s", clock=lambda: NOW)
    accounts.configure(("default",), grants)
    before = everything(database)
    rehearse(database, accounts, NOW)
    assert everything(database) == before


def test_a_registry_with_models_starts_again_with_just_these(make_registry: RegistryFactory) -> None:
    registry = make_registry()
    json_of(registry.api.post("/api/v1/model_repositories", json={"name": "bert"}))
    registry.stop()
    registry.start()
    for path, names in (("model_repositories", ["bert"]), ("models", []), ("current_org/events", [])):
        assert [item["name"] for item in registry.api.get(f"/api/v1/{path}").json()["items"]] == names
    assert registry.api.get("/api/v1/labels").json() == []

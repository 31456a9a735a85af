"""How the database finds a page of the long list: in the order of its index, without sorting the whole list."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from modelsync_registry.database import Database
from modelsync_registry.listing import list_models
from modelsync_registry.query import parse_query
from modelsync_registry.records import Page


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    database = Database(tmp_path / "registry.sqlite3")
    with database.read() as connection:
        yield connection
    database.close()


@pytest.mark.parametrize("query", ["", "label:stage=prod", "sort:size-asc"])
def test_a_page_of_the_list_is_found_without_sorting_all_of_it(connection: Connection, query: str) -> None:
    asked: list[tuple[str, tuple[object, ...]]] = []

    def note(_connection: object, _cursor: object, sql: str, values: tuple[object, ...], *_: object) -> None:
        asked.append((sql, values))

    event.listen(connection, "before_cursor_execute", note)
    list_models(connection, 1, parse_query(query), search="", caller="me", page=Page(200, 50))
    event.remove(connection, "before_cursor_execute", note)
    sql, values = asked[-1]
    plan = [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert plan[0].startswith("SCAN models USING INDEX ix_models_")
    assert not [step for step in plan if "ORDER BY" in step]

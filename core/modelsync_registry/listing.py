"""Lists: filtered by `q` and `search`, ordered, one page of them, and how many there are in all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    UnaryExpression,
    and_,
    exists,
    func,
    or_,
    select,
)

from modelsync_registry.database import batches, events, labels, models, repositories, users
from modelsync_registry.errors import BadRequestError
from modelsync_registry.query import ListQuery, Sort
from modelsync_registry.records import Event, Model, Page, Repository, ResourceType
from modelsync_registry.rows import model_from_row, repository_from_row

_Rows = TypeVar("_Rows", bound=tuple[Any, ...])

_SEARCHED = {"name": repositories.c.name, "description": repositories.c.description}
_MODEL_ORDERS = {
    "created_at": models.c.created_at,
    "build_at": models.c.build_at,
    "size": models.c.size_bytes,
}
_REPOSITORY_ORDERS = {"created_at": repositories.c.created_at, "updated_at": repositories.c.updated_at}


def list_models(
    connection: Connection,
    organization_id: int,
    query: ListQuery,
    *,
    search: str,
    caller: str,
    page: Page,
    repository_id: int | None = None,
) -> tuple[int, list[Model]]:
    """The number of matching models and the asked page of them, newest build first unless `query` sorts otherwise.

    Unlike Yatai's, the order has the row's id as its last key, so that no page repeats or skips a row.
    """
    # Likely: else SQLite goes from the organization to all of its models and sorts them: half a second for 100,000.
    ours = func.likely(repositories.c.organization_id == organization_id)
    statement = select(models).join(repositories).where(ours)
    if repository_id is not None:
        statement = statement.where(models.c.repository_id == repository_id)
    statement = statement.where(*_words(query, search))
    statement = statement.where(*_labels(query, ResourceType.MODEL, models.c.id))
    if query.modules:
        statement = statement.where(models.c.module.in_(query.modules))
    if query.creators:
        statement = statement.where(models.c.creator_id.in_(_user_ids(query.creators, caller)))
    order = _order(query.sort, _MODEL_ORDERS, models.c.build_at, models.c.id)
    total, rows = _page(connection, statement, order, page)
    return total, [model_from_row(row) for row in rows]


def list_repositories(
    connection: Connection,
    organization_id: int,
    query: ListQuery,
    *,
    search: str,
    caller: str,
    page: Page,
) -> tuple[int, list[Repository]]:
    """The number of matching repositories and the asked page of them, the newest first."""
    statement = select(repositories).where(repositories.c.organization_id == organization_id)
    statement = statement.where(*_words(query, search))
    statement = statement.where(*_labels(query, ResourceType.MODEL_REPOSITORY, repositories.c.id))
    if query.creators:
        statement = statement.where(repositories.c.creator_id.in_(_user_ids(query.creators, caller)))
    if query.last_updaters:
        statement = statement.join(models, models.c.id == repositories.c.latest_model_id).where(
            models.c.creator_id.in_(_user_ids(query.last_updaters, caller))
        )
    order = _order(query.sort, _REPOSITORY_ORDERS, repositories.c.id, repositories.c.id)
    total, rows = _page(connection, statement, order, page)
    return total, [repository_from_row(row) for row in rows]


def list_events(connection: Connection, organization_id: int, page: Page) -> tuple[int, list[Event]]:
    """Pushes, the latest first."""
    statement = select(events).where(events.c.organization_id == organization_id)
    total, rows = _page(connection, statement, (events.c.id.desc(),), page)
    return total, [Event(row.model_id, row.operation, row.status, row.creator_id, row.created_at) for row in rows]


def models_by_id(connection: Connection, ids: Collection[int]) -> list[Model]:
    """The models with these ids, in no order."""
    found: list[Model] = []
    for batch in batches(ids):
        rows = connection.execute(select(models).where(models.c.id.in_(batch)))
        found += [model_from_row(row) for row in rows]
    return found


def model_modules(connection: Connection, organization_id: int) -> list[str]:
    """Every framework module that a model of the organization names, "" for none."""
    statement = (
        select(models.c.module)
        .join(repositories)
        .where(repositories.c.organization_id == organization_id)
        .distinct()
        .order_by(models.c.module.desc())
    )
    return list(connection.execute(statement).scalars())


def label_values(connection: Connection, organization_id: int, resource: ResourceType) -> dict[str, list[str]]:
    """Every label key in use, with its values, both in order."""
    statement = select(labels.c.key, labels.c.value).where(labels.c.resource_type == resource.value)
    match resource:
        case ResourceType.MODEL:
            statement = statement.join(models, models.c.id == labels.c.resource_id).join(repositories)
        case ResourceType.MODEL_REPOSITORY:
            statement = statement.join(repositories, repositories.c.id == labels.c.resource_id)
    statement = statement.where(repositories.c.organization_id == organization_id).distinct()
    found: dict[str, list[str]] = {}
    for row in connection.execute(statement.order_by(labels.c.key, labels.c.value)):
        found.setdefault(row.key, []).append(row.value)
    return found


def _page(
    connection: Connection,
    statement: Select[_Rows],
    order: Sequence[UnaryExpression[Any]],
    page: Page,
) -> tuple[int, Sequence[Any]]:
    total = connection.execute(statement.with_only_columns(func.count(), maintain_column_froms=True)).scalar_one()
    statement = statement.order_by(*order)
    if page.count:
        statement = statement.limit(page.count)
    if page.start:
        statement = statement.offset(page.start)
    return int(total), connection.execute(statement).all()


def _words(query: ListQuery, search: str) -> list[ColumnElement[bool]]:
    """All words in one of the fields. Letters match in either case, which Yatai's LIKE does not do."""
    words = [*query.words, *([search] if search else [])]
    if not words:
        return []
    fields = [_SEARCHED[name] for name in query.fields or ("name",) if name in _SEARCHED]
    if not fields:
        raise BadRequestError("list: in: knows the fields name and description")
    return [or_(*(and_(*(field.icontains(word, autoescape=True) for word in words)) for field in fields))]


def _labels(query: ListQuery, resource: ResourceType, resource_id: ColumnElement[int]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for group in query.labels:
        choices = [
            labels.c.key == match.key
            if match.value is None
            else and_(labels.c.key == match.key, labels.c.value == match.value)
            for match in group
        ]
        conditions.append(
            exists().where(labels.c.resource_type == resource.value, labels.c.resource_id == resource_id, or_(*choices))
        )
    return conditions


def _user_ids(names: Sequence[str], caller: str) -> Select[tuple[int]]:
    wanted = [caller if name == "@me" else name for name in names]
    return select(users.c.id).where(users.c.name.in_(wanted))


def _order(
    sort: Sort | None,
    known: dict[str, ColumnElement[Any]] | Any,
    default: ColumnElement[Any],
    last: ColumnElement[Any],
) -> tuple[UnaryExpression[Any], ...]:
    column, descending = default, True
    if sort is not None and sort.field in known:
        column, descending = known[sort.field], sort.descending
    keys = (column,) if column is last else (column, last)
    return tuple(key.desc() if descending else key.asc() for key in keys)

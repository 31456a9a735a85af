"""The registry's tables, and the engine that holds them.

How it works: SQLite in WAL mode, so that lists are read while a push is written. Every transaction begins
explicitly: readers with BEGIN, writers with BEGIN IMMEDIATE, so that two writers wait for each other at the start
instead of failing in the middle.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
)
from sqlalchemy.types import TypeDecorator

BUSY_TIMEOUT_MS = 30_000
IDS_PER_STATEMENT = 5_000  # below SQLite's limit of 32,766 variables
NAME_MAX = 128  # characters, as in Yatai's tables (registry contract 1.2)
VERSION_MAX = 512
LABEL_KEY_MAX = 128
LABEL_VALUE_MAX = 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UtcTime(TypeDecorator[datetime]):
    """A moment as whole microseconds since 1970, in UTC: sorts, compares and loses nothing on any database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else _EPOCH + timedelta(microseconds=value)


metadata: Final = MetaData()

organizations = Table(
    "organizations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String(32), nullable=False, unique=True),
    Column("name", String(NAME_MAX), nullable=False, unique=True),
    Column("created_at", UtcTime, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String(32), nullable=False, unique=True),
    Column("name", String(NAME_MAX), nullable=False, unique=True),
    Column("email", String(256), nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("organizations", JSON(none_as_null=True)),
    Column("expires_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime),
)

own_tokens = Table(
    "own_tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String(32), nullable=False, unique=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
    Column("organization_id", Integer, ForeignKey("organizations.id"), nullable=False),
    Column("name", String(NAME_MAX), nullable=False),
    Column("description", Text, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("expires_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime),
    UniqueConstraint("organization_id", "user_id", "name", name="uk_apiToken_orgId_userId_name"),
)

repositories = Table(
    "model_repositories",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String(32), nullable=False, unique=True),
    Column("organization_id", Integer, ForeignKey("organizations.id"), nullable=False),
    Column("name", String(NAME_MAX), nullable=False),
    Column("description", Text, nullable=False),
    Column("creator_id", Integer, ForeignKey("users.id"), nullable=False),
    Column("latest_model_id", Integer),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    UniqueConstraint("organization_id", "name", name="uk_modelRepository_orgId_name"),
)

models = Table(
    "models",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String(32), nullable=False, unique=True),
    Column("repository_id", Integer, ForeignKey("model_repositories.id"), nullable=False),
    Column("version", String(VERSION_MAX), nullable=False),
    Column("description", Text, nullable=False),
    Column("manifest", JSON(none_as_null=True)),
    Column("module", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("build_at", UtcTime, nullable=False),
    Column("creator_id", Integer, ForeignKey("users.id"), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("upload_status", String(16), nullable=False),
    Column("upload_started_at", UtcTime),
    Column("upload_finished_at", UtcTime),
    Column("upload_finished_reason", Text, nullable=False),
    UniqueConstraint("repository_id", "version", name="uk_model_modelRepositoryId_version"),
    Index("ix_models_build_at", "build_at", "id"),
    Index("ix_models_created_at", "created_at", "id"),
    Index("ix_models_size_bytes", "size_bytes", "id"),
    Index("ix_models_repository_build_at", "repository_id", "build_at", "id"),
    Index("ix_models_module", "module"),
)

labels = Table(
    "labels",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("resource_type", String(32), nullable=False),
    Column("resource_id", Integer, nullable=False),
    Column("key", String(LABEL_KEY_MAX), nullable=False),
    Column("value", String(LABEL_VALUE_MAX), nullable=False),
    UniqueConstraint("resource_type", "resource_id", "key", name="uk_label_resource_key"),
    Index("ix_labels_key_value", "resource_type", "key", "value"),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("organization_id", Integer, ForeignKey("organizations.id"), nullable=False),
    Column("model_id", Integer, ForeignKey("models.id"), nullable=False),
    Column("operation", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("creator_id", Integer, ForeignKey("users.id"), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Index("ix_events_organization", "organization_id", "id"),
)


def batches(ids: Iterable[int]) -> Iterator[list[int]]:
    """`ids` in lists that fit into one statement."""
    remaining = iter(ids)
    while batch := list(islice(remaining, IDS_PER_STATEMENT)):
        yield batch


class Database:
    """The registry's database; safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        self._engine = create_engine(f"sqlite:///{path}", pool_size=8, max_overflow=64)
        event.listen(self._engine, "connect", _prepare_connection)
        self._lock = threading.Lock()
        self._writes = 0
        with self.write() as connection:
            metadata.create_all(connection)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the tables."""
        with self._engine.begin() as connection:
            # By the driver itself, as it asks for no lock and cannot fail: what SQLAlchemy puts around it is most of
            # the work.
            cursor = connection.connection.cursor()
            cursor.execute("BEGIN")
            cursor.close()
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may change the tables; writers wait for each other up to BUSY_TIMEOUT_MS."""
        try:
            with self._engine.begin() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
        finally:
            with self._lock:
                self._writes += 1

    @property
    def writes(self) -> int:
        """How many transactions that may have changed something have ended; what was read before one may be over."""
        return self._writes

    def close(self) -> None:
        self._engine.dispose()


def _prepare_connection(connection: SqliteConnection, _record: object) -> None:
    # The driver must not begin transactions behind our back: `read` and `write` do, and say which kind. Not by an event
    # of SQLAlchemy's: with one, it asks at each statement who listens.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")

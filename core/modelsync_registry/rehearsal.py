"""The first push is played before anybody comes, so that no client waits for what is made at the first use.

How it works: SQLAlchemy compiles a statement when it is first run, half a millisecond to two each. Here each of a push
is run in a transaction that is taken back; the tables stay as they were.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from modelsync_registry.accounts import Accounts, new_uid
from modelsync_registry.catalog import Catalog, ModelChange, ModelDraft
from modelsync_registry.database import Database, users
from modelsync_registry.records import Label, Organization, UploadStatus
from modelsync_registry.wire import Wire, surroundings

_LABELS: Final = (Label("stage", "rehearsal"),)


def rehearse(database: Database, accounts: Accounts, now: datetime) -> None:
    """Runs the statements of a push, and those by which a caller is found."""
    accounts.rehearse()
    with database.write() as connection:
        for organization in accounts.organizations()[:1]:
            creator = connection.execute(select(users.c.id).limit(1)).scalar()
            if creator is not None:
                _push(connection, organization, creator, now)
        connection.rollback()


def _push(connection: Connection, organization: Organization, creator_id: int, now: datetime) -> None:
    catalog = Catalog(connection, organization.id, now)
    name = new_uid()  # nobody's
    created = catalog.create_repository(name, "", _LABELS, creator_id)
    catalog.create_model(
        created, ModelDraft(version="1", description="", manifest=None, build_at=now, labels=_LABELS), creator_id
    )
    repository = catalog.repository(name)
    model = catalog.model(repository, "1")
    catalog.change_model(model, ModelChange(description="", manifest={}, build_at=now, labels=()))
    catalog.start_upload(model)
    ended = catalog.finish_upload(model, UploadStatus.SUCCESS, "", creator_id)
    Wire(surroundings(connection, [ended]), organization, None).model_full(ended)

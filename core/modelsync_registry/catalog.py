"""Repositories, models, labels and events: finding one, and every way to change one.

How it works: the statements are built once, as building one and finding its compiled text again would cost more than
running it; what differs from call to call is bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from modelsync_registry.accounts import new_uid
from modelsync_registry.database import events, labels, models, repositories
from modelsync_registry.errors import BadRequestError, RecordNotFoundError
from modelsync_registry.jsontypes import JsonObject
from modelsync_registry.records import Label, Model, Repository, ResourceType, UploadStatus
from modelsync_registry.rows import model_from_row, repository_from_row

# Bound names that are no column's, as an UPDATE takes the others for what it sets.
_FIND_REPOSITORY: Final = select(repositories).where(
    repositories.c.organization_id == bindparam("which_organization"), repositories.c.name == bindparam("which_name")
)
_FIND_MODEL: Final = select(models).where(
    models.c.repository_id == bindparam("which_repository"), models.c.version == bindparam("which_version")
)
_INSERT_REPOSITORY: Final = insert(repositories).returning(repositories)
_INSERT_MODEL: Final = insert(models).returning(models)
_SET_REPOSITORY: Final = update(repositories).where(repositories.c.id == bindparam("which"))
_UPDATE_REPOSITORY: Final = _SET_REPOSITORY.returning(repositories)
_UPDATE_MODEL: Final = update(models).where(models.c.id == bindparam("which")).returning(models)
_DELETE_LABELS: Final = delete(labels).where(
    labels.c.resource_type == bindparam("which_type"), labels.c.resource_id == bindparam("which")
)
_INSERT_LABELS: Final = insert(labels)
_INSERT_EVENT: Final = insert(events)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDraft:
    """What a client says about a version it registers."""

    version: str
    description: str
    manifest: JsonObject | None
    build_at: datetime
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChange:
    """What a client wants changed; `None` leaves a field as it is."""

    description: str | None = None
    manifest: JsonObject | None = None
    build_at: datetime | None = None
    labels: tuple[Label, ...] | None = None


class Catalog:
    """One transaction's view of the catalogue of one organization."""

    def __init__(self, connection: Connection, organization_id: int, now: datetime) -> None:
        self._connection = connection
        self._organization_id = organization_id
        self._now = now

    def repository(self, name: str) -> Repository:
        """Raises RecordNotFoundError."""
        row = self._connection.execute(
            _FIND_REPOSITORY, {"which_organization": self._organization_id, "which_name": name}
        ).first()
        if row is None:
            raise RecordNotFoundError("modelRepository", name)
        return repository_from_row(row)

    def model(self, repository: Repository, version: str) -> Model:
        """Raises RecordNotFoundError."""
        row = self._connection.execute(
            _FIND_MODEL, {"which_repository": repository.id, "which_version": version}
        ).first()
        if row is None:
            raise RecordNotFoundError("model", f"{repository.name}:{version}")
        return model_from_row(row)

    def create_repository(self, name: str, description: str, label_set: Sequence[Label], creator_id: int) -> Repository:
        """Raises BadRequestError ("duplicate key") when the name is taken. Unlike Yatai, the description is kept."""
        values = {
            "uid": new_uid(),
            "organization_id": self._organization_id,
            "name": name,
            "description": description,
            "creator_id": creator_id,
            "created_at": self._now,
            "updated_at": self._now,
        }
        try:
            row = self._connection.execute(_INSERT_REPOSITORY, values).one()
        except IntegrityError:
            raise _duplicate("modelRepository", "uk_modelRepository_orgId_name") from None
        repository = repository_from_row(row)
        self._replace_labels(ResourceType.MODEL_REPOSITORY, repository.id, label_set)
        return repository

    def change_repository(
        self, repository: Repository, description: str | None, label_set: Sequence[Label] | None
    ) -> Repository:
        """Unlike Yatai, labels change also where no description is sent."""
        values: dict[str, object] = {"updated_at": self._now}
        if description is not None:
            values["description"] = description
        if label_set is not None:
            self._replace_labels(ResourceType.MODEL_REPOSITORY, repository.id, label_set)
        row = self._connection.execute(_UPDATE_REPOSITORY, values | {"which": repository.id}).one()
        return repository_from_row(row)

    def create_model(self, repository: Repository, draft: ModelDraft, creator_id: int) -> Model:
        """Raises BadRequestError ("duplicate key") when the version is there."""
        values = {
            "uid": new_uid(),
            "repository_id": repository.id,
            "version": draft.version,
            "description": draft.description,
            **_manifest_columns(draft.manifest),
            "build_at": draft.build_at,
            "creator_id": creator_id,
            "created_at": self._now,
            "updated_at": self._now,
            "upload_status": UploadStatus.PENDING.value,
            "upload_finished_reason": "",
        }
        try:
            row = self._connection.execute(_INSERT_MODEL, values).one()
        except IntegrityError:
            raise _duplicate("model", "uk_model_modelRepositoryId_version") from None
        model = model_from_row(row)
        self._replace_labels(ResourceType.MODEL, model.id, draft.labels)
        self._connection.execute(
            _SET_REPOSITORY, {"which": repository.id, "latest_model_id": model.id, "updated_at": self._now}
        )
        return model

    def change_model(self, model: Model, change: ModelChange) -> Model:
        """Labels are replaced as a whole. Unlike Yatai, description, manifest and build_at are applied as well."""
        values: dict[str, object] = {}
        if change.description is not None:
            values["description"] = change.description
        if change.manifest is not None:
            values |= _manifest_columns(change.manifest)
        if change.build_at is not None:
            values["build_at"] = change.build_at
        if change.labels is not None:
            self._replace_labels(ResourceType.MODEL, model.id, change.labels)
        return self._update(model, values)

    def start_upload(self, model: Model) -> Model:
        """Allowed from every status; what the last upload ended with stays until this one ends."""
        values = {"upload_status": UploadStatus.UPLOADING.value, "upload_started_at": self._now}
        return self._update(model, values)

    def finish_upload(self, model: Model, status: UploadStatus | None, reason: str, creator_id: int) -> Model:
        """Takes the client's word. Without a status only time and reason are kept, and no event is written."""
        values: dict[str, object] = {"upload_finished_at": self._now, "upload_finished_reason": reason}
        if status is not None:
            values["upload_status"] = status.value
            event = {
                "organization_id": self._organization_id,
                "model_id": model.id,
                "operation": "pushed",
                "status": status.value,
                "creator_id": creator_id,
                "created_at": self._now,
            }
            self._connection.execute(_INSERT_EVENT, event)
        return self._update(model, values)

    def _update(self, model: Model, values: dict[str, object]) -> Model:
        row = self._connection.execute(_UPDATE_MODEL, values | {"which": model.id, "updated_at": self._now}).one()
        return model_from_row(row)

    def _replace_labels(self, resource: ResourceType, resource_id: int, wanted: Sequence[Label]) -> None:
        self._connection.execute(_DELETE_LABELS, {"which_type": resource.value, "which": resource_id})
        unique = {label.key: label.value for label in wanted}
        if unique:
            target = {"resource_type": resource.value, "resource_id": resource_id}
            self._connection.execute(
                _INSERT_LABELS, [target | {"key": key, "value": value} for key, value in unique.items()]
            )


def _manifest_columns(manifest: JsonObject | None) -> dict[str, object]:
    described = manifest or {}
    return {
        "manifest": manifest,
        "module": described.get("module", ""),
        "size_bytes": described.get("size_bytes", 0),
    }


def _duplicate(what: str, constraint: str) -> BadRequestError:
    return BadRequestError(
        f'create {what}: ERROR: duplicate key value violates unique constraint "{constraint}" (SQLSTATE 23505)'
    )

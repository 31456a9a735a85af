"""From database rows, whose fields have no types, to records, whose fields have."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from modelsync_registry.records import Model, Repository, UploadStatus


def repository_from_row(row: Row[Any]) -> Repository:
    return Repository(
        id=row.id,
        uid=row.uid,
        organization_id=row.organization_id,
        name=row.name,
        description=row.description,
        creator_id=row.creator_id,
        latest_model_id=row.latest_model_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def model_from_row(row: Row[Any]) -> Model:
    return Model(
        id=row.id,
        uid=row.uid,
        repository_id=row.repository_id,
        version=row.version,
        description=row.description,
        manifest=row.manifest,
        build_at=row.build_at,
        creator_id=row.creator_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        upload_status=UploadStatus(row.upload_status),
        upload_started_at=row.upload_started_at,
        upload_finished_at=row.upload_finished_at,
        upload_finished_reason=row.upload_finished_reason,
    )

"""The rows of the registry as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from modelsync_registry.jsontypes import JsonObject


class UploadStatus(StrEnum):
    """How far the content of a model is (registry contract 3.1)."""

    PENDING = "pending"
    UPLOADING = "uploading"
    SUCCESS = "success"
    FAILED = "failed"


class ResourceType(StrEnum):
    """What a label hangs on."""

    MODEL = "model"
    MODEL_REPOSITORY = "model_repository"


@dataclass(frozen=True, slots=True)
class User:
    id: int
    uid: str
    name: str
    email: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Organization:
    id: int
    uid: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Label:
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Repository:
    """All versions of one name."""

    id: int
    uid: str
    organization_id: int
    name: str
    description: str
    creator_id: int
    latest_model_id: int | None
    """The model registered last, whatever its status."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Model:
    """One version."""

    id: int
    uid: str
    repository_id: int
    version: str
    description: str
    manifest: JsonObject | None
    build_at: datetime
    creator_id: int
    created_at: datetime
    updated_at: datetime
    upload_status: UploadStatus
    upload_started_at: datetime | None
    upload_finished_at: datetime | None
    upload_finished_reason: str


@dataclass(frozen=True, slots=True)
class Event:
    """A push that ended, well or not."""

    model_id: int
    operation: str
    status: str
    creator_id: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows of a list are asked for."""

    start: int = 0
    count: int = 0
    """0: all of them."""

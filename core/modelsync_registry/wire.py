"""Records as the JSON that clients read (registry contract 1.3).

How it works: what a list shows beside its rows (creators, labels, repositories, their latest models) is fetched for
all rows at once into a `Surroundings`, in a fixed number of queries per thousands of rows; after that everything here
is pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BindParameter, Connection, bindparam, select

from modelsync_registry.config import TransmissionStrategy
from modelsync_registry.database import batches, labels, models, repositories, users
from modelsync_registry.dates import rfc3339
from modelsync_registry.jsontypes import Json, JsonObject
from modelsync_registry.records import Event, Label, Model, Organization, Page, Repository, ResourceType, User
from modelsync_registry.rows import model_from_row, repository_from_row

_MANIFEST_KEYS = (
    "module",
    "api_version",
    "bentoml_version",
    "size_bytes",
    "metadata",
    "context",
    "options",
)


# Built once: building one and finding its compiled text again would cost more than running it.
_IDS: Final[BindParameter[list[int]]] = bindparam("ids", expanding=True)
_REPOSITORIES: Final = select(repositories).where(repositories.c.id.in_(_IDS))
_MODELS: Final = select(models).where(models.c.id.in_(_IDS))
_USERS: Final = select(users).where(users.c.id.in_(_IDS))
_LABELS: Final = (
    select(labels.c.resource_id, labels.c.key, labels.c.value)
    .where(labels.c.resource_type == bindparam("type"), labels.c.resource_id.in_(_IDS))
    .order_by(labels.c.id.desc())
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is shown around models and repositories, by their ids."""

    users: dict[int, User]
    labels: dict[tuple[ResourceType, int], list[Label]]
    repositories: dict[int, Repository]
    models: dict[int, Model]


def surroundings(
    connection: Connection,
    found_models: Sequence[Model] = (),
    found_repositories: Sequence[Repository] = (),
) -> Surroundings:
    """Everything needed to show these models with their repositories, and these repositories."""
    repository_map = {repository.id: repository for repository in found_repositories}
    for ids in batches({model.repository_id for model in found_models} - repository_map.keys()):
        repository_map |= {row.id: repository_from_row(row) for row in connection.execute(_REPOSITORIES, {"ids": ids})}
    model_map = {model.id: model for model in found_models}
    latest = {
        repository.latest_model_id for repository in repository_map.values() if repository.latest_model_id is not None
    }
    for ids in batches(latest - model_map.keys()):
        model_map |= {row.id: model_from_row(row) for row in connection.execute(_MODELS, {"ids": ids})}
    creators = {repository.creator_id for repository in repository_map.values()}
    creators |= {model.creator_id for model in model_map.values()}
    return Surroundings(
        users=_users(connection, creators),
        labels=_labels(connection, ResourceType.MODEL, model_map.keys())
        | _labels(connection, ResourceType.MODEL_REPOSITORY, repository_map.keys()),
        repositories=repository_map,
        models=model_map,
    )


def around_model(connection: Connection, model: Model, repository: Repository, caller: User) -> Surroundings:
    """What `Wire.model` needs of one model, for every call of a push: one query, where the caller is its creator."""
    mine = model.creator_id == caller.id
    return Surroundings(
        users={caller.id: caller} if mine else _users(connection, [model.creator_id]),
        labels=_labels(connection, ResourceType.MODEL, [model.id]),
        repositories={repository.id: repository},
        models={model.id: model},
    )


def clean_manifest(manifest: JsonObject) -> JsonObject:
    """The keys that a manifest has on the wire, with the defaults of the public server, which takes null for absent;
    other keys are dropped.
    """
    defaults: JsonObject = {"module": "", "api_version": "", "bentoml_version": "", "size_bytes": 0}
    sent = {key: value for key, value in manifest.items() if value is not None}
    return {key: sent.get(key, defaults.get(key)) for key in _MANIFEST_KEYS}


class Wire:
    """Builds the JSON of one answer."""

    def __init__(self, around: Surroundings, organization: Organization, strategy: TransmissionStrategy | None) -> None:
        self._around = around
        self._organization = organization
        self._strategy = strategy
        self._repositories: dict[int, JsonObject] = {}

    def model(self, model: Model, **extra: Json) -> JsonObject:
        """ModelSchema. `extra` overwrites what a call adds: an upload id, a presigned URL."""
        repository = self._around.repositories[model.repository_id]
        return {
            "uid": model.uid,
            "created_at": rfc3339(model.created_at),
            "updated_at": rfc3339(model.updated_at),
            "deleted_at": None,
            "name": model.version,
            "resource_type": "model",
            "labels": self._labels(ResourceType.MODEL, model.id),
            "model_uid": repository.uid,
            "creator": user_json(self._around.users[model.creator_id]),
            "version": model.version,
            "description": model.description,
            "image_build_status": "pending",
            "upload_status": model.upload_status.value,
            "upload_started_at": rfc3339(model.upload_started_at),
            "upload_finished_at": rfc3339(model.upload_finished_at),
            "upload_finished_reason": model.upload_finished_reason,
            "presigned_upload_url": "",
            "presigned_download_url": "",
            "presigned_urls_deprecated": False,
            "transmission_strategy": None if self._strategy is None else self._strategy.value,
            "upload_id": "",
            "manifest": model.manifest,
            "build_at": rfc3339(model.build_at),
            **extra,
        }

    def model_with_repository(self, model: Model) -> JsonObject:
        """ModelWithRepositorySchema."""
        return self.model(model, repository=self.repository(self._around.repositories[model.repository_id]))

    def model_full(self, model: Model) -> JsonObject:
        """ModelFullSchema. This registry keeps no bentos, so none uses the model."""
        return self.model_with_repository(model) | {"bentos": []}

    def repository(self, repository: Repository) -> JsonObject:
        """ModelRepositorySchema; made once per repository and answer."""
        known = self._repositories.get(repository.id)
        if known is not None:
            return known
        latest = self._around.models.get(repository.latest_model_id or 0)
        made: JsonObject = {
            "uid": repository.uid,
            "created_at": rfc3339(repository.created_at),
            "updated_at": rfc3339(repository.updated_at),
            "deleted_at": None,
            "name": repository.name,
            "resource_type": "model_repository",
            "labels": self._labels(ResourceType.MODEL_REPOSITORY, repository.id),
            "creator": user_json(self._around.users[repository.creator_id]),
            "organization": organization_json(self._organization),
            "latest_model": None if latest is None else self.model(latest),
            "description": repository.description,
        }
        self._repositories[repository.id] = made
        return made

    def event(self, event: Event) -> JsonObject:
        """EventSchema."""
        model = self._around.models[event.model_id]
        creator = self._around.users.get(event.creator_id)
        return {
            "resource": self.model(model),
            "name": model.version,
            "status": event.status,
            "operation_name": event.operation,
            "api_token_name": "",
            "creator": None if creator is None else user_json(creator),
            "created_at": rfc3339(event.created_at),
            "resource_deleted": False,
        }

    def _labels(self, resource: ResourceType, resource_id: int) -> list[Json]:
        return [
            {"key": label.key, "value": label.value} for label in self._around.labels.get((resource, resource_id), ())
        ]


def list_json(page: Page, total: int, items: list[Json]) -> JsonObject:
    """A list; `start` and `count` echo the request."""
    return {"start": page.start, "count": page.count, "total": total, "items": items}


def user_json(user: User) -> JsonObject:
    """UserSchema."""
    return {
        "uid": user.uid,
        "created_at": rfc3339(user.created_at),
        "updated_at": rfc3339(user.created_at),
        "deleted_at": None,
        "name": user.name,
        "resource_type": "user",
        "labels": [],
        "first_name": "",
        "last_name": "",
        "email": user.email,
        "avatar_url": "",
        "is_super_admin": False,
    }


def organization_json(organization: Organization) -> JsonObject:
    """OrganizationSchema."""
    return {
        "uid": organization.uid,
        "created_at": rfc3339(organization.created_at),
        "updated_at": rfc3339(organization.created_at),
        "deleted_at": None,
        "name": organization.name,
        "resource_type": "organization",
        "labels": [],
        "creator": None,
        "description": "",
    }


def _users(connection: Connection, ids: Iterable[int]) -> dict[int, User]:
    found: dict[int, User] = {}
    for batch in batches(ids):
        for row in connection.execute(_USERS, {"ids": batch}):
            found[row.id] = User(row.id, row.uid, row.name, row.email, row.created_at)
    return found


def _labels(
    connection: Connection, resource: ResourceType, ids: Iterable[int]
) -> dict[tuple[ResourceType, int], list[Label]]:
    found: dict[tuple[ResourceType, int], list[Label]] = {}
    for batch in batches(ids):
        for row in connection.execute(_LABELS, {"type": resource.value, "ids": batch}):
            found.setdefault((resource, row.resource_id), []).append(Label(row.key, row.value))
    return found

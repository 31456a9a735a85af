"""Calls about repositories and models: the catalogue, without any bytes."""

from __future__ import annotations

from collections.abc import Hashable

from modelsync_registry.calls import Call
from modelsync_registry.catalog import ModelChange, ModelDraft
from modelsync_registry.database import LABEL_KEY_MAX, LABEL_VALUE_MAX, NAME_MAX, VERSION_MAX
from modelsync_registry.dates import parse_build_at
from modelsync_registry.errors import BadRequestError
from modelsync_registry.jsontypes import Json, JsonObject, objects, optional_text, text, whole_number
from modelsync_registry.listing import list_models, list_repositories
from modelsync_registry.query import ListQuery
from modelsync_registry.records import Label
from modelsync_registry.wire import clean_manifest, list_json


def repositories(call: Call) -> Json:
    page = call.page()
    with call.services.database.read() as connection:
        total, found = list_repositories(
            connection,
            call.organization.id,
            call.query(),
            search=call.search(),
            caller=call.caller.user.name,
            page=page,
        )
        wire = call.wire(connection, repositories=found)
        return list_json(page, total, [wire.repository(repository) for repository in found])


def create_repository(call: Call) -> Json:
    name = _limited(_required(text(call.body, "name"), "name"), "name", NAME_MAX)
    labels = _labels(call.body) or ()
    description = text(call.body, "description", "")
    with call.services.database.write() as connection:
        repository = call.catalog(connection).create_repository(name, description, labels, call.caller.user.id)
        return call.wire(connection, repositories=[repository]).repository(repository)


def repository(call: Call) -> Json:
    with call.services.database.read() as connection:
        found = call.catalog(connection).repository(call.path["name"])
        return call.wire(connection, repositories=[found]).repository(found)


def change_repository(call: Call) -> Json:
    with call.services.database.write() as connection:
        catalog = call.catalog(connection)
        found = catalog.repository(call.path["name"])
        changed = catalog.change_repository(found, optional_text(call.body, "description"), _labels(call.body))
        return call.wire(connection, repositories=[changed]).repository(changed)


def models(call: Call) -> Json:
    """All versions of all names, each with its repository."""
    page = call.page()
    with call.services.database.read() as connection:
        total, found = list_models(
            connection,
            call.organization.id,
            call.query(),
            search=call.search(),
            caller=call.caller.user.name,
            page=page,
        )
        wire = call.wire(connection, found)
        return list_json(page, total, [wire.model_with_repository(model) for model in found])


def repository_models(call: Call) -> Json:
    """The versions of one name. `q` is applied, as on BentoCloud; Yatai ignores it."""
    page = call.page()
    query = ListQuery() if call.services.config.faults.ignore_repository_query else call.query()
    with call.services.database.read() as connection:
        total, found = list_models(
            connection,
            call.organization.id,
            query,
            search=call.search(),
            caller=call.caller.user.name,
            page=page,
            repository_id=call.catalog(connection).repository(call.path["name"]).id,
        )
        wire = call.wire(connection, found)
        return list_json(page, total, [wire.model(model) for model in found])


def create_model(call: Call) -> Json:
    draft = ModelDraft(
        version=_limited(_required(text(call.body, "version"), "version"), "version", VERSION_MAX),
        description=text(call.body, "description", ""),
        manifest=_manifest(call.body),
        build_at=parse_build_at(text(call.body, "build_at", "")),
        labels=_labels(call.body) or (),
    )
    with call.services.database.write() as connection:
        catalog = call.catalog(connection)
        found = catalog.repository(call.path["name"])
        return call.model_json(connection, catalog.create_model(found, draft, call.caller.user.id), found)


def model(call: Call) -> Json:
    def read() -> JsonObject:
        with call.services.database.read() as connection:
            catalog = call.catalog(connection)
            found = catalog.model(catalog.repository(call.path["name"]), call.path["version"])
            return call.wire(connection, [found]).model_full(found)

    return call.services.remembered.answer(_model_key(call), read)


def knows_model(call: Call) -> bool:
    """Whether `model` needs no table."""
    return call.services.remembered.knows(_model_key(call))


def change_model(call: Call) -> Json:
    """Unlike Yatai, which applies labels only, whatever is sent is applied: a forced push refreshes its record."""
    build_at = optional_text(call.body, "build_at")
    change = ModelChange(
        description=optional_text(call.body, "description"),
        manifest=_manifest(call.body),
        build_at=None if build_at is None else parse_build_at(build_at),
        labels=_labels(call.body),
    )
    with call.services.database.write() as connection:
        catalog = call.catalog(connection)
        repository = catalog.repository(call.path["name"])
        changed = catalog.change_model(catalog.model(repository, call.path["version"]), change)
        return call.model_json(connection, changed, repository)


def _model_key(call: Call) -> Hashable:
    return "full model", call.organization.id, call.path["name"], call.path["version"]


def _required(value: str, field: str) -> str:
    if not value:
        raise BadRequestError(f"bind request: field {field!r} is required")
    return value


def _limited(value: str, field: str, limit: int) -> str:
    if len(value) > limit:
        raise BadRequestError(f"field {field!r}: value too long for type character varying({limit})")
    return value


def _labels(body: JsonObject) -> tuple[Label, ...] | None:
    sent = objects(body, "labels")
    if sent is None:
        return None
    return tuple(
        Label(
            _limited(_required(text(label, "key"), "key"), "key", LABEL_KEY_MAX),
            _limited(text(label, "value", ""), "value", LABEL_VALUE_MAX),
        )
        for label in sent
    )


def _manifest(body: JsonObject) -> JsonObject | None:
    manifest = body.get("manifest")
    if manifest is None:
        return None
    if not isinstance(manifest, dict):
        raise BadRequestError("bind request: field 'manifest' must be an object")
    for field in ("module", "api_version", "bentoml_version"):
        text(manifest, field, "")
    whole_number(manifest, "size_bytes", 0)
    for field in ("metadata", "context", "options"):
        if not isinstance(manifest.get(field), dict | None):
            raise BadRequestError(f"bind request: field {field!r} must be an object")
    return clean_manifest(manifest)

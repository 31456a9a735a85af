"""Calls about who one is and where: the user, the organization and what is in it as a whole."""

from __future__ import annotations

from modelsync_registry.calls import Call
from modelsync_registry.errors import BadRequestError
from modelsync_registry.jsontypes import Json
from modelsync_registry.listing import label_values, list_events, model_modules, models_by_id
from modelsync_registry.records import Page, ResourceType
from modelsync_registry.wire import list_json, organization_json, user_json


def current_user(call: Call) -> Json:
    return user_json(call.caller.user)


def current_organization(call: Call) -> Json:
    """OrganizationFullSchema; its `config`, which holds storage secrets on Yatai, is always empty here."""
    return organization_json(call.organization) | {"config": None}


def organizations(call: Call) -> Json:
    """Those the caller is a member of."""
    page = call.page()
    mine = [
        organization
        for organization in call.services.accounts.organizations()
        if call.caller.is_member(organization.name)
    ]
    stop = page.start + page.count if page.count else None
    return list_json(page, len(mine), [organization_json(one) for one in mine[page.start : stop]])


def modules(call: Call) -> Json:
    with call.services.database.read() as connection:
        return [*model_modules(connection, call.organization.id)]


def labels(call: Call) -> Json:
    wanted = call.parameters.get("resource_type", ResourceType.MODEL)
    try:
        resource = ResourceType(wanted)
    except ValueError:
        raise BadRequestError(f"list labels: unknown resource type {wanted!r}") from None
    with call.services.database.read() as connection:
        found = label_values(connection, call.organization.id, resource)
    return [{"key": key, "values": [*values]} for key, values in found.items()]


def events(call: Call) -> Json:
    page = call.page()
    with call.services.database.read() as connection:
        total, found = list_events(connection, call.organization.id, page)
        models = models_by_id(connection, {event.model_id for event in found})
        wire = call.wire(connection, models)
        return list_json(page, total, [wire.event(event) for event in found])


def nothing(call: Call) -> Json:
    """A list that is always empty: this registry keeps neither bentos nor deployments."""
    page = call.page()
    return list_json(Page(page.start, page.count), 0, [])

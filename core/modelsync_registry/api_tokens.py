"""Calls about one's own tokens: a list, a new one, one of them, and its end (registry contract 1.1, row 31)."""

from __future__ import annotations

import re
import secrets
from datetime import datetime

from sqlalchemy import Connection

from modelsync_registry.accounts import new_uid
from modelsync_registry.calls import Call
from modelsync_registry.dates import parse_moment, rfc3339
from modelsync_registry.errors import BadRequestError
from modelsync_registry.jsontypes import Json, JsonObject, optional_text, text
from modelsync_registry.own_tokens import OwnToken, OwnTokens, may_give
from modelsync_registry.tokens import SCOPES
from modelsync_registry.wire import list_json, organization_json, user_json

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
"""A DNS-1035 label, as Yatai wants it (contract 1.2)."""


def own_tokens(call: Call) -> Json:
    """Those that the caller made in this organization; what the configuration gives out is not among them."""
    page = call.page()
    with call.services.database.read() as connection:
        total, found = _mine(call, connection).list(page, call.search())
    return list_json(page, total, [_json(call, token) for token in found])


def make(call: Call) -> Json:
    """ApiTokenFullSchema: the only answer that ever holds the token."""
    secret = secrets.token_urlsafe(24)
    token = OwnToken(
        uid=new_uid(),
        digest=call.services.accounts.digest(secret),
        name=_name(text(call.body, "name", "")),
        description=text(call.body, "description", ""),
        scopes=_scopes(call),
        expires_at=_expiry(call),
        created_at=call.services.config.clock(),
    )
    with call.services.database.write() as connection:
        _mine(call, connection).make(token)
    return _json(call, token) | {"token": secret}


def own_token(call: Call) -> Json:
    with call.services.database.read() as connection:
        return _json(call, _mine(call, connection).find(call.path["uid"]))


def delete(call: Call) -> Json:
    """From the answer on nobody gets in with it."""
    with call.services.database.write() as connection:
        gone = _mine(call, connection).delete(call.path["uid"])
    call.services.accounts.forget_read()
    return _json(call, gone)


def _mine(call: Call, connection: Connection) -> OwnTokens:
    return OwnTokens(connection, call.caller.user.id, call.organization.id)


def _name(value: str) -> str:
    if _NAME.fullmatch(value) is None:
        raise BadRequestError(
            f"create apiToken: {value!r} is not a DNS-1035 label: lower-case letters, digits and '-', at most 63"
        )
    return value


def _scopes(call: Call) -> tuple[str, ...]:
    sent = call.body.get("scopes")
    if not isinstance(sent, list) or not sent:
        raise BadRequestError("bind request: field 'scopes' must be a list of at least one scope")
    scopes = tuple(dict.fromkeys(str(scope) for scope in sent))
    if unknown := set(scopes) - SCOPES:
        raise BadRequestError(f"create apiToken: no such scope: {', '.join(sorted(unknown))}")
    if not may_give(call.caller.scopes, scopes):
        raise BadRequestError(
            f"the scopes of this api token ({', '.join(sorted(call.caller.scopes))}) do not allow to give others"
        )
    return scopes


def _expiry(call: Call) -> datetime | None:
    """RFC 3339, or as the real client writes it: a space between, no zone, UTC meant (contract 1.0, Dates)."""
    sent = optional_text(call.body, "expired_at")
    moment = None
    if sent:
        try:
            moment = parse_moment(sent)
        except ValueError:
            raise BadRequestError(f'parse expired_at: parsing time "{sent}" as RFC 3339') from None
    limit = call.caller.expires_at
    if limit is not None and (moment is None or moment > limit):
        raise BadRequestError(f"create apiToken: the token that asks expires at {rfc3339(limit)}: not later than that")
    return moment


def _json(call: Call, token: OwnToken) -> JsonObject:
    """ApiTokenSchema."""
    now = call.services.config.clock()
    return {
        "uid": token.uid,
        "created_at": rfc3339(token.created_at),
        "updated_at": rfc3339(token.created_at),
        "deleted_at": None,
        "name": token.name,
        "resource_type": "api_token",
        "labels": [],
        "description": token.description,
        "user": user_json(call.caller.user),
        "organization": organization_json(call.organization),
        "scopes": [*token.scopes],
        "expired_at": rfc3339(token.expires_at),
        "last_used_at": rfc3339(token.last_used_at),
        "is_expired": token.expires_at is not None and token.expires_at <= now,
    }

"""Tokens that people make for themselves through the API, beside those that the configuration names.

None opens more than the token that made it: no other scopes, no other organization, no longer life. When the
configuration withdraws or narrows what its owner may do, those that it no longer covers are gone; where it makes an
owner's tokens end sooner, theirs end with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from modelsync_registry.database import organizations, own_tokens, users
from modelsync_registry.errors import BadRequestError, RecordNotFoundError
from modelsync_registry.records import Page
from modelsync_registry.tokens import TokenGrant


@dataclass(frozen=True, slots=True)
class OwnToken:
    """One of them; the token itself is told once, when it is made."""

    uid: str
    digest: str
    name: str
    description: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    """`None`: never."""
    created_at: datetime
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OwnTokens:
    """Those of one person in one organization, in one transaction."""

    connection: Connection
    user_id: int
    organization_id: int

    def make(self, token: OwnToken) -> None:
        """Raises BadRequestError when there is one of that name."""
        values = {
            "uid": token.uid,
            "digest": token.digest,
            "user_id": self.user_id,
            "organization_id": self.organization_id,
            "name": token.name,
            "description": token.description,
            "scopes": list(token.scopes),
            "expires_at": token.expires_at,
            "created_at": token.created_at,
        }
        try:
            self.connection.execute(insert(own_tokens).values(values))
        except IntegrityError:
            raise BadRequestError(
                'create apiToken: duplicate key value violates unique constraint "uk_apiToken_orgId_userId_name"'
            ) from None

    def find(self, uid: str) -> OwnToken:
        """Raises RecordNotFoundError, also for somebody else's."""
        row = self.connection.execute(select(own_tokens).where(self._mine, own_tokens.c.uid == uid)).first()
        if row is None:
            raise RecordNotFoundError("apiToken", uid)
        return _from_row(row)

    def list(self, page: Page, search: str = "") -> tuple[int, list[OwnToken]]:
        """How many there are, and a page of them, the newest first; `search` is a piece of the name."""
        wanted = self._mine & own_tokens.c.name.contains(search, autoescape=True)
        total = self.connection.execute(select(func.count()).select_from(own_tokens).where(wanted)).scalar_one()
        statement = select(own_tokens).where(wanted).order_by(own_tokens.c.id.desc()).offset(page.start)
        if page.count:
            statement = statement.limit(page.count)
        return total, [_from_row(row) for row in self.connection.execute(statement)]

    def delete(self, uid: str) -> OwnToken:
        """Returns what it was. Raises RecordNotFoundError."""
        found = self.find(uid)
        self.connection.execute(delete(own_tokens).where(own_tokens.c.uid == uid))
        return found

    @property
    def _mine(self) -> ColumnElement[bool]:
        return (own_tokens.c.user_id == self.user_id) & (own_tokens.c.organization_id == self.organization_id)


def withdraw_uncovered(connection: Connection, grants: Iterable[TokenGrant]) -> None:
    """Deletes what no configured token of the same person would open any more, and ends what would outlive them."""
    by_user: dict[str, list[TokenGrant]] = {}
    for grant in grants:
        by_user.setdefault(grant.user, []).append(grant)
    statement = (
        select(
            *(own_tokens.c.id, own_tokens.c.scopes, own_tokens.c.expires_at),
            *(users.c.name.label("user"), organizations.c.name.label("organization")),
        )
        .join(users, users.c.id == own_tokens.c.user_id)
        .join(organizations, organizations.c.id == own_tokens.c.organization_id)
    )
    for row in connection.execute(statement).all():
        covering = [grant for grant in by_user.get(row.user, ()) if _covers(grant, row.scopes, row.organization)]
        if not covering:
            connection.execute(delete(own_tokens).where(own_tokens.c.id == row.id))
            continue
        ends = [grant.expires_at for grant in covering if grant.expires_at is not None]
        if len(ends) == len(covering) and (row.expires_at is None or row.expires_at > max(ends)):
            connection.execute(update(own_tokens).where(own_tokens.c.id == row.id).values(expires_at=max(ends)))


def may_give(scopes: Iterable[str], given: Iterable[str]) -> bool:
    """Whether a token with `scopes` may make one with `given`; `api` is all of them."""
    mine = frozenset(scopes)
    return "api" in mine or mine >= frozenset(given)


def _covers(grant: TokenGrant, scopes: Iterable[str], organization: str) -> bool:
    return (grant.organizations is None or organization in grant.organizations) and may_give(grant.scopes, scopes)


def _from_row(row: Row[Any]) -> OwnToken:
    return OwnToken(
        uid=row.uid,
        digest=row.digest,
        name=row.name,
        description=row.description,
        scopes=tuple(row.scopes),
        expires_at=row.expires_at,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )

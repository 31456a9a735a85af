"""Organizations, users and tokens: what the configuration names is in the tables, and who a token belongs to.

A token itself is never stored: the table holds its HMAC under the registry's secret, so that a stolen database opens
nothing and cannot be searched for weak tokens.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from modelsync_registry.database import Database, organizations, tokens, users
from modelsync_registry.errors import NotSignedInError, UnknownOrganizationError
from modelsync_registry.records import Organization, User
from modelsync_registry.tokens import TokenGrant

LAST_USED_EVERY = timedelta(minutes=1)
"""How exact `last_used_at` is: a write for every request would be most of the database's work."""


def new_uid() -> str:
    """24 hexadecimal digits, unique."""
    return secrets.token_hex(12)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    user: User
    scopes: frozenset[str]
    organizations: frozenset[str] | None

    def is_member(self, organization: str) -> bool:
        return self.organizations is None or organization in self.organizations


class Accounts:
    """Looks callers and organizations up."""

    def __init__(self, database: Database, *, secret: bytes, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._secret = secret
        self._clock = clock

    def configure(self, names: tuple[str, ...], grants: tuple[TokenGrant, ...]) -> None:
        """Makes the tables say what the configuration says; tokens it does not name any more are revoked."""
        now = self._clock()
        with self._database.write() as connection:
            for name in names:
                if connection.execute(select(organizations.c.id).filter_by(name=name)).first() is None:
                    connection.execute(insert(organizations).values(uid=new_uid(), name=name, created_at=now))
            connection.execute(delete(tokens))
            for grant in grants:
                connection.execute(
                    insert(tokens).values(
                        digest=self._digest(grant.token),
                        user_id=_ensure_user(connection, grant, now),
                        scopes=sorted(grant.scopes),
                        organizations=None if grant.organizations is None else sorted(grant.organizations),
                        expires_at=grant.expires_at,
                        created_at=now,
                    )
                )

    def caller(self, token: str | None) -> Caller:
        """Whose token this is. Raises NotSignedInError with Yatai's words (registry contract 1.0)."""
        if not token:
            raise NotSignedInError("username in cookie is empty")
        with self._database.read() as connection:
            row = connection.execute(
                select(
                    tokens.c.id,
                    tokens.c.scopes,
                    tokens.c.organizations,
                    tokens.c.expires_at,
                    tokens.c.last_used_at,
                    *(column.label(f"user_{column.name}") for column in users.c),
                )
                .join(users)
                .where(tokens.c.digest == self._digest(token))
            ).first()
        if row is None:
            raise NotSignedInError("get api token: record not found")
        now = self._clock()
        if row.expires_at is not None and row.expires_at <= now:
            raise NotSignedInError("the api token is expired")
        if row.last_used_at is None or abs(now - row.last_used_at) >= LAST_USED_EVERY:
            with self._database.write() as connection:
                connection.execute(update(tokens).filter_by(id=row.id).values(last_used_at=now))
        return Caller(
            User(row.user_id, row.user_uid, row.user_name, row.user_email, row.user_created_at),
            frozenset(row.scopes),
            None if row.organizations is None else frozenset(row.organizations),
        )

    def organization(self, caller: Caller, name: str | None) -> Organization:
        """The organization called `name`, or the caller's first when it is `None` or empty.

        Raises UnknownOrganizationError, or NotSignedInError when the caller is no member.
        """
        for organization in self.organizations():
            if name and organization.name == name:
                if not caller.is_member(name):
                    raise NotSignedInError(f"user {caller.user.name} is not a member of organization {name}")
                return organization
            if not name and caller.is_member(organization.name):
                return organization
        if name:
            raise UnknownOrganizationError
        raise NotSignedInError(f"user {caller.user.name} is not a member of any organization")

    def organizations(self) -> list[Organization]:
        """All of them, oldest first."""
        with self._database.read() as connection:
            return [
                Organization(row.id, row.uid, row.name, row.created_at)
                for row in connection.execute(select(organizations).order_by(organizations.c.id))
            ]

    def _digest(self, token: str) -> str:
        return hmac.new(self._secret, token.encode(), hashlib.sha256).hexdigest()


def _ensure_user(connection: Connection, grant: TokenGrant, now: datetime) -> int:
    found = connection.execute(select(users.c.id).filter_by(name=grant.user)).scalar()
    if found is None:
        values = {"uid": new_uid(), "name": grant.user, "email": grant.email, "created_at": now}
        return int(connection.execute(insert(users).values(values).returning(users.c.id)).scalar_one())
    if grant.email:
        connection.execute(update(users).filter_by(id=found).values(email=grant.email))
    return int(found)

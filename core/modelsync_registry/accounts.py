"""Organizations, users and tokens: what the configuration names is in the tables, and who a token belongs to.

A token itself is never stored: the table holds its HMAC under the registry's secret, so that a stolen database opens
nothing and cannot be searched for weak tokens.

How it works: whom a token belongs to is read from the tables once and remembered until they change, which only
`configure` does; a push asks for an address per part, and half the work of that would be the same two look-ups.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class _Token:
    """A row of the table of tokens."""

    id: int
    caller: Caller
    expires_at: datetime | None
    last_used_at: datetime | None


class Accounts:
    """Looks callers and organizations up."""

    def __init__(self, database: Database, *, secret: bytes, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._secret = secret
        self._clock = clock
        self._lock = threading.Lock()
        self._version = 0
        """How often the tables have changed: what was read before a change is not remembered after it."""
        self._tokens: dict[str, _Token] = {}
        self._organizations: Sequence[Organization] | None = None

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
        with self._lock:
            self._version += 1
            self._tokens = {}
            self._organizations = None

    def caller(self, token: str | None) -> Caller:
        """Whose token this is. Raises NotSignedInError with Yatai's words (registry contract 1.0)."""
        if not token:
            raise NotSignedInError("username in cookie is empty")
        digest = self._digest(token)
        known = self._tokens.get(digest) or self._read_token(digest)
        now = self._clock()
        if known.expires_at is not None and known.expires_at <= now:
            raise NotSignedInError("the api token is expired")
        if known.last_used_at is None or abs(now - known.last_used_at) >= LAST_USED_EVERY:
            with self._database.write() as connection:
                connection.execute(update(tokens).filter_by(id=known.id).values(last_used_at=now))
            with self._lock:
                if digest in self._tokens:
                    self._tokens[digest] = replace(known, last_used_at=now)
        return known.caller

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

    def organizations(self) -> Sequence[Organization]:
        """All of them, oldest first."""
        known, version = self._organizations, self._version
        if known is None:
            with self._database.read() as connection:
                known = [
                    Organization(row.id, row.uid, row.name, row.created_at)
                    for row in connection.execute(select(organizations).order_by(organizations.c.id))
                ]
            with self._lock:
                if version == self._version:
                    self._organizations = known
        return known

    def _read_token(self, digest: str) -> _Token:
        version = self._version
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
                .where(tokens.c.digest == digest)
            ).first()
        if row is None:
            raise NotSignedInError("get api token: record not found")
        caller = Caller(
            User(row.user_id, row.user_uid, row.user_name, row.user_email, row.user_created_at),
            frozenset(row.scopes),
            None if row.organizations is None else frozenset(row.organizations),
        )
        found = _Token(row.id, caller, row.expires_at, row.last_used_at)
        with self._lock:
            if version == self._version:
                self._tokens[digest] = found
        return found

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

"""Organizations, users and tokens: what the configuration names is in the tables, and who a token belongs to.

A token itself is never stored: the table holds its HMAC under the registry's secret, so that a stolen database opens
nothing and cannot be searched for weak tokens.

How it works: whom a token belongs to is read from the tables once and remembered until something is taken away
(`configure`, `forget_read`); a push asks for an address per part, and half the work of that would be the same two
look-ups.
"""

from __future__ import annotations

import contextlib
import hmac
import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from modelsync_registry.database import Database, organizations, own_tokens, tokens, users
from modelsync_registry.errors import NotSignedInError, UnknownOrganizationError
from modelsync_registry.own_tokens import withdraw_uncovered
from modelsync_registry.records import Organization, User
from modelsync_registry.tokens import TokenGrant

_log = logging.getLogger(__name__)

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
    expires_at: datetime | None = None
    """When the token that was sent ends; `None`: never."""

    def is_member(self, organization: str) -> bool:
        return self.organizations is None or organization in self.organizations


@dataclass(frozen=True, slots=True)
class _Token:
    """A row of one of the tables of tokens."""

    table: Table
    id: int
    caller: Caller
    last_used_at: datetime | None

    def is_expired(self, now: datetime) -> bool:
        return self.caller.expires_at is not None and self.caller.expires_at <= now

    def is_use_to_be_noted(self, now: datetime) -> bool:
        return self.last_used_at is None or abs(now - self.last_used_at) >= LAST_USED_EVERY


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
                        digest=self.digest(grant.token),
                        user_id=_ensure_user(connection, grant, now),
                        scopes=sorted(grant.scopes),
                        organizations=None if grant.organizations is None else sorted(grant.organizations),
                        expires_at=grant.expires_at,
                        created_at=now,
                    )
                )
            withdraw_uncovered(connection, grants)
        self.forget_read()

    def forget_read(self) -> None:
        """From now on everything is read anew: a token was withdrawn, or the configuration is another one."""
        with self._lock:
            self._version += 1
            self._tokens = {}
            self._organizations = None

    def rehearse(self) -> None:
        """Runs each statement of `caller` and `organization` once, as it is compiled when it is first run."""
        with contextlib.suppress(NotSignedInError):
            self._read_token("")  # no token's digest
        self.organizations()
        with self._database.write() as connection:
            for table in tokens, own_tokens:
                connection.execute(update(table).filter_by(id=0).values(last_used_at=self._clock()))  # nobody's id

    def digest(self, token: str) -> str:
        """What stands in the tables for a token."""
        return hmac.digest(self._secret, token.encode(), "sha256").hex()

    def caller(self, token: str | None) -> Caller:
        """Whose token this is. Raises NotSignedInError with Yatai's words (registry contract 1.0)."""
        if not token:
            raise NotSignedInError("username in cookie is empty")
        digest = self.digest(token)
        known = self._tokens.get(digest) or self._read_token(digest)
        now = self._clock()
        if known.is_expired(now):
            raise NotSignedInError("the api token is expired")
        if known.is_use_to_be_noted(now):
            self._note_use(digest, known, now)
        return known.caller

    def remembered_caller(self, token: str | None) -> Caller | None:
        """The same without any table; `None` where one would have to be read or written, or the answer is a refusal."""
        known = self._tokens.get(self.digest(token)) if token else None
        now = self._clock()
        if known is None or self._organizations is None or known.is_expired(now) or known.is_use_to_be_noted(now):
            return None
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

    def _note_use(self, digest: str, known: _Token, now: datetime) -> None:
        try:
            with self._database.write() as connection:
                connection.execute(update(known.table).filter_by(id=known.id).values(last_used_at=now))
        except DBAPIError as error:  # a full disk must not keep people from what is there
            _log.error("the use of a token cannot be noted: %s", error.orig)
        with self._lock:
            if digest in self._tokens:
                self._tokens[digest] = replace(known, last_used_at=now)

    def _read_token(self, digest: str) -> _Token:
        version = self._version
        with self._database.read() as connection:
            found = _configured(connection, digest) or _own(connection, digest)
        if found is None:
            raise NotSignedInError("get api token: record not found")
        with self._lock:
            if version == self._version:
                self._tokens[digest] = found
        return found


def _configured(connection: Connection, digest: str) -> _Token | None:
    statement = select(*_token_columns(tokens), tokens.c.organizations).join(users).where(tokens.c.digest == digest)
    row = connection.execute(statement).first()
    if row is None:
        return None
    return _token_of(tokens, row, None if row.organizations is None else frozenset(row.organizations))


def _own(connection: Connection, digest: str) -> _Token | None:
    statement = (
        select(*_token_columns(own_tokens), organizations.c.name.label("organization"))
        .join(users, users.c.id == own_tokens.c.user_id)
        .join(organizations, organizations.c.id == own_tokens.c.organization_id)
        .where(own_tokens.c.digest == digest)
    )
    row = connection.execute(statement).first()
    return None if row is None else _token_of(own_tokens, row, frozenset({row.organization}))


def _token_columns(table: Table) -> list[ColumnElement[Any]]:
    columns = table.c
    return [
        *(columns.id, columns.scopes, columns.expires_at, columns.last_used_at),
        *(column.label(f"user_{column.name}") for column in users.c),
    ]


def _token_of(table: Table, row: Row[*tuple[Any, ...]], members_of: frozenset[str] | None) -> _Token:
    user = User(row.user_id, row.user_uid, row.user_name, row.user_email, row.user_created_at)
    caller = Caller(user, frozenset(row.scopes), members_of, row.expires_at)
    return _Token(table, row.id, caller, row.last_used_at)


def _ensure_user(connection: Connection, grant: TokenGrant, now: datetime) -> int:
    found = connection.execute(select(users.c.id).filter_by(name=grant.user)).scalar()
    if found is None:
        values = {"uid": new_uid(), "name": grant.user, "email": grant.email, "created_at": now}
        return int(connection.execute(insert(users).values(values).returning(users.c.id)).scalar_one())
    if grant.email:
        connection.execute(update(users).filter_by(id=found).values(email=grant.email))
    return int(found)

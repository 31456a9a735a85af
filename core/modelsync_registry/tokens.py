"""Who may do what: access tokens as configured, and the file they are written in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from modelsync_registry.dates import parse_moment

SCOPES = frozenset(
    {"api", "read_organization", "write_organization", "operate_organization", "read_cluster", "write_cluster"}
)


class TokenFileError(ValueError):
    """A line of the token file that cannot be understood; the text names the line, never the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenGrant:
    """One access token and what it opens."""

    token: str = field(repr=False)
    user: str = "admin"
    email: str = ""
    scopes: frozenset[str] = frozenset({"api"})
    expires_at: datetime | None = None
    """`None`: never."""
    organizations: frozenset[str] | None = None
    """`None`: member of every organization."""


def parse_token_file(lines: Iterable[str]) -> tuple[TokenGrant, ...]:
    """One token per line, with options behind it; empty lines and lines that begin with `#` are skipped.

        TOKEN user=mia email=mia@acme.io scopes=read_organization,write_organization \
            expires=2026-12-01T00:00:00Z organizations=acme

    Raises TokenFileError for an unknown option, an unknown scope, a bad date or a token that stands twice.
    """
    grants: list[TokenGrant] = []
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        grant = _parse_line(words, number)
        if grant.token in seen:
            raise TokenFileError(f"line {number}: this token stands in the file twice")
        seen.add(grant.token)
        grants.append(grant)
    return tuple(grants)


def _parse_line(words: list[str], number: int) -> TokenGrant:
    if not words[0].isascii():
        raise TokenFileError(f"line {number}: a token has letters, digits and signs of ASCII only, as headers do")
    options: dict[str, str] = {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals or key not in {"user", "email", "scopes", "expires", "organizations"}:
            raise TokenFileError(
                f"line {number}: after the token come user=, email=, scopes=, expires= or organizations="
            )
        options[key] = value
    scopes = frozenset(options.get("scopes", "api").split(","))
    if unknown := scopes - SCOPES:
        raise TokenFileError(
            f"line {number}: no such scope: {', '.join(sorted(unknown))}. There are {', '.join(sorted(SCOPES))}"
        )
    organizations = options.get("organizations")
    return TokenGrant(
        token=words[0],
        user=options.get("user", "admin"),
        email=options.get("email", ""),
        scopes=scopes,
        expires_at=_parse_expiry(options["expires"], number) if "expires" in options else None,
        organizations=frozenset(organizations.split(",")) if organizations else None,
    )


def _parse_expiry(value: str, number: int) -> datetime:
    try:
        return parse_moment(value)
    except ValueError:
        raise TokenFileError(f"line {number}: expires= needs a date such as 2026-12-01T00:00:00Z") from None

"""Dates as the wire writes them: RFC 3339 out, the client's zoneless `build_at` in."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from modelsync_registry.errors import BadRequestError

_BUILD_AT = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{6}", re.ASCII)


def utc_now() -> datetime:
    """The registry's clock, unless its configuration brings another."""
    return datetime.now(UTC)


def rfc3339(moment: datetime | None) -> str | None:
    """`moment` in UTC, with a Z; `None` stays `None`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_moment(text: str) -> datetime:
    """An ISO date in UTC; without a zone it is UTC already. Raises ValueError, also for what is no date in UTC."""
    moment = datetime.fromisoformat(text)
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:  # the first or last hours of the calendar, in another zone
        raise ValueError("not within the years 1 to 9999 of UTC") from None


def parse_build_at(value: str) -> datetime:
    """`2026-11-22 07:35:54.512873` as UTC: six digits, no zone, nothing else (registry contract 1.0, Dates)."""
    if _BUILD_AT.fullmatch(value):
        try:
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        except ValueError:
            pass  # the right shape, but no such day or hour
    raise BadRequestError(f'parse build at: parsing time "{value}" as "2006-01-02 15:04:05.000000"')

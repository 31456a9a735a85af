"""Dates as the registry reads and writes them (registry contract 1.0, "Dates")."""

import re
from datetime import UTC, datetime, timedelta, timezone

_YEAR_UNSET = 1
_YEAR_LAST = 9999
_USUAL_MIN_CHARS = len("2026-03-01T12:00:00Z")
_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?\s*(?:(Z)|([+-])(\d\d):?(\d\d))?",
    re.ASCII | re.IGNORECASE,
)


def read_date(text: object) -> datetime | None:
    """An aware time in UTC; None for null, for year 1 (an unset column) and for anything that is no date.

    None as well for year 9999, whose last day is beyond what can be told in zones east of Greenwich. The server prints
    0 to 9 fractional digits and any offset; what is finer than a microsecond is dropped. A date without an offset is
    taken as UTC.
    """
    if not isinstance(text, str):
        return None
    if len(text) >= _USUAL_MIN_CHARS and text[4::3][:5] == "--T::" and text[-1] == "Z":
        try:  # what servers write, in a tenth of the time: each row of a list has four
            moment = datetime.fromisoformat(text)
        except ValueError:
            pass  # it may be a date all the same
        else:
            return moment if _YEAR_UNSET < moment.year < _YEAR_LAST else None
    found = _RFC_3339.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, off_hours, off_minutes = found.groups()
    microsecond = int((fraction or "")[:6].ljust(6, "0"))
    offset = timedelta()
    if sign:
        offset = timedelta(hours=int(off_hours), minutes=int(off_minutes)) * (-1 if sign == "-" else 1)
    try:
        zone = timezone(offset)
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second), microsecond, tzinfo=zone
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if int(year) > _YEAR_UNSET and moment.year < _YEAR_LAST else None


def write_date(moment: datetime) -> str:
    """`YYYY-MM-DD HH:MM:SS.ffffff` in UTC: exactly six digits and no zone, or the server answers 400."""
    utc = moment.astimezone(UTC)
    return f"{utc.year:04}-{utc:%m-%d %H:%M:%S}.{utc.microsecond:06}"

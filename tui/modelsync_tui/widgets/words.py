"""Speeds, spans and moments in the words and widths of the transfers and dialogs."""

from datetime import datetime

from modelsync_tui.text import size_text

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


def short_size(size_bytes: float) -> str:
    """A size in at most 5 cells: `188B`, `4.7M`, `779M`, `1.1G`."""
    number, _, unit = size_text(round(size_bytes)).partition(" ")
    return f"{float(number):.0f}{unit[0]}" if len(number) > 3 else number + unit[0]


def speed_text(bytes_per_s: float) -> str:
    """`38.2 MiB/s`."""
    return f"{size_text(round(bytes_per_s))}/s"


def short_speed(bytes_per_s: float) -> str:
    """`38.2M/s`: at most 7 cells."""
    number, _, unit = size_text(round(bytes_per_s)).partition(" ")
    return f"{number}{unit[0]}/s"


def clock_text(seconds: float) -> str:
    """A span as `0:09`, `12:40` or `3:05:00`; a day and more as `2 d`."""
    whole = round(seconds)
    if whole >= _DAY_S:
        return f"{whole // _DAY_S} d"
    minutes, rest = divmod(whole, _MINUTE_S)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def about_text(seconds: float) -> str:
    """A rough span for a question: `9 s`, `3 min`, `2 h`."""
    if seconds < _MINUTE_S:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / _MINUTE_S:.0f} min" if seconds < _HOUR_S else f"{seconds / _HOUR_S:.1f} h"


def moment_short(when: datetime, now: datetime | None = None) -> str:
    """`11-21 18:02` in this year, `2025-11-21` before: 11 cells."""
    local = when.astimezone()
    return f"{local:%m-%d %H:%M}" if local.year == (now or datetime.now().astimezone()).year else f"{local:%Y-%m-%d} "


def moment_text(when: datetime | None) -> str:
    """A date and time on this machine's clock: `2026-11-21 18:02`; `-` where none is known."""
    if when is None:
        return "-"
    try:
        return f"{when.astimezone():%Y-%m-%d %H:%M}"
    except OverflowError:  # the first or last day that there is, in another time zone
        return "-"

"""Sizes, speeds, times and text from outside, in the words and widths of this screen."""

import unicodedata
from datetime import datetime

from rich.cells import cell_len, set_cell_size

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def size(count: float) -> str:
    """Bytes in binary units with one decimal under 100: `188 B`, `4.7 MiB`, `779 MiB`, `1.1 GiB`; at most 8 cells."""
    unit = _UNITS[0]
    value = float(count)
    for unit in _UNITS:
        if value < 999.5 or unit == _UNITS[-1]:
            break
        value /= 1024
    return f"{value:.1f} {unit}" if unit != "B" and value < 99.95 else f"{value:.0f} {unit}"


def short_size(count: float) -> str:
    """The same in at most 4 or 5 cells: `188B`, `4.7M`, `779M`, `1.1G`."""
    number, _, unit = size(count).partition(" ")
    if len(number) > 3 and not number.startswith("0."):
        number = f"{float(number):.0f}" if float(number) >= 10 else number
    return number + unit[0]


def speed(bytes_per_s: float) -> str:
    """`38.2 MiB/s`."""
    return f"{size(bytes_per_s)}/s"


def clock(seconds: float) -> str:
    """A span as `0:09`, `12:40` or `3:05:00`; a day and more as `2 d`."""
    whole = round(seconds)
    if whole >= 86_400:
        return f"{whole // 86_400} d"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(when: datetime | None) -> str:
    """A date and time on this machine's clock: `2026-11-21 18:02`; `-` where none is known."""
    return "-" if when is None else f"{when.astimezone():%Y-%m-%d %H:%M}"


def count_of(count: int, noun: str) -> str:
    """`1 version`, `3 versions`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def literal(text: str) -> str:
    """Text from outside on one line: what could move the cursor, colour or hide is shown as a replacement character.

    Line ends and tabs become blanks. Bidirectional and zero-width controls count as dangerous: they can make one
    name look like another.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if char in "\n\r\t\v\f":
        return " "
    return _REPLACEMENT if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else char


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """Cuts or fills to exactly `width` cells, wide characters counted as two."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    kept = set_cell_size(text, width - 1).rstrip()
    return kept + ellipsis + " " * (width - 1 - cell_len(kept))


def fit_right(text: str, width: int, ellipsis: str = "…") -> str:
    """The same, against the right edge."""
    return " " * max(0, width - cell_len(text)) + text if cell_len(text) <= width else fit(text, width, ellipsis)


def fit_tag(text: str, width: int, ellipsis: str = "…") -> str:
    """A tag in exactly `width` cells: name and version give way together, so that both stay recognisable."""
    name, colon, version = text.partition(":")
    if cell_len(text) <= width or not colon or width < 12:
        return fit(text, width, ellipsis)
    room = width - 1
    name_width = min(cell_len(name), max(room - cell_len(version), room * 3 // 5))
    return fit(name, name_width, ellipsis) + colon + fit(version, room - name_width, ellipsis)

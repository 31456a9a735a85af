"""Text for the screen: what comes from outside made harmless, cut and padded by cells; sizes and dates in few."""

import re
from datetime import UTC, datetime, timedelta

from rich.cells import cell_len, chop_cells, set_cell_size

_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0 and C1: escape sequences would act on the terminal
    "\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # invisible, or turns the direction of text around
    "\ud800-\udfff\ue000-\uf8ff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
LITERAL_MAX_CHARS = 2_000
"""More of one text is never drawn on one line; a hostile name of megabytes must not cost time."""
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def literal(text: str, *, replacement: str = REPLACEMENT) -> str:
    """Text from outside on one line; each control, invisible or direction-changing character becomes a visible one."""
    if text.isascii() and text.isprintable():
        return text[:LITERAL_MAX_CHARS]
    return _UNPRINTABLE.sub(replacement, text[:LITERAL_MAX_CHARS])


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """At most `width` cells of a text; the ellipsis stands for what was cut."""
    if width <= 0:
        return ""
    if len(text) * 2 <= width or cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip(" ") + ellipsis


def cut_middle(text: str, width: int, ellipsis: str = "…") -> str:
    """At most `width` cells, the middle left out: versions differ at their ends, paths too."""
    if cell_len(text) <= width:
        return text
    if width <= 3:
        return cut(text, width, ellipsis)
    tail_cells = (width - 1) // 3
    tail = text[-tail_cells:]
    while cell_len(tail) > tail_cells:
        tail = tail[1:]
    return set_cell_size(text, width - 1 - cell_len(tail)).rstrip(" ") + ellipsis + tail


def cut_path(path: str, width: int, ellipsis: str = "…") -> str:
    """At most `width` cells of a path: whole components are left out where its last one fits, `/tmp/…/models`."""
    parts = path.split("/")
    shortest = f"{ellipsis}/{parts[-1]}"
    if cell_len(path) <= width or len(parts) < 3 or cell_len(shortest) > width:
        return cut_middle(path, width, ellipsis)
    head, tail, shown = 0, 1, shortest
    for more_head, more_tail in [(1, 0), (1, 0), *[(0, 1), (1, 0)] * len(parts)]:
        wider_head, wider_tail = head + more_head, tail + more_tail
        if wider_head + wider_tail >= len(parts):
            break
        wider = "/".join((*parts[:wider_head], ellipsis, *parts[-wider_tail:]))
        if cell_len(wider) <= width:
            head, tail, shown = wider_head, wider_tail, wider
    return shown


def left(text: str, width: int, ellipsis: str = "…") -> str:
    """Exactly `width` cells, text at the left."""
    text = cut(text, width, ellipsis)
    return text + " " * (width - cell_len(text))


def right(text: str, width: int, ellipsis: str = "…") -> str:
    """Exactly `width` cells, text at the right."""
    text = cut(text, width, ellipsis)
    return " " * (width - cell_len(text)) + text


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, broken at blanks where that leaves no line half empty."""
    lines = []
    while cell_len(text) > width:
        piece = chop_cells(text, max(2, width))[0]
        blank = piece.rfind(" ")
        if blank > len(piece) // 2:
            piece = piece[: blank + 1]
        lines.append(piece.rstrip(" "))
        text = text[len(piece) :]
    return [*lines, text] if text or not lines else lines


def size_text(size_bytes: float | None) -> str:
    """`188 B`, `4.7 MiB`, `779 MiB`, `1.1 GiB`: at most 8 cells; empty when not known."""
    if size_bytes is None:
        return ""
    value, unit = float(size_bytes), UNITS[0]
    for unit in UNITS:
        if value < 999.5 or unit == UNITS[-1]:
            break
        value /= 1024
    return f"{value:.1f} {unit}" if unit != "B" and value < 99.95 else f"{value:.0f} {unit}"


def size_pair(one: int | None, other: int | None) -> tuple[str, str]:
    """Two sizes in words that differ whenever the sizes do; `-` for one that is not known."""
    if one is None or other is None or one == other:
        return size_text(one) or "-", size_text(other) or "-"
    if size_text(one) != size_text(other):
        return size_text(one), size_text(other)
    from humanize import intcomma, naturalsize  # 20 ms, of which no first frame has any use

    for decimals in (1, 2, 3, 4):
        words, others = (naturalsize(size, binary=True, format=f"%.{decimals}f") for size in (one, other))
        if words != others and "Byte" not in words + others:
            return words, others
    return f"{intcomma(one)} B", f"{intcomma(other)} B"


def when_text(when: datetime | None, now: datetime | None = None) -> str:
    """`14:02` today, `Nov 20` within the year, `2024-11` before: at most 7 cells."""
    if when is None:
        return ""
    now = (now or datetime.now(UTC)).astimezone()
    try:
        local = when.astimezone(now.tzinfo)
    except OverflowError:  # the first or last day that there is, in another time zone
        return ""
    if local.date() == now.date():
        return f"{local:%H:%M}"
    if timedelta(0) <= now - local < timedelta(days=330):
        return f"{local:%b %d}"
    return f"{local.year:04}-{local.month:02}"


def ago_text(seconds: float) -> str:
    """`12 s`, `5 min`, `3 h`, `2 d`."""
    for limit, unit, per in ((60, "s", 1), (3600, "min", 60), (86_400, "h", 3600)):
        if seconds < limit:
            return f"{int(seconds // per)} {unit}"
    return f"{int(seconds // 86_400)} d"


def count_text(count: int, one: str, many: str = "") -> str:
    """`1 version`, `1,204 versions`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"

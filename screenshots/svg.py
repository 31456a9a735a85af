"""Pictures as every viewer draws them: each word at the place of its cell, whatever a renderer does with blanks."""

import html
import re

from rich.cells import cell_len

_TEXT = re.compile(r'<text ([^>]*?)x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)"([^>]*)>([^<]*)</text>')
_RUN = re.compile(r"[\x21-\x7e]+|[\u2500-\u257f]+|[^\s]")
"""What one renderer draws in one go: a word, a line, or one character that may come from another font."""
_CELL_PX = 12.2
"""Width of one cell in the pictures that Textual writes."""
_FONT_CELL_PX = 12.3
"""Width of one character of Fira Code at the size they are written in."""


def even(picture: str) -> str:
    """The same picture, each word placed on its own.

    rsvg drops leading no-break spaces and ignores textLength: without this, columns do not line up.
    """
    spacing = f"font-size: 20px; letter-spacing: {_CELL_PX - _FONT_CELL_PX:.1f}px;"
    return _TEXT.sub(_placed, picture.replace("font-size: 20px;", spacing))


def _placed(match: re.Match[str]) -> str:
    before, x, y, _, after, escaped = match.groups()
    words = html.unescape(escaped)
    placed = []
    for run in _RUN.finditer(words):
        left = float(x) + cell_len(words[: run.start()]) * _CELL_PX
        width = cell_len(run.group()) * _CELL_PX
        text = html.escape(run.group())
        placed.append(f'<text {before}x="{left:.1f}" y="{y}" textLength="{width:.1f}"{after}>{text}</text>')
    return "".join(placed)

"""What the tones of a line look like in a theme.

How it works: they are worked out from the theme's variables when a line is drawn. As component classes of the style
sheet every one of them would be matched anew in every list whenever a class changes above it, which for the dozen
lists of a screen took longer than drawing it.
"""

from enum import StrEnum

from rich.style import Style
from textual.color import Color
from textual.widget import Widget


class Tone(StrEnum):
    """What a piece of text is, for the theme to colour; the text says the same without colour."""

    PLAIN = "plain"
    MUTED = "muted"
    STRONG = "strong"
    ACCENT = "accent"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"

    DANGER = "danger"
    """From here on: the colours that contexts have."""
    BLUE = "blue"
    CYAN = "cyan"
    GREEN = "green"
    MAGENTA = "magenta"
    YELLOW = "yellow"


CURSOR = Style(reverse=True)

_VARIABLES = {
    Tone.MUTED: "text-muted",
    Tone.ACCENT: "text-accent",
    Tone.GOOD: "text-success",
    Tone.WARN: "text-warning",
    Tone.BAD: "text-error",
    Tone.DANGER: "text-error",
}
_OF_DARK = {
    Tone.BLUE: "#7cc2fb",
    Tone.CYAN: "#5fd3d3",
    Tone.GREEN: "#8fd18f",
    Tone.MAGENTA: "#d6a2ec",
    Tone.YELLOW: "#e6cc6a",
}
_OF_LIGHT = {
    Tone.BLUE: "#0b5fad",
    Tone.CYAN: "#00696f",
    Tone.GREEN: "#2b6a2b",
    Tone.MAGENTA: "#8a2f9e",
    Tone.YELLOW: "#75570a",
}


def tone_style(widget: Widget, tone: Tone) -> Style:
    """The style of a tone on this widget's background, in the theme of now."""
    plain = widget.rich_style
    if tone is Tone.PLAIN:
        return plain
    if tone is Tone.STRONG:
        return plain + Style(bold=True)
    variables = widget.app.theme_variables
    behind = widget.background_colors[1]
    if tone is Tone.DANGER:
        behind = behind + _color(variables[_VARIABLES[tone]], behind)
        front = Color.parse(variables["background"])
        return plain + Style.from_color((behind + front).rich_color, behind.rich_color) + Style(bold=True)
    named = _VARIABLES.get(tone)
    fixed = _OF_DARK if widget.app.current_theme.dark else _OF_LIGHT
    color = _color(variables[named] if named else fixed[tone], behind)
    return plain + Style.from_color((behind + color).rich_color)


def _color(value: str, behind: Color) -> Color:
    """A theme's colour, `#8593a3` or `auto 60%`: so much of what can be read on the colour behind."""
    name, _, share = value.partition(" ")
    alpha = float(share.rstrip("%")) / 100 if share else 1.0
    return behind.get_contrast_text(alpha) if name == "auto" else Color.parse(name).multiply_alpha(alpha)

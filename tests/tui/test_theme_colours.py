"""Colours that can be read, and told apart by colour-blind eyes, in every theme.

How it works: what a line of each tone is really drawn with is taken from the application. Contrast is that of WCAG 2.1
(relative luminance, 1.4.3 wants 4.5). Colour blindness is simulated after Machado, Oliveira and Fernandes (2009), full
severity; the distance is CIE76 in Lab, where about 2 can just be seen.
"""

from itertools import combinations

import pytest
from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from modelsync_tui import themes
from modelsync_tui.widgets.columnline import ColumnLine
from modelsync_tui.widgets.tones import Tone, tone_style
from support.screens import Stage

CONTRAST_MIN = 4.5
DISTANCE_MIN = {"every colour": 20.0, "protanopia": 20.0, "deuteranopia": 20.0, "tritanopia": 10.0}
"""For tritanopia less: it is a thousand times rarer, and a state's character says the same."""
STATES = (Tone.GOOD, Tone.WARN, Tone.BAD, Tone.ACCENT, Tone.PLAIN)
GROUNDS = ("background", "surface", "panel")

Matrix = tuple[tuple[float, float, float], ...]
SEES: dict[str, Matrix] = {
    "every colour": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def linear(color: Color) -> tuple[float, float, float]:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in color.normalized
    )
    return red, green, blue


def contrast(one: Color, other: Color) -> float:
    """WCAG 2.1's contrast ratio, 1 to 21."""
    darker, lighter = sorted(
        0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in (linear(one), linear(other))
    )
    return (lighter + 0.05) / (darker + 0.05)


def lab(color: Color, sees: Matrix) -> tuple[float, float, float]:
    """CIE Lab of what such eyes make of a colour."""
    red, green, blue = (
        min(1.0, max(0.0, sum(factor * value for factor, value in zip(line, linear(color), strict=True))))
        for line in sees
    )
    x, y, z = (
        value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116
        for value in (
            (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047,
            0.2126 * red + 0.7152 * green + 0.0722 * blue,
            (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883,
        )
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: Color, other: Color, sees: Matrix) -> float:
    return float(sum((a - b) ** 2 for a, b in zip(lab(one, sees), lab(other, sees), strict=True)) ** 0.5)


def colors(style: Style) -> tuple[Color, Color]:
    """Of the text, and behind it."""
    assert style.color is not None
    assert style.bgcolor is not None
    return Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)


async def drawn(theme: Theme, ground: str) -> dict[Tone, tuple[Color, Color]]:
    """What each tone is drawn with on one of the theme's grounds."""
    line = ColumnLine(lambda _width: ())
    app = Stage(line)
    async with app.run_test() as pilot:
        app.theme = theme.name
        await pilot.pause()  # the theme's variables come with the next reading of the style sheets
        line.styles.background = app.theme_variables[ground]
        await pilot.pause()
        return {tone: colors(tone_style(line, tone)) for tone in Tone}


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("theme", themes.THEMES, ids=lambda theme: theme.name)
async def test_every_tone_can_be_read_on_every_ground(theme: Theme, ground: str) -> None:
    ratios = {tone: contrast(*pair) for tone, pair in (await drawn(theme, ground)).items()}
    assert {tone: ratio for tone, ratio in ratios.items() if ratio < CONTRAST_MIN} == {}


@pytest.mark.parametrize("eyes", SEES)
@pytest.mark.parametrize("theme", themes.THEMES, ids=lambda theme: theme.name)
async def test_states_are_told_apart_by_all_eyes(theme: Theme, eyes: str) -> None:
    shown = await drawn(theme, "background")
    apart = {
        (one, other): distance(shown[one][0], shown[other][0], SEES[eyes]) for one, other in combinations(STATES, 2)
    }
    assert {pair: far for pair, far in apart.items() if far < DISTANCE_MIN[eyes]} == {}


@pytest.mark.parametrize("theme", themes.THEMES, ids=lambda theme: theme.name)
def test_the_border_of_the_pane_with_the_focus_stands_out_from_the_others(theme: Theme) -> None:
    focused, others = (Color.parse(theme.variables[name]) for name in ("border", "border-blurred"))
    ground = Color.parse(theme.background or "")
    assert contrast(focused, ground) > 2 * contrast(others, ground) or contrast(focused, others) >= 3


def test_red_and_green_of_the_same_light_would_be_noticed() -> None:
    red, green = Color.parse("#b04030"), Color.parse("#6b6b00")
    assert distance(red, green, SEES["every colour"]) > 40
    assert distance(red, green, SEES["deuteranopia"]) < 20

"""The themes: dark, light and high contrast; in each, states differ for colour-blind eyes too, in hue or in light."""

from collections.abc import Callable, Collection
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme

from modelsync.errors import SettingsError

DARK = "modelsync-dark"
LIGHT = "modelsync-light"
HIGH_CONTRAST = "modelsync-high-contrast"

THEMES = (
    Theme(
        name=DARK,
        primary="#5fb3f9",
        secondary="#8aa4bf",
        accent="#5fb3f9",
        foreground="#d5dbe3",
        background="#12161c",
        surface="#1a2029",
        panel="#232b36",
        success="#4ecb94",
        warning="#f0c24a",
        error="#f2695c",
        dark=True,
        variables={
            "border": "#5fb3f9",
            "border-blurred": "#3a4554",
            "text-muted": "#8593a3",
            "text-accent": "#7cc2fb",
            "text-success": "#4ecb94",
            "text-warning": "#f0c24a",
            "text-error": "#f2695c",
        },
    ),
    Theme(
        name=LIGHT,
        primary="#0b5fad",
        secondary="#4b5f75",
        accent="#0b5fad",
        foreground="#1d2733",
        background="#fbfcfd",
        surface="#f0f3f6",
        panel="#e2e8ee",
        success="#00705f",
        warning="#8f5800",
        error="#8e0020",
        dark=False,
        variables={
            "border": "#0b5fad",
            "border-blurred": "#b9c4d0",
            "text-muted": "#566575",
            "text-accent": "#0b5fad",
            "text-success": "#00705f",
            "text-warning": "#8f5800",
            "text-error": "#8e0020",
        },
    ),
    Theme(
        name=HIGH_CONTRAST,
        primary="#ffffff",
        secondary="#ffffff",
        accent="#7cc4ff",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1c1c1c",
        success="#4dff88",
        warning="#ffda1f",
        error="#f28899",
        dark=True,
        variables={
            "border": "#7cc4ff",
            "border-blurred": "#666666",
            "text-muted": "#d0d0d0",
            "text-accent": "#7cc4ff",
            "text-success": "#4dff88",
            "text-warning": "#ffda1f",
            "text-error": "#f28899",
        },
    ),
)


_PICKS = {"d": (DARK, "dark"), "l": (LIGHT, "light"), "h": (HIGH_CONTRAST, "high contrast")}


def pick(app: App[object], picked: Callable[[str], object]) -> None:
    """Asks for a theme and shows it at once; `picked` is told its name."""
    from modelsync_tui.dialogs.menu import Choice, Menu

    def chosen(key: str | None) -> None:
        if key is not None:
            app.theme = _PICKS[key][0]
            picked(app.theme)

    at = next((key for key, (name, _) in _PICKS.items() if name == app.theme), "")
    app.push_screen(Menu("Theme", [Choice(key, words) for key, (_, words) in _PICKS.items()], at=at), chosen)


def check(name: str, names: Collection[str], where: str = "") -> None:
    """Raises SettingsError for a theme that does not exist; Textual's own may be used. `where` names the setting."""
    if name not in names:
        known = ", ".join(sorted(names, key=lambda other: (not other.startswith("modelsync"), other)))
        no_theme = f"{where}: there is" if where else "There is"
        raise SettingsError(f"{no_theme} no theme {name!r}.", hint=f"Allowed: {known}.")


def begin_with(app: App[object], name: str) -> None:
    """Uses a theme from the first style sheet on; one that is set later has all of them read again."""
    app.set_reactive(App.theme, name)
    app.set_class(app.current_theme.dark, "-dark-mode", update=False)
    app.set_class(not app.current_theme.dark, "-light-mode", update=False)
    app.stylesheet.set_variables(app.get_css_variables())


class WithoutColours(LineFilter):
    """Leaves bold, underlined and reversed text, and the terminal's own two colours; Textual's own makes greys."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - there will be none
        return [Segment(text, style and _without_colour(style), control) for text, style, control in segments]


@lru_cache(1024)
def _without_colour(style: Style) -> Style:
    return style.without_color

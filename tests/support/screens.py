"""One screen or widget of the application on its own, at a size, and what a person would read on it."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from modelsync_tui import glyphs, themes

SMALL, LARGE = (80, 24), (120, 40)
UNANSWERED = object()
"""What a screen has answered before it was closed."""


class Stage(App[object]):
    """Shows one screen or one widget, and keeps the answer of the screen."""

    CSS = "Screen { layout: vertical; }"

    def __init__(self, shown: Screen[Any] | Widget, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.glyphs = glyphs.ASCII if ascii_only else glyphs.UNICODE
        self._shown = shown
        self.answer: object = UNANSWERED
        self.copied: list[str] = []
        for theme in themes.THEMES:
            self.register_theme(theme)

    def compose(self) -> ComposeResult:
        if not isinstance(self._shown, Screen):
            yield self._shown

    def on_mount(self) -> None:
        self.theme = themes.THEMES[0].name
        if isinstance(self._shown, Screen):
            self.push_screen(self._shown, self._answered)

    def _answered(self, answer: object) -> None:
        self.answer = answer

    def copy_to_clipboard(self, text: str) -> None:
        """Keeps what would have reached the clipboard."""
        self.copied.append(text)


def text_of(app: App[object]) -> str:
    """What stands on the uppermost screen, line by line, without the blanks at the ends."""
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line).rstrip() for line in lines)


async def until(pilot: Pilot[object], condition: Callable[[], object], *, within_s: float = 10.0) -> None:
    """Lets the application run until the condition holds; fails with what is on the screen when it does not."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s; the screen shows:\n{text_of(pilot.app)}")
        await asyncio.sleep(0.01)
        await pilot.pause()

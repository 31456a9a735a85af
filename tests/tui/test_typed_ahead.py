"""Keys that come together, typed while the screen was busy or by a program: each does what it would do alone."""

import asyncio
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.widget import Widget
from textual.widgets import Input

from modelsync_tui import themes
from modelsync_tui.screens.login import LoginScreen
from modelsync_tui.typed import TypedInOrder
from support.local_store import write_model
from support.sign_in_answers import ChosenAnswers
from support.tui import app_for, until

WIDE = (120, 40)


def type_at_once(app: TypedInOrder, *typed: str) -> None:
    """Keys by their names; text in a `paste:` is pasted as terminals do."""
    for key in typed:
        kind, _, text = key.partition(":")
        if kind == "paste" and text:
            app.post_message(events.Paste(text))
        else:
            app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_a_token_behind_tab_goes_into_the_field_that_tab_leads_to(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        screen = LoginScreen(ChosenAnswers(), endpoint="")
        await app.push_screen(screen)
        await until(pilot, lambda: app.focused is not None)
        type_at_once(app, "shift+tab", "paste:http://models.acme.io", "tab", "paste:tok-secret", "shift+tab", "x")
        token, endpoint = screen.query_one("#token", Input), screen.query_one("#endpoint", Input)
        await until(pilot, lambda: endpoint.value.endswith("x"))
        assert (endpoint.value, token.value) == ("http://models.acme.iox", "tok-secret")


async def test_letters_behind_the_key_that_opens_the_filter_are_the_filters(tmp_path: Path) -> None:
    for name in ("fraud", "iris"):
        write_model(tmp_path / "store", f"{name}:v1")
    app = app_for(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.main.local.listing.total == 2)
        type_at_once(app, "slash", *"fraud", "enter")
        await until(pilot, lambda: app.main.local.listing.shown == 1)
        assert app.screen is app.main
        assert not app.main.local.marks


async def test_letters_behind_the_key_that_opens_a_screen_are_for_that_screen(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        type_at_once(app, "T", "l")
        await until(pilot, lambda: app.theme == themes.LIGHT and app.screen is app.main)
        type_at_once(app, "colon", *"worker")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await until(pilot, lambda: app.screen.query_one(Input).value == "worker")


class Going(Widget, can_focus=True):
    """Removes itself at the key g, and keeps its queue waiting at the key w until the gate opens."""

    def __init__(self, gate: asyncio.Event) -> None:
        super().__init__()
        self._gate = gate

    async def on_key(self, event: events.Key) -> None:
        if event.key == "g":
            self.remove()
        elif event.key == "w":
            await self._gate.wait()


class Fields(TypedInOrder):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("o", "open", priority=True)]

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.going = Going(self.gate)
        self.field = Input()

    def compose(self) -> ComposeResult:
        yield self.going
        yield self.field

    def action_open(self) -> None:
        self.gate.set()


async def test_a_key_that_removes_what_has_the_focus_holds_up_nothing() -> None:
    app = Fields()
    async with app.run_test() as pilot:
        app.going.focus()
        await pilot.pause()
        type_at_once(app, "g")
        await until(pilot, lambda: not app.going.is_attached)
        app.field.focus()
        type_at_once(app, *"abc")
        await until(pilot, lambda: app.field.value == "abc")


async def test_a_widget_that_is_long_about_a_key_holds_up_no_key_of_the_application() -> None:
    app = Fields()
    async with app.run_test() as pilot:
        app.going.focus()
        await pilot.pause()
        type_at_once(app, "w", "o")
        await until(pilot, app.gate.is_set)

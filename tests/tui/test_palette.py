"""The command palette: an action is found by every word that it is known by, and says its keys."""

from pathlib import Path

import pytest
from textual.command import CommandPalette

from support.tui import app_for, lines_with, until


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("limit the speed", "bandwidth - limit the speed of all transfers  [b]"),
        ("bandwidth", "bandwidth - limit the speed of all transfers  [b]"),
        ("theme", "theme - dark, light or high contrast  [T]"),
        ("account", "account - contexts: switch, sign in, sign out  [a]"),
        ("push to", "push to the registry  [P]"),
        ("invert", "invert the marks of what is shown  [*]"),
    ],
)
async def test_what_is_found_says_its_keys(tmp_path: Path, typed: str, line: str) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("colon")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*(letter if letter != " " else "space" for letter in typed))
        await until(pilot, lambda: lines_with(app, f" {line} "))


async def test_the_keys_are_those_of_the_settings(tmp_path: Path) -> None:
    app = app_for(tmp_path, keys={"act.push": "U, f6"})
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("colon")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"registry")
        await until(pilot, lambda: lines_with(app, " push to the registry  [U F6] "))

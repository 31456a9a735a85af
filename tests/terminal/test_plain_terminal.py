"""A terminal with ASCII and without colours: every screen and dialog is drawn with nothing else, and can be used."""

import re
from pathlib import Path

import pytest

from modelsync.sync import push
from modelsync.tag import Tag
from support.local_store import write_model
from support.registry_server import TOKEN, RegistryServer
from support.terminal import Terminal, TerminalFactory
from support.two_sides import SidesFactory

pytestmark = pytest.mark.needs("tmux")

COLOURS = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")
"""A sequence that sets a colour; 39 and 49 are the terminal's own, and tmux says them by itself."""
LONG = "a-name-that-is-too-long-for-any-column-and-must-be-cut"
WALK = (
    ("?", "type to search"),
    (":", "words of a command"),
    ("T", "high contrast"),
    ("s", "newest first"),
    ("y", "shell command that moves it"),
    ("/", "Filter"),
    ("b", "Bandwidth"),
    ("H", "History"),
    ("a", "Contexts"),
    ("D", "Keep the newest"),
    ("DC", "Delete"),
    ("P", "Nothing to push."),
    ("F", "Type"),
    ("C-c", "q quits."),
    ("i", "Details"),
)
"""A key, and what is on the screen that it opens."""
STAYS = ("C-c", "i")
"""Esc leads back from all but these: a toast, and the last one."""


@pytest.fixture
def account(tmp_path: Path, registry_server: RegistryServer, make_sides: SidesFactory) -> dict[str, str]:
    """Both sides with something that differs."""
    for home in ("home", "theirs"):
        write_model(tmp_path / home, "iris:v1", files={"README.md": home.encode()}, labels={"stage": "prod"})
    write_model(tmp_path / "home", "iris:v2")
    write_model(tmp_path / "home", f"{LONG}:v1")
    push(Tag("iris", "v1"), make_sides(registry_server, "theirs"))
    return {"BENTO_CLOUD_API_KEY": TOKEN, "BENTO_CLOUD_API_ENDPOINT": registry_server.url}


def check(terminal: Terminal, where: str) -> None:
    strange = [line for line in terminal.screen().splitlines() if not line.isascii()]
    assert strange == [], f"{where}: {strange}"
    assert COLOURS.findall(terminal.everything()) == [], where


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_every_screen_and_dialog_is_ascii_and_without_colour(
    account: dict[str, str], open_terminal: TerminalFactory, size: tuple[int, int]
) -> None:
    terminal = open_terminal("modelsync-tui --ascii --no-color", columns=size[0], rows=size[1], **account)
    terminal.see("1 Local", "iris", "online")
    check(terminal, "main")
    terminal.press("L")
    terminal.see("4 Log")
    check(terminal, "log")
    terminal.press("L")
    terminal.see("3 Transfers")
    terminal.press("End", "Up")
    terminal.until(lambda screen: "iris:v" in screen.splitlines()[-2], "a version under the cursor")
    for key, words in WALK:
        terminal.press(key)
        terminal.see(words)
        check(terminal, words)
        if key not in STAYS:
            terminal.press("Escape")
            terminal.see_gone(words)
    terminal.see("1 same size  1 differs")
    terminal.press("Enter")
    terminal.see("README.md")
    check(terminal, "files")
    terminal.press("Enter")
    terminal.see("1 line", "Esc c")
    check(terminal, "beginning of a file")
    terminal.press("Escape")
    terminal.see_gone("1 line")
    terminal.press("Escape")
    terminal.see("1 Local")
    terminal.press("End", "P")
    terminal.see("new in the registry")
    terminal.press("Enter")
    terminal.see("1 done")
    check(terminal, "transfers")
    terminal.press("t")
    terminal.see_gone("1 Local")
    terminal.see("Rate")
    check(terminal, "full transfers")
    terminal.press("q")
    assert terminal.exit_code() == 0


def test_signing_in_is_ascii_and_without_colour(tmp_path: Path, open_terminal: TerminalFactory) -> None:
    terminal = open_terminal("modelsync-tui --ascii --no-color", columns=80, rows=24)
    terminal.see("Sign in", "API token")
    terminal.paste("not-a-token")
    terminal.see("*****")
    check(terminal, "sign in")


def test_the_focus_and_a_range_are_seen_without_colour(account: dict[str, str], open_terminal: TerminalFactory) -> None:
    terminal = open_terminal("modelsync-tui --no-color", **account)
    terminal.see("1 Local", "iris", "online")
    titles = re.findall(r"\x1b\[([0-9;]*)m ?(1 Local|2 Remote)", terminal.everything())
    assert [("1" in sgr.split(";"), title) for sgr, title in titles][:1] == [(True, "1 Local")], "the focus is bold"
    reversed_ = re.findall(r"\x1b\[(?:0;)?7m([^\x1b]*)", terminal.everything())
    assert any("iris" in text or LONG[:8] in text for text in reversed_), "the cursor is reversed"
    terminal.press("v", "j", "j")
    terminal.until(lambda _: len(re.findall(r"\x1b\[1m", terminal.everything())) > 3, "a range in bold")


def test_the_choice_in_a_menu_and_the_button_with_the_focus_are_seen_without_colour(
    account: dict[str, str], open_terminal: TerminalFactory
) -> None:
    terminal = open_terminal("modelsync-tui --no-color", **account)
    terminal.see("1 Local", "iris", "online")
    terminal.press("s")
    terminal.see("newest first")
    assert re.search(r"\x1b\[1;4m ?n  name", terminal.everything()), "bold and underlined"
    terminal.press("Escape")
    terminal.see_gone("newest first")
    terminal.press("DC")
    terminal.see("[ Cancel  Esc ]")
    assert re.search(r"\x1b\[1;7m ?\[ Cancel  Esc \]", terminal.everything()), "bold and reversed"

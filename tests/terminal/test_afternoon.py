"""A person's afternoon in a real terminal: sign in, browse, push, skip, force, pull, leave."""

import os
import re
import signal
from pathlib import Path

import pytest

from modelsync.sync import push
from modelsync.tag import Tag
from support.local_store import read_tree, write_model
from support.registry_server import TOKEN, TOM_TOKEN, RegistryServer
from support.terminal import Terminal, TerminalFactory
from support.two_sides import SidesFactory

pytestmark = pytest.mark.needs("tmux")

MiB = 1 << 20
CLEAN = "0 0 1"
"""No alternate screen, no mouse reports, a visible cursor."""


@pytest.fixture
def home(tmp_path: Path, registry_server: RegistryServer, make_sides: SidesFactory) -> Path:
    """A store with two versions of iris; a colleague has pushed fraud:v7."""
    write_model(tmp_path / "home", "iris:v1", files={"weights.bin": os.urandom(3 * MiB)})
    write_model(tmp_path / "home", "iris:v2", files={"weights.bin": os.urandom(24 * MiB)})
    write_model(tmp_path / "tom", "fraud:v7", files={"weights.bin": os.urandom(2 * MiB)})
    push(Tag("fraud", "v7"), make_sides(registry_server, "tom", token=TOM_TOKEN))
    return tmp_path / "home"


def sign_in(terminal: Terminal, server: RegistryServer, token: str = TOKEN) -> None:
    terminal.see("Sign in", "API token")
    terminal.paste(token)  # the token's field is where the screen begins
    terminal.see("●●●●●●")
    terminal.press("BTab", "C-u")
    terminal.see_gone("https://cloud.bentoml.com")
    terminal.type(server.url)
    terminal.see(server.url)
    terminal.press("Enter")


def told(screen: str) -> str:
    """The message line: it tells of the row under the cursor."""
    return screen.rstrip("\n").splitlines()[-2].strip()


def place(screen: str, pane: int) -> int:
    """On which line the cursor of a browser stands, by its border; 0 where that is not to be seen."""
    found = [re.findall(r"(\d+)/\d+ ─╯", line) for line in screen.splitlines() if "sort:" in line]
    return int(found[0][pane - 1]) if found and len(found[0]) >= pane else 0


def go_to(terminal: Terminal, pane: int, text: str) -> None:
    """Moves the cursor of a browser down from its first line until the message line tells of the row that is meant."""
    terminal.press(str(pane))

    def at_the_top(screen: str) -> bool:
        terminal.press("g")  # again until the pane has the focus: keys overtake a change of it
        return place(screen, pane) == 1 and place(terminal.screen(), pane) == 1

    terminal.until(at_the_top, "the first line")
    row = told(terminal.until(lambda screen: "version" in told(screen), "a group under the cursor"))
    for line in range(2, 14):
        if text in row:
            return
        terminal.press("j")

        def moved(screen: str, line: int = line, row: str = row) -> bool:
            return place(screen, pane) == line and told(screen) != row

        row = told(terminal.until(moved, "the next line"))
    raise AssertionError(f"no row of {text}; the screen was:\n{terminal.screen()}")


def test_sign_in_browse_push_skip_force_pull_and_leave(
    home: Path,
    tmp_path: Path,
    registry_server: RegistryServer,
    open_terminal: TerminalFactory,
    make_sides: SidesFactory,
) -> None:
    terminal = open_terminal("modelsync-tui")
    sign_in(terminal, registry_server)
    screen = terminal.see("1 Local", "2 Remote", "iris", "fraud", "mia@acme.io", "online")
    assert TOKEN not in terminal.everything()
    assert "local only" in screen
    assert "remote only" in screen

    go_to(terminal, 1, "iris:v2")
    terminal.press("P")
    terminal.see("Push", "iris:v2", "new in the registry")
    terminal.press("Enter")
    terminal.see("✓ ↑ push  iris:v2", "= same")

    terminal.press("P")
    terminal.see("already there")
    terminal.press("Enter")
    terminal.see("skipped, 0 B sent")

    (home / "models/iris/v2/note.txt").write_text("changed")
    terminal.press("r")
    terminal.see("! differs")
    terminal.press("F")
    terminal.see("Force push", "Type")
    terminal.type("v2")
    terminal.press("Enter")
    terminal.see_gone("! differs")
    other = make_sides(registry_server, "other")

    go_to(terminal, 2, "fraud:v7")
    terminal.press("p")
    terminal.see("Pull", "fraud:v7", "new in the local store")
    terminal.press("Enter")
    terminal.see("✓ ↓ pull  fraud:v7")
    assert read_tree(home / "models/fraud/v7") == read_tree(tmp_path / "tom/models/fraud/v7")

    terminal.press("q")
    assert terminal.exit_code() == 0
    assert terminal.modes() == CLEAN
    assert other.registry.model(Tag("iris", "v2")) is not None


def test_a_wrong_token_is_told_in_the_card_and_offline_opens_the_local_side(
    home: Path, registry_server: RegistryServer, open_terminal: TerminalFactory
) -> None:
    terminal = open_terminal("modelsync-tui")
    sign_in(terminal, registry_server, "not-a-token-of-anybody")
    terminal.see("token", "✗")
    assert "not-a-token-of-anybody" not in terminal.everything()
    terminal.press("Escape")
    terminal.see("1 Local", "iris", "offline")
    terminal.press("q")
    assert terminal.exit_code() == 0


def test_the_account_of_the_environment_needs_no_sign_in_at_80_by_24(
    home: Path, registry_server: RegistryServer, open_terminal: TerminalFactory
) -> None:
    terminal = open_terminal(
        "modelsync-tui",
        columns=80,
        rows=24,
        BENTO_CLOUD_API_KEY=TOKEN,
        BENTO_CLOUD_API_ENDPOINT=registry_server.url,
    )
    terminal.see("1 Local", "2 Remote", "fraud")
    terminal.resize(39, 9)
    terminal.see("40x10")
    terminal.resize(120, 40)
    terminal.see("1 Local", "2 Remote", "3 Transfers")
    terminal.press("?")
    terminal.see("Help")
    terminal.press("Escape")
    terminal.see_gone("Help")
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert terminal.modes() == CLEAN


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_restores_the_terminal(
    sent: signal.Signals, home: Path, registry_server: RegistryServer, open_terminal: TerminalFactory
) -> None:
    terminal = open_terminal("modelsync-tui", BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=registry_server.url)
    terminal.see("1 Local", "fraud")
    os.kill(terminal.pid("modelsync-tui"), sent)
    terminal.see("exit-code ")
    assert terminal.modes() == CLEAN


def test_leaving_while_a_push_runs_asks_and_the_next_push_goes_on(
    home: Path, registry_server: RegistryServer, open_terminal: TerminalFactory, make_sides: SidesFactory
) -> None:
    environment = {
        "BENTO_CLOUD_API_KEY": TOKEN,
        "BENTO_CLOUD_API_ENDPOINT": registry_server.url,
        "MODELSYNC_BANDWIDTH": "6 MiB/s",
    }
    terminal = open_terminal("modelsync-tui", **environment)
    terminal.see("1 Local", "fraud")
    go_to(terminal, 1, "iris:v2")
    terminal.press("P")
    terminal.see("new in the registry")
    terminal.press("Enter")
    terminal.see("1 done")
    terminal.press("q")
    terminal.see("Quit?", "Pause all")
    terminal.press("Enter")
    assert terminal.exit_code() == 0
    assert terminal.modes() == CLEAN

    again = open_terminal("modelsync push iris:v2 --json", **(environment | {"MODELSYNC_BANDWIDTH": "off"}))
    screen = again.see("exit-code 0")
    assert '"resumed": true' in screen.replace("\n", "")


def test_q_leaves_from_a_plan_that_was_not_answered(
    home: Path, registry_server: RegistryServer, open_terminal: TerminalFactory
) -> None:
    terminal = open_terminal("modelsync-tui", BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=registry_server.url)
    terminal.see("1 Local", "fraud")
    terminal.press("P")
    terminal.see("Push", "iris:v1", "new in the registry")
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert terminal.modes() == CLEAN


def test_a_screen_that_cannot_be_drawn_is_told_in_a_sentence(
    home: Path, open_terminal: TerminalFactory, tmp_path: Path
) -> None:
    terminal = open_terminal(f"modelsync-tui 2>{tmp_path}/err")
    assert terminal.exit_code() == 2
    assert "terminal" in (tmp_path / "err").read_text()

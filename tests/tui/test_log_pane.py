"""The log pane: what happened, as it happens, and where the whole log is."""

import logging
from pathlib import Path

import pytest
from textual.pilot import Pilot

from modelsync import logs
from modelsync.model import Direction
from modelsync.tag import Tag
from modelsync.transfers import TransferRequest
from modelsync_tui.app import ModelsyncApp
from support.local_store import write_model
from support.registry_server import RegistryServer
from support.tui import app_for, lines_with, screen_text, until

pytestmark = pytest.mark.usefixtures("everything_is_logged")
log = logging.getLogger("modelsync.test")
WIDE, SHORT = (120, 40), (80, 24)


@pytest.fixture
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "modelsync")


def shows(app: ModelsyncApp, title: str) -> bool:
    return bool(lines_with(app, f"╭─ {title}"))


async def settled(pilot: Pilot[object], app: ModelsyncApp) -> None:
    """The registry that is not there was given up: what was tried until then has lines of its own."""
    await until(pilot, lambda: lines_with(app, "Offline."))


async def test_it_stands_below_the_transfers_where_there_is_room(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert not shows(app, "4 Log")
        await pilot.press("L")
        await until(pilot, lambda: shows(app, "4 Log"))
        lines = screen_text(app).splitlines()
        at = [next(row for row, line in enumerate(lines) if title in line) for title in ("3 Transfers", "4 Log")]
        assert at[0] < at[1]
        await pilot.press("L")
        await until(pilot, lambda: not shows(app, "4 Log"))


async def test_where_it_is_short_it_has_the_place_of_the_transfers(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=SHORT) as pilot:
        await pilot.pause()
        await pilot.press("4")
        await until(pilot, lambda: shows(app, "4 Log") and not shows(app, "3 Transfers"))
        assert lines_with(app, "o  where the log file is")
        await pilot.press("3")
        await until(pilot, lambda: shows(app, "3 Transfers") and not shows(app, "4 Log"))
        await pilot.press("t", "4")
        await until(pilot, lambda: shows(app, "4 Log") and shows(app, "1 Local"))
        assert {len(line) for line in screen_text(app).splitlines()} == {80}


async def test_lines_come_by_themselves_literal_and_masked(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    logs.hide("tok-on-the-screen-0123456789")
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot, app)
        await pilot.press("L")
        log.info("push [/b]iris:v1 with tok-on-the-screen-0123456789, request id 7f3c")
        log.warning("the disk is \x1b[31m nearly full")
        await until(pilot, lambda: lines_with(app, "push [/b]iris:v1 with [hidden], request id 7f3c"))
        await until(pilot, lambda: lines_with(app, "warning: the disk is \\x1b[31m nearly full"))
        assert "0123456789" not in screen_text(app)


async def test_it_follows_the_newest_line_until_a_person_scrolls_up(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot, app)
        for number in range(50):
            log.info("line %d.", number)
        await pilot.press("4")
        await until(pilot, lambda: lines_with(app, "line 49."))
        log.info("line 50.")
        await until(pilot, lambda: lines_with(app, "line 50."))
        await pilot.press("g")
        await until(pilot, lambda: lines_with(app, "line 0."))
        log.info("line 51.")
        counted = lines_with(app, "╭─ 4 Log")
        await until(pilot, lambda: lines_with(app, "╭─ 4 Log") != counted)
        assert lines_with(app, "line 0.")
        await pilot.press("j", "j", "pagedown")
        await until(pilot, lambda: not lines_with(app, "line 0."))
        await pilot.press("G")
        await until(pilot, lambda: lines_with(app, "line 51."))


async def test_lines_from_before_it_was_shown_are_there_and_the_oldest_make_room(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot, app)
        for number in range(1_100):
            log.info("line %d.", number)
        await pilot.press("4")
        await until(pilot, lambda: lines_with(app, "line 1099."))
        assert lines_with(app, "1,000 lines")
        await pilot.press("g")
        await until(pilot, lambda: lines_with(app, "line 1") and not lines_with(app, "line 0."))


async def test_o_says_where_the_log_file_is_and_copies_its_path(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        await pilot.press("4", "o")
        await until(pilot, lambda: lines_with(app, "The log file is"))
        assert app.clipboard == str(tmp_path / "state/modelsync.log")


async def test_tab_goes_round_by_the_log_while_it_is_shown(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        await pilot.press("L", "1", "tab", "tab", "tab")
        assert app.main.place.value == "log"
        await pilot.press("tab")
        assert app.main.place.value == "browsers"
        await pilot.press("4", "L")
        assert app.main.place.value == "browsers"


async def test_a_transfer_that_ended_and_a_failed_connection_leave_lines(
    tmp_path: Path, registry_server: RegistryServer
) -> None:
    app = app_for(tmp_path, registry_server)
    write_model(tmp_path / "store", "iris:v1")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.session.transfers is not None)
        await pilot.press("L")
        transfers = app.session.transfers
        assert transfers is not None
        transfers.add([TransferRequest(Direction.PUSH, Tag("iris", "v1"))])
        await until(pilot, lambda: lines_with(app, "push iris:v1: pushed"))
        transfers.add([TransferRequest(Direction.PULL, Tag("none", "x"))])
        await until(pilot, lambda: lines_with(app, "pull none:x: failed"))


async def test_it_is_narrowed_while_one_types_to_lines_that_have_all_words(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot, app)
        for number in range(30):
            log.info("push iris:v%d is fine", number)
        log.warning("pull [/b]fraud:v7 is slow")
        await pilot.press("4")
        await until(pilot, lambda: lines_with(app, "pull [/b]fraud:v7"))
        await pilot.press("slash", *"IRIS", "space", *"v7")
        await until(pilot, lambda: lines_with(app, "push iris:v7") and not lines_with(app, "push iris:v8"))
        assert not lines_with(app, "fraud")
        log.info("later: iris:v7 again")
        log.info("later: iris:v9 again")
        await until(pilot, lambda: lines_with(app, "later: iris:v7 again"))
        await pilot.press("enter")
        await until(pilot, lambda: lines_with(app, "4 Log  filter: IRIS v7"))
        assert app.main.place.value == "log"
        assert not lines_with(app, "later: iris:v9")
        await pilot.press("slash", *" nothing-like-it")
        await until(pilot, lambda: lines_with(app, "No line has these words. Esc shows all lines."))
        await pilot.press("escape")
        await until(pilot, lambda: lines_with(app, "later: iris:v9 again"))
        await pilot.press("slash", *"warning", "enter")
        await until(pilot, lambda: lines_with(app, "fraud") and not lines_with(app, "iris"))
        await pilot.press("escape")
        await until(pilot, lambda: lines_with(app, "later: iris:v9 again") and not lines_with(app, "filter: warning"))
        await pilot.press("escape")
        await until(pilot, lambda: app.main.place.value == "browsers")


async def test_the_filter_of_the_log_and_that_of_a_list_are_two(tmp_path: Path) -> None:
    write_model(tmp_path / "store", "iris:v1")
    write_model(tmp_path / "store", "fraud:v1")
    app = app_for(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: lines_with(app, "fraud"))
        await pilot.press("slash", *"iris", "enter", "4", "slash", *"pull", "enter", "1")
        assert app.main.local.ask.filter.text == "iris"
        assert lines_with(app, "4 Log  filter: pull")
        await pilot.press("escape")
        assert lines_with(app, "fraud")
        assert lines_with(app, "4 Log  filter: pull")


@pytest.mark.parametrize("size", [WIDE, SHORT])
async def test_o_on_a_failed_transfer_shows_its_lines(
    tmp_path: Path, registry_server: RegistryServer, size: tuple[int, int]
) -> None:
    app = app_for(tmp_path, registry_server)
    write_model(tmp_path / "store", "iris:v1")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.session.transfers is not None)
        transfers = app.session.transfers
        assert transfers is not None
        tags = (Tag("none", "x"), Tag("iris", "v1"))
        transfers.add(
            [TransferRequest(way, tag) for way, tag in zip((Direction.PULL, Direction.PUSH), tags, strict=True)]
        )
        await until(pilot, lambda: lines_with(app, "1 failed"))
        await pilot.press("3", "o")
        await until(pilot, lambda: lines_with(app, "pull none:x: failed"))
        assert app.main.place.value == "log"
        assert lines_with(app, "filter: none:x")
        assert not lines_with(app, "push iris:v1: pushed")

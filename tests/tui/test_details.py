"""The details of a model over a real store and a real registry: a person's keys, and what stands on the screen."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot

from modelsync.model import Json, LocalModel, RemoteModel, UploadStatus
from modelsync.sync import push
from modelsync.tag import Tag
from modelsync_tui import keys
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.dialogs.compare import CompareDialog
from modelsync_tui.dialogs.delete import DeleteDialog
from modelsync_tui.dialogs.force import ForceDialog
from modelsync_tui.dialogs.help import HelpScreen
from modelsync_tui.dialogs.menu import Menu
from modelsync_tui.dialogs.plan import PlanDialog
from modelsync_tui.dialogs.preview import PreviewScreen
from modelsync_tui.listing import Side
from modelsync_tui.loading import Link, Loader
from modelsync_tui.looking import RESTS_S
from modelsync_tui.screens.details import Asked, DetailsScreen
from modelsync_tui.widgets.browser import Browser
from modelsync_tui.widgets.version_list import VersionList
from support.local_store import CREATED, write_model
from support.registry_server import RegistryServer, register_model
from support.tui import app_for, catalog_of, lines_with, local_model, remote_model, screen_text, until
from support.two_sides import SidesFactory

pytest_plugins = ["support.two_sides"]

LARGE, SMALL = (120, 40), (80, 24)


@pytest.fixture
def world(tmp_path: Path, registry_server: RegistryServer, make_sides: SidesFactory) -> RegistryServer:
    """bert:v1 on both sides, v2 only here, v3 only there, v4 differs; v5's upload failed; half is half-written."""
    store, theirs = tmp_path / "store", tmp_path / "theirs"
    readme = "# Bert [b]not bold[/b]\n"
    for home in (store, theirs):
        write_model(home, "bert:v1", files={"weights.bin": b"1" * 500, "README.md": readme.encode()}, created=CREATED)
    write_model(store, "bert:v2", labels={"stage": "prod"}, created=CREATED + timedelta(days=1))
    write_model(theirs, "bert:v3", files={"config.json": b"{}"}, created=CREATED + timedelta(days=2))
    new, old = {"weights.bin": b"new" * 200, "added.txt": b"hi"}, {"weights.bin": b"old" * 100, "gone.txt": b"bye"}
    write_model(store, "bert:v4", files=new, created=CREATED + timedelta(days=4), latest=True)
    write_model(theirs, "bert:v4", files=old, created=CREATED + timedelta(days=3))
    half = store / "models/bert/half"
    half.mkdir()
    (half / "weights.bin").write_bytes(b"12345")
    sides = make_sides(registry_server, "theirs")
    for version in ("v1", "v3", "v4"):
        push(Tag.parse(f"bert:{version}"), sides)
    failed = register_model(registry_server.api, "bert", "v5", build_at="2026-03-20 00:00:00.000000")
    registry_server.api.patch(f"{failed}/finish_upload", json={"status": "failed", "reason": "disk [/] full"})
    return registry_server


@asynccontextmanager
async def running(
    folder: Path, server: RegistryServer | None, size: tuple[int, int] = LARGE, **settings: object
) -> AsyncIterator[tuple[ModelsyncApp, Pilot[object]]]:
    app = app_for(folder, server, **settings)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: hasattr(app.main, "loader") and app.main.loader.local_read)
        if server is not None:
            await until(pilot, lambda: app.main.loader.catalog.remote_known)
        await until(pilot, lambda: app.main.local.row is not None or app.main.remote.row is not None)
        yield app, pilot


async def go_to(pilot: Pilot[object], browser: Browser, key: tuple[str, str]) -> None:
    browser.focus_list()
    await until(pilot, lambda: browser.has_list_focus and key in browser.flat.positions)
    await pilot.press("g")
    for _ in range(browser.flat.positions[key]):
        await pilot.press("j")
    await pilot.pause()


async def opened(pilot: Pilot[object], app: ModelsyncApp, version: str, side: str = "local") -> DetailsScreen:
    """The details of a version of bert, opened by a person, with everything read."""
    browser = app.main.local if side == "local" else app.main.remote
    await go_to(pilot, browser, ("bert", version))
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, DetailsScreen))
    await until(pilot, lambda: not reading(app))
    screen = app.screen
    assert isinstance(screen, DetailsScreen)
    return screen


def reading(app: ModelsyncApp) -> bool:
    shown = screen_text(app)
    return "eading" in shown or "Details" not in shown


def picked(app: ModelsyncApp) -> str:
    version = app.screen.query_one(VersionList).picked
    return version.version if version else ""


# Opening and going back


@pytest.mark.parametrize("key", ["enter", "right", "l", "i"])
async def test_a_version_opens_and_escape_leads_back_to_its_row(
    tmp_path: Path, world: RegistryServer, key: str
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await go_to(pilot, app.main.local, ("bert", "v2"))
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, DetailsScreen))
        assert picked(app) == "v2"
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        row = app.main.local.row
        assert row is not None
        assert row.key == ("bert", "v2")
        assert app.main.local.has_list_focus


async def test_the_border_says_which_of_how_many_versions_it_is(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        screen = await opened(pilot, app, "v2")
        count = len(screen.query_one(VersionList).versions)
        await pilot.press("g")
        await until(pilot, lambda: lines_with(app, f" 1/{count} ─╯"))
        await pilot.press("j", "j")
        await until(pilot, lambda: lines_with(app, f" 3/{count} ─╯"))


@pytest.mark.parametrize("key", ["i", "left", "h", "backspace"])
async def test_other_ways_back(tmp_path: Path, world: RegistryServer, key: str) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v2")
        await pilot.press(key)
        await until(pilot, lambda: app.screen is app.main)
        await go_to(pilot, app.main.local, ("bert", "v1"))
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, DetailsScreen))
        assert picked(app) == "v1"


async def test_enter_on_a_group_still_opens_the_group_and_i_its_newest_version(
    tmp_path: Path, world: RegistryServer
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await go_to(pilot, app.main.local, ("bert", ""))
        await pilot.press("left", "enter")
        assert app.screen is app.main
        await go_to(pilot, app.main.local, ("bert", ""))
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, DetailsScreen))
        assert picked(app) == "v5"


async def test_a_second_click_opens_a_version(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        row = app.main.local.flat.positions[("bert", "v2")]
        await pilot.click(app.main.local, offset=(6, row + 2), times=2)
        await until(pilot, lambda: isinstance(app.screen, DetailsScreen))
        assert picked(app) == "v2"


# What is shown


@pytest.mark.parametrize("size", [LARGE, SMALL, (60, 20), (40, 12), (200, 60)])
@pytest.mark.parametrize("plain", [False, True])
async def test_the_details_fit_their_size(
    tmp_path: Path, world: RegistryServer, size: tuple[int, int], plain: bool
) -> None:
    async with running(tmp_path, world, LARGE, ascii=plain) as (app, pilot):
        await opened(pilot, app, "v4")
        await pilot.resize_terminal(*size)
        for _ in range(4):
            await pilot.press("right_square_bracket")
            await pilot.pause()
            lines = screen_text(app).splitlines()
            assert len(lines) == size[1]
            assert {len(line) for line in lines} == {size[0]}
            assert lines_with(app, "bert")
            assert not plain or "\n".join(lines).isascii()


async def test_versions_of_both_sides_stand_with_size_who_state_and_reason(
    tmp_path: Path, world: RegistryServer
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v1")
        for version, words in (
            ("v1", "= same"),
            ("v2", "> local only"),
            ("v3", "< remote only"),
            ("v4", "! differs"),
            ("v5", "✗ failed"),
            ("half", "✗ half-written"),
        ):
            (line,) = [line for line in lines_with(app, words) if line.startswith(f"│ {version} ")]
            assert version == "half" or "2026-03-" in line
        assert "mia" in lines_with(app, "= same")[0]
        assert lines_with(app, "disk [/] full")
        assert lines_with(app, "6 versions")


async def test_files_of_both_sides_stand_beside_each_other(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v4")
        assert lines_with(app, "local v4  vs  remote v4")
        assert "600 B" in lines_with(app, "! size differs")[0]
        assert "300 B" in lines_with(app, "! size differs")[0]
        assert lines_with(app, "added.txt")[0].split()[1:4] == ["added.txt", "2", "B"]
        assert "< remote only" in lines_with(app, "gone.txt")[0]
        assert lines_with(app, "1 local only  1 remote only")
        assert lines_with(app, "to send if pushed")


async def test_files_of_a_remote_version_are_listed_without_pulling_it(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v3", side="remote")
        assert "2 B" in lines_with(app, "config.json")[0]
        assert lines_with(app, "2 files")
        assert not (tmp_path / "store/models/bert/v3").exists()
        await pilot.press("enter", "enter")
        await until(pilot, lambda: lines_with(app, "config.json  remote"))
        await until(pilot, lambda: lines_with(app, "1  {}"))
        await pilot.press("escape", "down", "enter")
        await until(pilot, lambda: lines_with(app, "creation_time"))
        assert not (tmp_path / "store/models/bert/v3").exists()


async def test_what_is_wrong_with_a_version_is_said(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "half")
        assert lines_with(app, "half-written")
        assert lines_with(app, "weights.bin")
        await pilot.press("g")
        await until(pilot, lambda: picked(app) == "v5" and not reading(app))
        assert lines_with(app, "The registry holds no whole archive of it: its upload failed.")
        assert lines_with(app, "✗ failed: disk [/] full")


async def test_a_local_bento_that_uses_it_is_named(tmp_path: Path, world: RegistryServer) -> None:
    bento = tmp_path / "store/bentos/chat/one"
    bento.mkdir(parents=True)
    (bento / "bento.yaml").write_text('models: [{tag: "bert:v1"}]\n')
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v1")
        assert lines_with(app, "local bento chat:one")


async def test_moving_on_shows_the_other_version_and_drops_what_comes_late(
    tmp_path: Path, world: RegistryServer
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v4")
        world.faults.presign_delay_s = 0.5
        await pilot.press("j")
        assert picked(app) == "v3"
        assert lines_with(app, "Reading the registry's list of files ...")
        await pilot.pause(RESTS_S * 2)
        await pilot.press("j")
        await until(pilot, lambda: not reading(app))
        assert picked(app) == "v2"
        await pilot.pause(1.2)
        assert lines_with(app, "Files  local v2")
        assert not lines_with(app, "config.json")


async def test_a_key_that_is_held_asks_only_for_where_it_stops(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        screen = await opened(pilot, app, "v2")
        await pilot.press("g", *"jjjj")
        asked = [worker for worker in app.workers if worker.group == "details" and "v3" in worker.description]
        await until(pilot, lambda: not reading(app))
        assert asked == []
        assert screen.is_current


async def test_a_failure_stands_in_its_place_and_r_tries_again(tmp_path: Path, world: RegistryServer) -> None:
    blobs = world.data / "blobs"
    assert blobs.is_dir()
    shutil.move(blobs, tmp_path / "aside")
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v4")
        assert app.screen.query_one("#files-note").has_class("-bad"), screen_text(app)
        assert lines_with(app, "weights.bin"), "the local files are shown all the same"
        shutil.copytree(tmp_path / "aside", blobs, dirs_exist_ok=True)
        await pilot.press("r")
        await until(pilot, lambda: lines_with(app, "! size differs"))
        assert not app.screen.query_one("#files-note").has_class("-bad")


async def test_without_a_registry_the_local_side_works(tmp_path: Path) -> None:
    write_model(tmp_path / "store", "bert:v1", files={"config.json": b"{}"})
    async with running(tmp_path, None) as (app, pilot):
        await go_to(pilot, app.main.local, ("bert", "v1"))
        await pilot.press("i")
        await until(pilot, lambda: lines_with(app, "config.json"))
        assert lines_with(app, "the registry's side is not known")
        await until(pilot, lambda: app.main.loader.link is Link.OFFLINE)
        await pilot.press("P")
        await until(pilot, lambda: lines_with(app, "Not connected"))


# The panes


async def test_tab_goes_round_the_panes_and_their_keys_move_in_them(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v5", side="remote")
        order = []
        for _ in range(5):
            order.append(app.focused.id if app.focused else None)
            await pilot.press("tab")
        assert order == ["version-list", "fact-lines", "file-list", "history-list", "version-list"]
        await pilot.press("shift+tab")
        for key, version in (("G", "half"), ("k", "v1"), ("home", "v5"), ("ctrl+d", "half"), ("pageup", "v5")):
            await pilot.press(key)
            assert picked(app) == version, key


async def test_arrows_lead_to_the_files_and_back(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v4")
        await pilot.press("right")
        assert app.focused is not None
        assert app.focused.id == "file-list"
        await pilot.press("left")
        assert app.focused.id == "version-list"
        await pilot.press("left")
        await until(pilot, lambda: app.screen is app.main)


async def test_tabs_share_a_place_on_a_small_terminal(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world, SMALL) as (app, pilot):
        await opened(pilot, app, "v4")
        assert lines_with(app, "[Details] Files  History")
        assert lines_with(app, "module") or lines_with(app, "state ")
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: lines_with(app, "Details [Files] History"))
        assert lines_with(app, "gone.txt")
        assert app.focused is not None
        assert app.focused.id == "version-list", "the cursor stays with the versions"
        await pilot.press("left_square_bracket", "left_square_bracket")
        await until(pilot, lambda: lines_with(app, "Details  Files [History]"))


async def test_below_forty_cells_one_sentence_is_left(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v4")
        await pilot.resize_terminal(38, 9)
        await until(pilot, lambda: lines_with(app, "at least 40x10"))
        await pilot.resize_terminal(*LARGE)
        await until(pilot, lambda: lines_with(app, "Files  local v4"))


# The preview


async def test_a_text_file_is_read_and_its_brackets_stay(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v1")
        await pilot.press("enter")
        assert lines_with(app, "README.md")
        await pilot.press("enter")
        await until(pilot, lambda: lines_with(app, "# Bert [b]not bold[/b]"))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, DetailsScreen))
        await pilot.press("G", "k", "G", "enter")
        await until(pilot, lambda: isinstance(app.screen, PreviewScreen) and lines_with(app, "This is no text") == [])


async def test_tab_shows_the_same_file_on_the_other_side(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v4")
        await pilot.press("enter", "G", "enter")
        await until(pilot, lambda: lines_with(app, "weights.bin  local") and lines_with(app, "newnew"))
        assert lines_with(app, "Tab remote  Esc closes")
        await pilot.press("tab")
        await until(pilot, lambda: lines_with(app, "weights.bin  remote") and lines_with(app, "oldold"))
        await pilot.press("tab")
        await until(pilot, lambda: lines_with(app, "newnew"))


async def test_a_remote_file_that_cannot_be_read_says_why_and_closing_stops_the_reading(
    tmp_path: Path, world: RegistryServer
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v3", side="remote")
        world.faults.presign_delay_s = 30.0
        await pilot.press("enter", "enter")
        await until(pilot, lambda: lines_with(app, "Reading the remote file ..."))
        await pilot.press("escape")
        await until(pilot, lambda: not [one for one in app.workers if "read a remote file" in one.description])
        world.faults.presign_delay_s = 0.0
        world.stop()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PreviewScreen) and lines_with(app, "127.0.0.1"))
        assert app.screen.query_one("#text")


async def test_bytes_and_a_file_that_is_gone_are_said(tmp_path: Path) -> None:
    directory = write_model(tmp_path / "store", "bert:v1", files={"a.bin": os.urandom(90_000) + b"\0" * 100})
    (directory / "b.txt").write_bytes("héllo\n".encode() * 20_000)
    (directory / "c.txt").write_bytes(b"")
    (directory / "d.txt").write_bytes(b"x")
    async with running(tmp_path, None) as (app, pilot):
        await go_to(pilot, app.main.local, ("bert", "v1"))
        await pilot.press("i")
        await until(pilot, lambda: lines_with(app, "d.txt"))
        (directory / "d.txt").unlink()
        await pilot.press("enter")
        for words in ("This is no text", "the first 64.0 KiB of 137 KiB", "It is empty.", "Cannot read this file"):
            await pilot.press("enter")
            await until(pilot, lambda words=words: lines_with(app, words))  # type: ignore[misc]
            await pilot.press("pagedown", "G", "g", "q")
            await until(pilot, lambda: isinstance(app.screen, DetailsScreen))
            await pilot.press("j")


# Acting


async def test_a_push_from_the_details_goes_and_the_version_becomes_the_same(
    tmp_path: Path, world: RegistryServer
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v2")
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("enter")
        await until(pilot, lambda: lines_with(app, "bert:v2 is the same on both sides"))
        await until(pilot, lambda: lines_with(app, "local v2  vs  remote v2") and not reading(app))
        await until(pilot, lambda: lines_with(app, "push  v2"))


async def test_a_pull_from_the_details_brings_its_files(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v3", side="remote")
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("enter")
        await until(pilot, lambda: lines_with(app, "bert:v3 is the same on both sides"))
        assert (tmp_path / "store/models/bert/v3/config.json").read_bytes() == b"{}"


@pytest.mark.parametrize("key", ["delete", "f8"])
async def test_the_local_version_is_deleted_from_the_details_too(
    tmp_path: Path, world: RegistryServer, key: str
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v2")
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, DeleteDialog))
        assert lines_with(app, "Delete  bert:v2")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: lines_with(app, "Deleted 1 version, freed"))
        await until(pilot, lambda: "bert:v2" not in app.main.loader.catalog.locals)
        assert picked(app) in ("v1", "v3")
        assert lines_with(app, "Deleted 1 version, freed"), "the next version's words do not take its place"
        assert not (tmp_path / "store/models/bert/v2").exists()
        await pilot.press("j")
        await until(pilot, lambda: not lines_with(app, "Deleted 1 version"))


async def test_a_version_of_the_registry_alone_cannot_be_deleted(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v3", side="remote")
        await pilot.press("delete")
        await until(pilot, lambda: lines_with(app, "Only local versions can be deleted"))


async def test_when_the_last_version_is_deleted_nothing_of_it_stays_on_the_screen(tmp_path: Path) -> None:
    write_model(tmp_path / "store", "bert:v1", files={"config.json": b"{}"})
    async with running(tmp_path, None) as (app, pilot):
        await go_to(pilot, app.main.local, ("bert", "v1"))
        await pilot.press("i")
        await until(pilot, lambda: lines_with(app, "config.json"))
        await pilot.press("delete")
        await until(pilot, lambda: isinstance(app.screen, DeleteDialog))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: lines_with(app, "Deleted 1 version, freed") and not lines_with(app, "config.json"))
        assert not lines_with(app, "bert:v1")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)


async def test_what_a_push_compared_is_said_and_what_nobody_compared_too(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v1")
        assert lines_with(app, "not compared byte by byte (V does)")
        await pilot.press("k")
        await until(pilot, lambda: picked(app) == "v2" and not reading(app))
        assert not lines_with(app, "integrity")
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("enter")
        await until(pilot, lambda: lines_with(app, "bytes of both sides"))
        assert "verified" in lines_with(app, "bytes of both sides")[0]


async def test_v_compares_every_byte_and_the_details_say_what_was_found(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v1")
        await pilot.press("V")
        await until(pilot, lambda: isinstance(app.screen, CompareDialog) and lines_with(app, "✓ The same: 3 files"))
        await pilot.press("escape")
        await until(pilot, lambda: lines_with(app, "bytes of both sides"))
        assert "= same bytes" in lines_with(app, "README.md")[0]
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        await opened(pilot, app, "v1")
        assert lines_with(app, "bytes of both sides"), "it is remembered as long as the program runs"
        (tmp_path / "store/models/bert/v1/README.md").write_bytes(b"# Bert [b]not BOLD[/b]\n")
        await pilot.press("V")
        await until(pilot, lambda: lines_with(app, "! Not the same: 1 difference"))
        assert lines_with(app, "! bytes       README.md")
        await pilot.press("escape")
        await until(pilot, lambda: lines_with(app, ": 1 difference") and "! bytes differ" in screen_text(app))


async def test_a_comparison_is_stopped_by_escape_and_leaves_nothing_said(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v1")
        world.faults.presign_delay_s = 30.0
        await pilot.press("V")
        await until(pilot, lambda: lines_with(app, "[ Stop  Esc ]"))
        await pilot.press("escape")
        await until(pilot, lambda: not [one for one in app.workers if one.description == "compare both sides"])
        assert isinstance(app.screen, DetailsScreen)
        assert lines_with(app, "not compared byte by byte")
        world.faults.presign_delay_s = 0.0


async def test_a_comparison_that_fails_says_why_and_one_side_alone_is_none(
    tmp_path: Path, world: RegistryServer
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v2")
        await pilot.press("V")
        await until(pilot, lambda: lines_with(app, "Both sides must have a whole copy to be compared."))
        await pilot.press("G", "k")
        await until(pilot, lambda: picked(app) == "v1" and not reading(app))
        shutil.rmtree(tmp_path / "store/models/bert/v1")
        await pilot.press("V")
        await until(pilot, lambda: lines_with(app, "✗ The local store has no bert:v1."))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DetailsScreen))


async def test_what_one_side_lacks_cannot_be_moved_from_it(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v2")
        await pilot.press("p")
        await until(pilot, lambda: lines_with(app, "bert:v2 is not in the registry"))


@pytest.mark.parametrize(("key", "title"), [("P", "Force push"), ("p", "Force pull")])
async def test_force_asks_which_side_first(tmp_path: Path, world: RegistryServer, key: str, title: str) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v4")
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, Menu))
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, ForceDialog))
        await until(pilot, lambda: lines_with(app, title))
        await until(pilot, lambda: lines_with(app, "(1 differs, 1 new, 1 gone)"))


async def test_force_on_one_side_only_knows_where_to(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v2")
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, ForceDialog))
        assert lines_with(app, "Force push")


async def test_y_copies_tag_path_and_command(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v3", side="remote")
        for key, words in (("y", "bert:v3"), ("c", "modelsync pull bert:v3")):
            await pilot.press("y")
            await until(pilot, lambda: isinstance(app.screen, Menu))
            await pilot.press(key)
            await until(pilot, lambda words=words: app.clipboard == words)  # type: ignore[misc]


async def test_help_footer_and_palette_know_the_keys_of_the_details(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await opened(pilot, app, "v4")
        for words in ("Esc back", "Enter open", "P push", "? help"):
            assert lines_with(app, words), words
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert lines_with(app, "Help  details")
        assert lines_with(app, "overwrite one side, asks first")
        assert not lines_with(app, "filter while typing"), "keys of the browsers do not work here"
        await pilot.press("escape", "ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"overwrite one")
        await until(pilot, lambda: lines_with(app, "overwrite one side"))


async def test_a_persons_own_keys_work_here_too(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world, keys={"details.back": "z"}) as (app, pilot):
        await opened(pilot, app, "v4")
        assert lines_with(app, "z back")
        await pilot.press("z")
        await until(pilot, lambda: app.screen is app.main)


# Hostile content


def hostile() -> tuple[LocalModel, RemoteModel]:
    deep: Json = "end"
    for _ in range(900):
        deep = {"[/b]": [deep, None]}
    metadata: dict[str, Json] = {"[bold]": deep, "null": None, "esc\x1b[2J": "\x07", "wide": "漢字😀" * 300}
    labels = {"[/red]": "[@click=app.quit]x[/]", "long": "x" * 500, "\x1b]0;t\x07": "\u202etxt"}
    local, remote = local_model("bert:v1", labels=labels), remote_model("bert:v1", labels=labels)
    info = replace(local.info, metadata=metadata, signatures={"[/]": None}, options={"o": deep}, module="[/m]\x1b")
    return replace(local, info=info), replace(
        remote,
        metadata={**metadata, "more": 1},
        module="\x00",
        description="a\nb [/] \x1b[31m" * 50,
        status=UploadStatus.FAILED,
        status_reason="[/b] \x1b[2J" * 60,
        creator_name="[red]\x1bmia",
        creator_email="",
    )


@pytest.mark.parametrize("size", [LARGE, SMALL, (40, 12)])
async def test_hostile_content_is_drawn_literally_and_within_its_place(tmp_path: Path, size: tuple[int, int]) -> None:
    local, remote = hostile()
    stranger = remote_model("bert:[/b]\x1b[2J " + "V" * 500, by="x" * 300)
    app = app_for(tmp_path)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: hasattr(app.main, "loader") and app.main.loader.local_read)
        catalog = catalog_of([local], [remote, stranger])
        loader = Loader(app, app.session, lambda: None, lambda *_: None, catalog)
        asked = Asked("bert", "v1", Side.LOCAL)
        app.push_screen(DetailsScreen(asked, app.session, loader, app.main.queueing, lambda: None))
        await until(pilot, lambda: isinstance(app.screen, DetailsScreen))
        for _ in range(2):
            for _ in range(4):
                await pilot.press("right_square_bracket", "pagedown", "pagedown", "pageup")
            await pilot.press("tab", "tab", "j", "enter", "left", "j")
        await until(pilot, lambda: isinstance(app.screen, DetailsScreen))
        shown = screen_text(app)
        assert "\x1b" not in shown
        assert len(shown.splitlines()) == size[1]
        assert app.failure is None


def test_every_key_of_the_details_has_an_action() -> None:
    for action in keys.actions(keys.Where.DETAILS):
        assert hasattr(DetailsScreen, f"action_{action.run.partition('(')[0]}"), action.id

"""V in the lists: the version under the cursor is compared with the other side, byte by byte."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from modelsync.sync import push
from modelsync.tag import Tag
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.dialogs.compare import CompareDialog
from modelsync_tui.loading import Link
from modelsync_tui.screens.details import DetailsScreen
from modelsync_tui.widgets.browser import Browser
from support.local_store import write_model
from support.registry_server import RegistryServer
from support.tui import app_for, lines_with, until
from support.two_sides import SidesFactory

pytest_plugins = ["support.two_sides"]


@pytest.fixture
def world(tmp_path: Path, registry_server: RegistryServer, make_sides: SidesFactory) -> RegistryServer:
    """bert:v1 is the same on both sides, bert:v2 only here."""
    for home in ("store", "theirs"):
        write_model(tmp_path / home, "bert:v1", files={"weights.bin": b"1" * 500})
    write_model(tmp_path / "store", "bert:v2")
    push(Tag.parse("bert:v1"), make_sides(registry_server, "theirs"))
    return registry_server


@asynccontextmanager
async def running(
    folder: Path, server: RegistryServer | None, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[ModelsyncApp, Pilot[object]]]:
    app = app_for(folder, server)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: hasattr(app.main, "loader") and app.main.local.row is not None)
        wanted = Link.OFFLINE if server is None else Link.ONLINE
        await until(pilot, lambda: app.main.loader.link is wanted)
        if server is not None:
            await until(pilot, lambda: app.main.remote.row is not None)
        yield app, pilot


async def go_to(pilot: Pilot[object], browser: Browser, key: tuple[str, str]) -> None:
    browser.focus_list()
    await until(pilot, lambda: browser.has_list_focus and key in browser.flat.positions)
    await pilot.press("g", *["j"] * browser.flat.positions[key])
    await until(pilot, lambda: browser.row is not None and browser.row.key == key)


@pytest.mark.parametrize("side", ["local", "remote"])
async def test_the_version_under_the_cursor_is_compared_and_its_details_know(
    tmp_path: Path, world: RegistryServer, side: str
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await go_to(pilot, getattr(app.main, side), ("bert", "v1"))
        await pilot.press("V")
        await until(pilot, lambda: isinstance(app.screen, CompareDialog) and lines_with(app, "✓ The same: 2 files"))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        assert getattr(app.main, side).has_list_focus
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, DetailsScreen) and lines_with(app, "bytes of both sides"))


async def test_one_changed_byte_is_found_and_named(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await go_to(pilot, app.main.local, ("bert", "v1"))
        (tmp_path / "store/models/bert/v1/weights.bin").write_bytes(b"1" * 499 + b"2")
        await pilot.press("V")
        await until(pilot, lambda: lines_with(app, "! Not the same: 1 difference"))
        assert lines_with(app, "! bytes       weights.bin")


async def test_a_group_and_a_version_of_one_side_are_refused_with_a_reason(
    tmp_path: Path, world: RegistryServer
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await go_to(pilot, app.main.local, ("bert", "v2"))
        await pilot.press("V")
        await until(pilot, lambda: lines_with(app, "Both sides must have a whole copy to be compared."))
        await pilot.press("g", "V")
        await until(pilot, lambda: lines_with(app, "One version at a time is compared: go to it, then V."))
        assert app.screen is app.main


async def test_the_group_of_a_single_version_stands_for_it(
    tmp_path: Path, registry_server: RegistryServer, make_sides: SidesFactory
) -> None:
    for home in ("store", "theirs"):
        write_model(tmp_path / home, "solo:v1", files={"weights.bin": b"1" * 500})
    push(Tag.parse("solo:v1"), make_sides(registry_server, "theirs"))
    async with running(tmp_path, registry_server) as (app, pilot):
        await go_to(pilot, app.main.local, ("solo", ""))
        await pilot.press("V")
        await until(pilot, lambda: isinstance(app.screen, CompareDialog) and lines_with(app, "✓ The same: 2 files"))


async def test_where_nothing_is_there_is_nothing_to_compare(tmp_path: Path, registry_server: RegistryServer) -> None:
    app = app_for(tmp_path, registry_server)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: lines_with(app, "No models in"))
        await pilot.press("V")
        await until(pilot, lambda: lines_with(app, "There is nothing to compare here."))


async def test_without_a_registry_the_reason_is_that(tmp_path: Path) -> None:
    write_model(tmp_path / "store", "bert:v1")
    async with running(tmp_path, None) as (app, pilot):
        await go_to(pilot, app.main.local, ("bert", "v1"))
        await pilot.press("V")
        await until(pilot, lambda: lines_with(app, "Not connected to a registry: r tries again, a signs in."))

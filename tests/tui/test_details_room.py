"""How the details share a small terminal: the pane that is read gets the lines that the versions do not need."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot

from modelsync_tui.app import ModelsyncApp
from modelsync_tui.screens.details import DetailsScreen
from modelsync_tui.widgets.facts import FactLines
from modelsync_tui.widgets.version_list import VersionList
from support.local_store import write_model
from support.tui import app_for, lines_with, until

CREATED = datetime(2026, 3, 1, tzinfo=UTC)


@asynccontextmanager
async def details_of(
    folder: Path, versions: int, size: tuple[int, int]
) -> AsyncIterator[tuple[ModelsyncApp, Pilot[object]]]:
    """The details of the newest of so many versions, without a registry."""
    for number in range(versions):
        write_model(folder / "store", f"bert:v{number:02}", created=CREATED + timedelta(days=number))
    app = app_for(folder)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.main.loader.local_read and app.main.local.row is not None)
        await pilot.press("i")
        await until(
            pilot, lambda: isinstance(app.screen, DetailsScreen) and lines_with(app, f"bert:v{versions - 1:02}")
        )
        yield app, pilot


def heights(app: ModelsyncApp) -> tuple[int, int]:
    """Lines of the versions and of the facts."""
    return app.screen.query_one(VersionList).size.height, app.screen.query_one(FactLines).size.height


async def test_few_versions_leave_their_empty_lines_to_the_details(tmp_path: Path) -> None:
    async with details_of(tmp_path, 2, (80, 24)) as (app, pilot):
        await until(pilot, lambda: heights(app) == (2, 24 - 3 - 2 - 5))


@pytest.mark.parametrize(("size", "versions", "read"), [((80, 24), (8, 8), (3, 13)), ((80, 17), (3, 6), (2, 7))])
async def test_of_many_versions_a_few_stay_in_sight_while_the_details_are_read(
    tmp_path: Path, size: tuple[int, int], versions: tuple[int, int], read: tuple[int, int]
) -> None:
    async with details_of(tmp_path, 14, size) as (app, pilot):
        await until(pilot, lambda: heights(app) == versions)
        await pilot.press("G")
        await until(pilot, lambda: lines_with(app, "│ v00 "))
        await pilot.press("tab")
        await until(pilot, lambda: heights(app) == read)
        await until(pilot, lambda: lines_with(app, "│ v00 "))
        await pilot.press("tab")
        await until(pilot, lambda: heights(app) == versions)
        await until(pilot, lambda: lines_with(app, "│ v00 "))


async def test_alone_the_versions_have_the_whole_place(tmp_path: Path) -> None:
    async with details_of(tmp_path, 14, (80, 13)) as (app, pilot):
        await until(pilot, lambda: lines_with(app, "[Versions]"))
        await until(pilot, lambda: app.screen.query_one(VersionList).size.height == 13 - 3 - 3)

"""The registry's title says how old its list is: while it is read again, and after the registry has gone."""

from pathlib import Path

from modelsync.errors import UnreachableError
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.loading import Link
from support.held_session import HeldSession
from support.tui import lines_with, remote_model, until


async def test_a_list_that_is_read_again_says_so_until_it_is_there(tmp_path: Path) -> None:
    session = HeldSession(tmp_path)
    session.remotes = {"bert:v1": remote_model("bert:v1")}
    app = ModelsyncApp(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: lines_with(app, "refreshed 0 s ago"))
        with session.holding("page"):
            await pilot.press("r")
            await until(pilot, lambda: lines_with(app, "reading ..."))
            assert not lines_with(app, "refreshed")
        await until(pilot, lambda: lines_with(app, "refreshed 0 s ago"))


async def test_the_age_of_what_is_left_of_a_registry_stays(tmp_path: Path) -> None:
    session = HeldSession(tmp_path)
    session.remotes = {"bert:v1": remote_model("bert:v1")}
    app = ModelsyncApp(session)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: lines_with(app, "refreshed"))
        session.away = UnreachableError("Nobody answers.", hint="Try again.")
        await pilot.press("r")
        await until(pilot, lambda: app.main.loader.link is Link.OFFLINE and lines_with(app, "refreshed"))
        assert lines_with(app, "bert")

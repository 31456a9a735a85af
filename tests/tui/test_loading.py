"""Both sides kept true: readings that overlap, answers that come late, a registry that goes away."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.message import Message
from textual.pilot import Pilot

from modelsync.errors import UnreachableError
from modelsync.tag import Tag
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.dialogs.plan import PlanDialog
from modelsync_tui.loading import Link
from modelsync_tui.widgets.browser import Browser
from support.held_session import HeldSession
from support.tui import local_model, remote_model, screen_text, until

SIZE = (100, 30)


def session_of(folder: Path, local: str = "", remote: str = "", *, page_versions: int = 1000) -> HeldSession:
    """Tags divided by blanks."""
    session = HeldSession(folder, page_versions=page_versions)
    session.locals = {tag: local_model(tag) for tag in local.split()}
    session.remotes = {tag: remote_model(tag) for tag in remote.split()}
    return session


def long_session(folder: Path) -> HeldSession:
    """One local version, and a registry whose list is too long to be loaded before a person asks for it."""
    return session_of(folder, "z:1", " ".join(f"m{number:02}:1" for number in range(60)), page_versions=1)


@asynccontextmanager
async def running(
    session: HeldSession, note: Callable[[Message], None] | None = None
) -> AsyncIterator[tuple[ModelsyncApp, Pilot[object]]]:
    app = ModelsyncApp(session)
    async with app.run_test(size=SIZE, message_hook=note) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.loader.local_read)
        if session.away is None:
            await until(pilot, lambda: app.main.loader.registry.read_at is not None)
        yield app, pilot


def locals_of(app: ModelsyncApp) -> set[str]:
    return set(app.main.loader.catalog.locals)


def remotes_of(app: ModelsyncApp) -> set[str]:
    return set(app.main.loader.catalog.remotes)


async def test_a_store_that_is_asked_for_ten_times_is_read_twice(tmp_path: Path) -> None:
    session = session_of(tmp_path, "a:1")
    async with running(session) as (app, pilot):
        read = session.asked["scan"]
        with session.holding("scan"):
            await pilot.press("r")
            await until(pilot, lambda: session.held["scan"] == 1)
            session.locals["b:1"] = local_model("b:1")
            await pilot.press(*"rrrrrrrrr")
        await until(pilot, lambda: locals_of(app) == {"a:1", "b:1"} and not app.main.loader.store.is_reading)
        assert session.asked["scan"] == read + 2


async def test_a_version_read_again_is_not_undone_by_a_reading_that_began_before(tmp_path: Path) -> None:
    session = session_of(tmp_path, "a:1", "a:1")
    async with running(session) as (app, pilot):
        session.hold("scan")
        session.hold("page")
        await pilot.press("r")
        await until(pilot, lambda: session.held["scan"] == session.held["page"] == 1)
        session.locals["b:1"], session.remotes["c:1"] = local_model("b:1"), remote_model("c:1")
        del session.remotes["a:1"]
        for tag in ("b:1", "c:1", "a:1"):
            app.main.loader.reread(Tag.parse(tag))
        await until(pilot, lambda: locals_of(app) == {"a:1", "b:1"} and remotes_of(app) == {"c:1"})
        read_at = app.main.loader.registry.read_at
        session.let_go("scan")
        session.let_go("page")
        await until(pilot, lambda: app.main.loader.registry.read_at != read_at and not app.main.loader.store.is_reading)
        assert locals_of(app) == {"a:1", "b:1"}
        assert remotes_of(app) == {"c:1"}


async def test_a_refresh_between_the_key_and_the_answer_does_not_lose_the_plan(tmp_path: Path) -> None:
    session = long_session(tmp_path)
    session.hold("versions")
    async with running(session) as (app, pilot):
        read_at = app.main.loader.registry.read_at
        await pilot.press("P", "r")
        await until(pilot, lambda: app.main.loader.registry.read_at != read_at)
        assert app.screen is app.main
        session.let_go("versions")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))


async def test_names_that_a_person_waits_for_are_asked_for_beside_each_other(tmp_path: Path) -> None:
    here = " ".join(f"a{number:02}:1" for number in range(40))
    session = session_of(tmp_path, here, " ".join(f"m{number:02}:1" for number in range(60)), page_versions=1)
    async with running(session) as (app, pilot):
        session.hold("versions")
        await pilot.press("ctrl+a", "P")
        await until(pilot, lambda: session.held["versions"] >= 8)
        assert app.screen is app.main
        session.let_go("versions")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        assert "Sends 40 versions" in screen_text(app)


async def test_a_plan_for_a_registry_that_was_left_does_not_open(tmp_path: Path) -> None:
    session = long_session(tmp_path)
    session.hold("versions")
    async with running(session) as (app, pilot):
        await pilot.press("P")
        app.main.connect_anew()
        await until(pilot, lambda: app.main.loader.registry.read_at is not None)
        session.let_go("versions")
        await until(pilot, lambda: not session.held["versions"])
        await pilot.pause(0.1)
        assert app.screen is app.main


async def test_the_local_row_is_read_again_though_the_registry_is_away(tmp_path: Path) -> None:
    session = session_of(tmp_path, "a:1", "a:1 b:1")
    async with running(session) as (app, pilot):
        session.locals["b:1"] = local_model("b:1")
        session.away = UnreachableError("The registry cannot be reached.", hint="Press r to try again.")
        app.main.loader.reread(Tag.parse("b:1"))
        await until(pilot, lambda: locals_of(app) == {"a:1", "b:1"})
        await until(pilot, lambda: app.main.loader.link is Link.OFFLINE)
        assert "cannot be reached" in screen_text(app)
        assert remotes_of(app) == {"a:1", "b:1"}


async def test_a_page_that_comes_while_the_list_is_read_anew_is_kept(tmp_path: Path) -> None:
    tags = [f"m{number:02}:1" for number in range(60)]
    session = session_of(tmp_path, "", " ".join(tags), page_versions=20)
    async with running(session) as (app, pilot):
        await until(pilot, lambda: not app.main.loader.catalog.remote_complete)
        registry = app.main.loader.registry
        loaded = len(remotes_of(app))
        session.hold("page")
        registry.read()
        await until(pilot, lambda: session.held["page"] == 1)
        registry.more()
        await until(pilot, lambda: session.held["page"] == 2)
        session.let_go("page")
        await until(pilot, lambda: len(remotes_of(app)) > loaded)
        read_at = registry.read_at
        await until(pilot, lambda: registry.read_at == read_at)
        assert remotes_of(app) >= set(tags[: loaded + 20])


async def test_a_long_list_of_single_versions_comes_to_rest(tmp_path: Path) -> None:
    session = session_of(tmp_path, page_versions=200)
    names = [f"model-{number:05}" for number in range(20_000)]
    session.locals = {f"{name}:v1": local_model(f"{name}:v1") for name in names}
    session.remotes = {f"{name}:v1": remote_model(f"{name}:v1") for name in names}
    made: dict[int, Message] = {}

    def note(message: Message) -> None:
        if isinstance(message, Browser.ListChanged):
            made[id(message)] = message  # once for everybody who is told

    async with running(session, note) as (app, pilot):

        def at_rest() -> bool:
            return app.main.local.listing.total == len(names) and not any(worker.is_running for worker in app.workers)

        await until(pilot, at_rest, within_s=60)
        await pilot.press("r", "pagedown", "pagedown", "S")
        await pilot.pause(0.3)
        await until(pilot, at_rest, within_s=60)
        made_until_then, asked = len(made), dict(session.asked)
        await pilot.pause(1.0)
        assert len(made) == made_until_then
        assert session.asked == asked
        assert asked["scan"] == 2
        assert made_until_then <= 30


async def test_a_list_that_moves_under_the_pages_is_read_anew(tmp_path: Path) -> None:
    tags = [f"m{number:02}:1" for number in range(60)]
    session = session_of(tmp_path, "", " ".join(tags), page_versions=20)
    async with running(session) as (app, pilot):
        registry = app.main.loader.registry
        await until(pilot, lambda: 20 <= app.main.loader.catalog.remote_next < 60)
        loaded = app.main.loader.catalog.remote_next
        del session.remotes[tags[0]], session.remotes[tags[1]]
        registry.more()
        await until(pilot, lambda: app.main.loader.catalog.remote_next >= min(loaded + 20, len(tags) - 2))
        registry.more()
        await until(pilot, lambda: app.main.loader.catalog.remote_complete)
        assert remotes_of(app) == set(tags[2:])


async def test_a_list_that_moves_while_it_is_read_anew_loses_no_row(tmp_path: Path) -> None:
    tags = [f"m{number:02}:1" for number in range(60)]
    session = session_of(tmp_path, "", " ".join(tags), page_versions=20)
    async with running(session) as (app, pilot):
        registry = app.main.loader.registry

        def is_complete() -> bool:
            registry.more()
            return app.main.loader.catalog.remote_complete

        await until(pilot, is_complete)
        read_at = registry.read_at
        with session.holding("page"):
            registry.read()
            await until(pilot, lambda: session.held.get("page", 0) > 0)
            del session.remotes[tags[0]], session.remotes[tags[1]]
        await until(pilot, lambda: registry.read_at != read_at)
        assert remotes_of(app) == set(tags[2:])

"""What a person finds who comes back to the terminal: the store as it is now, and the registry that was away."""

from dataclasses import replace
from pathlib import Path

from textual import events
from textual.pilot import Pilot

from modelsync.errors import TokenRefusedError
from modelsync_registry.tokens import TokenGrant
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.registry_side import Link
from support.local_store import write_model
from support.registry_server import RegistryServer, client, register_model
from support.tui import app_for, lines_with, until


async def test_a_model_saved_meanwhile_is_there_without_a_key(tmp_path: Path) -> None:
    write_model(tmp_path / "store", "bert:v1")
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: lines_with(app, "bert"))
        app.post_message(events.AppBlur())
        await until(pilot, lambda: not app.app_focus)
        write_model(tmp_path / "store", "iris:v1")
        app.post_message(events.AppFocus())
        await until(pilot, lambda: lines_with(app, "iris"))


async def lose(server: RegistryServer, app: ModelsyncApp, pilot: Pilot[object]) -> None:
    """Nobody answers at the registry's address any more, and the application has noticed."""
    await until(pilot, lambda: app.main.loader.link is Link.ONLINE)
    server.stop()
    await pilot.press("r")
    await until(pilot, lambda: app.main.loader.link is Link.OFFLINE)


async def test_a_registry_that_was_away_is_there_again_without_a_key(
    tmp_path: Path, registry_server: RegistryServer
) -> None:
    app = app_for(tmp_path, registry_server)
    async with app.run_test(size=(120, 40)) as pilot:
        await lose(registry_server, app, pilot)
        await until(pilot, lambda: lines_with(app, "offline"))
        registry_server.start()
        with client(registry_server.url) as api:
            register_model(api, "late", "v1")
        await until(pilot, lambda: lines_with(app, "late"), within_s=60)
        assert app.main.loader.link is Link.ONLINE
        assert not lines_with(app, "offline")


async def test_a_token_that_is_refused_meanwhile_is_told_and_not_tried_again(
    tmp_path: Path, registry_server: RegistryServer
) -> None:
    app = app_for(tmp_path, registry_server)
    async with app.run_test(size=(120, 40)) as pilot:
        await lose(registry_server, app, pilot)
        registry_server.config = replace(registry_server.config, tokens=(TokenGrant(token="another"),))
        registry_server.start()
        registry = app.main.loader.registry
        await until(pilot, lambda: isinstance(registry.offline_because, TokenRefusedError), within_s=60)
        assert app.main.loader.link is Link.OFFLINE

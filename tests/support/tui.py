"""The application for tests: a session of its own, waiting for a condition, and what stands on the screen."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot

from modelsync.model import LocalModel, ModelInfo, RemoteModel, UploadStatus
from modelsync.paths import Paths
from modelsync.settings import Settings
from modelsync.tag import Tag
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.catalog import Catalog
from modelsync_tui.session import Session
from support.registry_server import TOKEN, RegistryServer

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def app_for(folder: Path, server: RegistryServer | None = None, **settings: object) -> ModelsyncApp:
    """An application whose store is `folder`/store and whose files are beside it, signed in with `server` if given.

    Without a server nothing answers at the registry's address.
    """
    environ = {
        "HOME": str(folder),
        "MODELSYNC_CONFIG_DIR": str(folder / "config"),
        "MODELSYNC_STATE_DIR": str(folder / "state"),
        "MODELSYNC_CACHE_DIR": str(folder / "cache"),
        "BENTO_CLOUD_API_KEY": TOKEN,
        "BENTO_CLOUD_API_ENDPOINT": server.url if server else "http://127.0.0.1:9",
    }
    paths = Paths.of_platform(environ)
    flags = {"store": str(folder / "store"), **settings}
    return ModelsyncApp(Session(Settings.load(flags, environ=environ, paths=paths), paths, environ))


async def until(pilot: Pilot[object], condition: Callable[[], object], *, within_s: float = 15.0) -> None:
    """Returns when the condition holds and the screen has settled; fails after a generous limit."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not come true; on the screen:\n{screen_text(pilot.app)}")
        await pilot.pause(0.02)
    await pilot.pause()


def screen_text(app: App[object]) -> str:
    """What a person reads, line by line."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def lines_with(app: App[object], words: str) -> list[str]:
    """The lines of the screen that hold these words."""
    return [line for line in screen_text(app).splitlines() if words in line]


def local_model(tag: str, *, size: int = 1000, days: float = 1, labels: dict[str, str] | None = None) -> LocalModel:
    """A whole local version, built `days` before NOW."""
    info = ModelInfo(Tag.parse(tag), "", labels or {}, {}, {}, {}, {}, "v1", NOW - timedelta(days=days))
    return LocalModel(info, Path("/store/models") / tag.replace(":", "/"), size)


def remote_model(
    tag: str,
    *,
    size: int | None = 1000,
    days: float = 1,
    by: str = "mia",
    status: UploadStatus = UploadStatus.SUCCESS,
    reason: str = "",
    labels: dict[str, str] | None = None,
) -> RemoteModel:
    """A version of the registry, built and pushed `days` before NOW; its name may be anything."""
    name, _, version = tag.partition(":")
    when = NOW - timedelta(days=days)
    return RemoteModel(
        name,
        version,
        status=status,
        status_reason=reason,
        size_bytes=size,
        build_at=when,
        created_at=when,
        upload_started_at=when,
        creator_name=by,
        labels=labels or {},
    )


def catalog_of(locals_: list[LocalModel], remotes: list[RemoteModel] | None = None) -> Catalog:
    """Both sides, the registry's list loaded whole; None: the registry is not known."""
    catalog = Catalog().with_local(locals_, ())
    return catalog if remotes is None else catalog.with_page(0, len(remotes), remotes)

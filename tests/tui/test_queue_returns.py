"""The queue across runs: what was not finished at a quit is back at the next start, paused."""

import os
from pathlib import Path

import pytest

from modelsync.model import Direction
from modelsync.tag import Tag
from modelsync.transfers import TransferRequest, TransferStatus
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.dialogs.quit import QuitDialog
from support.local_store import write_model
from support.registry_server import RegistryServer
from support.tui import app_for, lines_with, until

WIDE = (120, 40)
MiB = 1024 * 1024


def statuses(app: ModelsyncApp) -> list[TransferStatus]:
    transfers = app.session.transfers
    return [] if transfers is None else [row.status for row in transfers.snapshot().rows]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_model(tmp_path / "store", "big:v1", files={"weights.bin": os.urandom(6 * MiB)})
    write_model(tmp_path / "store", "iris:v1")
    return tmp_path


async def quit_while_moving(folder: Path, server: RegistryServer, *keys: str) -> None:
    """Begins a slow push of both, quits, and answers the question with these keys."""
    app = app_for(folder, server, bandwidth="1 MiB/s", running=1)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.session.transfers is not None)
        transfers = app.session.transfers
        assert transfers is not None
        transfers.add(
            [TransferRequest(Direction.PUSH, Tag("big", "v1")), TransferRequest(Direction.PUSH, Tag("iris", "v1"))]
        )
        await until(pilot, lambda: transfers.snapshot().bytes_done > 0)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, QuitDialog))
        assert lines_with(app, "they are back, paused, at the next start")
        await pilot.press(*keys)
        await until(pilot, lambda: app.return_value == 0)
    app.session.close()


async def test_what_was_paused_at_the_quit_is_back_and_goes_on_with_space(
    folder: Path, registry_server: RegistryServer
) -> None:
    await quit_while_moving(folder, registry_server, "enter")
    app = app_for(folder, registry_server)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(lines_with(app, "paused at the last quit")) == 2)
        assert statuses(app) == [TransferStatus.PAUSED] * 2
        await pilot.press("3", "space")
        await until(pilot, lambda: lines_with(app, "✓ ↑ push  big:v1"))
        await pilot.press("up", "up", "space")
        await until(pilot, lambda: statuses(app) == [TransferStatus.DONE] * 2)
    app.session.close()
    third = app_for(folder, registry_server)
    async with third.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: third.session.transfers is not None)
        assert statuses(third) == []


async def test_what_was_cancelled_at_the_quit_is_not_back(folder: Path, registry_server: RegistryServer) -> None:
    await quit_while_moving(folder, registry_server, "down", "down", "tab", "enter")
    app = app_for(folder, registry_server)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.session.transfers is not None)
        assert statuses(app) == []

"""A push whose program was killed: the plan of the next one says that it goes on; a colleague's upload stays theirs."""

import os
import shutil
from pathlib import Path

from modelsync.transfers import TransferStatus
from modelsync_tui.dialogs.plan import PlanDialog
from modelsync_tui.dialogs.quit import QuitDialog
from support.local_store import write_model
from support.registry_server import RegistryServer, register_model
from support.tui import app_for, lines_with, until

WIDE = (120, 40)
MiB = 1024 * 1024


async def test_the_plan_goes_on_with_an_upload_that_was_begun_here(
    tmp_path: Path, registry_server: RegistryServer
) -> None:
    write_model(tmp_path / "store", "big:v1", files={"weights.bin": os.urandom(24 * MiB)})
    app = app_for(tmp_path, registry_server, bandwidth="4 MiB/s")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.main.loader.catalog.remote_known and app.main.local.row is not None)
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("enter")
        transfers = app.session.transfers
        assert transfers is not None
        await until(pilot, lambda: transfers.snapshot().bytes_done > 0)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, QuitDialog))
        await pilot.press("enter")
        await until(pilot, lambda: app.return_value == 0)
    app.session.close()
    shutil.rmtree(app.session.paths.queues_dir)  # a program that is killed saves no queue

    again = app_for(tmp_path, registry_server)
    async with again.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: again.main.loader.catalog.remote_known and lines_with(again, "~ uploading"))
        await pilot.press("P")
        await until(pilot, lambda: isinstance(again.screen, PlanDialog))
        assert lines_with(again, "goes on where it was cut short")
        assert lines_with(again, "[ Push 1")
        await pilot.press("enter")
        await until(pilot, lambda: lines_with(again, "went on from kept parts") or lines_with(again, "1 done"))
    again.session.close()


async def test_a_plan_of_a_colleagues_upload_is_closed_without_a_transfer(
    tmp_path: Path, registry_server: RegistryServer
) -> None:
    write_model(tmp_path / "store", "big:v1")
    path = register_model(registry_server.api, "big", "v1")
    registry_server.api.patch(f"{path}/start_upload")
    app = app_for(tmp_path, registry_server)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.main.loader.catalog.remote_known and lines_with(app, "~ uploading"))
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        assert lines_with(app, "is uploading it since")
        assert lines_with(app, "[ Close")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.main and lines_with(app, "Nothing was sent of big:v1"))
        assert app.session.transfers is not None
        assert [row for row in app.session.transfers.snapshot().rows if row.status is not TransferStatus.DONE] == []
    app.session.close()

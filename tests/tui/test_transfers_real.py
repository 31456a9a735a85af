"""The transfers pane over a real registry: what is shown while bytes really move, and what keys do to it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from modelsync.comparison import Direction
from modelsync.tag import Tag
from modelsync.transfers import TransferRequest, Transfers, TransferStatus
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.planning import Agreed
from support.local_store import write_model
from support.registry_server import RegistryServer
from support.screens import LARGE
from support.tui import app_for, lines_with, screen_text, until

MiB = 1 << 20
FILES = {"a-config.json": b"{}", "b-weights.bin": os.urandom(24 * MiB), "c-vocab.txt": b"words"}


@asynccontextmanager
async def moving(
    folder: Path, server: RegistryServer, *tags: str, bandwidth: str = "3MB/s"
) -> AsyncIterator[tuple[ModelsyncApp, Pilot[object], Transfers]]:
    """The application with pushes of these versions in its queue, two at a time, the cursor on the first."""
    for tag in tags:
        write_model(folder / "store", tag, files=FILES)
    app = app_for(folder, server, bandwidth=bandwidth)
    async with app.run_test(size=LARGE) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.queueing.transfers is not None)
        transfers = app.session.transfers
        assert transfers is not None
        requests = [TransferRequest(Direction.PUSH, Tag.parse(tag)) for tag in tags]
        app.main.queueing.add(Agreed(requests, frozenset()))
        await pilot.press("3")
        yield app, pilot, transfers
        transfers.set_limit(None)
        transfers.cancel_all()
        assert transfers.wait(30)


def places(app: ModelsyncApp, *versions: str) -> list[int]:
    """In which lines of the screen these versions wait."""
    lines = screen_text(app).splitlines()
    return [next(at for at, line in enumerate(lines) if f"push  m:{each}" in line) for each in versions]


async def test_a_waiting_transfer_moves_up_on_the_screen_and_starts_earlier(
    tmp_path: Path, registry_server: RegistryServer
) -> None:
    async with moving(tmp_path, registry_server, "m:v1", "m:v2", "m:v3", "m:v4") as (app, pilot, transfers):
        await until(pilot, lambda: lines_with(app, "2 active 2 waiting"))
        assert places(app, "v3", "v4") == sorted(places(app, "v3", "v4"))
        await pilot.press("down", "down", "down", "K")
        await until(pilot, lambda: places(app, "v4", "v3") == sorted(places(app, "v4", "v3")))
        assert [row.request.tag.version for row in transfers.snapshot().rows] == ["v1", "v2", "v4", "v3"]
        transfers.cancel(1)
        await until(pilot, lambda: transfers.snapshot().rows[2].status is TransferStatus.RUNNING)
        assert transfers.snapshot().rows[3].status is not TransferStatus.RUNNING


async def test_files_of_a_push_and_of_a_pull_move_on_the_screen(
    tmp_path: Path, registry_server: RegistryServer
) -> None:
    async with moving(tmp_path, registry_server, "m:v1") as (app, pilot, transfers):
        await pilot.press("t", "f")
        await until(pilot, lambda: lines_with(app, "Files  push m:v1") and lines_with(app, "1 moving"))
        await until(pilot, lambda: "moving" in lines_with(app, "b-weights.bin")[0])
        transfers.set_limit(None)
        await until(pilot, lambda: lines_with(app, "4 of 4 done"))
        transfers.wait(30)
    author = tmp_path / "author"
    (tmp_path / "store").rename(author)
    app = app_for(tmp_path, registry_server, bandwidth="3MB/s")
    async with app.run_test(size=LARGE) as pilot:
        await until(pilot, lambda: app.main.is_mounted and app.main.queueing.transfers is not None)
        app.main.queueing.add(Agreed([TransferRequest(Direction.PULL, Tag.parse("m:v1"))], frozenset()))
        await pilot.press("3", "t", "f")
        await until(pilot, lambda: lines_with(app, "Files  pull m:v1") and lines_with(app, "1 moving"))
        await until(pilot, lambda: "moving" in lines_with(app, "b-weights.bin")[0])
        assert app.session.transfers is not None
        app.session.transfers.set_limit(None)
        await until(pilot, lambda: lines_with(app, "4 of 4 done"))
        assert app.session.transfers.wait(30)


async def test_a_paused_push_gives_back_what_was_in_flight_and_says_at_its_end_that_it_went_on(
    tmp_path: Path, registry_server: RegistryServer
) -> None:
    async with moving(tmp_path, registry_server, "m:v1", bandwidth="8MB/s") as (app, pilot, transfers):

        def kept() -> int:
            parts = transfers.snapshot().rows[0].progress.parts
            return sum(part.size for part in parts if part.state.is_done)

        await until(pilot, kept)
        await pilot.press("space")
        await until(pilot, lambda: lines_with(app, "parts kept"))
        row = transfers.snapshot().rows[0]
        assert row.bytes_done == kept()
        transfers.set_limit(None)
        await pilot.press("space")
        await until(pilot, lambda: lines_with(app, "went on from kept parts"))

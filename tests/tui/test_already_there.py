"""What a plan finds already there: one line tells of all of it, and no transfer is made of it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from modelsync.comparison import REASON_SAME, Direction
from modelsync.sync import push
from modelsync.tag import Tag
from modelsync.transfers import QueueSnapshot, TransferStatus
from modelsync_tui.dialogs.plan import PlanDialog
from modelsync_tui.screens.details import DetailsScreen
from modelsync_tui.widgets.messageline import MessageLine
from modelsync_tui.widgets.transfers import TransfersPane
from support.local_store import write_model
from support.queue_values import progress, pushed, transfer
from support.registry_server import RegistryServer
from support.screens import LARGE, SMALL, Stage
from support.tui import app_for, lines_with, until
from support.two_sides import SidesFactory

PUSH, PULL = Direction.PUSH, Direction.PULL
TWO = [Tag("bert", "v1"), Tag("bert", "v2")]


@pytest.fixture
def world(tmp_path: Path, registry_server: RegistryServer, make_sides: SidesFactory) -> RegistryServer:
    """bert:v1 and bert:v2 on both sides, bert:v3 in the store only."""
    for version in ("v1", "v2", "v3"):
        write_model(tmp_path / "store", f"bert:{version}")
    for tag in TWO:
        push(tag, make_sides(registry_server, "store"))
    return registry_server


@pytest.mark.parametrize(
    ("there", "size", "words"),
    [
        ([(PUSH, TWO[0])], LARGE, "» ↑ push  bert:v1 … already there (same size and build time) - skipped, 0 B sent"),
        ([(PULL, tag) for tag in TWO], LARGE, "» ↓ pull  2 versions … already there (same size and build time)"),
        ([(PULL, TWO[0]), (PUSH, TWO[1])], LARGE, "2 versions … - skipped, 0 B moved"),
        ([(PUSH, tag) for tag in TWO], SMALL, "»↑ 2 versions … already there - skipped, 0 B sent"),
    ],
)
async def test_one_line_tells_of_all_that_was_already_there_below_what_moves(
    there: Sequence[tuple[Direction, Tag]], size: tuple[int, int], words: str
) -> None:
    pane = TransfersPane()
    app = Stage(pane)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        pane.already_there = frozenset(there)
        runs = transfer(1, "iris:v1", TransferStatus.RUNNING, now=progress(parts=()))
        skipped = transfer(2, "iris:v2", TransferStatus.SKIPPED, result=pushed("already there", skipped=True))
        pane.show(QueueSnapshot((runs, skipped)))
        await until(pilot, lambda: lines_with(app, "1 active"))
        first, last = words.split(" … ")
        (line,) = lines_with(app, first)
        assert last in line
        shown = lines_with(app, "│")
        assert shown.index(line) > max(shown.index(other) for other in lines_with(app, "iris:"))
        assert lines_with(app, f"{1 + len(there)} skipped")


async def test_the_line_comes_into_sight_behind_the_last_transfer(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: app.main.loader.local_read)
        pane = app.main.query_one(TransfersPane)
        pane.already_there = frozenset((PUSH, tag) for tag in TWO)
        pane.show(QueueSnapshot(tuple(transfer(at, f"a:v{at}", TransferStatus.CANCELLED) for at in range(1, 9))))
        await pilot.press("3", "G")
        await until(pilot, lambda: lines_with(app, "2 versions"))
        assert lines_with(app, "a:v1 ")


async def test_a_push_of_a_group_makes_transfers_only_of_what_goes(tmp_path: Path, world: RegistryServer) -> None:
    app = app_for(tmp_path, world)
    async with app.run_test(size=LARGE) as pilot:
        await until(pilot, lambda: app.main.loader.catalog.remote_known and app.main.local.row is not None)
        await pilot.press("g", "P")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("enter")
        await until(pilot, lambda: lines_with(app, "1 done 2 skipped"))
        transfers = app.session.transfers
        assert transfers is not None
        assert [str(row.request.tag) for row in transfers.snapshot().rows] == ["bert:v3"]
        assert lines_with(app, "2 versions")
        await pilot.press("3", "c")
        await until(pilot, lambda: lines_with(app, "Nothing is being moved."))


async def test_what_was_already_there_and_is_moved_after_all_is_no_longer_told_as_skipped(
    tmp_path: Path, world: RegistryServer
) -> None:
    app = app_for(tmp_path, world)
    async with app.run_test(size=LARGE) as pilot:
        await until(pilot, lambda: app.main.loader.catalog.remote_known and app.main.local.row is not None)
        await pilot.press("g", "j", "j", "P")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("enter")
        await until(pilot, lambda: lines_with(app, "1 skipped"))
        await pilot.press("F", *"v2", "enter")
        await until(pilot, lambda: lines_with(app, "1 done"))
        assert not lines_with(app, "skipped")


async def test_the_details_do_not_say_that_it_is_in_the_queue(tmp_path: Path, world: RegistryServer) -> None:
    app = app_for(tmp_path, world)
    async with app.run_test(size=LARGE) as pilot:
        await until(pilot, lambda: app.main.loader.catalog.remote_known and app.main.local.row is not None)
        await pilot.press("g", "j", "j", "i")
        await until(pilot, lambda: isinstance(app.screen, DetailsScreen) and lines_with(app, "bert:v2"))
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DetailsScreen))
        said = app.screen.query_one(MessageLine)
        await until(pilot, lambda: str(said.render()) == "Nothing was sent of bert:v2: " + REASON_SAME + ".")

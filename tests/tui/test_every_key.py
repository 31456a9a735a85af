"""Every action of the list is done by its key, and by each other key of it, in the running application.

How it works: an afternoon is a walk of one person through one place. Each step presses the first key of one action and
waits until what that key promises is to be seen, which it must not have been before. The other keys of the action must
then lead to the same action from the same place. An action without a step fails the last test of this file.
"""

import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input

from modelsync.sync import push
from modelsync.tag import Tag
from modelsync.transfers import TransferStatus
from modelsync_tui import keys
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.dialogs.bandwidth import BandwidthDialog
from modelsync_tui.dialogs.compare import CompareDialog
from modelsync_tui.dialogs.contexts import ContextsDialog
from modelsync_tui.dialogs.delete import DeleteDialog
from modelsync_tui.dialogs.force import ForceDialog
from modelsync_tui.dialogs.help import HelpScreen
from modelsync_tui.dialogs.history import HistoryScreen
from modelsync_tui.dialogs.menu import Menu
from modelsync_tui.dialogs.plan import PlanDialog
from modelsync_tui.listing import GroupRow
from modelsync_tui.loading import Link
from modelsync_tui.screens.details import DetailsScreen
from modelsync_tui.widgets.file_list import FileList
from modelsync_tui.widgets.log import LogPane
from modelsync_tui.widgets.transfers import TransfersPane
from modelsync_tui.widgets.version_list import VersionList
from support.local_store import CREATED, write_model
from support.registry_server import RegistryServer
from support.tui import app_for, lines_with, until
from support.two_sides import SidesFactory

pytest_plugins = ["support.two_sides"]

MANY = 40
PASSED_ON = {"ctrl+c"}
"""Keys that the toolkit takes first: it copies with it where text is selected, and passes it on where none is."""
See = Callable[[ModelsyncApp], object]


@dataclass(frozen=True, slots=True)
class Step:
    """One action, done by a person."""

    id: str
    see: See
    """What is to be seen after its key, and is not before."""
    first: str = ""
    """Keys, with blanks, that lead to where it is pressed."""
    ready: See | None = None
    """What must hold before its key is pressed."""
    then: str = ""
    """Keys that lead back."""


# What is to be seen


def row(app: ModelsyncApp) -> str:
    """The row under the cursor of the pane that a person is in."""
    here = (app.main.local if app.main.local.has_list_focus else app.main.remote).row
    return "" if here is None else here.name if isinstance(here, GroupRow) else here.tag_text


def line(app: ModelsyncApp) -> int:
    """On which line the cursor of the local list stands."""
    at = app.main.local.row
    return -1 if at is None else app.main.local.flat.positions[at.key]


def marked(app: ModelsyncApp) -> int:
    return len(app.main.local.marks)


def says(*words: str) -> See:
    return lambda app: all(lines_with(app, word) for word in words)


def is_open(kind: type[object], *words: str) -> See:
    """A dialog or screen, with these words on it."""
    return lambda app: isinstance(app.screen, kind) and says(*words)(app)


def on_main(app: ModelsyncApp) -> bool:
    return app.screen is app.main


def in_pane(place: keys.Where) -> See:
    return lambda app: on_main(app) and app.main.place is place


def statuses(app: ModelsyncApp) -> list[str]:
    """The queue, from its top."""
    assert app.session.transfers is not None
    return [f"{row.request.tag.version} {row.status}" for row in app.session.transfers.snapshot().rows]


def is_now(version: str, *wanted: TransferStatus) -> See:
    return lambda app: any(f"{version} {status}" in statuses(app) for status in wanted)


def order(*versions: str) -> See:
    return lambda app: [entry.split()[0] for entry in statuses(app)] == list(versions)


def selected(version: str) -> See:
    def see(app: ModelsyncApp) -> bool:
        chosen = app.main.query_one(TransfersPane).selected
        return chosen is not None and chosen.request.tag.version == version

    return see


def log_line(app: ModelsyncApp) -> tuple[int, int]:
    """The first line that the log pane shows, and how many there are behind it."""
    pane = app.main.query_one(LogPane)
    return int(pane.scroll_offset.y), int(pane.max_scroll_y)


def version(app: ModelsyncApp) -> str:
    """The version under the cursor of the details."""
    picked = app.screen.query_one(VersionList).picked
    return picked.version if picked else ""


def version_line(app: ModelsyncApp) -> int:
    return app.screen.query_one(VersionList).cursor


def focus(app: ModelsyncApp) -> str:
    return (app.focused.id or "") if app.focused else ""


# The afternoons

BROWSER = (
    Step("move.bottom", lambda app: row(app) == "zeta:z"),
    Step("move.top", lambda app: row(app) == "alpha"),
    Step("move.down", lambda app: row(app) == "alpha:v2"),
    Step("move.up", lambda app: row(app) == "alpha"),
    Step("move.page_down", lambda app: line(app) > 15),
    Step("move.page_up", lambda app: line(app) == 0),
    Step("move.half_down", lambda app: 5 < line(app) < 20),
    Step("move.half_up", lambda app: line(app) == 0),
    Step("move.close", lambda app: ("alpha", "v1") not in app.main.local.flat.positions),
    Step("move.open", lambda app: ("alpha", "v1") in app.main.local.flat.positions),
    Step("choose.mark", lambda app: (marked(app), row(app)) == (2, "alpha:v2")),
    Step("choose.back", lambda app: marked(app) == 0),
    Step("choose.range", lambda app: marked(app) == 2, first="g j v j"),
    Step("choose.all", lambda app: marked(app) == MANY + 4),
    Step("choose.invert", lambda app: marked(app) == 0),
    Step("choose.filter", lambda app: isinstance(app.focused, Input), then="escape"),
    Step("choose.differing", says("only what differs"), then="f"),
    Step("choose.sort", is_open(Menu, "Sort local"), then="escape"),
    Step("choose.reverse", says("sort:name reversed"), then="S"),
    Step("act.copy_over", is_open(PlanDialog, "Push"), first="g", then="escape"),
    Step("act.push", is_open(PlanDialog, "Push"), then="escape"),
    Step("act.force", is_open(ForceDialog, "beta:v1"), first="g j j j j", then="escape"),
    Step("act.verify", is_open(CompareDialog, "Not the same: 2 differences"), then="escape"),
    Step("details.show", is_open(DetailsScreen, "beta"), then="escape"),
    Step("act.delete", is_open(DeleteDialog, "Delete  beta:v1"), then="escape"),
    Step("act.clean_up", is_open(DeleteDialog, "Keep the newest"), first="g", then="escape"),
    Step("act.clipboard", is_open(Menu, "Copy to the clipboard"), then="escape"),
    Step("act.pull", is_open(PlanDialog, "Pull"), first="2 G", ready=lambda app: row(app) == "remote:x", then="escape"),
)
MAIN = (
    Step("move.next_pane", lambda app: app.main.remote.has_list_focus),
    Step("move.previous_pane", lambda app: app.main.local.has_list_focus),
    Step("move.remote", lambda app: app.main.remote.has_list_focus),
    Step("move.local", lambda app: app.main.local.has_list_focus),
    Step("move.transfers", in_pane(keys.Where.TRANSFERS)),
    Step("move.log", in_pane(keys.Where.LOG)),
    Step("app.log", lambda app: not lines_with(app, "4 Log"), then="1"),
    Step("app.refresh", lambda app: "late:v1" in app.main.loader.catalog.locals),
    Step("transfers.more_workers", says("11 workers")),
    Step("transfers.fewer_workers", says("10 workers")),
    Step("transfers.bandwidth", is_open(BandwidthDialog), then="escape"),
    Step("transfers.history", is_open(HistoryScreen), then="escape"),
    Step("transfers.size", lambda app: not lines_with(app, "1 Local"), then="t t"),
    Step("app.help", is_open(HelpScreen, "type to search"), first="1", then="escape"),
    Step("app.palette", is_open(CommandPalette), then="escape"),
    Step("app.theme", is_open(Menu, "Theme"), then="escape"),
    Step("app.accounts", is_open(ContextsDialog), then="escape"),
    Step("app.interrupt", says("q quits.")),
    Step("app.quit", lambda app: app.return_value == 0),
)
TRANSFERS = (
    Step(
        "transfers.down",
        selected("v2"),
        first="P enter 3",
        ready=lambda app: order("v3", "v2", "v1")(app) and is_now("v3", TransferStatus.RUNNING)(app),
    ),
    Step("transfers.up", selected("v3")),
    Step("transfers.bottom", selected("v1")),
    Step("transfers.top", selected("v3")),
    Step("transfers.later", order("v3", "v1", "v2"), first="j", ready=selected("v2")),
    Step("transfers.earlier", order("v3", "v2", "v1"), ready=selected("v2")),
    Step("transfers.pause", is_now("v2", TransferStatus.PAUSED)),
    Step("transfers.cancel", is_now("v2", TransferStatus.CANCELLED)),
    Step("transfers.retry", is_now("v2", TransferStatus.WAITING, TransferStatus.RUNNING)),
    Step(
        "transfers.clear",
        order("v3", "v1"),
        first="x",
        ready=is_now("v2", TransferStatus.CANCELLED),
    ),
    Step("transfers.parts", says("v all/[active]/failed"), first="t k k", ready=selected("v3"), then="v v"),
    Step("transfers.files", says("f parts", "part-of-it-00")),
    Step("transfers.page_down", says("part-of-it-40"), ready=says("part-of-it-00")),
    Step("transfers.page_up", says("part-of-it-00")),
    Step("transfers.back", in_pane(keys.Where.BROWSER), then="3"),
    Step("transfers.log", says("4 Log  filter: big:v3"), ready=in_pane(keys.Where.TRANSFERS)),
)
LOG = (
    Step("log.up", lambda app: log_line(app)[0] == log_line(app)[1] - 1, ready=lambda app: log_line(app)[1] > 20),
    Step("log.down", lambda app: log_line(app)[0] == log_line(app)[1]),
    Step("log.page_up", lambda app: log_line(app)[0] < log_line(app)[1] - 2),
    Step("log.page_down", lambda app: log_line(app)[0] == log_line(app)[1]),
    Step("log.top", lambda app: log_line(app)[0] == 0),
    Step("log.bottom", lambda app: log_line(app)[0] == log_line(app)[1]),
    Step("log.file", lambda app: app.clipboard.endswith("modelsync.log")),
    Step("log.filter", lambda app: isinstance(app.focused, Input), then="escape"),
    Step("log.back", in_pane(keys.Where.BROWSER), ready=in_pane(keys.Where.LOG)),
)
DETAILS = (
    Step("details.bottom", lambda app: version_line(app) == MANY - 1, first="i", ready=is_open(DetailsScreen)),
    Step("details.top", lambda app: version_line(app) == 0),
    Step("details.down", lambda app: version_line(app) == 1),
    Step("details.up", lambda app: version_line(app) == 0),
    Step("details.page_down", lambda app: version_line(app) > 7),
    Step("details.page_up", lambda app: version_line(app) == 0),
    Step("details.half_down", lambda app: 2 < version_line(app) < 10),
    Step("details.half_up", lambda app: version_line(app) == 0),
    Step("details.next_pane", lambda app: focus(app) == "fact-lines"),
    Step("details.previous_pane", lambda app: focus(app) == "version-list"),
    Step("details.open", lambda app: isinstance(app.focused, FileList)),
    Step("details.close", lambda app: focus(app) == "version-list"),
    Step("details.push", is_open(PlanDialog, "Push"), then="escape"),
    Step("details.force", is_open(ForceDialog), then="escape"),
    Step("details.delete", is_open(DeleteDialog), then="escape"),
    Step("details.clipboard", is_open(Menu, "Copy to the clipboard"), then="escape"),
    Step("details.refresh", says("late-file.txt")),
    Step("details.back", on_main),
    Step("details.pull", is_open(PlanDialog, "Pull"), first="2 G i", ready=is_open(DetailsScreen), then="escape"),
)
COMPARED = (
    Step(
        "details.verify",
        says("Not the same: 2 differences", "! size        weights.bin"),
        first="g j j j j i",
        ready=is_open(DetailsScreen, "beta:v1"),
    ),
)
SMALL_DETAILS = (
    Step("details.next_tab", says("[Files]"), first="i", ready=is_open(DetailsScreen, "[Details]")),
    Step("details.previous_tab", says("[Details]")),
)
ELSEWHERE = {"app.suspend": ("tests/terminal/test_signals.py", "test_control_z_gives_the_shell_back_and_fg_returns")}
"""Actions that only a real terminal can show, each with its test."""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """What every afternoon begins with."""
    home = tmp_path / "store"
    for number in (1, 2):
        write_model(home, f"alpha:v{number}", created=CREATED + timedelta(days=number))
    write_model(home, "beta:v1", files={"weights.bin": b"new" * 100}, created=CREATED + timedelta(days=2))
    for number in range(MANY):
        write_model(home, f"many:v{number:02}", created=CREATED + timedelta(days=number))
    write_model(home, "zeta:z")
    return home


@pytest.fixture
def world(tmp_path: Path, store: Path, registry_server: RegistryServer, make_sides: SidesFactory) -> RegistryServer:
    """Another beta:v1, and remote:x, which is nowhere else."""
    write_model(tmp_path / "theirs", "beta:v1", files={"weights.bin": b"old" * 50})
    write_model(tmp_path / "theirs", "remote:x")
    sides = make_sides(registry_server, "theirs")
    for tag in ("beta:v1", "remote:x"):
        push(Tag.parse(tag), sides)
    return registry_server


async def do(app: ModelsyncApp, pilot: Pilot[object], steps: Iterable[Step]) -> None:
    """Takes the steps, one after another."""
    for step in steps:
        action = keys.action(step.id)
        await pilot.press(*step.first.split())
        ready = step.ready or (lambda _: True)
        await until(pilot, lambda ready=ready: ready(app))  # type: ignore[misc]
        assert not step.see(app), f"{step.id}: it is to be seen before its key is pressed"
        leads_to = {key: found.binding.id for key, found in app.screen.active_bindings.items()}
        assert [key for key in action.keys if leads_to.get(key) != step.id and key not in PASSED_ON] == []
        await pilot.press(action.keys[0])
        await until(pilot, lambda step=step: step.see(app))  # type: ignore[misc]
        if step.then:
            await pilot.press(*step.then.split())
            await until(pilot, lambda: isinstance(app.screen, keys.HasPlace))


async def begin(app: ModelsyncApp, pilot: Pilot[object]) -> None:
    """Both sides are there."""
    await until(pilot, lambda: app.main.loader.catalog.remote_known and app.main.local.row is not None)


async def test_the_keys_of_the_browsers(tmp_path: Path, world: RegistryServer) -> None:
    app = app_for(tmp_path, world)
    async with app.run_test(size=(120, 40)) as pilot:
        await begin(app, pilot)
        await do(app, pilot, BROWSER)


async def test_the_keys_that_work_everywhere_on_the_main_screen(tmp_path: Path, world: RegistryServer) -> None:
    app = app_for(tmp_path, world)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await begin(app, pilot)
        write_model(tmp_path / "store", "late:v1")
        await do(app, pilot, MAIN)


async def test_the_keys_of_the_transfers(tmp_path: Path, registry_server: RegistryServer) -> None:
    for number in (1, 2, 3):
        files = {f"part-of-it-{file:02}.bin": os.urandom(20_000) for file in range(60)}
        write_model(tmp_path / "store", f"big:v{number}", files=files, created=CREATED + timedelta(days=number))
    app = app_for(tmp_path, registry_server, bandwidth="10KB/s", running=1)
    async with app.run_test(size=(120, 40)) as pilot:
        await begin(app, pilot)
        await do(app, pilot, TRANSFERS)
        app.main.queueing.tell(lambda transfers: transfers.cancel_all())


async def test_the_keys_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "modelsync")
    caplog.set_level(logging.CRITICAL, "modelsync.registry")  # nobody answers, and that would be told amid the steps
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await until(pilot, lambda: app.main.loader.link is Link.OFFLINE)
        for number in range(50):
            logging.getLogger("modelsync.test").info("line %d.", number)
        await pilot.press("4")
        await until(pilot, lambda: lines_with(app, "line 49."))
        await do(app, pilot, LOG)


async def test_the_keys_of_the_details(tmp_path: Path, world: RegistryServer) -> None:
    app = app_for(tmp_path, world)
    async with app.run_test(size=(120, 40)) as pilot:
        await begin(app, pilot)
        await pilot.press("slash", *"many", "enter", "g")
        await until(pilot, lambda: row(app) == "many")
        before = [step for step in DETAILS if step.id not in ("details.refresh", "details.back", "details.pull")]
        await do(app, pilot, before)
        (tmp_path / f"store/models/many/v{MANY - 1}/late-file.txt").write_text("x")
        await do(app, pilot, DETAILS[len(before) :])


async def test_the_key_that_compares_both_sides(tmp_path: Path, world: RegistryServer) -> None:
    app = app_for(tmp_path, world)
    async with app.run_test(size=(120, 40)) as pilot:
        await begin(app, pilot)
        await do(app, pilot, COMPARED)


async def test_the_keys_of_the_details_on_a_small_terminal(tmp_path: Path, store: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.main.local.row is not None)
        await do(app, pilot, SMALL_DETAILS)


def test_no_action_is_left_out() -> None:
    steps = (*BROWSER, *MAIN, *TRANSFERS, *LOG, *DETAILS, *COMPARED, *SMALL_DETAILS)
    counted = Counter([*(step.id for step in steps), *ELSEWHERE])
    assert counted == Counter(action.id for action in keys.ACTIONS)
    for path, name in ELSEWHERE.values():
        assert re.search(rf"^(async )?def {name}\(", (Path(__file__).parents[2] / path).read_text(), re.MULTILINE)

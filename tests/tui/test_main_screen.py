"""The main screen over a real store and a real registry: a person's keys, and what stands on the screen after them."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from textual import events
from textual.command import CommandPalette
from textual.pilot import Pilot

from modelsync.comparison import RowState
from modelsync.sync import push
from modelsync.tag import Tag
from modelsync.transfers import TransferStatus
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.dialogs.cancel import CancelDialog
from modelsync_tui.dialogs.force import ForceDialog
from modelsync_tui.dialogs.help import HelpScreen
from modelsync_tui.dialogs.menu import Menu
from modelsync_tui.dialogs.plan import PlanDialog
from modelsync_tui.dialogs.quit import QuitDialog
from modelsync_tui.loading import Link
from modelsync_tui.screens.login import LoginScreen
from modelsync_tui.session import PAGE_VERSIONS
from modelsync_tui.widgets.messageline import MessageLine
from support.local_store import CREATED, read_tree, write_model
from support.registry_server import RegistryServer, register_model
from support.tui import app_for, lines_with, screen_text, until
from support.two_sides import SidesFactory

pytest_plugins = ["support.two_sides"]

WIDE = (120, 40)
Running = Callable[[], AbstractAsyncContextManager[tuple[ModelsyncApp, Pilot[object]]]]


@pytest.fixture
def world(tmp_path: Path, registry_server: RegistryServer, make_sides: SidesFactory) -> RegistryServer:
    """bert:v1 on both sides, bert:v2 and iris:a local only, fraud:x remote only, llama:w differs."""
    store, theirs = tmp_path / "store", tmp_path / "theirs"
    for home in (store, theirs):
        write_model(home, "bert:v1", files={"weights.bin": b"1" * 500}, created=CREATED)
    write_model(store, "bert:v2", files={"weights.bin": b"2" * 700}, created=CREATED + timedelta(days=1))
    write_model(store, "iris:a", labels={"stage": "prod"})
    write_model(store, "llama:w", files={"weights.bin": b"new" * 200}, created=CREATED + timedelta(days=2))
    write_model(theirs, "llama:w", files={"weights.bin": b"old" * 100})
    write_model(theirs, "fraud:x")
    sides = make_sides(registry_server, "theirs")
    for tag in ("bert:v1", "llama:w", "fraud:x"):
        push(Tag.parse(tag), sides)
    return registry_server


@asynccontextmanager
async def running(
    folder: Path, server: RegistryServer | None, size: tuple[int, int] = WIDE, **settings: object
) -> AsyncIterator[tuple[ModelsyncApp, Pilot[object]]]:
    """The application, online when there is a server, with both lists shown."""
    app = app_for(folder, server, **settings)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: hasattr(app.main, "loader") and app.main.loader.local_read)
        if server is not None:
            await until(pilot, lambda: app.main.loader.catalog.remote_known)
        yield app, pilot


def state_of(app: ModelsyncApp, tag: str) -> RowState | None:
    rows = [row for group in app.main.local.listing.groups for row in group.rows if row.tag_text == tag]
    return rows[0].state if rows else None


async def go_to(pilot: Pilot[object], app: ModelsyncApp, name: str, version: str) -> None:
    """Moves the cursor of the pane that has the focus."""
    browser = app.main.local if app.main.local.has_list_focus else app.main.remote
    await pilot.press("g")
    for _ in range(browser.flat.positions[(name, version)]):
        await pilot.press("j")
    await pilot.pause()


async def test_both_sides_and_who_is_signed_in_are_on_the_screen(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, _):
        shown = screen_text(app)
        for words in ("1 Local", "2 Remote", "3 Transfers", "push", "org default", "user mia@acme.io", "online"):
            assert words in shown, words
        assert "= same" in lines_with(app, "├ v2")[0] or state_of(app, "bert:v1") is RowState.SAME
        assert state_of(app, "bert:v2") is RowState.LOCAL_ONLY
        assert state_of(app, "llama:w") is RowState.DIFFERS
        assert "< remote only" in lines_with(app, "└ x")[0]


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_screen_fits_its_size(tmp_path: Path, world: RegistryServer, size: tuple[int, int]) -> None:
    async with running(tmp_path, world, size) as (app, _):
        lines = screen_text(app).splitlines()
        assert len(lines) == size[1]
        assert {len(line) for line in lines} == {size[0]}
        for words in ("1 Local", "2 Remote", "3 Transfers", "F5", "? help", "online"):
            assert lines_with(app, words), words


async def test_a_push_says_what_goes_then_goes_and_the_row_becomes_the_same(
    tmp_path: Path, world: RegistryServer
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await go_to(pilot, app, "bert", "v2")
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        assert lines_with(app, "new in the registry")
        await pilot.press("enter")
        await until(pilot, lambda: state_of(app, "bert:v2") is RowState.SAME)
        assert lines_with(app, "1 done")
        row = app.main.local.row
        assert row is not None
        assert row.key == ("bert", "v2")


async def test_a_second_push_is_skipped_and_says_so(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await go_to(pilot, app, "bert", "v1")
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("enter")
        await until(pilot, lambda: lines_with(app, "already there"))
        assert lines_with(app, "1 skipped")


async def test_escape_in_the_plan_moves_nothing_and_says_again_what_the_cursor_is_on(
    tmp_path: Path, world: RegistryServer
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await go_to(pilot, app, "bert", "v2")
        said = str(app.main.query_one(MessageLine).render())
        assert said.startswith("bert:v2")
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        await until(pilot, lambda: str(app.main.query_one(MessageLine).render()) == said)
        assert app.session.transfers is not None
        assert app.session.transfers.snapshot().rows == ()


async def test_a_pull_brings_a_version_that_only_the_registry_has(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await pilot.press("2")
        await go_to(pilot, app, "fraud", "x")
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("enter")
        await until(pilot, lambda: state_of(app, "fraud:x") is RowState.SAME)
    pulled, original = (tmp_path / side / "models/fraud/x" for side in ("store", "theirs"))
    assert read_tree(pulled) == read_tree(original)


async def test_copy_takes_the_marked_set_to_the_other_side_and_the_marks_are_done(
    tmp_path: Path, world: RegistryServer
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await pilot.press("ctrl+a")
        assert lines_with(app, "marked 4: F5 pushes 2, skips 1 (already on remote), skips 1 that differs")
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        await pilot.press("enter")
        await until(pilot, lambda: lines_with(app, "2 done 2 skipped"))
        assert not app.main.local.marks
        assert state_of(app, "iris:a") is RowState.SAME
        assert state_of(app, "llama:w") is RowState.DIFFERS


async def test_copy_from_the_remote_side_pulls(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await pilot.press("tab")
        await go_to(pilot, app, "fraud", "x")
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        assert lines_with(app, "Pull")


async def test_force_push_asks_for_the_version_by_typing(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await go_to(pilot, app, "llama", "w")
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, ForceDialog))
        await pilot.press("enter")
        assert isinstance(app.screen, ForceDialog), "nothing was typed yet"
        await pilot.press("w", "enter")
        await until(pilot, lambda: state_of(app, "llama:w") is RowState.SAME)


async def test_force_pull_replaces_the_local_version(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await pilot.press("2")
        await go_to(pilot, app, "llama", "w")
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, ForceDialog))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: state_of(app, "llama:w") is RowState.SAME)
    assert (tmp_path / "store/models/llama/w/weights.bin").read_bytes() == b"old" * 100


async def test_what_the_giving_side_does_not_have_is_said(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await go_to(pilot, app, "iris", "a")
        await pilot.press("p")
        await until(pilot, lambda: lines_with(app, "iris:a is not in the registry"))


async def test_a_read_only_run_refuses_a_push_before_anything_is_asked(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world, read_only=True) as (app, pilot):
        await pilot.press("P")
        assert lines_with(app, "Read-only")
        assert app.screen is app.main


async def test_the_linked_cursor_finds_the_same_tag_on_the_other_side(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await go_to(pilot, app, "llama", "w")
        row = app.main.remote.row
        assert row is not None
        assert row.key == ("llama", "w")


async def test_a_refresh_reads_both_sides_and_keeps_cursor_marks_and_filter(
    tmp_path: Path, world: RegistryServer, make_sides: SidesFactory
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await pilot.press("slash", "b", "e", "r", "t", "enter", "g", "j", "space")
        write_model(tmp_path / "theirs", "bert:v9")
        push(Tag.parse("bert:v9"), make_sides(world, "theirs"))
        write_model(tmp_path / "store", "bert:v3", created=CREATED + timedelta(days=9))
        await pilot.press("r")
        await until(pilot, lambda: "bert:v9" in app.main.loader.catalog.remotes)
        await until(pilot, lambda: "bert:v3" in app.main.loader.catalog.locals)
        row = app.main.local.row
        assert row is not None
        assert row.key == ("bert", "v1")
        assert app.main.local.marks.keys == (("bert", "v2"),)
        assert app.main.local.ask.filter.text == "bert"


async def test_the_filter_narrows_while_it_is_typed_and_says_what_it_did_not_understand(
    tmp_path: Path, world: RegistryServer
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await pilot.press("slash", *"iris")
        assert lines_with(app, "1 shown of 4")
        await pilot.press("space", *"size:", "x")
        assert lines_with(app, "not understood: size:x")
        await pilot.press("escape")
        assert app.main.local.has_list_focus
        assert app.main.local.ask.filter.text == ""
        await pilot.press("slash", *"bert", "enter")
        assert app.main.local.has_list_focus
        assert app.main.local.ask.filter.text == "bert"


async def test_the_sort_menu_and_its_reverse(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Menu))
        await pilot.press("z")
        await until(pilot, lambda: app.screen is app.main)
        assert lines_with(app, "sort:size")
        first = app.main.local.listing.groups[0].name
        await pilot.press("S")
        assert app.main.local.listing.groups[-1].name == first
        assert lines_with(app, "sort:size reversed")


@pytest.mark.parametrize(
    ("letter", "expected"),
    [("y", "bert:v2"), ("p", "/models/bert/v2"), ("c", "modelsync push bert:v2")],
)
async def test_copying_a_tag_its_path_and_its_command(
    tmp_path: Path, world: RegistryServer, letter: str, expected: str
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await go_to(pilot, app, "bert", "v2")
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, Menu))
        await pilot.press(letter)
        await until(pilot, lambda: app.screen is app.main)
        assert app.clipboard.endswith(expected)
        assert lines_with(app, "Copied: ")


async def test_the_panes_are_reached_by_number_and_by_tab(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        assert app.main.local.has_list_focus
        await pilot.press("tab")
        assert app.main.remote.has_list_focus
        await pilot.press("tab")
        assert lines_with(app, "x cancel"), "the footer shows the keys of the pane that has the focus"
        await pilot.press("tab", "shift+tab", "1")
        assert app.main.local.has_list_focus
        await pilot.press("2")
        assert app.main.remote.has_list_focus


async def test_transfers_are_small_then_full_then_off(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await pilot.press("t")
        await pilot.pause()
        assert not lines_with(app, "1 Local")
        await pilot.press("t")
        await pilot.pause()
        assert lines_with(app, "1 Local")
        assert not lines_with(app, "3 Transfers")
        await pilot.press("t")
        await pilot.pause()
        assert lines_with(app, "3 Transfers")


async def test_one_pane_at_a_time_below_sixty_columns(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world, (50, 20)) as (app, pilot):
        assert lines_with(app, "Local [1/2]")
        assert not lines_with(app, "Remote [2/2]")
        await pilot.press("tab")
        await pilot.pause()
        assert lines_with(app, "Remote [2/2]")
        assert not lines_with(app, "Local [1/2]")


async def test_a_terminal_too_small_says_so_and_comes_back(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world, (39, 9)) as (app, pilot):
        assert "needs at least 40x10" in screen_text(app)
        assert "39x9" in " ".join(screen_text(app).split())
        for size in ((5, 2), (1, 1), (200, 60), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert lines_with(app, "1 Local")


async def test_broken_entries_say_why_in_the_message_line(tmp_path: Path, world: RegistryServer) -> None:
    broken = tmp_path / "store/models/half/v1"
    broken.mkdir(parents=True)
    (broken / "weights.bin").write_bytes(b"x")
    async with running(tmp_path, world) as (app, pilot):
        await go_to(pilot, app, "half", "v1")
        assert lines_with(app, "half:v1 is half-written")


async def test_without_a_registry_the_local_side_works_and_the_remote_says_what_to_press(tmp_path: Path) -> None:
    write_model(tmp_path / "store", "bert:v1")
    async with running(tmp_path, None) as (app, pilot):
        await until(pilot, lambda: app.main.loader.link is Link.OFFLINE)
        await until(pilot, lambda: lines_with(app, "try again"))
        assert lines_with(app, "offline")
        assert lines_with(app, "v1")
        await pilot.press("P")
        assert lines_with(app, "Not connected to a registry")


async def test_without_an_account_the_sign_in_screen_comes_first_and_offline_leads_to_the_store(tmp_path: Path) -> None:
    write_model(tmp_path / "store", "bert:v1")
    app = app_for(tmp_path)
    app.session.environ = {}
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LoginScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        assert lines_with(app, "v1")
        assert lines_with(app, "no account is in use")
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, LoginScreen))


async def test_a_registry_that_goes_away_leaves_its_list_and_comes_back_with_r(
    tmp_path: Path, world: RegistryServer
) -> None:
    async with running(tmp_path, world) as (app, pilot):
        transfers = app.session.transfers
        world.stop()
        await pilot.press("r")
        await until(pilot, lambda: app.main.loader.link is Link.OFFLINE, within_s=60)
        assert lines_with(app, "└ x"), "the last listing is still shown"
        world.start()
        await pilot.press("r")
        await until(pilot, lambda: app.main.loader.link is Link.ONLINE)
        assert app.session.transfers is transfers


@pytest.fixture
def busy(tmp_path: Path, world: RegistryServer) -> Running:
    """The application, pushing one version so slowly that it does not end by itself."""
    write_model(tmp_path / "store", "big:v", files={"weights.bin": os.urandom(8 << 20)})

    @asynccontextmanager
    async def start() -> AsyncIterator[tuple[ModelsyncApp, Pilot[object]]]:
        async with running(tmp_path, world, bandwidth="100KB/s") as (app, pilot):
            await go_to(pilot, app, "big", "v")
            await pilot.press("P")
            await until(pilot, lambda: isinstance(app.screen, PlanDialog))
            await pilot.press("enter")
            await until(pilot, lambda: status_of(app) is TransferStatus.RUNNING)
            yield app, pilot
            app.main.queueing.tell(lambda transfers: transfers.cancel_all())

    return start


def status_of(app: ModelsyncApp) -> TransferStatus | None:
    assert app.session.transfers is not None
    rows = app.session.transfers.snapshot().rows
    return rows[0].status if rows else None


async def test_a_transfer_is_paused_resumed_cancelled_and_cleared_from_its_pane(busy: Running) -> None:
    async with busy() as (app, pilot):
        await pilot.press("3", "space")
        await until(pilot, lambda: status_of(app) is TransferStatus.PAUSED)
        await pilot.press("space")
        await until(pilot, lambda: status_of(app) is TransferStatus.RUNNING)
        await _cancel(app, pilot)
        await pilot.press("R")
        await until(pilot, lambda: status_of(app) is TransferStatus.RUNNING)
        await _cancel(app, pilot)
        await pilot.press("c")
        await until(pilot, lambda: status_of(app) is None)


async def _cancel(app: ModelsyncApp, pilot: Pilot[object]) -> None:
    """It asks where bytes have moved; what just began may have moved none yet."""
    await pilot.press("x")
    await until(pilot, lambda: isinstance(app.screen, CancelDialog) or status_of(app) is TransferStatus.CANCELLED)
    if isinstance(app.screen, CancelDialog):
        await pilot.press("x")
    await until(pilot, lambda: status_of(app) is TransferStatus.CANCELLED)


async def test_a_key_typed_right_behind_the_one_that_leads_to_the_transfers_is_for_them(busy: Running) -> None:
    async with busy() as (app, pilot):
        for key in ("t", "f"):
            app.post_message(events.Key(key, key))
        await until(pilot, lambda: lines_with(app, "Files  push big:v"))
        assert not app.main.local.ask.only_differing


async def test_escape_leads_from_the_full_transfers_back_to_the_list(busy: Running) -> None:
    async with busy() as (app, pilot):
        await pilot.press("2", "t")
        await until(pilot, lambda: lines_with(app, "Parts  push big:v"))
        await pilot.press("f")
        await until(pilot, lambda: lines_with(app, "Files  push big:v"))
        await pilot.press("escape")
        await until(pilot, lambda: not lines_with(app, "Files  push big:v"))
        assert app.main.remote.has_list_focus


async def test_a_key_that_does_nothing_to_a_transfer_says_why_on_the_screen(busy: Running) -> None:
    async with busy() as (app, pilot):
        await pilot.press("3", "R")
        await until(pilot, lambda: lines_with(app, "big:v is running: a part that fails is tried again by itself."))


async def test_one_can_browse_and_filter_while_something_moves(busy: Running) -> None:
    async with busy() as (app, pilot):
        await until(pilot, lambda: lines_with(app, "big:v") and "%" in app.title)
        await pilot.press("1", "slash", *"iris", "enter", "j", "space")
        assert app.main.local.marks.keys == (("iris", "a"),)
        assert status_of(app) is TransferStatus.RUNNING


async def test_q_asks_while_something_moves_and_can_keep_going(busy: Running) -> None:
    async with busy() as (app, pilot):
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, QuitDialog))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        assert status_of(app) is TransferStatus.RUNNING
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, QuitDialog))
        await pilot.press("enter")
        await until(pilot, lambda: app.return_value == 0)
        assert status_of(app) is TransferStatus.PAUSED


async def test_the_palette_runs_an_action_by_its_words(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await pilot.press("colon")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"mark all that")
        await until(pilot, lambda: lines_with(app, "mark all that is shown"))
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(app.main.local.marks) == 4)


async def test_help_opens_for_the_focused_pane_and_closes(tmp_path: Path, world: RegistryServer) -> None:
    async with running(tmp_path, world) as (app, pilot):
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert lines_with(app, "push to the registry")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        await pilot.press("3", "f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert lines_with(app, "try a failed one again")


async def test_an_empty_store_says_the_next_key(tmp_path: Path) -> None:
    async with running(tmp_path, None) as (app, _):
        assert lines_with(app, "No models in")
        assert lines_with(app, "bentoml.models.create")


async def test_pages_load_as_one_scrolls(tmp_path: Path, registry_server: RegistryServer) -> None:
    fill_registry(registry_server, PAGE_VERSIONS + 30)
    async with running(tmp_path, registry_server, (80, 24)) as (app, pilot):
        catalog: Callable[[], int] = lambda: len(app.main.loader.catalog.remotes)  # noqa: E731
        assert catalog() >= PAGE_VERSIONS
        await pilot.press("2", "l", "G")
        await until(pilot, lambda: catalog() == PAGE_VERSIONS + 30)
        assert app.main.loader.catalog.remote_complete


async def test_a_hostile_registry_is_shown_as_it_is(tmp_path: Path, registry_server: RegistryServer) -> None:
    register_model(registry_server.api, "漢字-[b]-😀-" + "x" * 100, "[red]v1")
    async with running(tmp_path, registry_server, (80, 24)) as (app, pilot):
        await pilot.press("2", "j")
        assert lines_with(app, "漢字-[b]")
        assert lines_with(app, "[red]v1")
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))


async def test_q_ends_a_run_that_is_not_busy(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("q")
        await pilot.pause()
    assert app.return_value == 0


def fill_registry(server: RegistryServer, versions: int) -> None:
    """Registers versions of one model, without content."""
    for number in range(versions):
        register_model(server.api, "many", f"v{number:04}")

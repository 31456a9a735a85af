"""What a person steers while transfers run: workers, the limit, which parts are shown, and what that costs."""

from dataclasses import replace
from pathlib import Path

import pytest
from textual import events
from textual.widget import Widget
from textual.widgets import Button

from modelsync.comparison import plan_push
from modelsync.transfer.progress import PartState
from modelsync.transfers import QueueSnapshot, TransferStatus
from modelsync_tui.dialogs.bandwidth import BandwidthDialog, Limit
from modelsync_tui.dialogs.force import ForceDialog
from modelsync_tui.glyphs import ASCII
from modelsync_tui.widgets.part_lines import PartLines
from modelsync_tui.widgets.titles import edge
from modelsync_tui.widgets.transfers import TransfersPane
from support.model_values import local_model
from support.queue_values import PARTS, MiB, part, progress, queue_of_every_kind, transfer
from support.registry_server import RegistryServer
from support.screens import LARGE, SMALL, Stage, text_of, until
from support.tui import app_for, lines_with
from support.tui import until as until_app


class PaneStage(Stage):
    """The full pane alone."""

    def __init__(self) -> None:
        self.pane = TransfersPane()
        self.pane.full = True
        super().__init__(self.pane)


class TestBandwidth:
    @pytest.mark.parametrize(
        ("keys", "limit"),
        [("0", None), ("1", MiB), ("2", 5 * MiB), ("3", 20 * MiB), ("4", 100 * MiB)],
    )
    async def test_a_digit_picks_a_preset(self, keys: str, limit: int | None) -> None:
        app = Stage(BandwidthDialog(24 * MiB))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.pause()
            await pilot.press(*keys)
            await until(pilot, lambda: app.answer == Limit(limit))

    async def test_the_cursor_begins_on_what_holds_and_arrows_and_enter_pick(self) -> None:
        app = Stage(BandwidthDialog(5 * MiB))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.pause()
            assert isinstance(app.focused, Button)
            assert app.focused.id == "preset-2"
            await pilot.press("down", "enter")
            await until(pilot, lambda: app.answer == Limit(20 * MiB))

    @pytest.mark.parametrize(("typed", "limit"), [("2.5MB", 2_500_000), ("40 MiB/s", 40 * MiB), ("off", None)])
    async def test_a_rate_can_be_typed(self, typed: str, limit: int | None) -> None:
        app = Stage(BandwidthDialog(None))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.pause()
            app.screen.query_one("#typed").focus()
            await pilot.press(*typed, "enter")
            await until(pilot, lambda: app.answer == Limit(limit))

    @pytest.mark.parametrize("size", [SMALL, LARGE])
    async def test_a_wrong_rate_says_what_is_allowed_and_every_choice_is_in_sight(self, size: tuple[int, int]) -> None:
        app = Stage(BandwidthDialog(24 * MiB))
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            app.screen.query_one("#typed").focus()
            await pilot.press(*"fast", "enter")
            await until(pilot, lambda: "'fast' is no limit. Allowed: a rate like" in text_of(app))
            shown = text_of(app)
            assert "The limit is 24.0 MiB/s." in shown
            assert all(words in shown for words in ("off ", "1 MiB/s", "5 MiB/s", "20 MiB/s", "100 MiB/s  4 ]"))

    async def test_escape_leaves_the_limit_as_it_is(self) -> None:
        app = Stage(BandwidthDialog(None))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.pause()
            await pilot.press("escape")
            await until(pilot, lambda: app.answer is None)


async def test_limit_and_workers_change_at_once_and_stand_in_the_border(
    tmp_path: Path, registry_server: RegistryServer
) -> None:
    app = app_for(tmp_path, registry_server)
    async with app.run_test(size=LARGE) as pilot:
        await until_app(pilot, lambda: app.session.transfers is not None)
        transfers = app.session.transfers
        assert transfers is not None
        await until_app(pilot, lambda: lines_with(app, "10 workers  limit off"))
        await pilot.press("plus", "plus", "minus", "plus")
        await until_app(pilot, lambda: lines_with(app, "12 workers"))
        assert transfers.threads == 12
        await pilot.press("b")
        await until_app(pilot, lambda: isinstance(app.screen, BandwidthDialog))
        await pilot.press("3")
        await until_app(pilot, lambda: lines_with(app, "12 workers  limit 20.0 MiB/s"))
        assert transfers.limit == 20 * MiB
        transfers.set_threads(64)
        await pilot.press("plus")
        assert transfers.threads == 64
        transfers.set_threads(1)
        await pilot.press("minus")
        assert transfers.threads == 1
        assert lines_with(app, "At most 1 worker from now on.")


async def test_without_a_connection_workers_and_limit_say_what_to_do(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        for key in ("plus", "b"):
            app.main.say("")
            await pilot.press(key)
            await until_app(pilot, lambda: lines_with(app, "Not connected to a registry: r tries again"))


class TestPartsShown:
    async def test_v_shows_all_then_active_then_failed_parts(self) -> None:
        app = PaneStage()
        async with app.run_test(size=LARGE) as pilot:
            await pilot.pause()
            app.pane.focus()
            app.pane.show(queue_of_every_kind())
            await until(pilot, lambda: "v [all]/active/failed" in text_of(app))
            assert "400 -   500 MiB" in text_of(app)
            await pilot.press("v")
            await until(pilot, lambda: "v all/[active]/failed" in text_of(app))
            assert "0 -   100 MiB" not in text_of(app), "it is done"
            assert "500 -   600 MiB" not in text_of(app), "it waits"
            assert "200 -   300 MiB" in text_of(app)
            await pilot.press("v")
            await until(pilot, lambda: "v all/active/[failed]" in text_of(app))
            assert [" - " in line for line in text_of(app).splitlines() if " MiB  " in line].count(True) == 1
            assert "again: HTTP 503" in text_of(app)
            await pilot.press("v")
            await until(pilot, lambda: "v [all]/active/failed" in text_of(app))

    async def test_of_many_parts_the_active_ones_come_first_and_v_shows_each(self) -> None:
        parts = tuple(part(number, PartState.DONE if number < 60 else PartState.ACTIVE, 0.5) for number in range(1, 65))
        app = PaneStage()
        async with app.run_test(size=LARGE) as pilot:
            await pilot.pause()
            app.pane.focus()
            app.pane.show(queue_of_every_kind(parts))
            await until(pilot, lambda: "v all/[active]/failed" in text_of(app))
            await pilot.press("v")
            await until(pilot, lambda: "No part is failed now.  v shows others." in text_of(app))
            await pilot.press("v")
            await until(pilot, lambda: "5700 -  5800 MiB" in text_of(app))

    async def test_the_wheel_leads_elsewhere_and_stays_there_while_parts_move(self) -> None:
        parts = tuple(
            part(number, PartState.DONE if number < 30 else PartState.ACTIVE, 1 if number < 30 else 0.4)
            for number in range(1, 41)
        )
        app = PaneStage()
        async with app.run_test(size=(120, 24)) as pilot:
            await pilot.pause()
            app.pane.show(queue_of_every_kind(parts))
            await until(pilot, lambda: "2900 -  3000 MiB" in text_of(app))
            lines = app.query_one("#parts")
            for _ in range(40):
                lines.post_message(_wheel_up(lines))
            await until(pilot, lambda: "  0 -   100 MiB" in text_of(app))
            app.pane.show(queue_of_every_kind(parts))
            await pilot.pause()
            assert "  0 -   100 MiB" in text_of(app)


def _wheel_up(widget: Widget) -> events.MouseScrollUp:
    return events.MouseScrollUp(widget, 3, 3, 0, 0, 0, shift=False, meta=False, ctrl=False)


class WatchedParts(PartLines):
    """Remembers which of its lines were to be drawn again."""

    def __init__(self) -> None:
        super().__init__()
        self.again: list[int] = []

    def refresh_line(self, y: int) -> None:
        self.again.append(y)
        super().refresh_line(y)


async def test_only_lines_that_changed_are_drawn_again() -> None:
    parts = tuple(part(number, PartState.ACTIVE, 0.5, speed=MiB) for number in range(1, 11))
    later = (*parts[:4], part(5, PartState.ACTIVE, 0.9, speed=MiB), *parts[5:])
    lines = WatchedParts()
    app = Stage(lines)
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        lines.show(transfer(5, "a:b", TransferStatus.RUNNING, now=progress(parts=parts)))
        await until(pilot, lambda: "900 -  1000 MiB" in text_of(app))
        lines.again.clear()
        lines.show(transfer(5, "a:b", TransferStatus.RUNNING, now=progress(parts=parts)))
        assert lines.again == []
        lines.show(transfer(5, "a:b", TransferStatus.RUNNING, now=progress(parts=later)))
        assert lines.again == [5], "one below the heads, counted from 0"
        await until(pilot, lambda: " 90%" in text_of(app))


async def test_the_border_follows_a_change_of_counts_at_once_though_speeds_wait() -> None:
    app = PaneStage()
    queue = queue_of_every_kind()
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        app.pane.show(queue)
        app.pane.show(replace(queue, rows=queue.rows[:-1], limit=5 * MiB))
        await until(pilot, lambda: "limit 5.0 MiB/s" in text_of(app))
        assert "1 skipped" in text_of(app)


async def test_a_border_without_room_for_its_left_text_has_no_gap() -> None:
    app = PaneStage()
    async with app.run_test(size=(30, 12)) as pilot:
        await pilot.pause()
        right = "r" * 40
        assert edge(app.pane, "", right).plain == edge(app.pane, "left", right).plain
        assert len(edge(app.pane, "left", right).plain) == 24


async def test_a_restored_transfer_says_that_it_was_paused_at_the_last_quit() -> None:
    row = replace(transfer(1, "a:b", TransferStatus.PAUSED, size_bytes=5), restored=True)
    app = PaneStage()
    async with app.run_test(size=LARGE) as pilot:
        await pilot.pause()
        app.pane.show(QueueSnapshot((row, replace(row, id=2, progress=progress(parts=PARTS)))))
        await until(pilot, lambda: text_of(app).count("a:b  ") == 2)
        lines = [line for line in text_of(app).splitlines() if "push  a:b" in line]
        assert all("paused at the last quit" in line for line in lines), lines


async def test_force_says_about_how_long_when_the_speed_is_known() -> None:
    plan = plan_push((local_model("a:b", 100 * MiB),), {}, force=True)
    app = Stage(ForceDialog(plan, bytes_per_s=10 * MiB))
    async with app.run_test(size=LARGE) as pilot:
        await until(pilot, lambda: "100 MiB, about 10 s." in text_of(app))


def test_running_in_ascii_is_not_the_mark_of_local_only() -> None:
    assert ASCII.running == "~"
    assert ASCII.local_only == ">"

"""Where the cursor of the transfers stands while they come and go, and what a key means that comes too late."""

from dataclasses import replace

import pytest
from textual import on
from textual.message import Message

from modelsync.errors import TransferError
from modelsync.transfer.progress import Phase
from modelsync.transfers import QueueSnapshot, TransferRow, TransferStatus
from modelsync_tui.dialogs.cancel import CancelDialog
from modelsync_tui.widgets.transfers import TransfersPane
from modelsync_tui.widgets.wishes import CancelRequested, ClearDone, Wish
from support.queue_values import PARTS, MiB, progress, pushed, transfer
from support.screens import LARGE, Stage, text_of, until

RUNNING, WAITING, DONE, FAILED = (
    TransferStatus.RUNNING,
    TransferStatus.WAITING,
    TransferStatus.DONE,
    TransferStatus.FAILED,
)


class PaneStage(Stage):
    """The pane with the focus, and what it asks for and says."""

    def __init__(self, *, full: bool = False) -> None:
        self.pane = TransfersPane()
        self.pane.full = full
        super().__init__(self.pane)
        self.asked: list[Message] = []
        self.said: list[str] = []

    def on_mount(self) -> None:
        super().on_mount()
        self.pane.focus()

    @on(Wish)
    def _wished(self, wish: Wish) -> None:
        self.asked.append(wish)

    @on(TransfersPane.Said)
    def _said(self, event: TransfersPane.Said) -> None:
        self.said.append(event.words)

    @property
    def cursor_tag(self) -> str:
        return str(self.pane.selected.request.tag) if self.pane.selected else ""


def many(running: int, count: int = 60) -> QueueSnapshot:
    """One after the other: those before the one that runs are done, those after it wait."""
    rows = [
        transfer(at, f"m:v{at:02}", DONE if at < running else WAITING, result=pushed() if at < running else None)
        for at in range(count)
    ]
    rows[running] = transfer(running, f"m:v{running:02}", RUNNING, now=progress(parts=PARTS[:3]))
    return QueueSnapshot(rows=tuple(rows), threads=10)


def alone(row: TransferRow) -> QueueSnapshot:
    return QueueSnapshot(rows=(row,), threads=10)


@pytest.mark.parametrize("full", [False, True])
async def test_the_cursor_follows_what_runs_until_a_person_moves_it(full: bool) -> None:
    app = PaneStage(full=full)
    async with app.run_test(size=LARGE) as pilot:
        for running in (0, 1, 2):
            app.pane.show(many(running))
            await until(pilot, lambda at=running: app.cursor_tag == f"m:v{at:02}")  # type: ignore[misc]
            assert f"m:v{running:02}" in text_of(app), "it is in sight, at the top"
        await pilot.press("down")
        assert app.cursor_tag == "m:v03"
        app.pane.show(many(7))
        await pilot.pause()
        assert app.cursor_tag == "m:v03", "which has ended meanwhile"


async def test_what_a_key_was_pressed_for_keeps_the_cursor() -> None:
    app = PaneStage()
    async with app.run_test(size=LARGE) as pilot:
        app.pane.show(many(0))
        await until(pilot, lambda: app.cursor_tag == "m:v00")
        await pilot.press("space")
        rows = many(1).rows
        app.pane.show(QueueSnapshot(rows=(replace(rows[0], status=TransferStatus.PAUSED), *rows[1:]), threads=10))
        await pilot.pause()
        assert app.cursor_tag == "m:v00", "space lets it go on again"


async def test_a_terminal_that_is_left_and_come_back_to_has_the_cursor_where_it_was() -> None:
    app = PaneStage()
    async with app.run_test(size=LARGE) as pilot:
        app.pane.show(many(0))
        await pilot.press("down", "down")
        app.app_focus = False
        await pilot.pause()
        app.pane.show(many(0))
        app.app_focus = True
        await until(pilot, lambda: app.pane.has_focus)
        app.pane.show(many(0))
        assert app.cursor_tag == "m:v02"


async def test_the_first_and_the_last_of_many_are_one_key_away() -> None:
    app = PaneStage()
    async with app.run_test(size=LARGE) as pilot:
        app.pane.show(many(0))
        await pilot.press("end")
        assert app.cursor_tag == "m:v59"
        await until(pilot, lambda: "m:v59" in text_of(app))
        await pilot.press("g")
        assert app.cursor_tag == "m:v00"


@pytest.mark.parametrize(("key", "to_do"), [("x", "cancel. c takes it off the list."), ("enter", "pause.")])
async def test_an_answer_that_comes_when_the_transfer_is_done_says_so(key: str, to_do: str) -> None:
    app = PaneStage()
    async with app.run_test(size=LARGE) as pilot:
        app.pane.show(alone(transfer(1, "m:v1", RUNNING, now=progress())))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, CancelDialog))
        app.pane.show(alone(transfer(1, "m:v1", DONE, result=pushed(bytes_moved=MiB))))
        await pilot.press(key)
        await until(pilot, lambda: app.said)
        assert app.said == [f"m:v1 is done: there is nothing to {to_do}"]
        assert app.asked == []


async def test_what_failed_can_be_given_up_and_then_taken_off_the_list() -> None:
    app = PaneStage()
    failed = transfer(1, "m:v1", FAILED, now=progress(Phase.SEND), error=TransferError("It broke."))
    async with app.run_test(size=LARGE) as pilot:
        app.pane.show(alone(failed))
        await pilot.press("c")
        await until(pilot, lambda: app.said)
        assert app.said == ["No transfer in the list is finished. x gives up what failed."]
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, CancelDialog))
        assert "Leave it failed" in text_of(app)
        assert "Pause" not in text_of(app)
        await pilot.press("x")
        await until(pilot, lambda: app.asked)
        app.pane.show(alone(replace(failed, status=TransferStatus.CANCELLED, error=None)))
        await pilot.press("c")
        await until(pilot, lambda: len(app.asked) == 2)
        assert app.asked == [CancelRequested(1), ClearDone()]


async def test_the_full_form_has_its_titles_at_once() -> None:
    app = PaneStage()
    async with app.run_test(size=LARGE) as pilot:
        app.pane.show(alone(transfer(1, "m:v1", RUNNING, now=progress())))
        await pilot.pause()
        app.pane.full = True
        await until(pilot, lambda: "Parts" in text_of(app))
        await pilot.pause()
        assert "Parts  push m:v1" in text_of(app)


@pytest.mark.parametrize(("retries", "numbers"), [(0, "elapsed 0:13   eta 11:01:40"), (7, "retries 7   eta 11:01:40")])
async def test_the_numbers_of_a_transfer_are_whole_at_60_columns(retries: int, numbers: str) -> None:
    app = PaneStage(full=True)
    long = replace(progress(), retries=retries, eta_s=39_700.0)
    async with app.run_test(size=(60, 20)) as pilot:
        app.pane.show(alone(transfer(1, "m:v1", RUNNING, now=long)))
        await until(pilot, lambda: numbers in text_of(app))
        assert "57%  38.2M/s 11:01:40" in text_of(app), "cut, hours would read as minutes"

"""The message line while a person is in the transfers: what it says of the one under the cursor."""

from dataclasses import replace
from pathlib import Path

import pytest

from modelsync.comparison import Direction
from modelsync.errors import PermissionDeniedError, TokenRefusedError
from modelsync.results import Outcome, PullResult
from modelsync.tag import Tag
from modelsync.transfers import QueueSnapshot, TransferRow, TransferStatus
from modelsync_tui.widgets.messageline import Kind, MessageLine
from modelsync_tui.widgets.transfer_story import story_line
from modelsync_tui.widgets.transfers import TransfersPane
from support.local_store import write_model
from support.queue_values import progress, pushed, queue_of_every_kind, transfer
from support.tui import app_for, until

REFUSED = PermissionDeniedError("The token may not push.", hint="Ask for one that may.")
EXPIRED = TokenRefusedError("The registry does not know this token.", hint="Sign in again.")
PULLED = PullResult(
    tag=Tag("a", "b"), outcome=Outcome.PULLED, reason="", bytes_moved=5, seconds=1, path=Path("/store/models/a/b")
)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (transfer(1, "a:b", TransferStatus.RUNNING, now=progress()), "a:b: Space pauses it, x cancels it"),
        (transfer(1, "a:b", TransferStatus.RUNNING, stopping=True), "a:b is stopping."),
        (transfer(1, "a:b", TransferStatus.WAITING), "a:b waits for its turn: J and K move it, x cancels it"),
        (transfer(1, "a:b", TransferStatus.PAUSED), "a:b was paused by you: Space goes on with it, x gives it up"),
        (
            replace(transfer(1, "a:b", TransferStatus.PAUSED), restored=True),
            "a:b was paused at the last quit: Space goes on with it, x gives it up",
        ),
        (
            transfer(1, "a:b", TransferStatus.PAUSED, error=EXPIRED),
            "The registry does not know this token. Sign in again.",
        ),
        (transfer(1, "a:b", TransferStatus.FAILED, error=REFUSED), "The token may not push. Ask for one that may."),
        (
            transfer(1, "a:b", TransferStatus.SKIPPED, result=pushed("there but differs", skipped=True, differs=True)),
            "a:b: nothing was moved: there but differs; F in the list of the versions overwrites it",
        ),
        (transfer(1, "a:b", TransferStatus.DONE, result=pushed(bytes_moved=5)), "a:b is in the registry"),
        (
            transfer(1, "a:b", TransferStatus.DONE, direction=Direction.PULL, result=PULLED),
            "a:b is in /store/models/a/b",
        ),
        (
            transfer(1, "a:b", TransferStatus.CANCELLED),
            "a:b was cancelled: R tries it again, c takes it off the list",
        ),
    ],
)
def test_it_says_what_the_row_has_no_room_for(row: TransferRow, words: str) -> None:
    assert story_line(row, 118) == words


def test_where_the_whole_sentence_is_too_long_the_next_step_is_said() -> None:
    assert story_line(transfer(1, "a:b", TransferStatus.FAILED, error=REFUSED), 30) == "Ask for one that may."


async def test_it_follows_the_cursor_through_the_transfers_and_back_to_the_list(tmp_path: Path) -> None:
    write_model(tmp_path / "store", "bert:v1")
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.main.loader.local_read and app.main.local.row is not None)
        line = app.main.query_one(MessageLine)

        def said() -> str:
            return str(line.render())

        await until(pilot, lambda: "Nothing answers" in said())
        app.main.query_one(TransfersPane).show(queue_of_every_kind())
        await pilot.press("3")
        await until(pilot, lambda: said().startswith("summarization:m81p2au5nwqc67i3: Space pauses it"))
        await pilot.press("j", "j")
        await until(pilot, lambda: said().startswith("llama-ft:2026w48 was paused by you"))
        await pilot.press("j", "j", "j")
        await until(pilot, lambda: said() == "The token [/b] may not push. Ask for one that may.")
        assert line.has_class("-bad")
        await pilot.press("1")
        await until(pilot, lambda: said().startswith("bert"))
        assert line.has_class("-plain")


async def test_it_follows_what_becomes_of_the_transfer_but_leaves_what_went_wrong(tmp_path: Path) -> None:
    app = app_for(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.main.loader.local_read)
        line, pane = app.main.query_one(MessageLine), app.main.query_one(TransfersPane)
        await until(pilot, lambda: "Nothing answers" in str(line.render()))
        runs = transfer(1, "a:b", TransferStatus.RUNNING, now=progress())
        pane.show(QueueSnapshot((runs,)))
        await pilot.press("3")
        await until(pilot, lambda: str(line.render()).startswith("a:b: Space pauses it"))
        pane.show(QueueSnapshot((replace(runs, status=TransferStatus.PAUSED),)))
        await until(pilot, lambda: str(line.render()).startswith("a:b was paused by you"))
        app.main.say("push c:d failed: it is gone.", Kind.BAD)
        pane.show(QueueSnapshot((runs,)))
        await pilot.pause()
        assert str(line.render()) == "push c:d failed: it is gone."

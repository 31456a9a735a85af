"""The transfers pane: each state in words, the parts, the keys and what they ask for."""

from dataclasses import replace

import pytest
from textual import on
from textual.message import Message

from modelsync.transfer.progress import PartSnapshot, PartState, Phase
from modelsync.transfers import QueueSnapshot, TransferStatus
from modelsync_tui import glyphs
from modelsync_tui.dialogs.cancel import CancelDialog
from modelsync_tui.widgets.parts import part_strip
from modelsync_tui.widgets.transfer_words import phase_words
from modelsync_tui.widgets.transfers import TransfersPane
from modelsync_tui.widgets.wishes import (
    CancelRequested,
    ClearDone,
    MoveRequested,
    PauseRequested,
    ResumeRequested,
    RetryRequested,
    Wish,
)
from support.queue_values import PARTS, MiB, part, progress, pushed, queue_of_every_kind, transfer
from support.screens import LARGE, SMALL, Stage, text_of, until


class PaneStage(Stage):
    """The pane alone, and what it asks for."""

    def __init__(self, *, full: bool = False, height: int = 14, ascii_only: bool = False) -> None:
        self.pane = TransfersPane()
        self.pane.full = full
        super().__init__(self.pane, ascii_only=ascii_only)
        self.asked: list[Message] = []
        self.said: list[str] = []
        self._height = height

    def on_mount(self) -> None:
        super().on_mount()
        if not self.pane.full:
            self.pane.styles.height = self._height

    @on(Wish)
    def _wished(self, wish: Wish) -> None:
        self.asked.append(wish)

    @on(TransfersPane.Said)
    def _said(self, event: TransfersPane.Said) -> None:
        self.said.append(event.words)


async def shown(queue: QueueSnapshot, size: tuple[int, int] = LARGE, *, full: bool = False, plain: bool = False) -> str:
    """What stands on the screen when the pane shows this."""
    app = PaneStage(full=full, height=min(14, size[1]), ascii_only=plain)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.pane.show(queue)
        await pilot.pause()
        return text_of(app)


def line_with(screen: str, words: str) -> str:
    return next(line for line in screen.splitlines() if words in line)


class TestQueue:
    async def test_each_state_has_its_character_and_its_words(self) -> None:
        screen = await shown(queue_of_every_kind())
        for tag, mark, words in (
            ("summarization:m81p2", "▶", "eta 0:09"),
            ("reranker:v3", "▶", "completing"),
            ("llama-ft:2026w48", "‖", "paused, 2/6 parts kept"),
            ("iris_clf:v12", "…", "waiting"),
            ("reranker:v2", "✓", "sent 900 MiB in 0:34, 2 retries"),
            ("iris_clf:v11", "»", "already there (same size and build time) - skipped, 0 B sent"),
            ("llama-ft:2026w47", "»", "differs - skipped, 0 B sent; F overwrites it"),
            ("whisper:large", "✗", "The token [/b] may not push. Ask for one that may."),
            ("reranker:v4", "-", "cancelled by you"),
        ):
            line = line_with(screen, tag)
            assert words in line
            assert line.split()[1] == mark, line

    @pytest.mark.parametrize(("size", "keys"), [(LARGE, "  R retry  o log"), (SMALL, "  o log")])
    async def test_a_failed_transfer_names_the_key_that_shows_its_log(self, size: tuple[int, int], keys: str) -> None:
        screen = await shown(queue_of_every_kind(), size)
        assert line_with(screen, "whisper:large").rstrip(" │").endswith(keys)
        assert sum("o log" in line for line in screen.splitlines()) == 1

    async def test_what_runs_is_on_top_and_what_has_ended_at_the_end(self) -> None:
        screen = await shown(queue_of_every_kind())
        places = [screen.index(tag) for tag in ("summarization:", "llama-ft:2026w48", "iris_clf:v12", "whisper:large")]
        assert places == sorted(places)
        assert screen.index("whisper:large") < screen.index("reranker:v2")

    async def test_a_running_transfer_shows_bar_share_sizes_and_speed(self) -> None:
        line = line_with(await shown(queue_of_every_kind()), "summarization:")
        assert "━━━" in line
        assert "57%" in line
        assert "346 MiB/600 MiB" in line
        assert "38.2 MiB/s" in line

    async def test_the_border_holds_speeds_limit_counts_share_and_eta(self) -> None:
        screen = await shown(queue_of_every_kind())
        assert "↑ 38.2 MiB/s  ↓ 9.9 MiB/s  10 workers  limit 24.0 MiB/s" in screen
        assert "2 active 1 paused 2 waiting 1 done 2 skipped 1 failed   total 48%  eta 0:46" in screen

    async def test_no_limit_is_said_to_be_off(self) -> None:
        assert "limit off" in await shown(replace(queue_of_every_kind(), limit=None))

    async def test_an_empty_queue_names_the_next_key(self) -> None:
        assert "Nothing is being moved.  P pushes, p pulls" in await shown(QueueSnapshot())

    async def test_a_transfer_that_stops_says_so(self) -> None:
        row = transfer(1, "a:b", TransferStatus.RUNNING, now=progress(), stopping=True)
        assert "stopping" in line_with(await shown(QueueSnapshot((row,))), "a:b")

    @pytest.mark.parametrize(
        "phase", [phase for phase in Phase if phase not in (Phase.SEND, Phase.RECEIVE, Phase.DONE)]
    )
    async def test_each_phase_without_bytes_has_words_of_its_own(self, phase: Phase) -> None:
        row = transfer(1, "a:b", TransferStatus.RUNNING, now=progress(phase, speed=0, eta_s=None))
        words = phase_words(row.progress)
        assert words
        assert words in line_with(await shown(QueueSnapshot((row,))), "a:b")

    async def test_it_fits_80_columns(self) -> None:
        screen = await shown(queue_of_every_kind(), SMALL)
        assert max(len(line) for line in screen.splitlines()) <= 80
        line = line_with(screen, "summarization:")
        assert "57%" in line
        assert "38.2M/s eta 0:09" in line
        assert "already there - skipped, 0 B sent" in screen

    async def test_a_warning_of_a_finished_transfer_is_shown(self) -> None:
        result = replace(pushed(bytes_moved=5), warnings=("The record could not be refreshed.",))
        row = transfer(1, "a:b", TransferStatus.DONE, result=result)
        assert "! The record could not be refreshed." in await shown(QueueSnapshot((row,)))

    @pytest.mark.parametrize("full", [False, True])
    @pytest.mark.parametrize("size", [LARGE, SMALL, (40, 12)])
    async def test_ascii_only_draws_ascii_only(self, size: tuple[int, int], full: bool) -> None:
        many = tuple(part(number, PartState.ACTIVE, 0.5, speed=MiB) for number in range(1, 65))
        for parts in (PARTS, many):
            screen = await shown(queue_of_every_kind(parts), size, full=full, plain=True)
            assert screen.isascii(), [char for char in screen if not char.isascii()]


class TestWhatHoldsItUp:
    """The row of a transfer that does not get on says why; of one that does, how fast."""

    @pytest.mark.parametrize(
        ("parts", "speed", "words", "short"),
        [
            ((part(1, PartState.ACTIVE, 0.5, idle_s=8.4),), 0, "no bytes for 8 s", "stalled 8 s"),
            ((part(1, PartState.RETRY, 0.5, note="HTTP 503"),), MiB, "tries again soon", "tries again"),
            ((part(1, PartState.DONE, 1), part(2, PartState.WAITING)), 0, "waits for a worker", "waiting"),
            ((part(1, PartState.DONE, 1), part(2, PartState.WAITING)), MiB, "1.0 MiB/s", "1.0M/s"),
            ((part(1, PartState.ACTIVE, 0.5), part(2, PartState.ACTIVE, 0.5, idle_s=9)), MiB, "1.0 MiB/s", "1.0M/s"),
        ],
    )
    async def test_it_says_why(self, parts: tuple[PartSnapshot, ...], speed: float, words: str, short: str) -> None:
        row = transfer(1, "a:b", TransferStatus.RUNNING, now=progress(parts=parts, speed=speed, eta_s=None))
        assert words in line_with(await shown(QueueSnapshot((row,))), "a:b")
        assert short in line_with(await shown(QueueSnapshot((row,)), SMALL), "a:b")

    async def test_a_part_that_has_gone_as_a_whole_waits_for_the_answer(self) -> None:
        parts = (part(1, PartState.ACTIVE, 1), part(2, PartState.ACTIVE, 1, idle_s=5), part(3, PartState.ACTIVE, 0.5))
        row = transfer(1, "a:b", TransferStatus.RUNNING, now=progress(parts=parts))
        screen = await shown(QueueSnapshot((row,)), full=True)
        assert "waits for the answer" in line_with(screen, "  0 -   100 MiB")
        assert "no answer for 5 s" in line_with(screen, "100 -   200 MiB")

    async def test_the_words_of_a_part_are_cut_with_a_sign_and_do_not_run_into_the_border(self) -> None:
        note = "The object store cannot be reached: connection refused by the other side"
        row = transfer(1, "a:b", TransferStatus.RUNNING, now=progress(parts=(part(1, PartState.RETRY, note=note),)))
        line = line_with(await shown(QueueSnapshot((row,)), full=True), "  0 -   100 MiB")
        assert "again: The object store cannot" in line
        assert line.rstrip().endswith("…│")


class TestParts:
    async def test_the_first_running_transfer_has_a_strip_with_a_cell_for_each_part(self) -> None:
        line = line_with(await shown(queue_of_every_kind()), "parts 1-6")
        assert "[✓✓▓2!░]" in line
        assert "2 done  2 active  1 in retry  1 stalled" in line
        assert "part 5: no bytes for 8 s" in line

    def test_more_parts_than_cells_share_cells_and_the_trouble_stays_visible(self) -> None:
        parts = [part(number, PartState.DONE, 1) for number in range(1, 1001)]
        parts[500] = part(501, PartState.RETRY, attempts=2)
        strip = "".join(text for text, _ in part_strip(parts, 100, glyphs.UNICODE))
        assert len(strip) == 100
        assert strip.count("✓") == 99
        assert strip[50] == "1"

    async def test_the_full_form_has_a_line_for_each_part(self) -> None:
        screen = await shown(queue_of_every_kind(), full=True)
        assert "Parts  push summarization:m81p2au5nwqc67i3" in screen
        lines = [line for line in screen.splitlines() if " MiB  " in line and " - " in line]
        assert len(lines) == len(PARTS)
        assert "✓ 9b1d2f3a4c5…" in lines[0]
        assert "93%   4.2 MiB/s    1" in lines[2]
        assert "again: HTTP 503" in lines[3]
        assert "no bytes for 8 s" in lines[4]
        assert "waiting" in lines[5]

    async def test_narrow_the_full_form_has_two_parts_a_line(self) -> None:
        screen = await shown(queue_of_every_kind(), SMALL, full=True)
        line = line_with(screen, "stall 8s")
        assert line.split()[1] == "5"
        assert " 6 " in line

    async def test_above_forty_parts_there_is_a_strip_and_only_the_busy_have_lines(self) -> None:
        parts = tuple(
            part(number, PartState.DONE if number < 50 else PartState.ACTIVE if number < 53 else PartState.WAITING, 0.5)
            for number in range(1, 65)
        )
        screen = await shown(queue_of_every_kind(parts), full=True)
        assert "✓" * 49 + "▓" * 3 + "░" * 12 in screen
        assert sum(" MiB  " in line and " - " in line for line in screen.splitlines()) == 3

    async def test_parts_that_move_stay_in_sight(self) -> None:
        parts = tuple(
            part(number, PartState.DONE if number < 30 else PartState.ACTIVE, 1 if number < 30 else 0.4, speed=MiB)
            for number in range(1, 41)
        )
        app = PaneStage(full=True)
        async with app.run_test(size=(120, 24)) as pilot:
            await pilot.pause()
            app.pane.show(queue_of_every_kind(parts))
            await until(pilot, lambda: "2900 -  3000 MiB" in text_of(app))

    async def test_a_failed_transfer_says_its_whole_sentence_in_the_full_form(self) -> None:
        app = PaneStage(full=True)
        async with app.run_test(size=SMALL) as pilot:
            await pilot.pause()
            app.pane.focus()
            app.pane.show(queue_of_every_kind())
            await pilot.press(*["down"] * 5)
            await until(pilot, lambda: "Ask for one that may." in text_of(app))
            assert "R tries again, x gives it up, o shows its log." in text_of(app)


class TestKeys:
    @pytest.mark.parametrize(
        ("downs", "key", "asked"),
        [
            (3, "x", CancelRequested(3)),
            (5, "x", CancelRequested(6)),
            (0, "space", PauseRequested(5)),
            (2, "space", ResumeRequested(4)),
            (5, "R", RetryRequested(6)),
            (3, "J", MoveRequested(3, 4)),
            (4, "K", MoveRequested(7, -4)),
            (0, "c", ClearDone()),
        ],
    )
    async def test_a_key_asks_for_the_transfer_under_the_cursor(self, downs: int, key: str, asked: Message) -> None:
        app = PaneStage()
        async with app.run_test(size=LARGE) as pilot:
            app.pane.focus()
            await pilot.pause()
            app.pane.show(queue_of_every_kind())
            await pilot.press(*["down"] * downs, key)
            await until(pilot, lambda: app.asked)
            assert app.asked == [asked]

    @pytest.mark.parametrize(
        ("downs", "key", "said"),
        [
            (0, "R", "summarization:m81p2au5nwqc67i3 is running: a part that fails is tried again by itself."),
            (0, "J", "summarization:m81p2au5nwqc67i3 is running: only what waits can be moved in the queue."),
            (2, "R", "llama-ft:2026w48 is paused: Space goes on with it."),
            (3, "K", "iris_clf:v12 waits: it is the first of those that wait."),
            (4, "J", "iris_clf:v13 waits: it is the last of those that wait."),
            (5, "space", "whisper:large failed: there is nothing to pause. R tries it again."),
            (6, "R", "llama-ft:2026w47 was skipped: there is nothing to try again."),
            (7, "x", "reranker:v4 was cancelled: there is nothing to cancel. c takes it off the list."),
            (9, "space", "reranker:v2 is done: there is nothing to pause."),
            (0, "f", "Parts and files are in the full view of the transfers: t shows it."),
            (0, "v", "Parts and files are in the full view of the transfers: t shows it."),
        ],
    )
    async def test_a_key_that_makes_no_sense_asks_for_nothing_and_says_why(
        self, downs: int, key: str, said: str
    ) -> None:
        app = PaneStage()
        async with app.run_test(size=LARGE) as pilot:
            app.pane.focus()
            await pilot.pause()
            app.pane.show(queue_of_every_kind())
            await pilot.press(*["down"] * downs, key)
            await until(pilot, lambda: app.said)
            assert app.said[0].startswith(said)
            assert app.asked == []

    @pytest.mark.parametrize(
        ("downs", "keys", "asked"),
        [
            (0, ("x", "x"), [CancelRequested(5)]),
            (0, ("x", "enter"), [PauseRequested(5)]),
            (0, ("x", "escape"), []),
            (2, ("x", "x"), [CancelRequested(4)]),
            (2, ("x", "enter"), []),
        ],
    )
    async def test_a_cancel_of_what_has_moved_asks_and_offers_the_pause(
        self, downs: int, keys: tuple[str, ...], asked: list[Message]
    ) -> None:
        app = PaneStage()
        async with app.run_test(size=SMALL) as pilot:
            app.pane.focus()
            await pilot.pause()
            app.pane.show(queue_of_every_kind())
            await pilot.press(*["down"] * downs, keys[0])
            await until(pilot, lambda: isinstance(app.screen, CancelDialog))
            screen = text_of(app)
            assert "346 MiB of 600 MiB have been sent." in screen
            assert "finished parts are kept" in screen
            assert ("Pause it, keep what is finished" in screen) is (downs == 0), "what is paused cannot be paused"
            await pilot.press(*keys[1:])
            await until(pilot, lambda: not isinstance(app.screen, CancelDialog))
            assert app.asked == asked

    async def test_the_cursor_stays_on_its_transfer_when_the_order_changes(self) -> None:
        app = PaneStage()
        queue = queue_of_every_kind()
        async with app.run_test(size=LARGE) as pilot:
            app.pane.focus()
            await pilot.pause()
            app.pane.show(queue)
            await pilot.press("down", "down")
            assert app.pane.selected is not None
            assert app.pane.selected.id == 4
            rows = tuple(row for row in queue.rows if row.id != 5)
            app.pane.show(replace(queue, rows=rows))
            await pilot.pause()
            assert app.pane.selected is not None
            assert app.pane.selected.id == 4

    @pytest.mark.parametrize("full", [False, True])
    async def test_an_empty_queue_takes_every_key_and_says_that_there_is_nothing(self, full: bool) -> None:
        app = PaneStage(full=full)
        async with app.run_test(size=SMALL) as pilot:
            app.pane.focus()
            await pilot.press("up", "down", "home", "end", "x", "space", "R", "J", "K", "o")
            await until(pilot, lambda: len(app.said) == 6)
            assert set(app.said) == {"There is no transfer in the list."}
            assert app.asked == []

    async def test_a_click_chooses_a_transfer(self) -> None:
        app = PaneStage()
        async with app.run_test(size=LARGE) as pilot:
            app.pane.focus()
            await pilot.pause()
            app.pane.show(queue_of_every_kind())
            await pilot.pause()
            line = next(at for at, words in enumerate(text_of(app).splitlines()) if "llama-ft:2026w48" in words)
            await pilot.click(offset=(20, line))
            await until(pilot, lambda: app.pane.selected is not None and app.pane.selected.id == 4)


async def test_any_size_down_to_nothing_is_survived() -> None:
    for full in (False, True):
        app = PaneStage(full=full)
        async with app.run_test(size=LARGE) as pilot:
            app.pane.show(queue_of_every_kind())
            for size in ((5, 2), (1, 1), (40, 10), (200, 60)):
                await pilot.resize_terminal(*size)
                app.pane.show(queue_of_every_kind())
                await pilot.pause()

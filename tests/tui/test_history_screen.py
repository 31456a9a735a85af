"""The history on the screen: rows, search, export, and the way into the lists."""

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from textual.widgets import Input

from modelsync.history import Ending, History, HistoryEntry
from modelsync.model import Direction
from modelsync.tag import Tag
from modelsync_tui.dialogs.export import ExportDialog
from modelsync_tui.dialogs.history import HistoryScreen
from support.local_store import write_model
from support.screens import LARGE, SMALL, Stage, text_of, until
from support.tui import app_for, lines_with
from support.tui import until as until_app

NOW = datetime.now(UTC)
MiB = 1024 * 1024


def entry(
    tag: str,
    outcome: Ending = Ending.PUSHED,
    *,
    reason: str = "new in the registry",
    hours: float = 1,
    context: str = "prod",
) -> HistoryEntry:
    direction = Direction.PULL if outcome is Ending.PULLED else Direction.PUSH
    moved = 24 * MiB if outcome in (Ending.PUSHED, Ending.PULLED) else 0
    ended = NOW - timedelta(hours=hours)
    return HistoryEntry(
        began=ended - timedelta(seconds=3),
        ended=ended,
        direction=direction,
        tag=Tag.parse(tag),
        context=context,
        host="cloud.bentoml.com",
        organization="acme",
        outcome=outcome,
        reason=reason,
        bytes_total=moved,
        bytes_moved=moved,
        seconds=3.0,
        program="modelsync",
    )


ENTRIES = (
    entry("iris_clf:v3"),
    entry("iris_clf:v2", Ending.SKIPPED, reason="already there (same size and build time)", hours=2),
    entry("llama-ft:w48", Ending.FAILED, reason="The token [/b] may not push. Ask for one that may.", hours=3),
    entry("fraud:v7", Ending.PULLED, context="staging", hours=30),
    entry("fraud:v6", Ending.CANCELLED, reason="Cancelled.", hours=50),
    entry("fraud:v5", Ending.PAUSED, reason="Paused.", hours=70),
)


class Shown(Stage):
    """The history, and what was to be exported."""

    def __init__(self, entries: Sequence[HistoryEntry] = ENTRIES, *, ascii_only: bool = False) -> None:
        self.exported: list[Sequence[HistoryEntry]] = []
        super().__init__(HistoryScreen(entries, self.exported.append), ascii_only=ascii_only)


class TestRows:
    async def test_a_row_says_when_what_how_much_how_fast_where_and_why(self) -> None:
        app = Shown()
        async with app.run_test(size=LARGE) as pilot:
            await until(pilot, lambda: "6 transfers" in text_of(app))
            lines = text_of(app).splitlines()
            (pushed,) = [line for line in lines if "iris_clf:v3" in line and "✓" in line]
            when = f"{ENTRIES[0].ended.astimezone():%m-%d %H:%M}"
            for words in (when, "↑", "✓ pushed", "24.0 MiB", "8.0 MiB/s", "prod", "new in the registry"):
                assert words in pushed, words
            places = [text_of(app).index(str(one.tag)) for one in ENTRIES[1:]]
            assert places == sorted(places), "the newest first"
            for words in ("» skipped", "✗ failed", "↓", "✓ pulled", "⊘ cancelled", "‖ paused", "staging"):
                assert words in text_of(app), words

    async def test_the_whole_reason_of_the_one_under_the_cursor_is_there_at_80x24(self) -> None:
        app = Shown()
        async with app.run_test(size=SMALL) as pilot:
            await pilot.pause()
            await pilot.press("j", "down")
            await until(pilot, lambda: "The token [/b] may" in text_of(app))
            assert "push llama-ft:w48 by modelsync, prod (cloud.bentoml.com)" in text_of(app)
            assert max(len(line) for line in text_of(app).splitlines()) <= 80

    async def test_at_60_columns_the_tag_and_the_keys_are_whole(self) -> None:
        app = Stage(HistoryScreen((entry("thousand:v0999"), entry("iris_clf:v11")), lambda _: None))
        async with app.run_test(size=(60, 20)) as pilot:
            await until(pilot, lambda: "thousand:v0999" in text_of(app))
            assert "✓ pushed     24.0 MiB" in text_of(app)
            assert "Enter goes to it   e exports" in text_of(app)

    async def test_an_empty_history_says_so(self) -> None:
        app = Shown(())
        async with app.run_test(size=SMALL) as pilot:
            await until(pilot, lambda: "Nothing was transferred yet." in text_of(app))
            await pilot.press("enter", "e", "j")
            assert app.exported == []

    @pytest.mark.parametrize("size", [LARGE, SMALL, (40, 12)])
    async def test_ascii_only_draws_ascii_only(self, size: tuple[int, int]) -> None:
        app = Shown(ascii_only=True)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            assert text_of(app).isascii()

    async def test_any_size_is_survived(self) -> None:
        app = Shown()
        async with app.run_test(size=LARGE) as pilot:
            for size in ((5, 2), (1, 1), (200, 60)):
                await pilot.resize_terminal(*size)
                await pilot.pause()


class TestSearch:
    async def test_typing_narrows_and_escape_shows_all_then_closes(self) -> None:
        app = Shown()
        async with app.run_test(size=LARGE) as pilot:
            await pilot.pause()
            await pilot.press("slash", *"fraud staging")
            await until(pilot, lambda: "1 of 6 transfers" in text_of(app))
            await pilot.press("enter", "enter")
            await until(pilot, lambda: app.answer == Tag("fraud", "v7"))

    async def test_escape_clears_the_search_then_closes(self) -> None:
        app = Shown()
        async with app.run_test(size=LARGE) as pilot:
            await pilot.pause()
            await pilot.press("slash", *"zzz")
            await until(pilot, lambda: "No transfer matches. Esc shows all." in text_of(app))
            await pilot.press("escape")
            await until(pilot, lambda: "iris_clf:v3" in text_of(app))
            await pilot.press("escape")
            await until(pilot, lambda: app.answer is None)

    async def test_a_double_click_goes_to_the_version(self) -> None:
        app = Shown()
        async with app.run_test(size=LARGE) as pilot:
            await pilot.pause()
            line = next(at for at, words in enumerate(text_of(app).splitlines()) if "llama-ft:w48" in words)
            await pilot.click(offset=(30, line))
            await until(pilot, lambda: "The token [/b] may not push. Ask" in text_of(app))
            await pilot.click(offset=(30, line), times=2)
            await until(pilot, lambda: app.answer == Tag("llama-ft", "w48"))

    async def test_what_is_shown_is_what_is_exported(self) -> None:
        app = Shown()
        async with app.run_test(size=LARGE) as pilot:
            await pilot.pause()
            await pilot.press("slash", *"skipped", "enter", "e")
            await until(pilot, lambda: app.exported == [ENTRIES[1:2]])


class TestInTheApplication:
    async def test_the_key_shows_past_transfers_and_enter_leads_to_the_version(self, tmp_path: Path) -> None:
        for version in ("v1", "v2"):
            write_model(tmp_path / "store", f"iris_clf:{version}")
        app = app_for(tmp_path)
        history = History(app.session.paths.history_file)
        history.add(entry("gone:v1", hours=5))
        history.add(entry("iris_clf:v2"))
        async with app.run_test(size=LARGE) as pilot:
            await until_app(pilot, lambda: app.main.local.row is not None)
            await pilot.press("h")
            await pilot.press("H")
            await until_app(pilot, lambda: isinstance(app.screen, HistoryScreen) and lines_with(app, "✓ pushed"))
            await pilot.press("enter")
            await until_app(
                pilot, lambda: app.main.local.row is not None and app.main.local.row.key == ("iris_clf", "v2")
            )
            await pilot.press("H")
            await until_app(pilot, lambda: isinstance(app.screen, HistoryScreen))
            await pilot.press("j", "enter")
            await until_app(pilot, lambda: lines_with(app, "gone:v1 is in neither list now."))

    async def test_export_asks_for_a_name_and_before_it_replaces(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        app = app_for(tmp_path)
        History(app.session.paths.history_file).add(entry("iris_clf:v2"))
        async with app.run_test(size=LARGE) as pilot:
            await pilot.pause()
            await pilot.press("H")
            await until_app(pilot, lambda: isinstance(app.screen, HistoryScreen))
            await pilot.press("e")
            await until_app(pilot, lambda: isinstance(app.screen, ExportDialog))
            await pilot.press("enter")
            await until_app(pilot, lambda: (tmp_path / "modelsync-history.csv").exists())
            await until_app(pilot, lambda: isinstance(app.screen, HistoryScreen))
            with (tmp_path / "modelsync-history.csv").open(newline="") as file:
                assert [row["tag"] for row in csv.DictReader(file)] == ["iris_clf:v2"]
            await pilot.press("e", "enter")
            await until_app(pilot, lambda: lines_with(app, "is there already: Enter again replaces it."))
            app.screen.query_one("#typed", Input).value = "past.txt"
            await pilot.press("enter")
            await until_app(pilot, lambda: lines_with(app, "must end with .csv or .json"))
            app.screen.query_one("#typed", Input).value = "past.json"
            await pilot.press("enter")
            await until_app(pilot, lambda: (tmp_path / "past.json").exists())
            await until_app(pilot, lambda: isinstance(app.screen, HistoryScreen))
            assert json.loads((tmp_path / "past.json").read_text())[0]["tag"] == "iris_clf:v2"

    async def test_a_place_that_cannot_be_written_is_a_sentence(self, tmp_path: Path) -> None:
        app = app_for(tmp_path)
        History(app.session.paths.history_file).add(entry("iris_clf:v2"))
        async with app.run_test(size=LARGE, notifications=True) as pilot:
            await pilot.pause()
            await pilot.press("H")
            await until_app(pilot, lambda: isinstance(app.screen, HistoryScreen))
            await pilot.press("e")
            await until_app(pilot, lambda: isinstance(app.screen, ExportDialog))
            app.screen.query_one("#typed", Input).value = "/nowhere/at/all.csv"
            await pilot.press("enter")
            await until_app(pilot, lambda: lines_with(app, "cannot be written"))

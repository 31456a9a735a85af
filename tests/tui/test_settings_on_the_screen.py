"""Themes, keys and the mouse: what a person has set or does, in the running application."""

import json
from pathlib import Path

import pytest
from textual import events
from textual.command import CommandPalette
from textual.pilot import Pilot

from modelsync_tui import keys, own_keys, themes
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.dialogs.menu import Menu
from modelsync_tui.listing import Side, SortKey
from modelsync_tui.remembered import Remembered
from modelsync_tui.widgets.rows import Columns
from support.local_store import write_model
from support.screen_program import ScreenProgram, environ_for
from support.tui import app_for, lines_with, screen_text, until

WIDE = (120, 40)
PROGRAM = ["-m", "modelsync_tui"]


class TestThemes:
    @pytest.mark.parametrize(("key", "theme"), [("l", themes.LIGHT), ("h", themes.HIGH_CONTRAST), ("d", themes.DARK)])
    async def test_a_theme_is_picked_and_used_at_once_and_by_the_next_start(
        self, tmp_path: Path, key: str, theme: str
    ) -> None:
        app = app_for(tmp_path)
        async with app.run_test(size=WIDE) as pilot:
            await pilot.pause()
            assert app.theme == themes.DARK
            await pilot.press("T")
            await until(pilot, lambda: isinstance(app.screen, Menu))
            await pilot.press(key)
            await until(pilot, lambda: app.screen is app.main and app.theme == theme)
            state = tmp_path / "state/screen.json"
            await until(pilot, lambda: state.exists() and json.loads(state.read_text()) == {"theme": theme})
        again = app_for(tmp_path)
        async with again.run_test(size=WIDE) as pilot:
            await pilot.pause()
            assert again.theme == theme

    async def test_the_palette_finds_the_themes(self, tmp_path: Path) -> None:
        app = app_for(tmp_path)
        async with app.run_test(size=WIDE) as pilot:
            await pilot.pause()
            await pilot.press("colon")
            await until(pilot, lambda: isinstance(app.screen, CommandPalette))
            await pilot.press(*"high contrast")
            await until(pilot, lambda: lines_with(app, "dark, light or high contrast"))
            await pilot.press("down", "enter")
            await until(pilot, lambda: isinstance(app.screen, Menu))

    async def test_a_setting_wins_over_what_was_picked(self, tmp_path: Path) -> None:
        Remembered(tmp_path / "state/screen.json").keep_theme(themes.LIGHT)
        app = app_for(tmp_path, theme=themes.HIGH_CONTRAST)
        async with app.run_test(size=WIDE) as pilot:
            await pilot.pause()
            assert app.theme == themes.HIGH_CONTRAST
            await pilot.press("T", "d")
            await until(pilot, lambda: lines_with(app, "The next start uses the theme of your settings again."))

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"theme": 7}', '{"theme": "gone-theme"}'])
    async def test_a_state_file_that_makes_no_sense_is_no_reason_not_to_start(
        self, tmp_path: Path, content: str
    ) -> None:
        (tmp_path / "state").mkdir()
        (tmp_path / "state/screen.json").write_text(content)
        app = app_for(tmp_path)
        async with app.run_test(size=WIDE) as pilot:
            await pilot.pause()
            assert app.theme == themes.DARK

    async def test_the_line_inside_a_border_takes_the_new_themes_colour(self, tmp_path: Path) -> None:
        app = app_for(tmp_path)
        async with app.run_test(size=WIDE) as pilot:
            await pilot.pause()
            dark = next(theme for theme in themes.THEMES if theme.name == themes.DARK).variables["border-blurred"]
            assert dark in app.export_screenshot()
            await pilot.press("T", "l")
            await until(pilot, lambda: app.theme == themes.LIGHT and dark not in app.export_screenshot())


class TestKeys:
    @pytest.mark.parametrize(
        ("toml", "words"),
        [
            ('threads = 4\n[keys]\n"act.fly" = "f"\n', ("line 3", "act.fly", "act.push")),
            ('[keys]\n"act.push" = "U"\n"act.pull" = "ctl+q"\n', ("line 3", "act.pull", "ctl+q", "f5 or pageup")),
            ('[keys]\n"act.push" = "pagedwn"\n', ("line 2", "pagedwn")),
        ],
    )
    def test_a_wrong_key_or_action_is_named_with_file_and_line(
        self, tmp_path: Path, toml: str, words: tuple[str, ...]
    ) -> None:
        (tmp_path / "config").mkdir()
        (tmp_path / "config/config.toml").write_text(toml)
        program = ScreenProgram(PROGRAM, environ_for(tmp_path))
        assert program.end() == 2
        for word in ("config.toml", *words):
            assert word.encode() in program.output, word

    async def test_a_character_may_be_written_as_itself_and_help_and_footer_know(self, tmp_path: Path) -> None:
        (tmp_path / "config").mkdir()
        (tmp_path / "config/config.toml").write_text('[keys]\n"app.log" = "_, ctrl+l"\n"app.help" = "!"\n')
        app = app_for(tmp_path)
        async with app.run_test(size=WIDE) as pilot:
            await until(pilot, lambda: lines_with(app, "! help"))
            for key in ("underscore", "ctrl+l"):
                await pilot.press(key)
                await until(pilot, lambda: lines_with(app, "4 Log"))
                app.main.remove_class("-log")
                await until(pilot, lambda: not lines_with(app, "4 Log"))
            await pilot.press("exclamation_mark")
            await until(pilot, lambda: lines_with(app, "log pane on or off"))
            assert lines_with(app, "_ ^l")

    @pytest.mark.parametrize("action", keys.ACTIONS, ids=lambda action: action.id)
    def test_every_key_of_ours_may_be_written_into_the_settings(self, action: keys.Action) -> None:
        assert own_keys.unknown_keys({action.id: ",".join(action.keys)}) == ()


class TestMouse:
    async def test_a_click_moves_the_cursor_a_second_opens_and_closes(self, tmp_path: Path) -> None:
        app = _with_models(tmp_path, 3)
        async with app.run_test(size=WIDE) as pilot:
            await until(pilot, lambda: lines_with(app, "model-2"))
            line = _line_of(app, "model-2")
            await pilot.click(offset=(10, line))
            await until(pilot, lambda: app.main.local.row is not None and app.main.local.row.name == "model-2")
            shown = len(app.main.local.flat.rows)
            await pilot.click(offset=(10, line), times=2)
            await until(pilot, lambda: len(app.main.local.flat.rows) == shown - 1)
            await pilot.click(offset=(10, line), times=2)
            await until(pilot, lambda: len(app.main.local.flat.rows) == shown)

    async def test_the_wheel_scrolls_the_list_under_it(self, tmp_path: Path) -> None:
        app = _with_models(tmp_path, 40)
        async with app.run_test(size=WIDE) as pilot:
            await until(pilot, lambda: lines_with(app, "model-0"))
            rows = app.main.local.query_one("RowList")
            for _ in range(5):
                rows.post_message(events.MouseScrollDown(rows, 3, 3, 0, 0, 0, shift=False, meta=False, ctrl=False))
            await until(pilot, lambda: rows.scroll_offset.y > 0)
            assert not lines_with(app, "▾ model-0")

    async def test_a_click_on_a_columns_title_sorts_by_it_and_a_second_turns_the_order_around(
        self, tmp_path: Path
    ) -> None:
        app = _with_models(tmp_path, 3)
        async with app.run_test(size=WIDE) as pilot:
            await until(pilot, lambda: lines_with(app, "model-2"))
            for title, sort in (("Size", "size"), ("Made", "date"), ("State", "state"), ("Name", "name")):
                await _click_on(pilot, app, title)
                await until(pilot, lambda sort=sort: lines_with(app, f"sort:{sort} "))  # type: ignore[misc]
                assert not lines_with(app, "reversed")
            await _click_on(pilot, app, "Name")
            await until(pilot, lambda: lines_with(app, "sort:name reversed"))
            assert _line_of(app, "model-2") < _line_of(app, "model-0")

    def test_who_pushed_is_a_column_that_sorts_nothing(self) -> None:
        columns = Columns.of(58, Side.REMOTE)
        by = 2 + columns.name + columns.size + columns.when
        assert [columns.sort_at(x) for x in (by - 1, by, by + columns.by)] == [SortKey.DATE, None, SortKey.STATE]

    async def test_a_click_gives_a_pane_the_focus(self, tmp_path: Path) -> None:
        app = _with_models(tmp_path, 2)
        async with app.run_test(size=WIDE) as pilot:
            await until(pilot, lambda: lines_with(app, "model-1"))
            await pilot.press("L")
            await until(pilot, lambda: lines_with(app, "4 Log"))
            for title, place in (("3 Transfers", "transfers"), ("4 Log", "log"), ("1 Local", "browsers")):
                await pilot.click(offset=(20, _line_of(app, title) + 2))
                await until(pilot, lambda place=place: app.main.place.value == place)  # type: ignore[misc]

    async def test_a_click_on_a_key_of_the_footer_does_what_the_key_does(self, tmp_path: Path) -> None:
        app = _with_models(tmp_path, 1)
        async with app.run_test(size=WIDE) as pilot:
            await until(pilot, lambda: lines_with(app, "? help"))
            footer = screen_text(app).splitlines()[-1]
            await pilot.click(offset=(footer.index("? help") + 3, WIDE[1] - 1))
            await until(pilot, lambda: lines_with(app, "type to search"))

    async def test_a_click_picks_in_a_menu_and_presses_a_button(self, tmp_path: Path) -> None:
        app = _with_models(tmp_path, 1)
        async with app.run_test(size=WIDE) as pilot:
            await pilot.pause()
            await pilot.press("T")
            await until(pilot, lambda: lines_with(app, "l  light"))
            lines = screen_text(app).splitlines()
            row = next(at for at, line in enumerate(lines) if "l  light" in line)
            await pilot.click(offset=(lines[row].index("light"), row))
            await until(pilot, lambda: app.theme == themes.LIGHT)


def _with_models(folder: Path, count: int) -> ModelsyncApp:
    for number in range(count):
        write_model(folder / "store", f"model-{number}:v1")
    return app_for(folder)


async def _click_on(pilot: Pilot[object], app: ModelsyncApp, words: str) -> None:
    """On these words, where they stand first."""
    row = _line_of(app, words)
    await pilot.click(offset=(screen_text(app).splitlines()[row].index(words) + 1, row))


def _line_of(app: ModelsyncApp, words: str) -> int:
    return next(at for at, line in enumerate(screen_text(app).splitlines()) if words in line)

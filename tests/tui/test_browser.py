"""One browser on its own: cursor, marks, filter and order, with names as bad as they come."""

from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from modelsync.model import BrokenEntry, EntryProblem, RemoteModel
from modelsync_tui import glyphs
from modelsync_tui.catalog import Catalog
from modelsync_tui.listing import GroupRow, Side, SortKey, VersionRow
from modelsync_tui.themes import THEMES
from modelsync_tui.widgets.browser import Browser
from support.tui import catalog_of, lines_with, local_model, remote_model, screen_text, until

HOSTILE_NAMES = [
    "[/b]close[red]",
    "\x1b[31mred\x1b[2J",
    "two\nlines\tand\x00nul",
    "漢字かな交じり文の長い名前のモデル",
    "😀🎉emoji👩‍👩‍👧‍👦",
    "\u202egnirts desrever",
    "x" * 500,
    "a b",
    "",
    "$(reboot)",
]


class BrowserApp(App[object]):
    CSS_PATH = Path(glyphs.__file__).with_name("app.tcss")

    def __init__(self, side: Side = Side.LOCAL, *, plain: bool = False) -> None:
        super().__init__()
        self.glyphs = glyphs.ASCII if plain else glyphs.UNICODE
        self.browser = Browser(side, id="browser")
        for theme in THEMES:
            self.register_theme(theme)

    def compose(self) -> ComposeResult:
        yield self.browser

    def on_mount(self) -> None:
        self.theme = "modelsync-dark"
        self.browser.focus_list()


STORE = [
    local_model("bert:v1", size=3000, days=3),
    local_model("bert:v2", size=1000, days=1),
    local_model("iris:a", size=500, days=9, labels={"stage": "prod"}),
    local_model("llama:w1", size=9000, days=2),
]


def at(browser: Browser) -> str:
    """The row under the cursor."""
    row = browser.row
    return "" if row is None else row.name if isinstance(row, GroupRow) else row.tag_text


def targets(browser: Browser) -> list[str]:
    """What an action would be about."""
    return [f"{name}:{version}" for name, version in browser.targets]


async def test_moving_by_line_page_and_to_the_ends() -> None:
    app = BrowserApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.browser.show(catalog_of([local_model(f"m:v{number:02}", days=number) for number in range(40)]))
        await pilot.pause()
        for key, expected in [
            ("j", "m:v00"),
            ("down", "m:v01"),
            ("k", "m:v00"),
            ("up", "m"),
            ("G", "m:v39"),
            ("g", "m"),
            ("end", "m:v39"),
            ("home", "m"),
        ]:
            await pilot.press(key)
            assert at(app.browser) == expected, key
        await pilot.press("pagedown")
        after_page = app.browser.flat.positions[("m", at(app.browser).partition(":")[2])]
        assert after_page > 10
        await pilot.press("pageup")
        assert at(app.browser) == "m"
        await pilot.press("ctrl+d")
        assert 0 < app.browser.flat.positions[("m", at(app.browser).partition(":")[2])] < after_page
        await pilot.press("ctrl+u")
        assert at(app.browser) == "m"


async def test_the_cursor_is_always_in_sight() -> None:
    app = BrowserApp()
    async with app.run_test(size=(60, 10)) as pilot:
        app.browser.show(catalog_of([local_model(f"m:v{number:02}", days=number) for number in range(40)]))
        await pilot.press("G")
        await pilot.pause()
        assert lines_with(app, "v39")
        await pilot.resize_terminal(60, 8)
        await pilot.press("up")
        assert lines_with(app, "v38")


async def test_groups_open_and_close() -> None:
    app = BrowserApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.browser.show(catalog_of(STORE))
        await pilot.pause()
        assert lines_with(app, "v2")
        await pilot.press("h")
        assert not lines_with(app, "v2")
        await pilot.press("l")
        assert lines_with(app, "v2")
        await pilot.press("enter", "backspace", "left")
        assert not lines_with(app, "v2")
        assert at(app.browser) == "bert"


async def test_marks_are_counted_with_their_size_and_a_group_means_all_its_versions() -> None:
    app = BrowserApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.browser.show(catalog_of(STORE))
        await pilot.press("space")
        assert lines_with(app, "2 marked 3.9 KiB")
        assert targets(app.browser) == ["bert:v2", "bert:v1"]
        assert at(app.browser) == "bert:v2"
        await pilot.press("space")
        assert targets(app.browser) == ["bert:v1"]
        await pilot.press("asterisk")
        assert set(targets(app.browser)) == {"bert:v2", "iris:a", "llama:w1"}
        await pilot.press("ctrl+a")
        assert len(targets(app.browser)) == 4
        await pilot.press("escape")
        assert not len(app.browser.marks)


async def test_a_range_marks_from_where_it_began_to_the_cursor() -> None:
    app = BrowserApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.browser.show(catalog_of(STORE))
        await pilot.press("j", "v", "j", "j", "j")
        assert not len(app.browser.marks)
        await pilot.press("v")
        assert targets(app.browser) == ["bert:v2", "bert:v1", "iris:a"]


async def test_escape_gives_up_a_range_before_the_marks() -> None:
    app = BrowserApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.browser.show(catalog_of(STORE))
        await pilot.press("j", "space", "v", "j", "escape")
        assert app.browser.marks.anchor is None
        assert len(app.browser.marks) == 1
        await pilot.press("escape")
        assert not len(app.browser.marks)


async def test_without_marks_an_action_is_about_the_row_under_the_cursor() -> None:
    app = BrowserApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.browser.show(catalog_of(STORE))
        await pilot.pause()
        assert targets(app.browser) == ["bert:v2", "bert:v1"]
        await pilot.press("j")
        assert targets(app.browser) == ["bert:v2"]


async def test_cursor_marks_filter_and_order_survive_a_refresh() -> None:
    app = BrowserApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.browser.show(catalog_of(STORE))
        app.browser.sort_by(SortKey.SIZE)
        app.browser.set_filter("size:>900")
        await pilot.press("g", "j", "space", "j")
        before = at(app.browser)
        assert before == "bert:v1"
        new = [local_model("aaa:first", size=99_000), *STORE, local_model("bert:v0", size=2000, days=30)]
        app.browser.show(catalog_of(new))
        await pilot.pause()
        assert at(app.browser) == before
        assert targets(app.browser) == ["llama:w1"]
        assert app.browser.ask.filter.text == "size:>900"
        assert [group.name for group in app.browser.listing.groups] == ["aaa", "llama", "bert"]


async def test_a_mark_goes_with_its_version() -> None:
    app = BrowserApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.browser.show(catalog_of(STORE))
        await pilot.press("ctrl+a")
        app.browser.show(catalog_of(STORE[:2]))
        await pilot.pause()
        assert set(targets(app.browser)) == {"bert:v1", "bert:v2"}


async def test_a_filter_that_passes_over_the_cursor_gives_it_back() -> None:
    app = BrowserApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.browser.show(catalog_of(STORE))
        await pilot.press("G")
        app.browser.set_filter("bert")
        await pilot.pause()
        app.browser.set_filter("")
        await pilot.pause()
        assert at(app.browser) == "llama:w1"


async def test_a_filter_shows_what_it_found_in_closed_groups() -> None:
    app = BrowserApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.browser.show(catalog_of(STORE))
        await pilot.press("h")
        app.browser.set_filter("v1")
        await pilot.pause()
        assert lines_with(app, "v1")
        assert lines_with(app, "1 shown of 4")
        await pilot.press("escape")
        assert not lines_with(app, "v1"), "the group is closed again, as it was left"


async def test_a_filter_without_a_match_says_how_to_get_out() -> None:
    app = BrowserApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.browser.show(catalog_of(STORE))
        app.browser.set_filter("nothing-like-this")
        await pilot.pause()
        assert lines_with(app, "Nothing here matches.")
        assert lines_with(app, "Esc")


async def test_only_what_differs_and_reverse() -> None:
    app = BrowserApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.browser.show(catalog_of(STORE, [remote_model("bert:v1", size=3000, days=3)]))
        await pilot.press("f")
        assert not lines_with(app, "v1")
        assert lines_with(app, "only what differs")
        await pilot.press("f", "S")
        assert [group.name for group in app.browser.listing.groups] == ["llama", "iris", "bert"]


async def test_every_state_has_its_character_and_word() -> None:
    app = BrowserApp()
    remotes = [remote_model("bert:v1", size=3000, days=3), remote_model("bert:v2", size=1, days=1)]
    broken = (BrokenEntry(Path("/store/models/x/v"), "x", "v", EntryProblem.BROKEN, "bad"),)
    async with app.run_test(size=(100, 24)) as pilot:
        catalog = catalog_of(STORE, remotes).with_local(STORE, broken)
        app.browser.show(catalog)
        await pilot.pause()
        assert "= same" in lines_with(app, "v1")[0]
        assert "! differs" in lines_with(app, "v2")[0]
        assert "> local only" in lines_with(app, "└ w1")[0]
        assert "✗ broken" in screen_text(app)


async def test_a_moving_version_shows_its_share() -> None:
    app = BrowserApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.browser.show(catalog_of(STORE))
        app.browser.show_moving({"bert:v2": 0.69})
        await pilot.pause()
        assert "~ 69%" in lines_with(app, "v2")[0]


@pytest.mark.parametrize("size", [(120, 30), (60, 20), (24, 10)])
async def test_hostile_names_are_shown_literally_and_never_break_a_line(size: tuple[int, int]) -> None:
    app = BrowserApp(Side.REMOTE)
    models = [
        RemoteModel(name, version, creator_name=name, labels={name: name}, status_reason=name)
        for name in HOSTILE_NAMES
        for version in HOSTILE_NAMES
    ]
    async with app.run_test(size=size) as pilot:
        app.browser.show(Catalog().with_page(0, len(models), models))
        for key in ("j", "G", "space", "ctrl+a", "g", "h", "l", "v", "G", "v", "f", "S"):
            await pilot.press(key)
            shown = screen_text(app)
            assert all(cell_len(line) <= size[0] for line in shown.splitlines())
            assert not any(char in shown for char in "\x1b\x00\t\u202e")
        app.browser.set_filter("close")
        await pilot.pause()
        if size[0] >= 60:
            assert lines_with(app, "[/b]close[red]")


async def test_ascii_mode_draws_nothing_but_ascii() -> None:
    app = BrowserApp(plain=True)
    async with app.run_test(size=(80, 16)) as pilot:
        app.browser.show(catalog_of([*STORE, local_model("long-name-that-must-be-cut-somewhere" + "x" * 20 + ":v")]))
        await pilot.press("j", "space", "k")
        await pilot.pause()
        assert screen_text(app).isascii(), screen_text(app)


async def test_a_hundred_thousand_versions_are_listed_sorted_filtered_and_walked() -> None:
    app = BrowserApp()
    models = [local_model(f"model-{number % 5_000:04}:v{number:06}", size=number, days=1) for number in range(100_000)]
    async with app.run_test(size=(100, 30)) as pilot:
        app.browser.show(catalog_of(models))
        assert app.browser.flat.rows, "the first rows are shown at once"
        await until(pilot, lambda: app.browser.listing.total == 100_000)
        assert len(app.browser.flat.rows) == 5_000, "a store of this size begins with its groups closed"
        await pilot.press("G")
        assert at(app.browser) == "model-4999"
        app.browser.sort_by(SortKey.SIZE)
        await until(pilot, lambda: app.browser.listing.groups[0].name == "model-4999")
        assert at(app.browser) == "model-4999"
        app.browser.set_filter("v09999")
        await until(pilot, lambda: app.browser.listing.shown == 10)
        assert len([row for row in app.browser.flat.rows if isinstance(row, VersionRow)]) == 10
        await pilot.press("ctrl+a")
        assert len(app.browser.marks) == 10


async def test_a_click_moves_the_cursor_and_a_second_opens() -> None:
    app = BrowserApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.browser.show(catalog_of(STORE))
        await pilot.pause()
        await pilot.click(app.browser, offset=(10, 4))
        assert at(app.browser) == "bert:v1"
        await pilot.click(app.browser, offset=(10, 2), times=2)
        await pilot.pause()
        assert not lines_with(app, "v1")


async def test_a_range_outlives_a_filter_that_hides_every_row() -> None:
    app = BrowserApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.browser.show(catalog_of(STORE))
        await pilot.press("j", "v", "j")
        app.browser.set_filter("nothing has this name")
        await until(pilot, lambda: not app.browser.flat.rows)
        await pilot.press("v")
        assert not app.browser.marks
        assert app.browser.marks.anchor is None


async def test_the_cursor_stays_on_its_row_when_others_come_and_go() -> None:
    app = BrowserApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.browser.show(catalog_of(STORE))
        await pilot.press("G")
        assert at(app.browser) == "llama:w1"
        app.browser.show(catalog_of(STORE[:3]))
        await until(pilot, lambda: at(app.browser) == "iris:a")
        app.browser.show(catalog_of([local_model("aaa:v"), *STORE[:3]]))
        await until(pilot, lambda: "aaa" in app.browser.names_in_sight)
        assert at(app.browser) == "iris:a"
        app.browser.show(catalog_of([local_model("aaa:v"), *STORE]))
        await until(pilot, lambda: "llama" in app.browser.names_in_sight)
        assert at(app.browser) == "iris:a"


async def test_a_filter_that_ends_gives_the_cursor_its_row_back() -> None:
    app = BrowserApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.browser.show(catalog_of(STORE))
        await pilot.press("G")
        app.browser.set_filter("bert")
        await until(pilot, lambda: "llama" not in app.browser.names_in_sight)
        app.browser.set_filter("")
        await until(pilot, lambda: at(app.browser) == "llama:w1")

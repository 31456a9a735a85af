"""Deleting local versions: what the question says, what goes, what stays and why."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input

from modelsync.model import BrokenEntry, EntryProblem, LocalModel
from modelsync.pruning import DeletePlan, plan_delete
from modelsync.store import ModelStore
from modelsync.tag import Tag
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.deleting import Chosen
from modelsync_tui.dialogs.delete import DeleteDialog
from support.local_store import CREATED, write_model
from support.screens import LARGE, SMALL, UNANSWERED, Stage, text_of
from support.screens import until as until_shown
from support.tui import app_for, lines_with, local_model, screen_text, until

WIDE = (120, 40)
VERSIONS = tuple(local_model(f"bert:v{number}", size=1 << 20, days=10 - number) for number in range(1, 6))


def dialog(
    models: tuple[LocalModel, ...] = VERSIONS,
    *,
    used: tuple[str, ...] = (),
    only_here: tuple[str, ...] = (),
    siblings: tuple[LocalModel, ...] = (),
    keep: int | None = None,
) -> DeleteDialog:
    plan = plan_delete(models, lambda tags: {tag: ("chat:9f2c",) for tag in tags if str(tag) in used})
    return DeleteDialog(plan, Chosen(models, (), siblings or models, frozenset(only_here)), keep=keep)


def tags(answer: object) -> list[str]:
    assert isinstance(answer, DeletePlan)
    return [str(item.tag) for item in answer.going]


class TestTheQuestion:
    async def test_it_says_what_goes_and_what_is_freed_and_cancel_is_the_default(self) -> None:
        app = Stage(dialog())
        async with app.run_test(size=SMALL) as pilot:
            await until_shown(pilot, lambda: "Deletes 5 versions from this machine and frees 5.0 MiB." in text_of(app))
            assert "bert:v3" in text_of(app)
            await pilot.press("enter")
            assert app.answer is None

    async def test_its_button_deletes(self) -> None:
        app = Stage(dialog(VERSIONS[:1]))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press("tab", "enter")
            assert tags(app.answer) == ["bert:v1"]

    async def test_what_a_bento_uses_stays_unless_told_twice(self) -> None:
        app = Stage(dialog(VERSIONS[:2], used=("bert:v2",)))
        async with app.run_test(size=SMALL) as pilot:
            await until_shown(pilot, lambda: "stays: used by chat:9f2c" in text_of(app))
            assert "1 stays: local bentos use it." in text_of(app)
            assert "[ Delete 1 version ]" in text_of(app)
            await pilot.press("u")
            await until_shown(pilot, lambda: "[ Delete 2 versions ]" in text_of(app))
            app.screen.query_one("#go", Button).press()
            await until_shown(pilot, lambda: app.answer is not UNANSWERED)
            assert isinstance(app.answer, DeletePlan)
            assert app.answer.force_used
            assert tags(app.answer) == ["bert:v1", "bert:v2"]

    async def test_with_nothing_but_used_versions_its_button_does_nothing(self) -> None:
        app = Stage(dialog(VERSIONS[:1], used=("bert:v1",)))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.pause()
            assert app.screen.query_one("#go", Button).disabled

    async def test_the_newest_stay_when_a_number_is_typed(self) -> None:
        app = Stage(dialog())
        async with app.run_test(size=LARGE) as pilot:
            app.screen.query_one(Input).focus()
            await pilot.press("x", "2")
            await until_shown(pilot, lambda: "Deletes 3 versions" in text_of(app))
            assert "bert:v5" not in text_of(app)
            await pilot.press("backspace", "9")
            await until_shown(pilot, lambda: "all of them are among the newest" in text_of(app))
            assert app.screen.query_one("#go", Button).disabled

    async def test_only_what_was_chosen_goes_however_few_newest_are_kept(self) -> None:
        app = Stage(dialog(VERSIONS[1:4], siblings=VERSIONS))
        async with app.run_test(size=SMALL) as pilot:
            app.screen.query_one(Input).focus()
            await pilot.press("3", "enter", "tab", "enter")
            assert tags(app.answer) == ["bert:v2"]

    async def test_a_clean_up_begins_with_a_number_and_deletes_nothing_without_one(self) -> None:
        app = Stage(dialog(keep=3))
        async with app.run_test(size=SMALL) as pilot:
            await until_shown(pilot, lambda: "Deletes 2 versions" in text_of(app))
            await pilot.press("backspace")
            await until_shown(pilot, lambda: "type how many stay" in text_of(app))
            await pilot.press("0")
            await pilot.pause()
            assert app.screen.query_one("#go", Button).disabled

    async def test_versions_that_are_nowhere_else_are_named(self) -> None:
        app = Stage(dialog(VERSIONS[:2], only_here=("bert:v1",)))
        async with app.run_test(size=SMALL) as pilot:
            await until_shown(pilot, lambda: "1 of them is not in the registry." in text_of(app))

    async def test_broken_entries_can_be_deleted(self) -> None:
        entry = BrokenEntry(Path("/x"), "half", "v1", EntryProblem.HALF_WRITTEN, "no model.yaml")
        app = Stage(DeleteDialog(plan_delete([entry], lambda _: {}), Chosen((), (entry,))))
        async with app.run_test(size=SMALL) as pilot:
            await pilot.press("tab", "enter")
            assert tags(app.answer) == ["half:v1"]

    @pytest.mark.parametrize("size", [SMALL, LARGE, (40, 10)])
    async def test_ascii_is_ascii_at_every_size(self, size: tuple[int, int]) -> None:
        app = Stage(dialog(used=("bert:v2",), only_here=("bert:v1",)), ascii_only=True)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            assert text_of(app).isascii()


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[ModelsyncApp, Pilot[object]]]:
    """bert v1 to v4, iris:a that a bento uses, and an entry that is no whole model; no registry."""
    for number in range(1, 5):
        write_model(folder / "store", f"bert:v{number}", created=CREATED + timedelta(days=number))
    write_model(folder / "store", "iris:a")
    broken = folder / "store/models/half/v1"
    broken.mkdir(parents=True)
    (broken / "weights.bin").write_bytes(b"x")
    bento = folder / "store/bentos/chat/9f2c"
    bento.mkdir(parents=True)
    (bento / "bento.yaml").write_text("models:\n- tag: iris:a\n")
    app = app_for(folder)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: hasattr(app.main, "loader") and app.main.loader.local_read)
        await until(pilot, lambda: app.main.loader.registry.offline_because is not None)
        yield app, pilot


async def go_to(pilot: Pilot[object], app: ModelsyncApp, name: str, version: str = "") -> None:
    await pilot.press("g")
    for _ in range(app.main.local.flat.positions[(name, version)]):
        await pilot.press("j")
    await pilot.pause()


def left(folder: Path, name: str) -> list[str]:
    return [model.tag.version for model in ModelStore(folder / "store").versions(name)]


async def test_the_version_under_the_cursor_is_deleted_and_the_cursor_stays_near(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot):
        await go_to(pilot, app, "bert", "v2")
        await pilot.press("delete")
        await until(pilot, lambda: isinstance(app.screen, DeleteDialog))
        assert lines_with(app, "Delete  bert:v2")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: lines_with(app, "Deleted 1 version, freed"))
        await until(pilot, lambda: "bert:v2" not in app.main.loader.catalog.locals)
        assert left(tmp_path, "bert") == ["v1", "v3", "v4"]
        await until(pilot, lambda: app.main.local.row is not None and app.main.local.row.name == "bert")


async def test_marked_versions_are_deleted_together_and_their_marks_with_them(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot):
        await go_to(pilot, app, "bert", "v3")
        await pilot.press("space", "space", "f8")
        await until(pilot, lambda: isinstance(app.screen, DeleteDialog))
        app.screen.query_one("#go", Button).press()
        await until(pilot, lambda: len(app.main.loader.catalog.locals) == 3)
        await until(pilot, lambda: not app.main.local.marks)
        assert len(left(tmp_path, "bert")) == 2


async def test_all_versions_of_a_group_but_the_newest_are_cleaned_up(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot):
        await go_to(pilot, app, "bert", "v1")
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, DeleteDialog))
        await until(pilot, lambda: lines_with(app, "Deletes 1 version"))
        await pilot.press("backspace", "2", "enter", "tab", "enter")
        await until(pilot, lambda: lines_with(app, "Deleted 2 versions"))
        assert left(tmp_path, "bert") == ["v3", "v4"]


async def test_what_a_local_bento_uses_is_named_and_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot):
        await go_to(pilot, app, "iris", "a")
        await pilot.press("delete")
        await until(pilot, lambda: lines_with(app, "stays: used by chat:9f2c"))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        assert left(tmp_path, "iris") == ["a"]


async def test_a_version_that_someone_works_on_stays_and_the_others_go(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot):
        await go_to(pilot, app, "bert")
        with ModelStore(tmp_path / "store").lock(Tag("bert", "v3")):
            await pilot.press("delete")
            await until(pilot, lambda: isinstance(app.screen, DeleteDialog))
            app.screen.query_one("#go", Button).press()
            await until(pilot, lambda: lines_with(app, "Deleted 3 versions"))
            assert "1 stays: bert:v3 is being worked on" in screen_text(app)
        assert left(tmp_path, "bert") == ["v3"]


async def test_the_remote_side_says_that_it_cannot(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot):
        await pilot.press("2", "delete")
        await until(pilot, lambda: lines_with(app, "Only local versions can be deleted"))
        assert app.screen is app.main


async def test_a_broken_entry_is_deleted_from_under_the_cursor(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot):
        await go_to(pilot, app, "half", "v1")
        await pilot.press("delete")
        await until(pilot, lambda: isinstance(app.screen, DeleteDialog))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: lines_with(app, "Deleted 1 version"))
        assert not (tmp_path / "store/models/half").exists()

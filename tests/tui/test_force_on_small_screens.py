"""The question before a version is overwritten, where the terminal has few lines: what is asked stays in sight."""

import pytest

from modelsync.comparison import Plan, plan_push
from modelsync_tui.dialogs.force import ForceDialog
from modelsync_tui.dialogs.sides import Fact
from support.model_values import local_model, remote_model
from support.screens import Stage, text_of, until

SIZES = [(60, 16), (80, 24), (120, 30)]
LOOKED = (Fact("files", "1", "2", True), Fact("used by", "-", "1 bento: chat:1", False))


def force_plan(versions: int) -> Plan:
    tags = [f"llama-ft:{number:02}" for number in range(versions)]
    remotes = {tag: remote_model(tag, 6_500) for tag in tags}
    return plan_push([local_model(tag, 7_000) for tag in tags], remotes, force=True)


@pytest.mark.parametrize("size", SIZES)
async def test_the_heading_the_sides_and_the_choices_of_one_version_are_all_in_sight(size: tuple[int, int]) -> None:
    app = Stage(ForceDialog(force_plan(1), look=lambda _item, _control: LOOKED))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "used by" in text_of(app) and "chat:1" in text_of(app))
        shown = text_of(app)
    for words in (
        "This replaces a version",
        "local (new)",
        "size",
        "created",
        "Type 00 to confirm",
        "Cancel  Esc",
        "↵ ]",
    ):
        assert words in shown


@pytest.mark.parametrize("size", SIZES)
async def test_the_heading_and_the_titles_of_a_long_list_stay_while_its_cursor_goes_to_the_end(
    size: tuple[int, int],
) -> None:
    app = Stage(ForceDialog(force_plan(12)))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "[ Cancel  Esc ]" in text_of(app))
        await pilot.press(*["down"] * 11)
        await until(pilot, lambda: ":11" in text_of(app) or "…11" in text_of(app))
        shown = text_of(app)
    for words in ("This replaces versions", "Version", "Built", "Type 12 to overwrite", "Cancel  Esc", "↵ ]"):
        assert words in shown


async def test_where_not_even_that_fits_the_heading_and_cancel_stay_while_the_rest_scrolls() -> None:
    app = Stage(ForceDialog(force_plan(12)))
    async with app.run_test(size=(40, 10)) as pilot:
        await until(pilot, lambda: "[ Cancel  Esc ]" in text_of(app))
        assert "This replaces versions" in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: "Type 12" in text_of(app))
        assert "This replaces versions" in text_of(app)
        assert "[ Cancel  Esc ]" in text_of(app)

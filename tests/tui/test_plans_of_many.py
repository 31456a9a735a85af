"""A plan of many versions: sorted and counted in one walk, and drawn as far as it is in sight."""

from collections.abc import Iterator

import pytest

from modelsync.comparison import Direction, Plan, PlanItem, Verdict, plan_pull, plan_push
from modelsync_tui.dialogs.plan import PlanDialog
from modelsync_tui.sorted_plan import SortedPlan
from support.model_values import local_model, remote_model
from support.screens import LARGE, Stage, text_of, until

MANY = 20_000


class Walked(tuple[PlanItem, ...]):
    """Counts how often all of its versions were looked at."""

    walks = 0

    def __iter__(self) -> Iterator[PlanItem]:
        type(self).walks += 1
        return super().__iter__()


def test_what_goes_comes_first_and_all_is_counted() -> None:
    here = [local_model(f"bert:v{number}", 1_000 + number) for number in range(4)]
    there = {"bert:v0": remote_model("bert:v0", 1_000), "bert:v2": remote_model("bert:v2", 5)}
    plan = SortedPlan.of(plan_push(here, there))
    assert [item.tag_text for item in plan.items] == ["bert:v1", "bert:v3", "bert:v2", "bert:v0"]
    counts = {Verdict.GO: 2, Verdict.REFUSE: 0, Verdict.SKIP_DIFFERS: 1, Verdict.SKIP_SAME: 1}
    assert (plan.direction, plan.going, plan.counts, plan.bytes_going) == (Direction.PUSH, 2, counts, 2_004)
    assert (plan.tag_cells, plan.reason_cells) == (7, len("already there (same size and build time)"))


def test_a_plan_of_nothing_counts_nothing() -> None:
    plan = SortedPlan.of(plan_pull((), {}))
    assert (plan.going, plan.bytes_going, list(plan.items), plan.tag_cells) == (0, 0, [], 0)


@pytest.mark.parametrize("going", [True, False])
async def test_the_dialog_of_20_000_versions_looks_at_each_of_them_once(going: bool) -> None:
    class Items(Walked):
        pass

    tags = [f"model-{number % 500:03}:v{number:05}" for number in range(MANY)]
    remotes = {} if going else {tag: remote_model(tag, 7_000) for tag in tags}
    made = plan_push([local_model(tag, 7_000) for tag in tags], remotes)
    plan = Plan(made.direction, made.force, Items(made.items))
    Items.walks = 0
    app = Stage(PlanDialog(plan, target="cloud.bentoml.com", free_bytes=10**9))
    async with app.run_test(size=LARGE) as pilot:
        words = "Sends 20,000 versions" if going else "All 20,000 are already there"
        await until(pilot, lambda: words in text_of(app) and "model-000:v00000" in text_of(app))
        await pilot.press("pagedown", "down")
        await until(pilot, lambda: "v00000" not in text_of(app) and "model-011:v00011" in text_of(app))
        assert Items.walks == 1

"""One side's list: grouped, sorted, narrowed, laid flat."""

from pathlib import Path

from modelsync.comparison import RowState
from modelsync.model import BrokenEntry, EntryProblem, UploadStatus
from modelsync_tui.catalog import Catalog
from modelsync_tui.filter import Filter
from modelsync_tui.listing import Ask, Side, SortKey, VersionRow, build
from support.tui import NOW, catalog_of, local_model, remote_model

LOCALS = [
    local_model("bert:v1", size=30, days=3),
    local_model("bert:v2", size=10, days=1),
    local_model("iris:a", size=500, days=9),
]
REMOTES = [
    remote_model("bert:v1", size=30, days=3),
    remote_model("bert:v2", size=11, days=1),
    remote_model("fraud:x", size=70, days=2, status=UploadStatus.FAILED, reason="cut"),
]


def names(catalog: Catalog, ask: Ask) -> list[str]:
    return [group.name for group in build(catalog, ask, NOW).groups]


def versions(catalog: Catalog, ask: Ask) -> list[str]:
    return [row.tag_text for group in build(catalog, ask, NOW).groups for row in group.rows]


def test_versions_stand_under_their_name_newest_first() -> None:
    assert versions(catalog_of(LOCALS), Ask(Side.LOCAL)) == ["bert:v2", "bert:v1", "iris:a"]


def test_both_sides_order_versions_alike_whenever_they_were_pushed() -> None:
    both = [local_model("bert:old", days=9), local_model("bert:new", days=1)]
    pushed_late = [remote_model("bert:old", days=9), remote_model("bert:new", days=1)]
    catalog = catalog_of(both, pushed_late)
    assert versions(catalog, Ask(Side.LOCAL)) == versions(catalog, Ask(Side.REMOTE))


def test_each_order_sorts_groups_and_turns_around() -> None:
    catalog = catalog_of(LOCALS, REMOTES)
    assert names(catalog, Ask(Side.LOCAL, sort=SortKey.SIZE)) == ["iris", "bert"]
    assert names(catalog, Ask(Side.LOCAL, sort=SortKey.DATE)) == ["bert", "iris"]
    assert names(catalog, Ask(Side.LOCAL, sort=SortKey.DATE, reverse=True)) == ["iris", "bert"]
    assert names(catalog, Ask(Side.LOCAL, sort=SortKey.STATE)) == ["bert", "iris"]
    assert names(catalog, Ask(Side.LOCAL, reverse=True)) == ["iris", "bert"]


def test_a_list_longer_than_one_run_is_sorted_whole() -> None:
    models = [local_model(f"m{number * 7919 % 10_000:05}:v", days=1) for number in range(10_000)]
    assert names(catalog_of(models), Ask(Side.LOCAL)) == sorted(f"m{number:05}" for number in range(10_000))


def test_a_group_says_its_size_and_its_states() -> None:
    group = build(catalog_of(LOCALS, REMOTES), Ask(Side.LOCAL), NOW).groups[0]
    assert (group.name, group.count, group.size_bytes) == ("bert", 2, 40)
    assert dict(group.states) == {RowState.SAME: 1, RowState.DIFFERS: 1}


def test_only_what_differs_leaves_out_what_is_the_same() -> None:
    catalog = catalog_of(LOCALS, REMOTES)
    assert versions(catalog, Ask(Side.LOCAL, only_differing=True)) == ["bert:v2", "iris:a"]


def test_a_filter_narrows_and_counts_what_it_shows() -> None:
    listing = build(catalog_of(LOCALS), Ask(Side.LOCAL, Filter.parse("v1", NOW)), NOW)
    assert (listing.shown, listing.total) == (1, 3)


def test_a_version_that_only_the_store_has_is_a_ghost_beside_its_remote_kin() -> None:
    catalog = catalog_of([*LOCALS, local_model("bert:v3", days=0.5)], REMOTES)
    rows = [row for group in build(catalog, Ask(Side.REMOTE), NOW).groups for row in group.rows]
    assert [row.tag_text for row in rows if row.ghost] == ["bert:v3"]
    assert build(catalog, Ask(Side.REMOTE), NOW).total == len(REMOTES)
    assert "iris" not in names(catalog, Ask(Side.REMOTE))


def test_what_is_no_model_is_listed_as_what_it_is() -> None:
    broken = BrokenEntry(Path("/store/models/x/v"), "x", "v", EntryProblem.HALF_WRITTEN, "no model.yaml")
    catalog = Catalog().with_local([], (broken,))
    (row,) = (row for group in build(catalog, Ask(Side.LOCAL), NOW).groups for row in group.rows)
    assert (row.problem, row.state_word) == (EntryProblem.HALF_WRITTEN, "half-written")


def test_without_the_registry_no_state_is_claimed() -> None:
    (row,) = (row for group in build(catalog_of([LOCALS[0]]), Ask(Side.LOCAL), NOW).groups for row in group.rows)
    assert row.state is None


def test_a_version_outside_the_loaded_pages_has_no_state_until_it_was_asked_for() -> None:
    model = local_model("iris:a")
    paged = Catalog().with_local([model], ()).with_page(0, 1_000, [remote_model("bert:v1")])
    assert paged.state("iris:a", "iris", NOW) is None
    assert paged.unasked_names(["iris", "bert"]) == ("iris", "bert")
    asked = paged.with_names(["iris"], [])
    assert asked.state("iris:a", "iris", NOW) is RowState.LOCAL_ONLY


def test_closed_groups_hide_their_rows_and_every_row_knows_its_place() -> None:
    listing = build(catalog_of(LOCALS), Ask(Side.LOCAL), NOW)
    flat = listing.flat(lambda name: name == "bert")
    shown = [row.version if isinstance(row, VersionRow) else row.name for row in flat.rows]
    assert shown == ["bert", "v2", "v1", "iris"]
    assert all(flat.positions[row.key] == index for index, row in enumerate(flat.rows))


def test_an_empty_page_ends_a_list_whose_total_lies() -> None:
    catalog = Catalog().with_page(0, 500, [remote_model("bert:v1")])
    assert not catalog.remote_complete
    assert catalog.with_page(1, 500, []).remote_complete

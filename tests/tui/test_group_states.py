"""What a closed group says of its versions: how many are in which state, and that some of them move."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelsync.comparison import RowState
from modelsync_tui.app import ModelsyncApp
from modelsync_tui.glyphs import UNICODE
from modelsync_tui.listing import Flat, GroupRow, Side
from modelsync_tui.marks import Marks
from modelsync_tui.widgets.rows import Columns, Look, row_pieces
from support.held_session import HeldSession
from support.tui import lines_with, local_model, remote_model, until

TINY, NARROW, WIDE = 28, 38, 58
"""A browser's cells in a terminal of 60, 80 and 120 columns."""
HERE, BOTH, OTHER = RowState.LOCAL_ONLY, RowState.SAME, RowState.DIFFERS


def states_of(width: int, *states: tuple[RowState, int], moving: dict[str, float] | None = None) -> str:
    """What stands in the column of the states, in the group's line."""
    group = GroupRow("bert", (), 1000, None, states, sum(number for _, number in states))
    look = Look(Columns.of(width, Side.LOCAL), UNICODE, datetime.now(UTC), Side.LOCAL, compared=True)
    line = "".join(words for words, _ in row_pieces(Flat([group]), 0, Marks(), moving or {}, look))
    assert len(line.rstrip()) <= width
    return line[width - look.columns.state :].strip()


@pytest.mark.parametrize(
    ("width", "states", "words"),
    [
        (WIDE, ((OTHER, 2), (HERE, 390), (BOTH, 610)), "2! 390> 610="),
        (WIDE, ((OTHER, 12_345), (HERE, 23_456), (BOTH, 34_567)), "! > ="),
        (NARROW, ((HERE, 2), (BOTH, 2)), "2> 2="),
        (NARROW, ((HERE, 39), (BOTH, 2)), "> ="),
        (NARROW, ((HERE, 100_000),), ">"),
        (TINY, ((HERE, 2),), ">"),
        (TINY, ((OTHER, 1), (BOTH, 7)), "!"),
    ],
)
def test_numbers_give_way_before_states_do(width: int, states: tuple[tuple[RowState, int], ...], words: str) -> None:
    assert states_of(width, *states) == words


@pytest.mark.parametrize(("width", "words"), [(WIDE, "~ 31%  1> 2="), (NARROW, "~31%"), (TINY, "~")])
def test_a_closed_group_says_how_far_the_versions_in_it_have_come(width: int, words: str) -> None:
    moving = {"bert:v1": 0.25, "bert:v2": 0.37, "bert-large:v1": 0.9, "iris:v1": 0.8}
    assert states_of(width, (HERE, 1), (BOTH, 2), moving=moving) == words


def test_what_stands_behind_the_share_does_not_jump() -> None:
    at = {states_of(WIDE, (HERE, 1), (BOTH, 2), moving={"bert:v1": share}).index("1>") for share in (0, 0.09, 0.5, 1)}
    assert len(at) == 1


async def test_the_local_list_is_not_measured_by_what_the_registry_has(tmp_path: Path) -> None:
    session = HeldSession(tmp_path, page_versions=5)
    session.locals = {f"bert:v{number}": local_model(f"bert:v{number}") for number in range(3)}
    session.remotes = {f"iris{number}:a": remote_model(f"iris{number}:a") for number in range(200)}
    app = ModelsyncApp(session)
    async with app.run_test(size=(120, 16)) as pilot:
        await until(pilot, lambda: lines_with(app, "of 200"))
        line = lines_with(app, "of 200")[0]
        assert line.count("of 200") == 1
        assert line.index("of 200") > 60, "it is the registry's list that is loaded in part"

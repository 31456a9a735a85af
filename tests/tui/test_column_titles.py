"""The titles over a list: an arrow at the column that sorts says which way it goes."""

from datetime import UTC, datetime

import pytest

from modelsync_tui.glyphs import UNICODE
from modelsync_tui.listing import Side, SortKey
from modelsync_tui.widgets.rows import Columns, Look, heading


@pytest.mark.parametrize(
    ("sort", "reverse", "title"),
    [
        (SortKey.NAME, False, "Name ▴"),
        (SortKey.NAME, True, "Name ▾"),
        (SortKey.SIZE, False, "Size ▾"),
        (SortKey.SIZE, True, "Size ▴"),
        (SortKey.DATE, False, "Made ▾"),
        (SortKey.DATE, True, "Made ▴"),
    ],
)
def test_the_arrow_falls_where_the_largest_or_newest_is_first(sort: SortKey, reverse: bool, title: str) -> None:
    look = Look(Columns.of(58, Side.LOCAL), UNICODE, datetime.now(UTC), Side.LOCAL, compared=True)
    assert title in "".join(words for words, _ in heading(look, sort, reverse=reverse))

"""Text from outside, and text in few cells."""

from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len

from modelsync_tui.text import (
    ago_text,
    cut,
    cut_middle,
    cut_path,
    left,
    literal,
    right,
    size_pair,
    size_text,
    when_text,
)


@pytest.mark.parametrize("char", ["\x1b", "\x00", "\n", "\t", "\x7f", "\x9b", "\u202e", "\u2066", "\u200b", "\ufeff"])
def test_a_character_that_acts_on_the_terminal_is_shown_as_a_mark(char: str) -> None:
    assert literal(f"a{char}b") == "a\ufffdb"


def test_markup_and_wide_characters_stay_as_they_are() -> None:
    assert literal("[/b][red]漢字 😀") == "[/b][red]漢字 😀"


def test_a_text_of_megabytes_is_cut_before_anything_else() -> None:
    assert len(literal("x" * 5_000_000)) <= 2_000


@pytest.mark.parametrize("text", ["abc", "a" * 500, "漢字漢字漢字漢字", "😀a😀b😀c", ""])
@pytest.mark.parametrize("width", [1, 2, 3, 5, 8, 40])
def test_cells_are_counted_not_characters(text: str, width: int) -> None:
    assert cell_len(cut(text, width)) <= width
    assert cell_len(cut_middle(text, width)) <= width
    assert cell_len(cut_path(f"/{text}/{text}/{text}", width)) <= width
    assert cell_len(left(text, width)) == width
    assert cell_len(right(text, width)) == width


def test_cutting_the_middle_keeps_both_ends() -> None:
    shown = cut_middle("summarization-btwtmvu5kwqc67i3", 16)
    assert shown.startswith("summ")
    assert shown.endswith("c67i3")


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (30, "/tmp/demo/bentoml/models"),
        (23, "/tmp/…/bentoml/models"),
        (20, "/tmp/demo/…/models"),
        (17, "/tmp/…/models"),
        (10, "/…/models"),
        (8, "…/models"),
        (7, "/tmp…ls"),
    ],
)
def test_a_path_is_cut_between_its_components(width: int, words: str) -> None:
    assert cut_path("/tmp/demo/bentoml/models", width) == words


def test_a_path_of_long_names_is_cut_inside_the_last_one() -> None:
    shown = cut_path(f"/tmp/{'x' * 40}models", 20)
    assert shown.startswith("/tmp/")
    assert shown.endswith("models")


@pytest.mark.parametrize(
    ("size", "words"),
    [(None, ""), (0, "0 B"), (999, "999 B"), (1000, "1.0 KiB"), (1 << 30, "1.0 GiB"), (150 << 20, "150 MiB")],
)
def test_sizes_in_few_cells(size: int | None, words: str) -> None:
    assert size_text(size) == words


def test_dates_say_the_hour_today_the_day_this_year_the_month_before() -> None:
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC).astimezone()
    assert when_text(now - timedelta(minutes=5), now) == f"{now - timedelta(minutes=5):%H:%M}"
    assert when_text(now - timedelta(days=2), now) == f"{now - timedelta(days=2):%b %d}"
    assert when_text(datetime(2020, 2, 15, tzinfo=UTC), now) == "2020-02"
    assert when_text(datetime(1, 1, 3, tzinfo=UTC), now).startswith("000")
    assert when_text(None, now) == ""


def test_spans_in_one_unit() -> None:
    assert [ago_text(seconds) for seconds in (12, 300, 7_200, 200_000)] == ["12 s", "5 min", "2 h", "2 d"]


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ((865, 866), ("865 B", "866 B")),
        ((865, 7_000), ("865 B", "6.8 KiB")),
        ((6_510_000_000, 6_480_000_000), ("6.1 GiB", "6.0 GiB")),
        ((6_510_000_000, 6_500_000_000), ("6.06 GiB", "6.05 GiB")),
        ((130 * 1024**2, 130 * 1024**2 + 500_000), ("130.0 MiB", "130.5 MiB")),
        ((7_000_000_000, 7_000_000_001), ("7,000,000,000 B", "7,000,000,001 B")),
        ((5, 5), ("5 B", "5 B")),
        ((None, 5), ("-", "5 B")),
    ],
)
def test_two_sizes_that_differ_have_words_that_differ(
    sizes: tuple[int | None, int | None], words: tuple[str, str]
) -> None:
    assert size_pair(*sizes) == words

"""The filter that a person types."""

import pytest

from modelsync.model import LocalModel
from modelsync_tui.catalog import Catalog
from modelsync_tui.filter import Filter
from modelsync_tui.listing import VersionRow, local_row, remote_row
from support.tui import NOW, catalog_of, local_model, remote_model


def row_of(model: LocalModel, catalog: Catalog | None = None) -> VersionRow:
    return local_row(catalog or Catalog(), model, NOW)


def matches(text: str, row: VersionRow) -> bool:
    return Filter.parse(text, NOW).matches(row)


BERT = row_of(local_model("bert-large:v12", size=3 << 30, days=3, labels={"stage": "prod", "team": "nlp"}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bert",
        "BERT",
        "large:v1",
        "label:stage",
        "label:stage=prod",
        "label:stage=pr",
        'label:"stage=prod"',
        "size:>1GiB",
        "size:>=3GiB",
        "size:3g",
        "size:<4GB",
        "age:<7d",
        "age:>2d",
        "age:<1w",
        "bert label:team=nlp size:>1GiB age:<7d",
        "-iris",
        "-label:stage=dev",
    ],
)
def test_what_matches_is_kept(text: str) -> None:
    assert matches(text, BERT)


@pytest.mark.parametrize(
    "text",
    ["iris", "label:stage=dev", "label:owner", "size:<1GiB", "size:>4GiB", "age:>7d", "age:<1h", "bert iris", "-bert"],
)
def test_what_does_not_match_is_left_out(text: str) -> None:
    assert not matches(text, BERT)


def test_state_is_matched_by_its_beginning() -> None:
    model = local_model("bert:v1")
    same = row_of(model, catalog_of([model], [remote_model("bert:v1")]))
    alone = row_of(model, catalog_of([model], []))
    assert matches("state:same", same)
    assert matches("state:lo", alone)
    assert matches("state:same,local", alone)
    assert not matches("state:differs", same)


def test_who_pushed_is_matched() -> None:
    row = remote_row(Catalog(), remote_model("bert:v1", by="raj@acme.io"), NOW)
    assert matches("by:raj", row)
    assert not matches("by:mia", row)


def test_a_tag_with_a_colon_is_no_unknown_key() -> None:
    assert matches("bert-large:v12", BERT)
    assert Filter.parse("bert-large:v12", NOW).not_understood == ()


@pytest.mark.parametrize("text", ["size:big", "age:old", "size:>", "state:zzz", "label:", "by:", "age:<7parsec"])
def test_what_is_not_understood_is_left_out_and_named(text: str) -> None:
    parsed = Filter.parse(f"bert {text}", NOW)
    assert parsed.not_understood == (text,)
    assert parsed.matches(BERT)


@pytest.mark.parametrize(
    "text",
    [
        '"',
        '"""',
        ":",
        "::",
        "-",
        "--",
        "[/b]",
        "size:>999999999999999999999999999GiB",
        "age:<999999999999y",
        "label:=",
        "\x00\x1b[31m",
        "é漢😀" * 200,
        "(*[",
        "size:1e400",
    ],
)
def test_nothing_that_can_be_typed_breaks_it(text: str) -> None:
    matches(text, BERT)


def test_every_prefix_of_a_filter_can_be_typed() -> None:
    text = 'bert -label:"stage=prod x" size:>=1.5GiB age:<7d state:differs,failed by:raj'
    for end in range(len(text) + 1):
        matches(text[:end], BERT)

"""A list that changes between two of its pages: what was in it all the time is found, once."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.model import ModelInfo
from modelsync.registry.client import Registry
from modelsync.tag import Tag
from support.moving_list import MovingList
from support.registry_server import TOKEN, RegistryServer

ROWS, PAGE = 40, 5


def client_of(url: str) -> Registry:
    return Registry(Account(Context("test", url), Token(TOKEN), TokenSource.SESSION))


@pytest.fixture
def moving() -> Iterator[MovingList]:
    with MovingList(ROWS) as server:
        yield server


def read(server: MovingList, count: int = PAGE) -> list[str]:
    with client_of(server.url) as registry:
        return [model.version for model in registry.all_models(count=count)]


def delete(*places: int) -> Callable[[list[str]], object]:
    """Deletes rows, the last place first."""

    def change(rows: list[str]) -> None:
        for place in sorted(places, reverse=True):
            del rows[place]

    return change


def push_again(place: int) -> Callable[[list[str]], object]:
    """Moves a row to the front, as a forced push of a newer build does."""
    return lambda rows: rows.insert(0, rows.pop(place))


def test_a_list_that_stays_is_read_with_no_question_more(moving: MovingList) -> None:
    before = list(moving.rows)
    assert read(moving) == before
    assert len(moving.asked) == ROWS // PAGE


@pytest.mark.parametrize("places", [(0,), (2, 3), tuple(range(PAGE)), tuple(range(3 * PAGE))])
def test_what_slid_past_because_others_were_deleted_is_found(moving: MovingList, places: tuple[int, ...]) -> None:
    stay = [row for place, row in enumerate(moving.rows) if place not in places]
    found = read(moving.after(4, delete(*places)))
    assert set(stay) <= set(found)
    assert len(found) == len(set(found))


def test_what_slid_past_at_the_very_end_is_found(moving: MovingList) -> None:
    stay = moving.rows[PAGE:]
    found = read(moving.after(ROWS // PAGE - 1, delete(*range(PAGE))))
    assert set(stay) <= set(found)


def test_a_version_that_went_to_the_front_is_found_though_the_length_stayed(moving: MovingList) -> None:
    everything = set(moving.rows)
    assert set(read(moving.after(2, push_again(ROWS - 1)))) == everything


def test_a_version_that_went_to_the_front_is_found_though_the_places_stayed(moving: MovingList) -> None:
    def change(rows: list[str]) -> None:
        push_again(ROWS - 1)(rows)
        del rows[1]

    stay = set(moving.rows) - {moving.rows[0]}
    assert stay <= set(read(moving.after(2, change)))


def test_a_new_version_makes_no_row_come_twice_and_is_found(moving: MovingList) -> None:
    everything = {*moving.rows, "v900"}
    found = read(moving.after(3, lambda rows: rows.insert(0, "v900")))
    assert len(found) == len(set(found))
    assert set(found) == everything


def test_a_list_whose_order_is_another_one_each_time_is_not_read_for_ever(moving: MovingList) -> None:
    for answers in range(1, 400):
        moving.after(answers, list.reverse)
    assert len(read(moving)) <= ROWS
    assert len(moving.asked) < 60


def test_a_registry_that_gives_one_row_at_a_time_is_read_to_its_end(moving: MovingList) -> None:
    moving.gives_at_most = 1
    assert set(read(moving)) == set(moving.rows)


def test_a_version_that_is_pushed_again_while_the_list_is_read_is_listed(registry_server: RegistryServer) -> None:
    built = datetime(2026, 11, 1, tzinfo=UTC)
    tags = [Tag("paged", f"v{day}") for day in range(9)]

    def info(tag: Tag, moment: datetime) -> ModelInfo:
        return ModelInfo(tag, "", {}, {}, {}, {}, {}, "v1", moment)

    with client_of(registry_server.url) as registry:
        registry.create_repository("paged")
        for day, tag in enumerate(tags):
            registry.create_model(tag, info(tag, built + timedelta(days=day)), 1)
        rows = registry.all_models(count=3)
        found = [next(rows)]
        registry.update_record(tags[0], info(tags[0], built + timedelta(days=99)), 1)  # the last row comes first
        found += rows
    assert sorted(model.version for model in found) == [tag.version for tag in tags]

"""Lists of the registry: order, pages, search and the query language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import Engine, event

from support.registry_server import (
    TOM_TOKEN,
    RegistryServer,
    client,
    items_of,
    json_of,
    register_model,
    repository_path,
)


@pytest.fixture
def api(registry_server: RegistryServer) -> httpx.Client:
    """Five models of three names, by two people."""
    api = registry_server.api
    build = "2026-11-0{} 00:00:00.000000".format
    register_model(api, "bert", "v1", build_at=build(1), labels={"stage": "dev", "team": "nlp"}, size_bytes=30)
    register_model(
        api, "bert", "v2", build_at=build(5), labels={"stage": "prod"}, module="bentoml.sklearn", size_bytes=10
    )
    register_model(api, "bert_large", "v1", build_at=build(3), module="bentoml.sklearn", size_bytes=50)
    with client(registry_server.url, TOM_TOKEN) as tom:
        register_model(tom, "resnet", "v1", build_at=build(4), labels={"stage": "dev"}, size_bytes=20)
        register_model(tom, "resnet", "v2", build_at=build(2), module="bentoml.torch", size_bytes=40)
    json_of(api.patch(repository_path("resnet"), json={"description": "pictures, unlike bert"}))
    return api


def tags(answer: httpx.Response) -> list[str]:
    found = []
    for item in items_of(answer):
        repository = item["repository"]
        assert isinstance(repository, dict)
        found.append(f"{repository['name']}:{item['version']}")
    return found


def matching(api: httpx.Client, q: str, **parameters: str) -> list[str]:
    return tags(api.get("/api/v1/models", params={"q": q, **parameters}))


ALL = ["bert:v2", "resnet:v1", "bert_large:v1", "resnet:v2", "bert:v1"]


def test_models_come_with_the_newest_build_first(api: httpx.Client) -> None:
    assert tags(api.get("/api/v1/models")) == ALL


def test_without_a_count_all_rows_come_and_the_total_is_always_that_of_all(api: httpx.Client) -> None:
    page = json_of(api.get("/api/v1/models?start=1&count=2"))
    assert (page["start"], page["count"], page["total"]) == (1, 2, 5)
    assert tags(api.get("/api/v1/models?start=1&count=2")) == ALL[1:3]
    assert tags(api.get("/api/v1/models?start=3")) == ALL[3:]
    assert json_of(api.get("/api/v1/models?count=0"))["total"] == 5
    assert tags(api.get("/api/v1/models?start=9&count=2")) == []
    for count in ("many", "-1", str(2**64)):
        assert api.get(f"/api/v1/models?count={count}").status_code == 400


def test_pages_neither_repeat_nor_skip_models_of_one_build_date(registry_server: RegistryServer) -> None:
    for number in range(7):
        register_model(registry_server.api, "m", f"v{number}")
    seen = []
    for start in range(0, 7, 2):
        seen += tags(registry_server.api.get(f"/api/v1/models?start={start}&count=2"))
    assert sorted(seen) == [f"m:v{number}" for number in range(7)]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", ALL),
        ("large", ["bert_large:v1"]),
        ("be la", ["bert_large:v1"]),
        ("be  net", []),
        ("bert in:description", ["resnet:v1", "resnet:v2"]),
        ("bert in:name in:description", ALL),
        ("%", []),
        ("module:bentoml.sklearn", ["bert:v2", "bert_large:v1"]),
        ("module:bentoml.sklearn module:bentoml.torch", ["bert:v2", "bert_large:v1", "resnet:v2"]),
        ("creator:@me", ["bert:v2", "bert_large:v1", "bert:v1"]),
        ("creator:tom", ["resnet:v1", "resnet:v2"]),
        ("creator:nobody", []),
        ("label:stage", ["bert:v2", "resnet:v1", "bert:v1"]),
        ("label:stage=dev", ["resnet:v1", "bert:v1"]),
        ("label:stage=prod,team=nlp", ["bert:v2", "bert:v1"]),
        ("label:stage=dev label:team", ["bert:v1"]),
        ("label:stage=dev,team resnet", ["resnet:v1"]),
        ("-label:stage=dev", ALL),
        ("unknown:key sort:colour-asc", ALL),
        ("sort:size-desc", ["bert_large:v1", "resnet:v2", "bert:v1", "resnet:v1", "bert:v2"]),
        ("sort:size-asc sort:size-desc", ["bert:v2", "resnet:v1", "bert:v1", "resnet:v2", "bert_large:v1"]),
        ("sort:build_at-asc", ALL[::-1]),
        ("sort:created_at-asc", ["bert:v1", "bert:v2", "bert_large:v1", "resnet:v1", "resnet:v2"]),
    ],
)
def test_a_query_selects_and_orders_models(api: httpx.Client, q: str, found: list[str]) -> None:
    assert matching(api, q) == found
    assert json_of(api.get("/api/v1/models", params={"q": q, "count": "1"}))["total"] == len(found)


@pytest.mark.parametrize("q", ["is:label", "not:creator", "word in:version"])
def test_a_query_that_yatai_breaks_on_is_refused(api: httpx.Client, q: str) -> None:
    assert api.get("/api/v1/models", params={"q": q}).status_code == 400


def test_search_looks_for_a_piece_of_the_name(api: httpx.Client) -> None:
    assert matching(api, "", search="_lar") == ["bert_large:v1"]
    assert matching(api, "creator:@me", search="net") == []


def test_versions_of_one_name_come_newest_first_and_filtered(api: httpx.Client) -> None:
    path = f"{repository_path('bert')}/models"
    assert [item["version"] for item in items_of(api.get(f"{path}?start=0&count=10"))] == ["v2", "v1"]
    assert [item["version"] for item in items_of(api.get(f"{path}?q=label:stage=dev"))] == ["v1"]
    assert "repository" not in items_of(api.get(path))[0]
    assert api.get(f"{repository_path('gpt')}/models").status_code == 404


def test_the_filter_of_one_name_can_be_ignored_as_yatai_does(
    api: httpx.Client, registry_server: RegistryServer
) -> None:
    registry_server.faults.ignore_repository_query = True
    assert len(items_of(api.get(f"{repository_path('bert')}/models?q=label:stage=dev"))) == 2


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", ["resnet", "bert_large", "bert"]),
        ("sort:created_at-asc", ["bert", "bert_large", "resnet"]),
        ("sort:updated_at-desc", ["resnet", "bert_large", "bert"]),
        ("bert", ["bert_large", "bert"]),
        ("creator:tom", ["resnet"]),
        ("last_updater:@me", ["bert_large", "bert"]),
        ("label:team", []),
    ],
)
def test_repositories_are_listed_and_filtered(api: httpx.Client, q: str, found: list[str]) -> None:
    answer = api.get("/api/v1/model_repositories", params={"q": q})
    assert [item["name"] for item in items_of(answer)] == found


def test_a_list_says_who_made_each_model_and_which_labels_it_has(api: httpx.Client) -> None:
    rows = {str(item["build_at"])[:10]: item for item in items_of(api.get("/api/v1/models"))}
    resnet = rows["2026-11-04"]
    creator, repository = resnet["creator"], resnet["repository"]
    assert isinstance(creator, dict)
    assert isinstance(repository, dict)
    assert creator["name"] == "tom"
    assert resnet["labels"] == [{"key": "stage", "value": "dev"}]
    assert isinstance(repository["latest_model"], dict)
    assert repository["latest_model"]["version"] == "v2"


def test_labels_and_modules_in_use_are_told(api: httpx.Client) -> None:
    assert api.get("/api/v1/labels?resource_type=model").json() == [
        {"key": "stage", "values": ["dev", "prod"]},
        {"key": "team", "values": ["nlp"]},
    ]
    assert api.get("/api/v1/labels?resource_type=planet").status_code == 400
    modules = api.get("/api/v1/current_org/model_modules").json()
    assert modules == ["bentoml.torch", "bentoml.sklearn", ""]


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that any engine runs meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_a_long_list_takes_as_many_database_queries_as_a_short_one(registry_server: RegistryServer) -> None:
    api = registry_server.api
    for number in range(40):
        register_model(api, f"m{number % 20}", f"v{number}", labels={"n": str(number)})
    counts = []
    for count in (1, 40):
        with statements() as seen:
            assert len(items_of(api.get(f"/api/v1/models?count={count}"))) == count
        counts.append(len(seen))
    assert counts[0] == counts[1]

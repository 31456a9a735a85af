"""What the client asks: headers, paths, pages, and what it makes of lists."""

import json
import logging
from collections.abc import Iterator
from contextlib import suppress

import pytest

from modelsync.errors import (
    ModelsyncError,
    UsageError,
)
from modelsync.registry.client import Registry
from modelsync.tag import Tag
from support.registry_account import ME, MODEL, TAG, TOKEN, connect
from support.strange_registry import Answer, StrangeRegistry


@pytest.fixture
def server() -> Iterator[StrangeRegistry]:
    with StrangeRegistry() as strange:
        yield strange


@pytest.fixture
def registry(server: StrangeRegistry) -> Iterator[Registry]:
    with connect(server.url) as opened:
        yield opened


def test_every_request_carries_the_headers_of_the_contract(server: StrangeRegistry) -> None:
    server.says(ME)
    with connect(server.url, organization="acme") as registry:
        registry.current_user()
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("GET", "/api/v1/auth/current")
    assert asked.headers["x-yatai-api-token"] == TOKEN
    assert asked.headers["x-bentoml-version"] == "1.4.39"
    assert asked.headers["x-yatai-organization"] == "acme"
    assert asked.headers["user-agent"].startswith("modelsync/")
    assert "authorization" not in asked.headers


def test_no_organization_is_named_when_the_context_has_none(server: StrangeRegistry, registry: Registry) -> None:
    server.says(ME)
    registry.current_user()
    assert "x-yatai-organization" not in server.asked[0].headers


def test_a_body_less_patch_says_so(server: StrangeRegistry, registry: Registry) -> None:
    registry.start_upload(TAG)
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("PATCH", "/api/v1/model_repositories/m/models/v1/start_upload")
    assert asked.headers["content-length"] == "0"
    assert "content-type" not in asked.headers


def test_a_base_path_and_strange_names_reach_the_server_escaped(server: StrangeRegistry) -> None:
    server.says(MODEL)
    with connect(f"{server.url}/bento/cloud/") as registry:
        registry.model(Tag("a/../b?c", "v#1%"))
        registry.repository_exists("..")
    assert [asked.path for asked in server.asked] == [
        "/bento/cloud/api/v1/model_repositories/a%2F..%2Fb%3Fc/models/v%231%25",
        "/bento/cloud/api/v1/model_repositories/%2E%2E",
    ]


def test_a_cookie_is_not_kept(server: StrangeRegistry, registry: Registry) -> None:
    server.says(Answer(ME.body, headers={"Set-Cookie": "yatai-session-v2=abc; Path=/"}))
    registry.current_user()
    registry.current_user()
    assert "cookie" not in server.asked[1].headers


def test_each_call_leaves_a_line_in_the_log(
    server: StrangeRegistry, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="modelsync.registry")
    server.says(Answer(b'{"total":0,"items":[]}', headers={"X-Request-Id": "req-7"}))
    registry.models(query="label:stage=prod")
    line = caplog.records[-1].getMessage()
    assert line.startswith("GET /api/v1/models: 200 after ")
    assert line.endswith("ms, request id req-7")
    assert "stage" not in line


@pytest.mark.parametrize(("status", "level"), [(200, "DEBUG"), (404, "DEBUG"), (403, "INFO"), (400, "INFO")])
def test_a_refused_call_is_in_the_log_with_its_request_id_without_debug(
    server: StrangeRegistry, registry: Registry, caplog: pytest.LogCaptureFixture, status: int, level: str
) -> None:
    caplog.set_level(logging.DEBUG, logger="modelsync.registry")
    server.says(Answer(b'{"total":0,"items":[]}', status=status, headers={"X-Request-Id": "req-8"}))
    with suppress(ModelsyncError):
        registry.models()
    (line,) = [record for record in caplog.records if "request id req-8" in record.getMessage()]
    assert line.levelname == level


def test_a_query_that_breaks_a_server_is_not_sent(server: StrangeRegistry, registry: Registry) -> None:
    for query in ("is:label", "not:sort", "sort:updated_at-desc", "-label:a=b"):
        with pytest.raises(UsageError):
            registry.models(query=query)
        with pytest.raises(UsageError):
            registry.latest("m", query)
    assert server.asked == []


def test_a_list_always_asks_for_a_page(server: StrangeRegistry, registry: Registry) -> None:
    server.says(Answer(b'{"total":0,"items":[]}'))
    registry.models()
    assert server.asked[0].path == "/api/v1/models?start=0&count=50"
    registry.versions("m", start=50, count=10, query="label:a=b x")
    assert server.asked[1].path == ("/api/v1/model_repositories/m/models?start=50&count=10&q=x+label%3Aa%3Db")
    assert list(registry.all_models()) == []
    assert server.asked[2].path == "/api/v1/models?start=0&count=200"
    with pytest.raises(ValueError):
        registry.models(count=0)  # would mean all


def test_a_list_that_repeats_rows_or_lies_about_its_length_ends(server: StrangeRegistry, registry: Registry) -> None:
    row = {"version": "v1", "repository": {"name": "m"}}
    full = Answer(json.dumps({"total": 10**9, "items": [row, row]}).encode())
    server.says(full, full, Answer(b'{"total": 1000000000, "items": []}'))
    assert [model.tag_text for model in registry.all_models(count=2)] == ["m:v1"]
    assert len(server.asked) == 4  # the front once more, for the list seems to have moved


def test_latest_asks_the_query_of_each_version_itself(server: StrangeRegistry, registry: Registry) -> None:
    rows = [
        {"version": "v3", "upload_status": "success", "build_at": "2026-03-01T00:00:00Z"},
        {
            "version": "v2",
            "upload_status": "success",
            "build_at": "2026-02-01T00:00:00Z",
            "labels": [{"key": "stage", "value": "prod"}],
        },
    ]
    server.says(Answer(json.dumps({"total": 2, "items": rows}).encode()))
    newest, chosen = registry.latest("m"), registry.latest("m", "label:stage=prod")
    assert newest is not None
    assert chosen is not None
    assert (newest.version, chosen.version) == ("v3", "v2")
    assert registry.latest("m", "label:stage=dev") is None


def test_latest_of_a_huggingface_reference_is_the_reference(server: StrangeRegistry, registry: Registry) -> None:
    row = {"version": "v1", "upload_status": "pending", "manifest": {"metadata": {"registry": "huggingface"}}}
    server.says(Answer(json.dumps({"total": 1, "items": [row]}).encode()))
    latest = registry.latest("m")
    assert latest is not None
    assert latest.is_reference

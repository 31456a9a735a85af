"""Repositories and models in the registry: registering, reading, changing, and what is refused."""

from __future__ import annotations

import json

import pytest

from support.registry_server import (
    TOM_TOKEN,
    RegistryServer,
    client,
    json_of,
    model_path,
    register_model,
    repository_path,
)

MODEL_KEYS = {
    "uid", "created_at", "updated_at", "deleted_at", "name", "resource_type", "labels", "model_uid", "creator",
    "version", "description", "image_build_status", "upload_status", "upload_started_at", "upload_finished_at",
    "upload_finished_reason", "presigned_upload_url", "presigned_download_url", "presigned_urls_deprecated",
    "transmission_strategy", "upload_id", "manifest", "build_at",
}  # fmt: skip


def new_model(version: str = "v1", **fields: object) -> dict[str, object]:
    body: dict[str, object] = {"version": version, "manifest": None, "build_at": "2026-11-22 07:35:54.512873"}
    return body | fields


def test_a_registered_model_is_read_back_as_it_was_sent(registry_server: RegistryServer) -> None:
    path = register_model(registry_server.api, "bert", "v1", labels={"stage": "dev", "n": "3"}, size_bytes=6334)
    model = json_of(registry_server.api.get(path))
    assert model.keys() == MODEL_KEYS | {"repository", "bentos"}
    assert (model["name"], model["version"], model["resource_type"]) == ("v1", "v1", "model")
    assert (model["upload_status"], model["upload_started_at"]) == ("pending", None)
    assert model["build_at"] == "2026-11-22T07:35:54.512873Z"
    assert model["labels"] == [{"key": "n", "value": "3"}, {"key": "stage", "value": "dev"}]
    manifest = model["manifest"]
    assert isinstance(manifest, dict)
    assert (manifest["size_bytes"], manifest["metadata"], manifest["options"]) == (6334, {}, {})
    repository = model["repository"]
    assert isinstance(repository, dict)
    assert repository["name"] == "bert"
    assert model["model_uid"] == repository["uid"]


def test_a_repository_shows_the_model_registered_last(registry_server: RegistryServer) -> None:
    api = registry_server.api
    json_of(api.post("/api/v1/model_repositories", json={"name": "bert", "description": "words"}))
    empty = json_of(api.get(repository_path("bert")))
    assert (empty["latest_model"], empty["description"]) == (None, "words")
    register_model(api, "bert", "v2", build_at="2026-11-22 07:35:54.000000")
    register_model(api, "bert", "v1", build_at="2020-01-01 00:00:00.000000")
    latest = json_of(api.get(repository_path("bert")))["latest_model"]
    assert isinstance(latest, dict)
    assert latest["version"] == "v1"


def test_what_is_not_there_is_a_404_that_says_record_not_found(registry_server: RegistryServer) -> None:
    register_model(registry_server.api, "bert", "v1")
    for path in (repository_path("gpt"), model_path("gpt", "v1"), model_path("bert", "v2")):
        answer = registry_server.api.get(path)
        assert answer.status_code == 404
        assert answer.json()["error"].endswith("record not found")


def test_registering_twice_is_a_400_that_says_duplicate_key(registry_server: RegistryServer) -> None:
    api = registry_server.api
    register_model(api, "bert", "v1")
    again = api.post("/api/v1/model_repositories", json={"name": "bert"})
    assert again.status_code == 400
    assert 'duplicate key value violates unique constraint "uk_modelRepository_orgId_name"' in again.text.replace(
        "\\", ""
    )
    again = api.post(f"{repository_path('bert')}/models", json=new_model("v1"))
    assert again.status_code == 400
    assert "uk_model_modelRepositoryId_version" in again.json()["error"]


@pytest.mark.parametrize(
    "build_at",
    [
        "2026-11-22 07:35:54",
        "2026-11-22T07:35:54.512873",
        "2026-11-22 07:35:54.512873Z",
        "2026-13-01 00:00:00.000000",
        "",
    ],
)
def test_a_build_date_of_another_form_is_refused(registry_server: RegistryServer, build_at: str) -> None:
    register_model(registry_server.api, "bert", "v0")
    answer = registry_server.api.post(f"{repository_path('bert')}/models", json=new_model(build_at=build_at))
    assert answer.status_code == 400
    assert "parse build at" in answer.json()["error"]


@pytest.mark.parametrize(
    "fields",
    [
        {"version": ""},
        {"version": "v" * 513},
        {"version": 1},
        {"manifest": []},
        {"manifest": {"size_bytes": -1}},
        {"manifest": {"size_bytes": 2**63}},
        {"manifest": {"metadata": 3}},
        {"labels": "stage"},
        {"labels": [{"key": "", "value": "v"}]},
        {"labels": [{"key": "k" * 129, "value": "v"}]},
        {"labels": [{"key": "k", "value": "v" * 1025}]},
    ],
)
def test_a_model_of_the_wrong_shape_is_refused(registry_server: RegistryServer, fields: dict[str, object]) -> None:
    register_model(registry_server.api, "bert", "v0")
    answer = registry_server.api.post(f"{repository_path('bert')}/models", json=new_model() | fields)
    assert answer.status_code == 400
    assert "error" in answer.json()


def test_names_of_any_characters_are_accepted_up_to_their_length(registry_server: RegistryServer) -> None:
    api = registry_server.api
    assert api.post("/api/v1/model_repositories", json={"name": "n" * 129}).status_code == 400
    json_of(api.post("/api/v1/model_repositories", json={"name": "Größe \u202e[red]" + "n" * 100}))


def test_a_model_without_a_manifest_shows_null(registry_server: RegistryServer) -> None:
    register_model(registry_server.api, "bert", "v0")
    model = json_of(registry_server.api.post(f"{repository_path('bert')}/models", json=new_model()))
    assert model["manifest"] is None


def test_null_in_a_manifest_is_as_good_as_nothing(registry_server: RegistryServer) -> None:
    register_model(registry_server.api, "bert", "v1")
    nulls = {"module": None, "api_version": None, "bentoml_version": None, "size_bytes": None, "metadata": None}
    draft = {"version": "v2", "build_at": "2026-11-22 07:35:54.512873", "manifest": nulls}
    for answer in (
        registry_server.api.post(f"{repository_path('bert')}/models", json=draft),
        registry_server.api.patch(model_path("bert", "v1"), json={"manifest": nulls}),
    ):
        manifest = json_of(answer)["manifest"]
        assert isinstance(manifest, dict)
        assert (manifest["module"], manifest["size_bytes"], manifest["metadata"]) == ("", 0, None)


def test_changing_labels_replaces_all_of_them(registry_server: RegistryServer) -> None:
    path = register_model(registry_server.api, "bert", "v1", labels={"stage": "dev", "team": "nlp"})
    changed = json_of(registry_server.api.patch(path, json={"labels": [{"key": "stage", "value": "prod"}]}))
    assert changed["labels"] == [{"key": "stage", "value": "prod"}]
    assert json_of(registry_server.api.patch(path, json={}))["labels"] == changed["labels"]
    assert json_of(registry_server.api.patch(path, json={"labels": []}))["labels"] == []


def test_a_forced_push_can_refresh_the_whole_record(registry_server: RegistryServer) -> None:
    path = register_model(registry_server.api, "bert", "v1", size_bytes=1)
    json_of(
        registry_server.api.patch(
            path,
            json={
                "description": "better",
                "manifest": {"module": "bentoml.sklearn", "size_bytes": 2, "metadata": {"acc": 0.9}},
                "build_at": "2027-01-01 00:00:00.000000",
            },
        )
    )
    model = json_of(registry_server.api.get(path))
    assert model["description"] == "better"
    assert model["build_at"] == "2027-01-01T00:00:00Z"
    assert model["manifest"] == {
        "module": "bentoml.sklearn", "api_version": "", "bentoml_version": "", "size_bytes": 2,
        "metadata": {"acc": 0.9}, "context": None, "options": None,
    }  # fmt: skip
    assert registry_server.api.get("/api/v1/current_org/model_modules").json() == ["bentoml.sklearn"]


def test_a_repository_keeps_new_labels_without_a_description(registry_server: RegistryServer) -> None:
    register_model(registry_server.api, "bert", "v1")
    path = repository_path("bert")
    json_of(registry_server.api.patch(path, json={"labels": [{"key": "team", "value": "nlp"}]}))
    changed = json_of(registry_server.api.patch(path, json={"description": "words"}))
    assert changed["labels"] == [{"key": "team", "value": "nlp"}]
    assert changed["description"] == "words"


def test_every_model_says_who_made_it(registry_server: RegistryServer) -> None:
    register_model(registry_server.api, "bert", "v1")
    with client(registry_server.url, TOM_TOKEN) as tom:
        register_model(tom, "bert", "v2")
    creators = {}
    for version in ("v1", "v2"):
        creator = json_of(registry_server.api.get(model_path("bert", version)))["creator"]
        assert isinstance(creator, dict)
        creators[version] = creator["email"]
    assert creators == {"v1": "mia@acme.io", "v2": "tom@acme.io"}


def test_a_body_over_256_kib_is_refused(registry_server: RegistryServer) -> None:
    path = register_model(registry_server.api, "bert", "v1")
    body = json.dumps({"description": "x" * 256 * 1024})
    answer = registry_server.api.patch(path, content=body)
    assert answer.status_code == 400
    assert "too large" in answer.json()["error"]


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff", b"[" * 100_000, b'{"a": NaN}', b'{"description": "\\ud800"}'])
def test_a_body_that_is_no_json_object_is_refused(registry_server: RegistryServer, body: bytes) -> None:
    path = register_model(registry_server.api, "bert", "v1")
    assert registry_server.api.patch(path, content=body).status_code == 400


def test_an_unknown_route_of_the_api_is_a_404_in_json(registry_server: RegistryServer) -> None:
    path = register_model(registry_server.api, "bert", "v1")
    for method, url in (("GET", "/api/v1/nothing"), ("DELETE", path), ("GET", "/api/v1/models/")):
        answer = registry_server.api.request(method, url)
        assert answer.status_code == 404
        assert answer.json() == {"message": f"not found this router with method {method}"}


def test_any_other_path_answers_a_page_of_html_with_200(registry_server: RegistryServer) -> None:
    answer = registry_server.api.get("/wrong/api/v1/models")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    registry_server.faults.html_at_unknown_paths = False
    assert registry_server.api.get("/wrong").status_code == 404


def test_the_version_is_told_to_anybody(registry_server: RegistryServer) -> None:
    with client(registry_server.url, None) as anybody:
        assert "version" in json_of(anybody.get("/api/v1/version"))
        assert json_of(anybody.get("/api/v1/info"))["is_saas"] is False


def test_bentos_and_deployments_are_empty_lists(registry_server: RegistryServer) -> None:
    path = register_model(registry_server.api, "bert", "v1")
    for url in ("/api/v1/bentos", f"{path}/bentos", f"{path}/deployments?start=0&count=5"):
        answer = json_of(registry_server.api.get(url))
        assert (answer["total"], answer["items"]) == (0, [])

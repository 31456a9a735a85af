"""What a client sends that means harm, or is only odd: it gets a refusal, and nobody else notices."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest

from support.registry_server import (
    RegistryServer,
    items_of,
    json_of,
    model_path,
    presign_get,
    put_object,
    register_model,
    repository_path,
)

MANY_DIGITS = "9" * 5000  # more than Python makes a number of
YEAR_S = 365 * 24 * 3600.0


@pytest.fixture
def model(registry_server: RegistryServer) -> str:
    path = register_model(registry_server.api, "bert", "v1")
    put_object(registry_server.api, path, [b"content"])
    return path


@pytest.fixture
def url(registry_server: RegistryServer, model: str) -> str:
    return presign_get(registry_server.api, model)


def test_a_version_with_line_ends_in_its_name_signs_for_nothing_but_itself(registry_server: RegistryServer) -> None:
    put_object(registry_server.api, register_model(registry_server.api, "bert", "v1"), [b"content"])
    # The lines of what is signed: method, key, end of life, upload, part. Cut at another place, the first key would be
    # that of v1, and the end of life one that never comes.
    never, asked = "9" * 14, "q"
    name = f"v1.tar.gz\n{never}\n{asked}"
    draft = {"version": name, "build_at": "2026-11-22 07:35:54.512873"}
    json_of(registry_server.api.post(f"{repository_path('bert')}/models", json=draft))
    signed = presign_get(registry_server.api, model_path("bert", quote(name)))
    fields = httpx.URL(signed).params
    upload_id = f"{asked}.tar.gz\n{fields['X-Expires']}\n"
    path = f"{registry_server.url}/objects/models/default/bert/v1.tar.gz"
    registry_server.clock.advance(YEAR_S)
    forged = httpx.get(path, params={"X-Expires": never, "uploadId": upload_id, "X-Signature": fields["X-Signature"]})
    assert forged.status_code == 403
    assert b"content" not in forged.content


@pytest.mark.parametrize("signature", ["%C3%A9", "%ED%A0%80", MANY_DIGITS, ""])
def test_a_signature_of_any_characters_is_refused(url: str, signature: str) -> None:
    assert httpx.get(url.partition("X-Signature=")[0] + "X-Signature=" + signature).status_code == 403


@pytest.mark.parametrize("expires", [MANY_DIGITS, "%D9%A1", "1%0A", "-1", "1e9"])
def test_an_end_of_life_that_is_no_number_is_refused(url: str, expires: str) -> None:
    before, _, after = url.partition("X-Expires=")
    assert httpx.get(f"{before}X-Expires={expires}&{after.partition('&')[2]}").status_code == 403


@pytest.mark.parametrize("header", [f"bytes={MANY_DIGITS}-", f"bytes=-{MANY_DIGITS}", f"bytes=0-{MANY_DIGITS}"])
def test_a_range_of_thousands_of_digits_is_ignored(url: str, header: str) -> None:
    assert httpx.get(url, headers={"Range": header}).content == b"content"


def test_a_page_of_thousands_of_digits_is_refused(registry_server: RegistryServer) -> None:
    for name in ("start", "count"):
        assert registry_server.api.get("/api/v1/models", params={name: MANY_DIGITS}).status_code == 400


def test_a_client_version_of_thousands_of_digits_is_refused(registry_server: RegistryServer, model: str) -> None:
    answer = registry_server.api.patch(
        f"{model}/presign_download_url", headers={"X-Bentoml-Version": f"1.{MANY_DIGITS}"}
    )
    assert answer.status_code == 400


def test_a_number_that_becomes_infinity_is_refused_and_the_lists_stay_readable(
    registry_server: RegistryServer, model: str
) -> None:
    draft = '{"version":"v2","build_at":"2026-11-22 07:35:54.512873","manifest":{"metadata":{"loss":1e999}}}'
    assert registry_server.api.post(f"{repository_path('bert')}/models", content=draft).status_code == 400
    assert registry_server.api.patch(model, content=draft).status_code == 400
    assert [item["version"] for item in items_of(registry_server.api.get("/api/v1/models"))] == ["v1"]

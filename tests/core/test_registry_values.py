"""What the registry sends is read whatever it is, and what we send is what the registry can read."""

import json
import pickle
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest

from modelsync.account import Token
from modelsync.errors import RemoteModelNotFoundError
from modelsync.model import Json, ModelInfo, UploadStatus
from modelsync.registry import bodies
from modelsync.registry.calls import segment
from modelsync.registry.dates import read_date, write_date
from modelsync.registry.retry import Backoff, read_retry_after
from modelsync.registry.schemas import (
    CompletedPart,
    ETag,
    UploadId,
    parse_json,
    read_organization,
    read_page,
    read_remote_model,
    read_user,
)
from modelsync.registry.targets import DataTarget
from modelsync.registry.words import WORDS_MAX_CHARS, clean
from modelsync.tag import Tag

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T12:00:00Z", NOON),
        ("2026-11-22T20:00:00+08:00", NOON),
        ("2026-11-22T06:30:00.000-05:30", NOON),
        ("2026-11-22T12:00:00.5Z", NOON.replace(microsecond=500_000)),
        ("2026-11-22T12:00:00.123456789Z", NOON.replace(microsecond=123_456)),
        ("2026-11-22 12:00:00.000001", NOON.replace(microsecond=1)),
        ("2026-11-22t12:00:00z", NOON),
        ("2026-11-22T12:00:00,25Z", NOON.replace(microsecond=250_000)),
        ("2026-11-22T12:00:00 Z", NOON),
        ("2026-11-22 12:00:00Z", NOON),
    ],
)
def test_a_date_is_read_with_any_fraction_and_any_offset(text: str, expected: datetime) -> None:
    assert read_date(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "soon",
        5,
        "0001-01-01T00:00:00Z",
        "0001-01-01T08:05:43+08:05",
        "2026-02-30T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T12:00:00+00:00Z",
        "2026-W47-7T12:00:00.000Z",
        "9999-12-31T23:59:59-23:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T20:59:59.5+01:00",
        "2026-11-22T12:00:00+99:00",
        "٢٠٢٦-١١-٢٢T١٢:٠٠:٠٠Z",
    ],
)
def test_what_is_no_date_is_not_known(text: object) -> None:
    assert read_date(text) is None


def test_a_date_is_sent_in_utc_with_six_digits() -> None:
    china = timezone(timedelta(hours=8))
    assert write_date(datetime(2026, 11, 22, 20, 0, 0, 5, tzinfo=china)) == "2026-11-22 12:00:00.000005"
    assert write_date(NOON) == "2026-11-22 12:00:00.000000"
    assert write_date(datetime(999, 1, 2, tzinfo=UTC)) == "0999-01-02 00:00:00.000000"


def test_a_date_survives_the_way_there_and_back() -> None:
    moment = datetime(2026, 11, 22, 7, 35, 54, 512873, tzinfo=UTC)
    assert read_date(write_date(moment)) == moment


def test_a_model_of_nulls_is_read() -> None:
    keys = (
        "uid created_at updated_at deleted_at labels creator description image_build_status upload_status manifest "
        "upload_started_at upload_finished_at upload_finished_reason transmission_strategy build_at repository"
    )
    model = read_remote_model({"version": "v1", **dict.fromkeys(keys.split())}, "m")
    assert model.tag == Tag("m", "v1")
    assert model.status is UploadStatus.UNKNOWN
    assert model.size_bytes is None
    assert model.build_at is None
    assert model.labels == {}
    assert model.metadata == {}
    assert model.transmission_strategy is None


def test_a_model_of_wrong_types_is_read() -> None:
    wrong: list[Json] = [5, "text", [], {}, True, -1.5]
    keys = "uid created_at labels creator upload_status manifest upload_finished_reason transmission_strategy build_at"
    for value in wrong:
        model = read_remote_model({"version": "v1", **dict.fromkeys(keys.split(), value)}, "m")
        assert model.version == "v1"
        inside: dict[str, Json] = dict.fromkeys(("size_bytes", "module", "metadata", "context", "options"), value)
        read_remote_model({"version": "v1", "manifest": inside, "labels": [value, {"key": value, "value": value}]}, "m")


@pytest.mark.parametrize("size", [-1, 2**70, float("inf"), float("nan"), "5", True, None])
def test_an_impossible_size_is_not_known(size: Json) -> None:
    assert read_remote_model({"version": "v1", "manifest": {"size_bytes": size}}, "m").size_bytes is None


def test_the_name_of_a_model_is_its_repositorys() -> None:
    value: Json = {"name": "v1", "version": "v1", "model_uid": "u", "repository": {"name": "bert"}}
    assert read_remote_model(value).tag_text == "bert:v1"
    assert read_remote_model({"name": "v1"}, "bert").version == "v1"  # without a version, its own name is one


def test_a_name_that_no_store_can_keep_is_read_and_has_no_tag() -> None:
    model = read_remote_model({"version": "V 1\x1b[31m" + "x" * 500, "repository": {"name": "[b]Größe[/b]"}})
    assert model.tag is None
    assert model.name == "[b]Größe[/b]"


def test_the_newest_of_two_labels_of_one_key_counts() -> None:
    labels: Json = [{"key": "stage", "value": "prod"}, {"key": "stage", "value": "dev"}, {"key": "n", "value": 3}]
    assert read_remote_model({"version": "v", "labels": labels}, "m").labels == {"stage": "prod", "n": "3"}


def test_a_huggingface_reference_is_known_as_one() -> None:
    metadata: Json = {"registry": "huggingface", "model_id": "org/model", "revision": "abc"}
    value: Json = {"version": "v", "upload_status": "pending", "manifest": {"metadata": metadata, "size_bytes": 5}}
    assert read_remote_model(value, "org--model").is_reference


def test_a_page_counts_what_it_cannot_show() -> None:
    page = read_page(
        {"total": 9, "items": [{"version": "v1"}, None, "x", {}]}, 3, lambda item: read_remote_model(item, "m")
    )
    assert [model.version for model in page.items] == ["v1"]
    assert page.unreadable == 3
    assert page.next_start == 7


def test_a_page_without_a_total_and_an_empty_one_end_the_list() -> None:
    assert read_page({"items": [{"version": "v1"}]}, 0, lambda item: read_remote_model(item, "m")).next_start is None
    assert read_page({"items": None, "total": 99}, 0, read_user).next_start is None
    assert read_page({"items": [], "total": -4}, 0, read_user).total == 0


@pytest.mark.parametrize("value", [None, [], "x", 5, {}, {"items": {}}, {"items": "x", "total": 1}])
def test_what_is_no_list_is_refused(value: Json) -> None:
    with pytest.raises(ValueError):
        read_page(value, 0, read_user)


def test_an_organizations_secrets_are_not_kept() -> None:
    organization = read_organization({"name": "acme", "config": {"s3": {"secret_key": "hidden"}}})
    assert "hidden" not in repr(organization)


def test_half_a_character_is_replaced() -> None:
    value = parse_json(b'{"name": "a\\ud800b", "\\udfff": ["\\ud83d\\ude00", "\\uDC00"]}')
    assert value == {"name": "a�b", "�": ["😀", "�"]}


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b"1" * 5_000, b'{"a":'])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(body)


def test_numbers_that_json_lacks_and_bytes_that_are_no_text_are_read() -> None:
    assert parse_json(b'[NaN, -Infinity, "\xff"]') == [None, None, "�"]


def test_a_model_is_registered_as_the_real_client_does() -> None:
    info = ModelInfo(
        tag=Tag("my-model", "lgj443xgi6vheax4"),
        module="",
        labels={"stage": "dev", "n": "3"},
        options={},
        metadata={"acc": 0.9, "tags": ["a", "b"]},
        context={
            "framework_name": "",
            "framework_versions": {},
            "bentoml_version": "1.4.39",
            "python_version": "3.11.7",
        },
        signatures={},
        api_version="v1",
        creation_time=datetime(2026, 11, 22, 7, 35, 54, 512873, tzinfo=UTC),
    )
    seen = (
        '{"description":"","version":"lgj443xgi6vheax4",'
        '"manifest":{"module":"","api_version":"v1","bentoml_version":"1.4.39","size_bytes":6334,'
        '"metadata":{"acc":0.9,"tags":["a","b"]},'
        '"context":{"framework_name":"","framework_versions":{},"bentoml_version":"1.4.39","python_version":"3.11.7"},'
        '"options":{}},'
        '"build_at":"2026-11-22 07:35:54.512873",'
        '"labels":[{"key":"stage","value":"dev"},{"key":"n","value":"3"}]}'
    )
    assert bodies.encode(bodies.model(info, 6334)).decode() == seen


def test_a_body_holds_only_what_json_and_utf_8_can_say() -> None:
    encoded = bodies.encode({"a": float("inf"), "b": [float("nan"), {"c": "\udc80é"}]})
    assert encoded == b'{"a":null,"b":[null,{"c":"\\udc80\xc3\xa9"}]}'
    assert json.loads(encoded)["b"][1]["c"] == "\udc80é"


def test_text_of_other_scripts_takes_no_more_room_in_a_body_than_in_utf_8() -> None:
    metadata: Json = {"notes": "模型" * 30_000, "quotes": '"\\\n\x00\u2028'}
    encoded = bodies.encode({"metadata": metadata})
    assert len(encoded) < bodies.BODY_MAX_BYTES
    assert json.loads(encoded) == {"metadata": metadata}


def test_etags_are_sent_with_their_quotes() -> None:
    encoded = bodies.encode(bodies.completion(UploadId("u"), [CompletedPart(1, ETag('"04d2"'))]))
    assert json.loads(encoded) == {"upload_id": "u", "parts": [{"part_number": 1, "etag": '"04d2"'}]}


def test_names_become_one_piece_of_a_path() -> None:
    assert segment("bert-1.0_x") == "bert-1.0_x"
    assert segment("a/b?c#d%e f") == "a%2Fb%3Fc%23d%25e%20f"
    assert segment("..") == "%2E%2E"
    assert segment("größe") == "gr%C3%B6%C3%9Fe"
    with pytest.raises(RemoteModelNotFoundError):
        segment("")


def test_a_target_never_shows_its_secrets() -> None:
    presigned = DataTarget.presigned_at("https://s3.example:9000/bucket/m.tar.gz?X-Amz-Signature=abc123")
    assert presigned.presigned
    assert presigned.host == "s3.example:9000"
    proxied = DataTarget("https://reg.example/upload", {"X-YATAI-API-TOKEN": "tok-secret"})
    assert not proxied.presigned
    for text in (repr(presigned), str(proxied), f"{proxied}", presigned.public_url):
        assert "abc123" not in text
        assert "tok-secret" not in text


@pytest.mark.parametrize(
    "url",
    [
        *("", "ftp://x/y", "https:///x", "/relative", "https://h/a b", "https://h/\nx", "http://[::1"),
        *(
            "https://h:port/x",
            "https://[::1]x/y",
            "https://[v1.a]/x",
            "https://a..b/x",
            "https://./x",
            "https://xn--a/x",
        ),
        *(f"https://{'a' * 64}.example/x", f"https://h/{'a' * 65_536}"),
    ],
)
def test_an_address_that_bytes_cannot_go_to_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        DataTarget.presigned_at(url)


def test_waits_double_up_to_a_limit_and_are_shortened_by_chance() -> None:
    backoff = Backoff(first_s=0.5, longest_s=3.0, chance=lambda: 1.0)
    assert [backoff.delay_s(tries) for tries in (1, 2, 3, 4, 5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert Backoff(first_s=1.0, chance=lambda: 0.0).delay_s(1) == 0.5


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    assert read_retry_after("7") == 7.0
    assert read_retry_after("Sun, 22 Nov 2026 12:00:30 GMT", NOON) == 30.0
    assert read_retry_after("Sun, 22 Nov 2020 12:00:30 GMT", NOON) == 0.0
    endless = "9" * 20
    beyond = (f"Mon, 01 Jan {endless} 00:00:00 GMT", f"Mon, 01 Jan 2026 {endless}:00:00 GMT")
    for nothing in (None, "", "soon", "-5", "٣", *beyond, f"Mon, 01 Jan 2026 00:00:00 +{endless}"):
        assert read_retry_after(nothing) is None


def test_words_of_others_become_one_short_harmless_line() -> None:
    dirty = "a\x1b[2J\r\nb\u202e c \x00 [red]d[/red] https://u@s3/x?X-Amz-Signature=abc&y=1 tok-1 " + "x" * 1000
    said = clean(dirty, "tok-1")
    assert said.isprintable()
    assert len(said) == WORDS_MAX_CHARS
    assert "abc" not in said
    assert "tok-1" not in said
    assert "https://u@s3/x?..." in said


def test_a_token_never_shows_itself() -> None:
    token = Token("tok-secret")
    for text in (repr(token), str(token), f"{token}", f"{token:>20}", repr([token])):
        assert "secret" not in text
    assert token == Token("tok-secret")
    assert token != Token("other")
    assert token.reveal() == "tok-secret"
    with pytest.raises(TypeError):
        pickle.dumps(token)


def test_the_values_of_the_registry_load_no_http_library() -> None:
    code = (
        "import sys, modelsync.registry, modelsync.registry.schemas, modelsync.registry.targets, "
        "modelsync.registry.query, modelsync.account; print('httpx' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"

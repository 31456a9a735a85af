"""The client against our own registry: the whole conversation of a push and a pull, lists, and refusals."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.errors import (
    PermissionDeniedError,
    RegistryRefusedError,
    RemoteModelNotFoundError,
    TokenRefusedError,
    UnreachableError,
    UploadGoneError,
)
from modelsync.model import ModelInfo, UploadStatus
from modelsync.registry.client import Registry
from modelsync.registry.retry import Backoff
from modelsync.registry.schemas import CompletedPart, ETag, UploadId
from modelsync.registry.targets import DataTarget
from modelsync.tag import Tag
from support.registry_server import EXPIRED_TOKEN, READ_TOKEN, TOKEN, RegistryFactory, RegistryServer, register_model

TAG = Tag("sentiment_model", "v1_approved")
BUILT = datetime(2026, 11, 22, 7, 35, 54, 512873, tzinfo=UTC)


def info_of(tag: Tag = TAG, *, labels: dict[str, str] | None = None, built: datetime = BUILT) -> ModelInfo:
    return ModelInfo(
        tag=tag,
        module="bentoml.sklearn",
        labels={"stage": "dev", "n": "3"} if labels is None else labels,
        options={"providers": ["CPU"]},
        metadata={"acc": 0.9, "tags": ["a", "b"], "broken": float("nan")},
        context={
            "framework_name": "sklearn",
            "framework_versions": {"scikit-learn": "1.5.0"},
            "bentoml_version": "1.4.39",
            "python_version": "3.11.7",
        },
        signatures={},
        api_version="v1",
        creation_time=built,
    )


def open_registry(server: RegistryServer, token: str = TOKEN, organization: str | None = None) -> Registry:
    context = Context("test", server.url, organization=organization)
    return Registry(Account(context, Token(token), TokenSource.SESSION), backoff=Backoff(tries=3, first_s=0.001))


@pytest.fixture
def registry(registry_server: RegistryServer) -> Iterator[Registry]:
    with open_registry(registry_server) as opened:
        yield opened


def put(target: DataTarget, data: bytes) -> ETag:
    answer = httpx.put(target.url, content=data, headers=dict(target.headers))
    assert answer.status_code == 200, answer.text
    return ETag(answer.headers.get("ETag", ""))


def get(target: DataTarget) -> bytes:
    answer = httpx.get(target.url, headers=dict(target.headers))
    assert answer.status_code == 200, answer.text
    return answer.content


def register(registry: Registry, tag: Tag = TAG, built: datetime = BUILT, labels: dict[str, str] | None = None) -> None:
    registry.create_repository(tag.name)
    registry.create_model(tag, info_of(tag, built=built, labels=labels), 6334)


def test_a_model_goes_up_in_parts_and_comes_down_whole(registry: Registry) -> None:
    pieces = [b"a" * 70_000, b"b" * 70_000, b"the end"]
    assert not registry.repository_exists(TAG.name)
    assert registry.model(TAG) is None
    register(registry)
    assert registry.repository_exists(TAG.name)
    registry.start_upload(TAG)
    there = registry.model(TAG)
    assert there is not None
    assert there.status is UploadStatus.UPLOADING
    upload_id = registry.start_multipart(TAG)
    parts = [
        CompletedPart(number, put(registry.presign_part(TAG, upload_id, number), piece))
        for number, piece in enumerate(pieces, start=1)
    ]
    assert parts[0].etag == f'"{hashlib.md5(pieces[0]).hexdigest()}"'
    registry.complete_multipart(TAG, upload_id, list(reversed(parts)))
    registry.finish_upload(TAG, ok=True)
    target = registry.presign_download(TAG)
    assert target is not None
    assert target.presigned
    assert get(target) == b"".join(pieces)
    assert get(registry.proxy_download(TAG)) == b"".join(pieces)


def test_a_record_comes_back_as_it_was_registered(registry: Registry) -> None:
    register(registry)
    there = registry.model(TAG)
    assert there is not None
    assert there.tag == TAG
    assert there.status is UploadStatus.PENDING
    assert there.size_bytes == 6334
    assert there.build_at == BUILT
    assert there.labels == {"stage": "dev", "n": "3"}
    assert there.module == "bentoml.sklearn"
    assert there.metadata == {"acc": 0.9, "tags": ["a", "b"], "broken": None}
    assert there.options == {"providers": ["CPU"]}
    assert there.context["framework_versions"] == {"scikit-learn": "1.5.0"}
    assert there.creator_email == "mia@acme.io"
    assert there.created_at is not None
    assert abs(there.created_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_whole_archive_goes_through_one_presigned_address(registry: Registry) -> None:
    register(registry)
    target = registry.presign_upload(TAG)
    assert target is not None
    assert target.presigned
    put(target, b"one piece")
    registry.finish_upload(TAG, ok=True)
    assert get(registry.proxy_download(TAG)) == b"one piece"


def test_a_whole_archive_goes_through_the_registry_with_the_token(registry: Registry) -> None:
    register(registry)
    target = registry.proxy_upload(TAG)
    assert not target.presigned
    put(target, b"by proxy")
    there = registry.model(TAG)
    assert there is not None
    assert there.status is UploadStatus.SUCCESS
    assert get(registry.proxy_download(TAG)) == b"by proxy"


def test_a_failed_upload_says_why(registry: Registry) -> None:
    register(registry)
    registry.finish_upload(TAG, ok=False, reason="the disk is full " * 200)
    there = registry.model(TAG)
    assert there is not None
    assert there.status is UploadStatus.FAILED
    assert there.status_reason.startswith("the disk is full")


def test_registering_twice_is_fine(registry: Registry) -> None:
    register(registry)
    registry.create_repository(TAG.name)
    again = registry.create_model(TAG, info_of(labels={"stage": "other"}), 1)
    assert again.labels == {"stage": "dev", "n": "3"}  # the record that was there


def test_completing_twice_says_that_the_upload_is_gone(registry: Registry) -> None:
    register(registry)
    upload_id = registry.start_multipart(TAG)
    part = CompletedPart(1, put(registry.presign_part(TAG, upload_id, 1), b"all"))
    registry.complete_multipart(TAG, upload_id, [part])
    with pytest.raises(UploadGoneError):
        registry.complete_multipart(TAG, upload_id, [part])
    with pytest.raises(UploadGoneError):
        registry.complete_multipart(TAG, UploadId("invented"), [part])


def test_labels_are_replaced_as_a_whole(registry: Registry) -> None:
    register(registry)
    registry.update_record(TAG, info_of(labels={"stage": "prod"}), 6334)
    there = registry.model(TAG)
    assert there is not None
    assert there.labels == {"stage": "prod"}


def test_lists_come_in_pages_newest_build_first(registry: Registry) -> None:
    for day in range(7):
        register(registry, Tag("paged", f"v{day}"), BUILT + timedelta(days=day))
    register(registry, Tag("other", "v9"), BUILT - timedelta(days=1))
    first = registry.models(count=3)
    assert first.total == 8
    assert [model.tag_text for model in first.items] == ["paged:v6", "paged:v5", "paged:v4"]
    assert first.next_start == 3
    last = registry.versions("paged", start=6, count=3)
    assert [model.tag_text for model in last.items] == ["paged:v0"]
    assert last.next_start is None
    assert len(list(registry.all_models(count=3))) == 8
    assert [model.version for model in registry.all_versions("paged", count=2)] == [
        f"v{day}" for day in range(6, -1, -1)
    ]


def test_search_and_query_pick_models(registry: Registry) -> None:
    register(registry, Tag("bert", "v1"), labels={"stage": "prod"})
    register(registry, Tag("bert", "v2"), labels={"stage": "dev"})
    register(registry, Tag("tree", "v1"), labels={"stage": "prod"})
    assert {model.tag_text for model in registry.models(search="ber").items} == {"bert:v1", "bert:v2"}
    assert {model.tag_text for model in registry.models(query="label:stage=prod").items} == {"bert:v1", "tree:v1"}
    assert [model.tag_text for model in registry.models(query="bert label:stage=prod").items] == ["bert:v1"]
    assert registry.models(query="creator:nobody").items == ()


def test_latest_is_the_newest_build_that_succeeded(registry: Registry) -> None:
    for day in range(14):
        register(
            registry, Tag("many", f"v{day:02}"), BUILT + timedelta(days=day), {"stage": "prod" if day < 2 else "dev"}
        )
    assert registry.latest("many") is None
    for version in ("v00", "v01", "v02"):
        registry.finish_upload(Tag("many", version), ok=True)
    registry.finish_upload(Tag("many", "v13"), ok=False, reason="cut")
    newest = registry.latest("many")
    assert newest is not None
    assert newest.version == "v02"  # beyond the first page, behind failed and pending ones
    chosen = registry.latest("many", "label:stage=prod")
    assert chosen is not None
    assert chosen.version == "v01"
    assert registry.latest("no_such_model") is None


def test_labels_in_use_are_listed(registry: Registry) -> None:
    register(registry)
    register(registry, Tag("other", "v1"), labels={"stage": "prod"})
    assert set(registry.labels()["stage"]) == {"dev", "prod"}


def test_who_and_where_are_told(registry: Registry) -> None:
    user = registry.current_user()
    assert (user.name, user.email) == ("mia", "mia@acme.io")
    assert registry.current_organization().name
    assert registry.organizations()
    register(registry)
    assert registry.bentos_using(TAG) == ()
    assert registry.deployments_using(TAG) == ()


def test_an_unknown_token_is_refused(registry_server: RegistryServer) -> None:
    with (
        open_registry(registry_server, "tok-nobody-0000000000") as registry,
        pytest.raises(TokenRefusedError) as refused,
    ):
        registry.current_user()
    assert "tok-nobody" not in refused.value.sentence
    assert registry_server.url.removeprefix("http://") in refused.value.message


def test_an_expired_token_is_refused_as_expired(registry_server: RegistryServer) -> None:
    with open_registry(registry_server, EXPIRED_TOKEN) as registry, pytest.raises(TokenRefusedError, match="expired"):
        registry.models()


def test_a_token_without_the_scope_reads_but_does_not_write(registry_server: RegistryServer) -> None:
    with open_registry(registry_server, READ_TOKEN) as registry:
        assert registry.models().total == 0
        with pytest.raises(PermissionDeniedError) as denied:
            registry.create_repository("mine")
    assert "write_organization" in denied.value.sentence


def test_an_unknown_organization_is_named(registry_server: RegistryServer) -> None:
    with open_registry(registry_server, organization="elsewhere") as registry:
        with pytest.raises(PermissionDeniedError, match="elsewhere"):
            registry.models()
        with pytest.raises(PermissionDeniedError, match="elsewhere"):
            registry.model(TAG)


def test_work_on_a_missing_version_says_that_it_is_not_there(registry: Registry) -> None:
    with pytest.raises(RemoteModelNotFoundError, match="sentiment_model:v1_approved"):
        registry.start_upload(TAG)
    with pytest.raises(RemoteModelNotFoundError):
        registry.versions("no_such_model")
    with pytest.raises(RemoteModelNotFoundError):
        registry.create_model(TAG, info_of(), 1)  # the name is not registered


def test_a_registry_that_went_away_is_unreachable(registry_server: RegistryServer, registry: Registry) -> None:
    registry.current_user()
    registry_server.stop()
    with pytest.raises(UnreachableError, match=r"Nothing answers at 127\.0\.0\.1"):
        registry.current_user()


def test_storage_trouble_told_as_400_passes(make_registry: RegistryFactory) -> None:
    server = make_registry()
    register_model(server.api, "m", "v1")
    with open_registry(server) as registry:
        server.faults.storage_failures = 2
        assert registry.presign_download(Tag("m", "v1")) is not None
        server.faults.storage_failures = 99
        with pytest.raises(UnreachableError, match="storage"):
            registry.presign_download(Tag("m", "v1"))


def test_a_list_of_parts_that_is_too_long_is_not_sent(registry: Registry) -> None:
    register(registry)
    etag = ETag(f'"{"0" * 32}"')
    parts = [CompletedPart(number, etag) for number in range(1, 4_501)]
    with pytest.raises(RegistryRefusedError, match="4500 parts"):
        registry.complete_multipart(TAG, UploadId("x"), parts)

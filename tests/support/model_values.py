"""Versions of models as values, for tests that need no disk and no registry."""

from datetime import UTC, datetime
from pathlib import Path

from modelsync.model import LocalModel, ModelInfo, RemoteModel, UploadStatus
from modelsync.tag import Tag

BUILT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def local_model(tag: str, size_bytes: int = 1000, built: datetime = BUILT, **labels: str) -> LocalModel:
    """A whole version in a local store."""
    info = ModelInfo(
        tag=Tag.parse(tag),
        module="",
        labels=labels,
        options={},
        metadata={},
        context={},
        signatures={},
        api_version="v1",
        creation_time=built,
    )
    return LocalModel(info, Path("/nowhere"), size_bytes)


def remote_model(
    tag: str,
    size_bytes: int = 1000,
    built: datetime = BUILT,
    *,
    status: UploadStatus = UploadStatus.SUCCESS,
    by: str = "raj@acme.io",
    **labels: str,
) -> RemoteModel:
    """A version as a registry's list has it."""
    name, _, version = tag.partition(":")
    return RemoteModel(
        name,
        version,
        status=status,
        size_bytes=size_bytes,
        build_at=built,
        created_at=built,
        creator_email=by,
        labels=labels,
    )

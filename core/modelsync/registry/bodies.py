"""What is sent to the registry as JSON (registry contract 1.2)."""

import json
import math
from collections.abc import Mapping, Sequence

from modelsync.model import Json, ModelInfo
from modelsync.registry.dates import write_date
from modelsync.registry.schemas import CompletedPart, UploadId

BODY_MAX_BYTES = 256 * 1024
"""What a server's JSON routes take, at least (contract 4.3)."""
REASON_MAX_CHARS = 1000
"""Of why an upload failed; more helps nobody and a long one could itself be refused."""

Body = dict[str, Json]


def encode(body: Body) -> bytes:
    """The body as bytes: compact, UTF-8 (half characters stay escaped), numbers that JSON lacks as null.

    Escaped text of other scripts would take three times the room, and BODY_MAX_BYTES would refuse what the real client
    sends.
    """
    text = json.dumps(_finite(body), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", errors="backslashreplace")


def repository(name: str) -> Body:
    return {"name": name, "description": ""}


def model(info: ModelInfo, size_bytes: int) -> Body:
    """CreateModel as the real client sends it; `size_bytes` is the sum of the version's files."""
    return {
        "description": "",
        "version": info.tag.version,
        "manifest": _manifest(info, size_bytes),
        "build_at": write_date(info.creation_time),
        "labels": _labels(info.labels),
    }


def record(info: ModelInfo, size_bytes: int) -> Body:
    """UpdateModel: labels replace all that are there; Yatai ignores the rest (contract 1.2).

    No description is sent: what a person wrote in the registry stays.
    """
    return {
        "manifest": _manifest(info, size_bytes),
        "build_at": write_date(info.creation_time),
        "labels": _labels(info.labels),
    }


def finish(ok: bool, reason: str) -> Body:
    return {"status": "success" if ok else "failed", "reason": reason[:REASON_MAX_CHARS]}


def part(upload_id: UploadId, number: int) -> Body:
    return {"upload_id": upload_id, "part_number": number}


def completion(upload_id: UploadId, parts: Sequence[CompletedPart]) -> Body:
    return {"parts": [{"part_number": each.number, "etag": each.etag} for each in parts], "upload_id": upload_id}


def _manifest(info: ModelInfo, size_bytes: int) -> Body:
    bentoml_version = info.context.get("bentoml_version")
    return {
        "module": info.module,
        "api_version": info.api_version,
        "bentoml_version": bentoml_version if isinstance(bentoml_version, str) else "",
        "size_bytes": size_bytes,
        "metadata": dict(info.metadata),
        "context": dict(info.context),
        "options": dict(info.options),
    }


def _labels(labels: Mapping[str, str]) -> Json:
    return [{"key": key, "value": value} for key, value in labels.items()]


def _finite(value: Json) -> Json:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case list():
            return [_finite(each) for each in value]
        case dict():
            return {key: _finite(each) for key, each in value.items()}
        case _:
            return value

"""What is known of a model version: on disk, and in the registry's list."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from modelsync.tag import Tag, is_valid_part

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
"""A value of model.yaml or of a manifest, after its dates became ISO strings."""


class Direction(StrEnum):
    """Which way a transfer goes, seen from the local store."""

    PUSH = "push"
    PULL = "pull"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The content of one model.yaml (registry contract 5.3)."""

    tag: Tag
    module: str
    labels: Mapping[str, str]
    options: Mapping[str, Json]
    metadata: Mapping[str, Json]
    context: Mapping[str, Json]
    signatures: Mapping[str, Json]
    api_version: str
    creation_time: datetime
    """Always aware, in UTC."""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """One whole version in the local store."""

    info: ModelInfo
    path: Path
    size_bytes: int
    """Sum of the sizes of its files, model.yaml included (what a manifest calls size_bytes)."""
    is_latest: bool = False
    """Whether it is what `name:latest` means in the store."""

    @property
    def tag(self) -> Tag:
        return self.info.tag


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file or link inside a version, on one side."""

    name: str
    """Its path in the version, with `/`; what is not UTF-8 in it stands as `\\xff`."""
    size_bytes: int | None
    """None: a symbolic link."""
    path: Path | None = None
    """Where it lies; None for a file of the registry."""


class EntryProblem(StrEnum):
    """Why a directory under models/ is no model."""

    BROKEN = "broken"
    """model.yaml is there but unreadable, or names another tag."""
    HALF_WRITTEN = "half-written"
    """No model.yaml: a copy that was cut short."""
    FOREIGN = "foreign"
    """Not a name BentoML would give; the real `bentoml models list` stops at it."""


@dataclass(frozen=True, slots=True)
class BrokenEntry:
    """Something under models/ that is not a model, shown as what it is."""

    path: Path
    name: str
    version: str
    """Empty when the whole name directory is meant."""
    problem: EntryProblem
    reason: str


class UploadStatus(StrEnum):
    """What the registry says of a version's bytes (registry contract 3.1); the server never checks it."""

    PENDING = "pending"
    UPLOADING = "uploading"
    SUCCESS = "success"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Something this program does not know; shown, never relied on."""


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """One version as the registry records it; every field may be missing on its side."""

    name: str
    version: str
    uid: str = ""
    status: UploadStatus = UploadStatus.UNKNOWN
    status_reason: str = ""
    """Why an upload failed, in the words of who pushed."""
    size_bytes: int | None = None
    """manifest.size_bytes: the sum of the files, not the archive; None without a manifest."""
    build_at: datetime | None = None
    """creation_time of the pushed model; aware, in UTC."""
    created_at: datetime | None = None
    """When it was registered."""
    upload_started_at: datetime | None = None
    upload_finished_at: datetime | None = None
    creator_name: str = ""
    creator_email: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    module: str = ""
    metadata: Mapping[str, Json] = field(default_factory=dict)
    context: Mapping[str, Json] = field(default_factory=dict)
    options: Mapping[str, Json] = field(default_factory=dict)
    description: str = ""
    transmission_strategy: str | None = None
    """`proxy`, `presigned_url`, or None (newer servers: decide by presign_upload_url; contract 1, fact 9)."""

    @property
    def tag_text(self) -> str:
        """`name:version` as the registry writes it, valid or not."""
        return f"{self.name}:{self.version}"

    @property
    def tag(self) -> Tag | None:
        """The tag, or None where a local store cannot keep such a name (contract 5.2: any case, any length)."""
        if is_valid_part(self.name) and is_valid_part(self.version):
            return Tag(self.name, self.version)
        return None

    @property
    def is_reference(self) -> bool:
        """A HuggingFace reference: no content here, its status stays pending (contract 5.5)."""
        return self.metadata.get("registry") == "huggingface"


@dataclass(frozen=True, slots=True)
class User:
    """Who a token belongs to."""

    name: str
    email: str = ""

    @property
    def label(self) -> str:
        """The e-mail where there is one, else the name."""
        return self.email or self.name


@dataclass(frozen=True, slots=True)
class Organization:
    """Where a token's models live."""

    name: str

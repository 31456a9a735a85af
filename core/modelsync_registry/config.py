"""Everything that can be chosen about a registry before it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from modelsync_registry.dates import utc_now
from modelsync_registry.faults import Faults
from modelsync_registry.tokens import TokenGrant

MIB = 1024 * 1024
PART_SIZE_MIN = 5 * MIB  # bytes; S3's rule for every part but the last (registry contract 4.3)
PATIENCE_S = 120.0
URL_LIFETIME_S = 3600.0  # as Yatai signs them (registry contract 4.4)


class TransmissionStrategy(StrEnum):
    """How a client is told to move bytes (registry contract 3.1); `None` in its place is BentoCloud's old way."""

    PRESIGNED_URL = "presigned_url"
    PROXY = "proxy"


REGION = "us-east-1"
"""What servers of one's own mostly call themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Location:
    """Where in an S3 store the objects are; the credentials come from the environment (AWS_ACCESS_KEY_ID and so on)."""

    bucket: str
    prefix: str = ""
    """Put before every key; empty, or ending in a slash."""

    endpoint: str | None = None
    """The address of the store, which clients must reach as well; `None`: AWS itself."""

    region: str = REGION

    @classmethod
    def parse(cls, url: str, *, endpoint: str | None = None, region: str = REGION) -> S3Location:
        """Reads `s3://BUCKET[/PREFIX]`. Raises ValueError, which says what is wrong with it or with the endpoint."""
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
            raise ValueError(f"{url!r} is not of the form s3://BUCKET or s3://BUCKET/PREFIX")
        if endpoint is not None:
            where = urlsplit(endpoint)
            if where.scheme not in {"http", "https"} or not where.hostname or where.path.strip("/") or where.query:
                raise ValueError(f"{endpoint!r} is not the address of an S3 server, as https://s3.example.com is one")
        prefix = parts.path.strip("/")
        return cls(bucket=parts.netloc, prefix=f"{prefix}/" if prefix else "", endpoint=endpoint, region=region)

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def host(self) -> str:
        """For messages."""
        return urlsplit(self.endpoint).netloc if self.endpoint else f"of AWS in {self.region}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryConfig:
    """One registry: where its data are, who may call, and how it behaves."""

    data: Path
    """The directory that holds everything; made when missing. One process at a time."""

    objects: S3Location | None = None
    """Where archives are kept instead of in `data`; of the settings below, `part_size_min` and `sync` are then S3's."""

    tokens: tuple[TokenGrant, ...]
    """The whole truth about access: a token that is not here (any more) is refused."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any free one."""

    organizations: tuple[str, ...] = ("default",)
    """A request that names none means the one made first; one that was made stays (registry contract 1.0)."""

    strategy: TransmissionStrategy | None = TransmissionStrategy.PRESIGNED_URL

    public_url: str | None = None
    """The address that presigned URLs begin with; `None`: whatever address the request came to."""

    url_lifetime_s: float = URL_LIFETIME_S
    part_size_min: int = PART_SIZE_MIN
    """Bytes; tests lower it to move small parts."""

    sync: bool = True
    """Whether a part is forced to the disk before it is acknowledged, so that power loss cannot take it back."""

    patience_s: float = PATIENCE_S
    """How long a client may keep the registry waiting in the middle of a request; then its connection is cut."""

    clock: Callable[[], datetime] = utc_now
    """What time it is: for records, token expiry and URL expiry alike."""

    faults: Faults = field(default_factory=Faults)

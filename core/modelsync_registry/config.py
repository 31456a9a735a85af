"""Everything that can be chosen about a registry before it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from modelsync_registry.dates import utc_now
from modelsync_registry.faults import Faults
from modelsync_registry.tokens import TokenGrant

MIB = 1024 * 1024
PART_SIZE_MIN = 5 * MIB  # bytes; S3's rule for every part but the last (registry contract 4.3)
URL_LIFETIME_S = 3600.0  # as Yatai signs them (registry contract 4.4)


class TransmissionStrategy(StrEnum):
    """How a client is told to move bytes (registry contract 3.1); `None` in its place is BentoCloud's old way."""

    PRESIGNED_URL = "presigned_url"
    PROXY = "proxy"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryConfig:
    """One registry: where its data are, who may call, and how it behaves."""

    data: Path
    """The directory that holds everything; made when missing. One process at a time."""

    tokens: tuple[TokenGrant, ...]
    """The whole truth about access: a token that is not here (any more) is refused."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any free one."""

    organizations: tuple[str, ...] = ("default",)
    """The first is the one meant by a request that names none."""

    strategy: TransmissionStrategy | None = TransmissionStrategy.PRESIGNED_URL

    public_url: str | None = None
    """The address that presigned URLs begin with; `None`: whatever address the request came to."""

    url_lifetime_s: float = URL_LIFETIME_S
    part_size_min: int = PART_SIZE_MIN
    """Bytes; tests lower it to move small parts."""

    sync: bool = True
    """Whether a part is forced to the disk before it is acknowledged, so that power loss cannot take it back."""

    clock: Callable[[], datetime] = utc_now
    """What time it is: for records, token expiry and URL expiry alike."""

    faults: Faults = field(default_factory=Faults)

"""Where a model's bytes go or come from: a presigned address, or the registry's own upload and download routes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

_BLANK = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True, repr=False)
class DataTarget:
    """One address for bytes. Both its query and its headers are secrets and stay out of every repr and log."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """To be sent with the bytes; empty for a presigned address, which must never see the token (contract, fact 1)."""

    @classmethod
    def presigned_at(cls, url: str) -> Self:
        """An address that the registry signed; raises ValueError when it is none that bytes can be sent to."""
        if not url.isascii() or _BLANK.search(url):
            raise ValueError("an address with characters that no address has")
        pieces = urlsplit(url)
        if pieces.scheme not in ("http", "https") or not pieces.hostname:
            raise ValueError("not an http address")
        return cls(url)

    @property
    def presigned(self) -> bool:
        return not self.headers

    @property
    def host(self) -> str:
        """Host and port, for a message."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def public_url(self) -> str:
        """The address without its query, for a log."""
        pieces = urlsplit(self.url)
        return f"{pieces.scheme}://{self.host}{pieces.path}"

    def __repr__(self) -> str:
        return f"DataTarget({self.public_url}, {'presigned' if self.presigned else 'with token'})"

"""Where a model's bytes go or come from: a presigned address, or the registry's own upload and download routes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self
from urllib.parse import urlsplit

_BLANK = re.compile(r"[\x00-\x20\x7f]")
_URL_MAX_CHARS = 64 * 1024 - 1
"""As many as httpx takes; servers take 8 KiB or so."""
_LABEL_MAX_CHARS = 63
"""Between two dots of a name (RFC 1035, 2.3.4)."""


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
        if len(url) > _URL_MAX_CHARS or not can_be_asked(pieces.scheme, pieces.netloc):
            raise ValueError("an address that no machine can have")
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


@lru_cache(maxsize=64)
def can_be_asked(scheme: str, authority: str) -> bool:
    """Whether a connection to a host and port can be tried at all; others end in errors of names and of IDNA."""
    import httpx  # whoever asks this is about to connect

    try:
        url = httpx.URL(f"{scheme}://{authority}/")
        labels = url.raw_host.removesuffix(b".").split(b".")
        return bool(url.host) and (b":" in url.raw_host or all(0 < len(label) <= _LABEL_MAX_CHARS for label in labels))
    except (httpx.InvalidURL, ValueError):  # a name that IDNA refuses is the latter
        return False

"""The address of a registry, and of its object store: which ones may be given the token and the bytes."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from modelsync.errors import UsageError
from modelsync.http.connecting import is_loopback
from modelsync.registry.targets import can_be_asked

_HINT = "Write it as https://HOST, with the registry's path behind it if it has one."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A checked address, with a base path if the registry has one."""

    url: str
    """Without a trailing slash."""
    host: str
    """Host and port, for messages."""
    needs_tls_trust: bool
    """False where no certificate can play a part, so that none need be loaded."""

    @classmethod
    def checked(cls, url: str, *, plain_http: bool) -> Self:
        """Raises UsageError for what is no address, and for plain http to another machine unless it is allowed."""
        url = url.rstrip("/")
        try:
            pieces = urlsplit(url)
            name, _ = pieces.hostname or "", pieces.port
        except ValueError as exc:
            raise UsageError("The endpoint is not an address.", hint=_HINT) from exc
        if pieces.scheme not in ("http", "https") or not name or not url.isprintable() or " " in url:
            raise UsageError("The endpoint is not the address of a registry.", hint=_HINT)
        if not can_be_asked(pieces.scheme, pieces.netloc):
            raise UsageError("The endpoint is not the address of a registry.", hint=_HINT)
        host = pieces.netloc.rpartition("@")[2]
        if pieces.query or pieces.fragment or "@" in pieces.netloc:
            raise UsageError(f"The endpoint {host} has a query or a user in it.", hint=_HINT)
        is_local = is_loopback(name)
        if pieces.scheme == "http" and not plain_http and not is_local:
            raise UsageError(
                f"{host} would get the token unencrypted.",
                hint="Use https://, or allow it: modelsync login --plain-http.",
            )
        return cls(url, host, needs_tls_trust=pieces.scheme == "https" or not is_local)


def check_data_address(url: str, *, plain_http: bool) -> None:
    """Raises UsageError for plain http to another machine unless the context allows it.

    A signed address is a key and a model may be a secret: the rule for the token holds for them too.
    """
    pieces = urlsplit(url)
    if pieces.scheme == "http" and not plain_http and not is_loopback(pieces.hostname or ""):
        raise UsageError(
            f"The object store at {pieces.netloc.rpartition('@')[2]} would move the model unencrypted.",
            hint="Ask for https there, or allow plain http for this context: modelsync login --plain-http.",
        )

"""One request of bytes to or from an object store (or the registry's own upload and download), and what is answered.

The one place where the data path's HTTP errors become modelsync's.
"""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import cast

import httpx

from modelsync.errors import (
    IntegrityError,
    ModelsyncError,
    NoSpaceError,
    PartError,
    PermissionDeniedError,
    RegistryUnavailableError,
    RemoteChangedError,
    RemoteModelNotFoundError,
    TlsError,
    UnreachableError,
    UploadGoneError,
)
from modelsync.http.bodies import ReadInto
from modelsync.http.extents import FileExtent
from modelsync.http.transport import Transport
from modelsync.registry.calls import Call, Reply
from modelsync.registry.failures import Failures
from modelsync.registry.retry import read_retry_after
from modelsync.registry.schemas import ETag
from modelsync.registry.targets import DataTarget
from modelsync.registry.unreachable import unreachable
from modelsync.registry.words import clean
from modelsync.transfer.control import Control
from modelsync.transfer.retry import Retryable

log = logging.getLogger("modelsync.transfer")

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
RETRIED_CODES = frozenset({"BadDigest", "RequestTimeout", "SlowDown", "InternalError", "IncompleteBody"})
"""S3 error codes that pass, whatever status they come with."""
_MD5_ETAG = re.compile(r'"?[0-9a-f]{32}"?')
ERROR_BODY_MAX_BYTES = 16 << 10


class UrlRefused(Exception):  # noqa: N818 - it never leaves the transfer package
    """The store answered 403: the URL may have expired; a fresh one decides (contract 4.4)."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


Piece = memoryview | FileExtent
"""What a body is made of; extents only where `DataClient.sends_files` says so."""


class _Pieces(httpx.SyncByteStream):
    """A request body that is made of pieces as they are asked for."""

    def __init__(self, pieces: Callable[[], Iterator[Piece]]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        # The transport takes any buffer; httpx's types know bytes only.
        return cast("Iterator[bytes]", self._pieces())


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store says of the bytes it took."""

    etag: ETag
    """Verbatim, with its quotes; empty where the server gave none (the registry's own upload)."""
    etag_is_md5: bool
    """False under SSE-KMS and SSE-C, whose ETags only look like MD5s (contract 4.3)."""


@dataclass(frozen=True, slots=True)
class Version:
    """What an answer must say of the object that its bytes are of."""

    etag: ETag | None = None
    """None where the store names none; else an answer without one is none of it."""
    total_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """An answer whose body is about to be read."""

    readinto: ReadInto
    etag: ETag | None
    start: int
    """Offset in the object of the body's first byte."""
    total_bytes: int | None
    """Size of the whole object; None where the server does not say."""
    partial: bool
    """Whether the server honoured the range."""
    encrypted: bool
    """Whether the object is kept under SSE-KMS or SSE-C: its ETag then only looks like one of MD5s (contract 4.3)."""


class DataClient:
    """Moves bodies; keeps connections; usable from many threads."""

    def __init__(self, *, ca_file: Path | None = None, transport: httpx.BaseTransport | None = None) -> None:
        self._transport = transport or Transport(ca_file=ca_file)

    def close(self) -> None:
        self._transport.close()

    def sends_files(self, target: DataTarget) -> bool:
        """Whether a body sent there may hold stretches of files, which the kernel then sends by itself."""
        return isinstance(self._transport, Transport) and self._transport.sends_files(target.url)

    def put(
        self,
        target: DataTarget,
        size: int,
        pieces: Callable[[], Iterator[Piece]],
        *,
        control: Control,
        on_sent: Callable[[int], object],
    ) -> Stored:
        """Sends `size` bytes and returns what the store says of them.

        Raises Retryable, UrlRefused, or an error that trying again would not mend.
        """
        url = httpx.URL(target.url)
        request = httpx.Request(
            "PUT",
            url,
            headers={**target.headers, "Host": url.netloc.decode("ascii"), "Content-Length": str(size)},
            stream=_Pieces(pieces),
            extensions={"stop": control, "on_sent": on_sent},
        )
        if not target.presigned:
            request.headers["Content-Type"] = "application/octet-stream"
        with self._answer(request, control) as response:
            if response.status_code == 200:
                _drain(response)
                return _stored(response, target)
            raise _refusal(response, target)

    @contextmanager
    def get(
        self,
        target: DataTarget,
        *,
        start: int,
        end: int | None,
        pinned: Version,
        control: Control,
    ) -> Iterator[Download]:
        """Asks for the bytes [start, end) of an object (`end` None: to its end).

        The object must still be the `pinned` version: RemoteChangedError otherwise, and Retryable where the answer
        leaves that open. Raises Retryable, UrlRefused, or an error that trying again would not mend.
        """
        headers = dict(target.headers)
        if target.presigned:
            headers["Range"] = f"bytes={start}-" if end is None else f"bytes={start}-{end - 1}"
            if pinned.etag is not None and not pinned.etag.startswith("W/"):  # a weak one never matches (RFC 9110)
                headers["If-Match"] = pinned.etag
        request = httpx.Request("GET", target.url, headers=headers, extensions={"stop": control})
        with self._answer(request, control) as response:
            if response.status_code not in (200, 206):
                raise _refusal(response, target)
            etag = ETag(response.headers.get("etag", "")) or None
            if pinned.etag is not None and etag is None:
                raise _version_untold(target)
            if pinned.etag is not None and etag != pinned.etag:
                raise _changed()
            readinto = cast("ReadInto", response.extensions["readinto"])
            first, total = _content_range(response)
            partial = response.status_code == 206
            if partial and total is not None and pinned.total_bytes not in (None, total):
                raise _changed()
            yield Download(readinto, etag, first, total, partial, _is_encrypted(response))

    @contextmanager
    def _answer(self, request: httpx.Request, control: Control) -> Iterator[httpx.Response]:
        response: httpx.Response | None = None
        try:
            response = self._transport.handle_request(request)
            yield response
        except httpx.TransportError as exc:
            control.check()
            raise network_trouble(exc, request.url.host) from exc
        finally:
            if response is not None:
                response.close()


def network_trouble(exc: httpx.TransportError, host: str) -> Exception:
    """What a failed exchange means: a Retryable, or TlsError, which trying again would not mend."""
    if isinstance(exc, httpx.ConnectError):  # later, a TLS error is a damaged connection, which may pass
        said = unreachable(exc, host)
        if isinstance(said, TlsError):
            return said
    words = {
        httpx.ConnectTimeout: "does not answer",
        httpx.ConnectError: "cannot be reached",
        httpx.ReadTimeout: "stopped sending",
        httpx.WriteTimeout: "stopped receiving",
    }.get(type(exc), "dropped the connection")
    error = UnreachableError(f"The object store at {host} {words} ({exc}).", hint="Check the network, then try again.")
    return Retryable(error)


def _stored(response: httpx.Response, target: DataTarget) -> Stored:
    etag = ETag(response.headers.get("etag", ""))
    if target.presigned and not etag:
        error = UnreachableError(
            f"Something answers in the place of the object store at {target.host}: it took a part without an ETag.",
            hint="Check the network: a VPN, a proxy or a sign-in page may be in the way.",
        )
        raise Retryable(error)
    return Stored(etag, _MD5_ETAG.fullmatch(etag) is not None and not _is_encrypted(response))


def _is_encrypted(response: httpx.Response) -> bool:
    headers = response.headers
    return (
        headers.get("x-amz-server-side-encryption", "").startswith("aws:kms")
        or "x-amz-server-side-encryption-customer-algorithm" in headers
    )


def _refusal(response: httpx.Response, target: DataTarget) -> Exception:
    """What a status other than success means."""
    body = _error_body(response)
    if not target.presigned:
        return _own_route_refusal(response, target, body)
    code = _xml_value(body, "Code")
    words = clean(_xml_value(body, "Message") or body)
    status = response.status_code
    where = target.host
    _log_refusal(response, where, code)
    if code == "NoSuchUpload":
        return UploadGoneError("The store no longer knows this upload.", hint="Push again: it starts anew.")
    if status in (401, 403) or code in ("ExpiredToken", "AccessDenied", "RequestTimeTooSkewed"):
        return UrlRefused(words)
    if status in (404, 410):
        return RemoteModelNotFoundError(
            "The registry lists this version, but its store holds no content for it.",
            hint="Push it again with force, or ask who pushed it.",
        )
    if status == 412:
        return _changed()
    if status == 416:
        return IntegrityError("The object is shorter than the registry's store said.", hint="Pull it again.")
    if status == 507 or code == "InsufficientStorage":
        return NoSpaceError(f"The object store at {where} is full.", hint="Tell who runs it.")
    error = _trouble(status, code, words, where)
    if status in RETRIED_STATUSES or code in RETRIED_CODES:
        slow = code == "SlowDown" or status in (429, 503)
        return Retryable(error, retry_after_s=_retry_after(response), slow_down=slow)
    return error


def _log_refusal(response: httpx.Response, where: str, code: str) -> None:
    """What whoever runs the store needs to find the request in their own log."""
    request_id = clean(response.headers.get("x-amz-request-id", ""))[:80]
    said = f"{response.status_code} {code}".rstrip()
    log.info("the object store at %s said %s%s", where, said, f", request id {request_id}" if request_id else "")


def _trouble(status: int, code: str, words: str, where: str) -> ModelsyncError:
    said = " ".join(f"{status} {code} {words}".split()).rstrip(".")
    if status in RETRIED_STATUSES:
        return RegistryUnavailableError(f"The object store at {where} has trouble: {said}.", hint="Try again later.")
    return PartError(f"The object store at {where} refused a part: {said}.", hint="Try again; see the log for details.")


def _own_route_refusal(response: httpx.Response, target: DataTarget, body: str) -> Exception:
    """The registry's own upload and download routes refuse in its words, with its token rules (contract 1.0)."""
    failures = Failures(target.host)
    for secret in target.headers.values():
        failures.hide(secret)
    reply = Reply(response.status_code, body.encode(), response.headers.get("content-type", ""))
    call = Call("PUT", "/upload", subject="content of this version", about="the content", touches_storage=True)
    failure = failures.of_raw_reply(reply, call)
    return Retryable(failure.error, retry_after_s=_retry_after(response)) if failure.transient else failure.error


def refused_for_good(words: str) -> PermissionDeniedError:
    """A fresh URL was refused as well."""
    return PermissionDeniedError(
        f"The object store refused two signed URLs in a row: {words.rstrip('.') or '403'}.",
        hint="The registry's storage settings or this machine's clock may be wrong.",
    )


def _changed() -> RemoteChangedError:
    return RemoteChangedError(
        "Someone replaced this version in the registry while it was read.", hint="Pull it again to get the new one."
    )


def _version_untold(target: DataTarget) -> Retryable:
    """Its bytes may be those of another version, which must not be mixed with what came before."""
    return Retryable(
        UnreachableError(
            f"Something answers in the place of the object store at {target.host}: "
            "it does not say which version it sends.",
            hint="Check the network: a VPN or a proxy may be in the way. Then try again.",
        )
    )


def _content_range(response: httpx.Response) -> tuple[int, int | None]:
    if response.status_code == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("content-range", ""))
        if match is None:
            raise IntegrityError("The object store sent a part without saying which.", hint="Try again.")
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = response.headers.get("content-length", "")
    return 0, int(length) if length.isdigit() else None


def _error_body(response: httpx.Response) -> str:
    collected = bytearray()
    try:
        for piece in response.iter_raw():
            collected += piece
            if len(collected) >= ERROR_BODY_MAX_BYTES:
                break
    except httpx.TransportError:
        pass  # the status has said enough
    return bytes(collected[:ERROR_BODY_MAX_BYTES]).decode("utf-8", "replace")


def _drain(response: httpx.Response) -> None:
    for _ in response.iter_raw():
        pass


def _xml_value(body: str, name: str) -> str:
    match = re.search(rf"<{name}>([^<]*)</{name}>", body)
    return match[1].strip() if match else ""


def _retry_after(response: httpx.Response) -> float | None:
    """By the store's own clock where it tells the time: this machine's may be wrong."""
    try:
        now = parsedate_to_datetime(response.headers["date"]).astimezone(UTC)
    except (ValueError, KeyError):
        now = None
    return read_retry_after(response.headers.get("retry-after"), now)

"""One request of bytes to or from an object store (or the registry's own upload and download), and what is answered."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx

from modelsync.errors import IntegrityError, UnreachableError
from modelsync.http.bodies import ReadInto
from modelsync.http.extents import FileExtent
from modelsync.http.transport import Transport
from modelsync.registry.schemas import ETag
from modelsync.registry.targets import DataTarget
from modelsync.transfer.control import Control
from modelsync.transfer.parts import PART_SIZE_MAX, PARTS_MAX
from modelsync.transfer.refusals import changed, network_trouble, refusal, version_untold
from modelsync.transfer.retry import Retryable

_MD5_ETAG = re.compile(r'"?[0-9a-f]{32}"?')
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,19})-[0-9]{1,19}/([0-9]{1,19}|\*)")
_LENGTH = re.compile(r"[0-9]{1,19}")
ANSWER_BODY_MAX_BYTES = 64 << 10
"""Stores say nothing in it; the registry's own upload neither."""
ANSWER_BODY_WITHIN_S = 15.0
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
            raise refusal(response, target)

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
                raise refusal(response, target)
            etag = ETag(response.headers.get("etag", "")) or None
            if pinned.etag is not None and etag is None:
                raise version_untold(target)
            if pinned.etag is not None and etag != pinned.etag:
                raise changed()
            readinto = cast("ReadInto", response.extensions["readinto"])
            first, total = _content_range(response)
            partial = response.status_code == 206
            if partial and total is not None and pinned.total_bytes not in (None, total):
                raise changed()
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


def _content_range(response: httpx.Response) -> tuple[int, int | None]:
    if response.status_code == 206:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if match is None:
            raise IntegrityError("The object store sent a part without saying which.", hint="Try again.")
        return int(match[1]), None if match[2] == "*" else _believable(int(match[2]))
    length = response.headers.get("content-length", "")
    return 0, _believable(int(length)) if _LENGTH.fullmatch(length) else None


def _believable(total_bytes: int) -> int:
    """Raises IntegrityError for the size of an object that no store holds and no plan of ranges could fetch."""
    if total_bytes > PART_SIZE_MAX * PARTS_MAX:
        raise IntegrityError(f"The object store says that this object has {total_bytes} bytes.", hint="Try again.")
    return total_bytes


def _drain(response: httpx.Response) -> None:
    """Reads what comes with the answer to a part, so that its connection can be used again; one without end is left."""
    left, ends_at = ANSWER_BODY_MAX_BYTES, time.monotonic() + ANSWER_BODY_WITHIN_S
    for piece in response.iter_raw():
        left -= len(piece)
        if left < 0 or time.monotonic() > ends_at:
            return

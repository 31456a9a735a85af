"""The directory store over HTTP: GET and PUT under /objects/, answering as S3 does.

A plain ASGI application without a framework in between, because the bytes of all models pass through it.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import secrets
from concurrent.futures import Executor
from email.utils import format_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from starlette.types import Receive, Scope, Send

from modelsync_registry.blobs import BlobReader, BlobWriter
from modelsync_registry.directory import DirectoryStore
from modelsync_registry.errors import ObjectError
from modelsync_registry.faults import Faults
from modelsync_registry.objects import ETag, UploadId
from modelsync_registry.ranges import ByteRange, UnsatisfiableRangeError, parse_range
from modelsync_registry.signing import Permit, UrlSigner
from modelsync_registry.streaming import ClientGoneError, receive_into, send_object

PUT_SIZE_MAX: Final = 5 * 1024**3  # bytes of one PUT (registry contract 4.3)

Headers = dict[str, str]


class ObjectApp:
    """Serves signed URLs of one store."""

    def __init__(self, store: DirectoryStore, *, signer: UrlSigner, faults: Faults, threads: Executor) -> None:
        self._store = store
        self._signer = signer
        self._faults = faults
        self._threads = threads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            permit = self._admit(scope, headers)
            if permit.method == "GET":
                await self._get(permit, headers, receive, send)
            else:
                await self._put(permit, headers, receive, send)
        except ObjectError as error:
            await _send_error(send, error, scope["path"])
        except ClientGoneError:
            pass  # nobody is left to answer

    def _admit(self, scope: Scope, headers: Headers) -> Permit:
        if "authorization" in headers or "x-yatai-api-token" in headers:
            raise ObjectError(
                "InvalidArgument",
                "A signed URL carries its own authorization; no other may be sent with it.",
                HTTPStatus.BAD_REQUEST,
            )
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        fields = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        permit = self._signer.check(scope["method"], raw_path.decode("latin-1"), fields)
        if permit.method not in {"GET", "PUT"}:
            raise ObjectError("MethodNotAllowed", "Only GET and PUT are served.", HTTPStatus.METHOD_NOT_ALLOWED)
        return permit

    async def _get(self, permit: Permit, headers: Headers, receive: Receive, send: Send) -> None:
        reader = self._store.open(permit.key)
        try:
            await self._send(reader, headers, receive, send)
        finally:
            reader.close()

    async def _send(self, reader: BlobReader, headers: Headers, receive: Receive, send: Send) -> None:
        answer = {
            "etag": f'"{reader.etag}"',
            "last-modified": format_datetime(reader.modified, usegmt=True),
            "accept-ranges": "bytes",
        }
        if "if-match" in headers and not _matches(headers["if-match"], reader.etag):
            raise ObjectError(
                "PreconditionFailed",
                "The object's ETag is not the one of If-Match.",
                HTTPStatus.PRECONDITION_FAILED,
            )
        if "if-none-match" in headers and _matches(headers["if-none-match"], reader.etag):
            await _send_head(send, HTTPStatus.NOT_MODIFIED, answer)
            await send({"type": "http.response.body"})
            return
        try:
            unchanged = headers.get("if-range", answer["etag"]) in (answer["etag"], answer["last-modified"])
            wanted = parse_range(headers.get("range"), reader.size) if unchanged else None  # RFC 9110, 13.1.5
        except UnsatisfiableRangeError:
            error = ObjectError(
                "InvalidRange",
                "The requested range is not satisfiable.",
                HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            )
            await _send_error(send, error, "", {"content-range": f"bytes */{reader.size}"})
            return
        status = HTTPStatus.OK
        span = wanted or ByteRange(0, reader.size)
        if wanted is not None:
            status = HTTPStatus.PARTIAL_CONTENT
            answer["content-range"] = f"bytes {span.start}-{span.stop - 1}/{reader.size}"
        answer |= {
            "content-type": "application/octet-stream",
            "content-length": str(span.stop - span.start),
        }
        await _send_head(send, status, answer)
        if span.start == span.stop:
            await send({"type": "http.response.body"})
            return
        await send_object(receive, send, reader, self._threads, span.start, span.stop)

    async def _put(self, permit: Permit, headers: Headers, receive: Receive, send: Send) -> None:
        if self._faults.take_slow_down():
            raise ObjectError("SlowDown", "Please reduce your request rate.", HTTPStatus.SERVICE_UNAVAILABLE)
        if "transfer-encoding" in headers or not headers.get("content-length", "").isdecimal():
            raise ObjectError(
                "MissingContentLength",
                "You must provide the Content-Length HTTP header.",
                HTTPStatus.LENGTH_REQUIRED,
            )
        if int(headers["content-length"]) > PUT_SIZE_MAX:
            raise ObjectError("EntityTooLarge", f"One PUT takes at most {PUT_SIZE_MAX} bytes.", HTTPStatus.BAD_REQUEST)
        expected_md5 = _content_md5(headers.get("content-md5"))
        try:
            etag = await self._store_body(permit, expected_md5, receive)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):  # trying again would not help, and 500 asks for it
                raise ObjectError(
                    "InsufficientStorage", "The disk is full.", HTTPStatus.INSUFFICIENT_STORAGE
                ) from error
            raise ObjectError("InternalError", f"{error.strerror}.", HTTPStatus.INTERNAL_SERVER_ERROR) from error
        await _send_head(send, HTTPStatus.OK, {"etag": f'"{etag}"', "content-length": "0"})
        await send({"type": "http.response.body"})

    async def _store_body(self, permit: Permit, expected_md5: bytes | None, receive: Receive) -> ETag:
        loop = asyncio.get_running_loop()
        writer = await loop.run_in_executor(self._threads, self._writer, permit)
        try:
            await receive_into(receive, writer, self._threads)
            return await loop.run_in_executor(self._threads, writer.commit, expected_md5)
        finally:
            writer.abort()

    def _writer(self, permit: Permit) -> BlobWriter:
        if permit.upload_id is None:
            return self._store.writer(permit.key)
        return self._store.part_writer(permit.key, UploadId(permit.upload_id), permit.part_number or 0)


def _matches(header: str, etag: str) -> bool:
    choices = {choice.strip().removeprefix("W/").strip('"') for choice in header.split(",")}
    return "*" in choices or etag in choices


def _content_md5(header: str | None) -> bytes | None:
    if header is None:
        return None
    try:
        digest = base64.b64decode(header, validate=True)
    except ValueError:  # also letters outside ASCII
        digest = b""
    if len(digest) != 16:
        raise ObjectError("InvalidDigest", "The Content-MD5 is not valid.", HTTPStatus.BAD_REQUEST)
    return digest


async def _send_head(send: Send, status: int, headers: Headers) -> None:
    headers = {"x-amz-request-id": secrets.token_hex(8).upper()} | headers
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": int(status), "headers": encoded})


async def _send_error(send: Send, error: ObjectError, path: str, headers: Headers | None = None) -> None:
    request_id = secrets.token_hex(8).upper()
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
        f"<Resource>{escape(path)}</Resource><RequestId>{request_id}</RequestId></Error>"
    ).encode("utf-8", "xmlcharrefreplace")
    await _send_head(
        send,
        error.status,
        {
            "x-amz-request-id": request_id,
            "content-type": "application/xml",
            "content-length": str(len(body)),
            **(headers or {}),
        },
    )
    await send({"type": "http.response.body", "body": body})

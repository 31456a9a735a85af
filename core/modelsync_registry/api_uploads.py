"""Calls that move a model's content: the upload's states, presigned URLs, and the bytes themselves by proxy.

The registry takes the client's word for what was uploaded, as Yatai does (registry contract 3.2). Unlike Yatai's, the
answers of start_upload and finish_upload show the new status; a fault brings the old behaviour back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from modelsync_registry.calls import Call
from modelsync_registry.catalog import Catalog
from modelsync_registry.errors import BadRequestError, ObjectError
from modelsync_registry.jsontypes import Json, JsonObject, objects, optional_text, text, whole_number
from modelsync_registry.objects import CompletedPart, ETag, ObjectReader, UploadId
from modelsync_registry.records import Model, UploadStatus
from modelsync_registry.streaming import ClientGoneError, receive_into, send_object
from modelsync_registry.versions import understands_presigned_urls


def start_upload(call: Call) -> Json:
    return _change(call, lambda catalog, model: catalog.start_upload(model))


def finish_upload(call: Call) -> Json:
    sent = optional_text(call.body, "status")
    reason = text(call.body, "reason", "")
    try:
        status = None if sent is None else UploadStatus(sent)
    except ValueError:
        raise BadRequestError(f'invalid input value for enum model_upload_status: "{sent}"') from None
    creator = call.caller.user.id
    return _change(call, lambda catalog, model: catalog.finish_upload(model, status, reason, creator))


def presign_upload(call: Call) -> Json:
    if not understands_presigned_urls(call.client_version):
        return _answer(call, presigned_urls_deprecated=True)
    _storage(call, presign=True)
    return _answer(call, presigned_upload_url=call.absolute(call.services.store.presign_put(_key(call))))


def presign_download(call: Call) -> Json:
    if not understands_presigned_urls(call.client_version):
        return _answer(call, presigned_urls_deprecated=True)
    _storage(call, presign=True)
    return _answer(call, presigned_download_url=call.absolute(call.services.store.presign_get(_key(call))))


def start_multipart(call: Call) -> Json:
    answer = _answer(call)
    _storage(call)
    return answer | {"upload_id": call.services.store.create_multipart(_key(call))}


def presign_part(call: Call) -> Json:
    upload_id = UploadId(text(call.body, "upload_id"))
    number = whole_number(call.body, "part_number", 0)
    if not upload_id or number < 1:
        raise BadRequestError("bind request: fields 'upload_id' and 'part_number' are required")
    answer = _answer(call)
    _storage(call, presign=True)
    url = call.services.store.presign_part(_key(call), upload_id, number)
    return answer | {"presigned_upload_url": call.absolute(url), "upload_id": upload_id}


def presigns_at_once(call: Call) -> bool:
    """Whether presigning waits for nothing: the model is remembered, and the store asks nobody."""
    services = call.services
    slow = not services.store.signs_at_once or services.config.faults.presign_delay_s > 0
    return not slow and services.remembered.knows(_answer_key(call))


def complete_multipart(call: Call) -> Json:
    upload_id = UploadId(text(call.body, "upload_id"))
    parts = [
        CompletedPart(whole_number(part, "part_number"), ETag(text(part, "etag")))
        for part in objects(call.body, "parts") or ()
    ]
    answer = _answer(call)
    _storage(call)
    try:
        call.services.store.complete_multipart(_key(call), upload_id, parts)
    except ObjectError as error:
        # The wording, "new multipart upload" included, is the public server's (registry contract 3.2).
        raise BadRequestError(f"failed to complete multipart upload: new multipart upload: {error}") from error
    return answer


async def proxy_upload(call: Call, request: Request) -> Response:
    """PUT M/upload: the archive comes through the registry, which sets the status itself."""
    await run_in_threadpool(_change, call, lambda catalog, model: catalog.start_upload(model))
    status, reason = UploadStatus.FAILED, "the connection ended before the archive did"
    try:
        await _store_body(call, request)
        status, reason = UploadStatus.SUCCESS, ""
    except OSError as error:
        reason = f"storage: {error.strerror}"
        raise
    except ObjectError as error:
        reason = f"storage: {error}"
        raise
    except ClientGoneError:
        pass  # nobody is left to answer
    finally:
        creator = call.caller.user.id
        await run_in_threadpool(
            _change, call, lambda catalog, model: catalog.finish_upload(model, status, reason, creator)
        )
    return Response()


async def proxy_download(call: Call, request: Request) -> Response:  # noqa: ARG001 - the body is empty
    """GET M/download: the archive without Content-Length and without ranges, as Yatai sends it."""
    reader = await run_in_threadpool(_open_object, call)
    return _ProxyDownload(call, reader)


class _ProxyDownload(Response):
    """Streams one object and closes it, whatever happens to the connection."""

    def __init__(self, call: Call, reader: ObjectReader) -> None:
        super().__init__(media_type="application/octet-stream")
        del self.headers["content-length"]
        self._call = call
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the base class's
        threads = self._call.services.threads
        cut = self._call.services.config.faults.cut_download_after
        stop = self._reader.size if cut is None else min(cut, self._reader.size)
        tail = b""
        if cut is not None:
            tail = json.dumps({"error": "copy object: unexpected EOF"}).encode()
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send_object(receive, send, self._reader, threads, 0, stop, last=False)
            await send({"type": "http.response.body", "body": tail})
        except ClientGoneError:
            pass  # nobody is left to send to
        finally:
            self._reader.close()


async def _store_body(call: Call, request: Request) -> None:
    writer = await run_in_threadpool(call.services.store.writer, _key(call))
    try:
        await receive_into(request.receive, writer, call.services.threads)
        await run_in_threadpool(writer.commit)
    finally:
        await run_in_threadpool(writer.abort)


def _open_object(call: Call) -> ObjectReader:
    _answer(call)
    return call.services.store.open(_key(call))


def _key(call: Call) -> str:
    """Where a model's archive is; a plain tar, whatever the name says (registry contract 4.1)."""
    return f"models/{call.organization.name}/{call.path['name']}/{call.path['version']}.tar.gz"


def _change(call: Call, change: Callable[[Catalog, Model], Model]) -> Json:
    with call.services.database.write() as connection:
        catalog = call.catalog(connection)
        repository = catalog.repository(call.path["name"])
        before = catalog.model(repository, call.path["version"])
        after = change(catalog, before)
        shown = before if call.services.config.faults.stale_statuses else after
        return call.model_json(connection, shown, repository)


def _answer(call: Call, **extra: Json) -> JsonObject:
    def read() -> JsonObject:
        with call.services.database.read() as connection:
            catalog = call.catalog(connection)
            repository = catalog.repository(call.path["name"])
            return call.model_json(connection, catalog.model(repository, call.path["version"]), repository)

    return call.services.remembered.answer(_answer_key(call), read) | extra


def _answer_key(call: Call) -> Hashable:
    return "model", call.organization.id, call.path["name"], call.path["version"]


def _storage(call: Call, *, presign: bool = False) -> None:
    """Lets the configured faults of the store behind happen."""
    faults = call.services.config.faults
    if presign:
        faults.delay_presign()
    if faults.take_storage_failure():
        raise BadRequestError('new s3 client: Get "http://s3.internal:9000/": connect: connection refused')

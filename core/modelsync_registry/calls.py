"""One API call with everything its handler may use, and the way from an HTTP request to it and back.

How it works: the body is read on the event loop, within its limit; then authorization, the handler and the rendering
of its answer run in one thread, because the database and the object store block. Where it is known beforehand that
neither is asked, they run on the event loop: the way to a thread and back costs more than most of these answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from modelsync_registry.access import Access, check_scopes
from modelsync_registry.accounts import Accounts, Caller
from modelsync_registry.answers import json_answer
from modelsync_registry.catalog import Catalog
from modelsync_registry.config import RegistryConfig
from modelsync_registry.database import Database
from modelsync_registry.errors import BadRequestError, NotSignedInError, ObjectError, RegistryError
from modelsync_registry.jsontypes import Json, JsonObject, parse_object
from modelsync_registry.objects import ObjectStore
from modelsync_registry.query import ListQuery, parse_query
from modelsync_registry.records import Model, Organization, Page, Repository
from modelsync_registry.remembered import Remembered
from modelsync_registry.sign_in_codes import SignInCodes
from modelsync_registry.wire import Wire, around_model, surroundings

BODY_MAX: Final = 256 * 1024  # bytes of JSON (registry contract 1.0)
PAGE_NUMBER_MAX: Final = 2**31 - 1
_DIGITS_MAX: Final = 10
TOKEN_HEADER: Final = "X-YATAI-API-TOKEN"
ORGANIZATION_HEADER: Final = "X-Yatai-Organization"
_REFUSALS: Final = (RegistryError, ObjectError, OSError, DBAPIError)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """The parts that every call works with."""

    config: RegistryConfig
    database: Database
    accounts: Accounts
    store: ObjectStore
    threads: Executor
    """Where bytes are read and written."""
    callers: Executor
    """Where calls are answered; apart from the bytes, which may keep their threads for long."""
    remembered: Remembered
    codes: SignInCodes = field(default_factory=SignInCodes)
    """Sign-ins that wait for a browser."""


@dataclass(frozen=True, slots=True)
class Call:
    """One authorized request."""

    services: Services
    caller: Caller
    organization: Organization
    path: dict[str, str]
    """The variable parts of the path."""
    parameters: dict[str, str]
    """The query string."""
    body: JsonObject
    base_url: str
    client_version: str | None

    def page(self) -> Page:
        """The page asked for. Raises BadRequestError when start or count is not a number."""
        values = [self.parameters.get(name) or "0" for name in ("start", "count")]
        if not all(
            value.isdecimal() and len(value) <= _DIGITS_MAX and int(value) <= PAGE_NUMBER_MAX for value in values
        ):
            raise BadRequestError("bind request: start and count must be whole numbers")
        return Page(*map(int, values))

    def query(self) -> ListQuery:
        return parse_query(self.parameters.get("q", ""))

    def search(self) -> str:
        return self.parameters.get("search", "")

    def catalog(self, connection: Connection) -> Catalog:
        return Catalog(connection, self.organization.id, self.services.config.clock())

    def wire(
        self,
        connection: Connection,
        models: Sequence[Model] = (),
        repositories: Sequence[Repository] = (),
    ) -> Wire:
        around = surroundings(connection, models, repositories)
        return Wire(around, self.organization, self.services.config.strategy)

    def model_json(self, connection: Connection, model: Model, repository: Repository) -> JsonObject:
        """ModelSchema of one model of `repository`."""
        around = around_model(connection, model, repository, self.caller.user)
        return Wire(around, self.organization, self.services.config.strategy).model(model)

    def absolute(self, url: str) -> str:
        """A URL of the object store as the client must call it."""
        if not url.startswith("/"):
            return url
        return (self.services.config.public_url or self.base_url).rstrip("/") + url


Handler = Callable[[Call], Json]
AtOnce = Callable[[Call], bool]
"""Whether a handler needs neither the database nor the object store for this call, as they are now."""
RawHandler = Callable[[Call, Request], Awaitable[Response]]


def json_endpoint(
    services: Services, handler: Handler, access: Access, at_once: AtOnce | None = None
) -> Callable[[Request], Awaitable[Response]]:
    """A Starlette endpoint that answers with what `handler` returns."""

    def answer_at_once(request: Request, body: JsonObject, ready: AtOnce) -> Response | None:
        caller = services.accounts.remembered_caller(request.headers.get(TOKEN_HEADER))
        if caller is None:
            return None
        try:
            call = _call_of(services, request, access, body, caller)
            return JSONResponse(handler(call)) if ready(call) else None
        except _REFUSALS as error:
            return error_response(services, error)

    async def endpoint(request: Request) -> Response:
        try:
            body = await read_json(request)
        except RegistryError as error:
            return error_response(services, error)

        if at_once is not None and (response := answer_at_once(request, body, at_once)) is not None:
            return response

        def work() -> Response:
            try:
                answer = handler(authorize(services, request, access, body))
            except _REFUSALS as error:
                return error_response(services, error)
            return json_answer(answer)

        # Not Starlette's thread pool: its library loads a back end of its own when it is first used, and the first
        # call would wait 15 ms for it.
        return await asyncio.get_running_loop().run_in_executor(services.callers, work)

    return endpoint


def raw_endpoint(services: Services, handler: RawHandler, access: Access) -> Callable[[Request], Awaitable[Response]]:
    """A Starlette endpoint whose handler reads or writes the body itself."""

    async def endpoint(request: Request) -> Response:
        try:
            call = await run_in_threadpool(authorize, services, request, access, {})
            return await handler(call, request)
        except RegistryError as error:
            # Yatai answers 500 where a raw route fails, also for what is not there (registry contract 1.0).
            status = error.status if isinstance(error, NotSignedInError) else 500
            return error_response(services, error, status)
        except (ObjectError, OSError, DBAPIError) as error:
            return error_response(services, error, 500)

    return endpoint


def authorize(services: Services, request: Request, access: Access, body: JsonObject) -> Call:
    """Raises NotSignedInError, UnknownOrganizationError, or BadRequestError when the scopes do not suffice."""
    caller = services.accounts.caller(request.headers.get(TOKEN_HEADER))
    return _call_of(services, request, access, body, caller)


def _call_of(services: Services, request: Request, access: Access, body: JsonObject, caller: Caller) -> Call:
    name = request.headers.get(ORGANIZATION_HEADER) or request.query_params.get("organization_name")
    organization = services.accounts.organization(caller, name)
    check_scopes(caller, access)
    return Call(
        services=services,
        caller=caller,
        organization=organization,
        path=dict(request.path_params),
        parameters=dict(request.query_params),
        body=body,
        base_url=str(request.base_url),
        client_version=request.headers.get("X-Bentoml-Version"),
    )


async def read_json(request: Request) -> JsonObject:
    """The body as a JSON object, `{}` when there is none. Raises BadRequestError, also when it is over BODY_MAX."""
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > BODY_MAX:
                raise BadRequestError(f"bind request: http: request body too large (limit {BODY_MAX} bytes)")
    except ClientDisconnect:
        raise BadRequestError("bind request: unexpected EOF") from None
    return parse_object(data)


def error_response(
    services: Services, error: RegistryError | ObjectError | OSError | DBAPIError, status: int | None = None
) -> Response:
    """The answer for a refusal; trouble of store, disk and database is a 400, as with Yatai."""
    match error:
        case RegistryError(field=None):
            return Response(status_code=status or error.status)
        case NotSignedInError():
            return JSONResponse({"message": str(error)}, services.config.faults.unauthorized_status)
        case RegistryError():
            return JSONResponse({"error": str(error)}, status or error.status)
        case ObjectError():
            return JSONResponse({"error": str(error)}, status or 400)
        case OSError():
            _log.error("storage trouble: %s", error.strerror)
            return JSONResponse({"error": f"storage: {error.strerror}"}, status or 400)
        case DBAPIError():
            _log.error("database trouble: %s", error.orig)
            return JSONResponse({"error": f"database: {error.orig}"}, status or 400)

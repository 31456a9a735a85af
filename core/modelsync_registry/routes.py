"""The table of the API: which method and path is which call, and what it takes to make it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from modelsync_registry import api_accounts, api_models, api_sign_in, api_tokens, api_uploads
from modelsync_registry.access import Access
from modelsync_registry.calls import AtOnce, Handler, RawHandler, Services, json_endpoint, raw_endpoint

_REPOSITORY: Final = "/api/v1/model_repositories/{name}"
_MODEL: Final = _REPOSITORY + "/models/{version}"

VIEW, UPDATE = Access.VIEW, Access.UPDATE

_CALLS: Final[tuple[tuple[str, str, Access, Handler], ...]] = (
    # First, as routes are tried in order and this is the call of every part; no path fits two of them.
    ("PATCH", _MODEL + "/presign_multipart_upload_url", UPDATE, api_uploads.presign_part),
    ("GET", "/api/v1/auth/current", VIEW, api_accounts.current_user),
    ("GET", "/api/v1/current_org", VIEW, api_accounts.current_organization),
    ("GET", "/api/v1/orgs", VIEW, api_accounts.organizations),
    ("GET", "/api/v1/current_org/model_modules", VIEW, api_accounts.modules),
    ("GET", "/api/v1/current_org/events", VIEW, api_accounts.events),
    ("GET", "/api/v1/api_tokens", VIEW, api_tokens.own_tokens),
    ("POST", "/api/v1/api_tokens", UPDATE, api_tokens.make),
    ("GET", "/api/v1/api_tokens/{uid}", VIEW, api_tokens.own_token),
    ("DELETE", "/api/v1/api_tokens/{uid}", UPDATE, api_tokens.delete),
    ("GET", "/api/v1/labels", VIEW, api_accounts.labels),
    ("GET", "/api/v1/bentos", VIEW, api_accounts.nothing),
    ("GET", "/api/v1/bento_repositories", VIEW, api_accounts.nothing),
    ("GET", "/api/v1/model_repositories", VIEW, api_models.repositories),
    ("POST", "/api/v1/model_repositories", UPDATE, api_models.create_repository),
    ("GET", "/api/v1/models", VIEW, api_models.models),
    ("GET", _REPOSITORY, VIEW, api_models.repository),
    ("PATCH", _REPOSITORY, UPDATE, api_models.change_repository),
    ("GET", _REPOSITORY + "/models", VIEW, api_models.repository_models),
    ("POST", _REPOSITORY + "/models", UPDATE, api_models.create_model),
    ("GET", _MODEL, VIEW, api_models.model),
    ("PATCH", _MODEL, UPDATE, api_models.change_model),
    ("GET", _MODEL + "/bentos", VIEW, api_accounts.nothing),
    ("GET", _MODEL + "/deployments", VIEW, api_accounts.nothing),
    ("PATCH", _MODEL + "/start_upload", UPDATE, api_uploads.start_upload),
    ("PATCH", _MODEL + "/finish_upload", UPDATE, api_uploads.finish_upload),
    ("PATCH", _MODEL + "/presign_upload_url", UPDATE, api_uploads.presign_upload),
    ("PATCH", _MODEL + "/presign_download_url", VIEW, api_uploads.presign_download),
    ("PATCH", _MODEL + "/start_multipart_upload", UPDATE, api_uploads.start_multipart),
    ("PATCH", _MODEL + "/complete_multipart_upload", UPDATE, api_uploads.complete_multipart),
)

_AT_ONCE: Final[dict[Handler, AtOnce]] = {
    api_accounts.current_user: lambda _: True,
    api_accounts.current_organization: lambda _: True,
    api_models.model: api_models.knows_model,
    api_uploads.presign_upload: api_uploads.presigns_at_once,
    api_uploads.presign_download: api_uploads.presigns_at_once,
    api_uploads.presign_part: api_uploads.presigns_at_once,
}

_RAW_CALLS: Final[tuple[tuple[str, str, Access, RawHandler], ...]] = (
    ("PUT", _MODEL + "/upload", UPDATE, api_uploads.proxy_upload),
    ("GET", _MODEL + "/download", VIEW, api_uploads.proxy_download),
)

_SIGN_IN: Final = (
    ("GET", "/api/v1/auth/code", api_sign_in.begin),
    ("GET", "/api/v1/auth/token", api_sign_in.take),
    ("GET", "/api_tokens", api_sign_in.page),
    ("POST", "/api_tokens", api_sign_in.confirm),
)


def routes(services: Services) -> list[Route]:
    """Every route of the API."""
    table = [
        *(
            (path, method, json_endpoint(services, handler, access, _AT_ONCE.get(handler)))
            for method, path, access, handler in _CALLS
        ),
        *((path, method, raw_endpoint(services, handler, access)) for method, path, access, handler in _RAW_CALLS),
        *((path, method, make(services)) for method, path, make in _SIGN_IN),
        *((path, "GET", endpoint) for path, endpoint in _PUBLIC),
    ]
    return [Route(path, endpoint, methods=[method]) for path, method, endpoint in table]


async def _version(request: Request) -> Response:  # noqa: ARG001 - the same for everybody
    return JSONResponse({"version": "1.1.13", "git_commit": "", "build_date": ""})


async def _info(request: Request) -> Response:  # noqa: ARG001 - the same for everybody
    return JSONResponse({"is_saas": False, "saas_domain_suffix": ""})


_PUBLIC: Final[tuple[tuple[str, Callable[[Request], Awaitable[Response]]], ...]] = (
    ("/api/v1/version", _version),
    ("/api/v1/info", _info),
)

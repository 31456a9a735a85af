"""Signing in from a terminal through a browser, as BentoCloud offers it (registry contract 1.1, row 34, and 6).

The page takes a token and hands it to the program that showed the code; it never shows one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape
from typing import Final
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from modelsync_registry.calls import Services, error_response
from modelsync_registry.errors import BadRequestError, NotSignedInError, RegistryError, SignInCodeOverError

FORM_MAX: Final = 16 * 1024  # bytes; a code and a token
_PENDING: Final = "the sign-in is not confirmed yet"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Endpoint = Callable[[Request], Awaitable[Response]]


def begin(services: Services) -> Endpoint:
    """GET /api/v1/auth/code: begins a sign-in."""

    async def endpoint(request: Request) -> Response:  # noqa: ARG001 - the same for everybody
        try:
            code = services.codes.begin(services.config.clock())
        except RegistryError as error:
            return error_response(services, error)
        return JSONResponse({"code": code}, headers={"Cache-Control": "no-store"})

    return endpoint


def take(services: Services) -> Endpoint:
    """GET /api/v1/auth/token?code=: the token, once; 400 until it was confirmed, 410 when the code is over."""

    async def endpoint(request: Request) -> Response:
        try:
            token = services.codes.take(request.query_params.get("code", ""), services.config.clock())
        except RegistryError as error:
            return error_response(services, error)
        if token is None:
            return error_response(services, BadRequestError(_PENDING))
        return JSONResponse({"token": token}, headers={"Cache-Control": "no-store"})

    return endpoint


def page(services: Services) -> Endpoint:
    """GET /api_tokens?code=: where a person confirms."""

    async def endpoint(request: Request) -> Response:
        code = request.query_params.get("code", "")
        if not code:
            return _page("API tokens", "<p>The tokens of this registry are given out by the people who run it.</p>")
        try:
            services.codes.check(code, services.config.clock())
        except SignInCodeOverError:
            return _over()
        return _form(code)

    return endpoint


def confirm(services: Services) -> Endpoint:
    """POST /api_tokens: the page's form."""

    async def endpoint(request: Request) -> Response:
        try:
            fields = await _read_form(request)
        except BadRequestError as error:
            return _page("Not signed in", f"<p>{escape(str(error))}.</p>", 400)
        code, token = fields.get("code", ""), fields.get("token", "").strip()

        def work() -> Response:
            now = services.config.clock()
            try:
                services.codes.check(code, now)
                caller = services.accounts.caller(token)
                services.codes.confirm(code, token, now)
            except SignInCodeOverError:
                return _over()
            except NotSignedInError:
                return _form(code, "This token is unknown or has expired.", 403)
            name = escape(caller.user.name)
            return _page("Signed in", f"<p>Signed in as <b>{name}</b>. Go back to your terminal.</p>")

        return await run_in_threadpool(work)

    return endpoint


def _form(code: str, problem: str = "", status: int = 200) -> Response:
    shown = escape(code, quote=True)
    warning = f'<p class="bad">{escape(problem)}</p>' if problem else ""
    return _page(
        "Sign in from a terminal",
        f"<p>A program asks to sign in with the code <code>{shown}</code>.</p>"
        "<p>Go on only if you began this yourself and your terminal shows the same code: "
        "that program will be able to do what your token allows.</p>"
        f'{warning}<form method="post" action="api_tokens"><input type="hidden" name="code" value="{shown}">'
        '<label>API token <input type="password" name="token" required autofocus autocomplete="off" '
        'spellcheck="false"></label> <button>Sign in</button></form>',
        status,
    )


def _over() -> Response:
    return _page(
        "This sign-in is over",
        "<p>It was confirmed already, took too long, or never began. Begin again in your terminal.</p>",
        410,
    )


def _page(title: str, body: str, status: int = 200) -> Response:
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>'
        "body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem}"
        "code{font-size:1.1rem}.bad{color:#b00020}input,button{font:inherit;padding:.3rem .6rem}"
        f"</style></head><body><h1>{title}</h1>{body}</body></html>",
        status,
        headers=_HEADERS,
    )


async def _read_form(request: Request) -> dict[str, str]:
    """The fields of a form, each once. Raises BadRequestError."""
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > FORM_MAX:
                raise BadRequestError("the form is too large")
    except ClientDisconnect:
        raise BadRequestError("the form was cut short") from None
    try:
        fields = parse_qs(data.decode("ascii"), max_num_fields=8)
    except ValueError:  # not ASCII, or too many fields
        raise BadRequestError("this is not the page's form") from None
    return {name: values[0] for name, values in fields.items()}

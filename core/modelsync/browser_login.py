"""Signing in through a browser, on this machine or any other, as BentoCloud offers it (registry contract 6).

How it works: the registry gives a code; a person opens a page with it, wherever they have a browser, and confirms;
until then the token is asked for once a second. The code is a key to the token while it waits, so it stays out of logs.
"""

import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from modelsync import logs
from modelsync.account import Context, Token
from modelsync.credentials.checks import clean_token
from modelsync.credentials.keeping import TOKEN_VARIABLE
from modelsync.errors import (
    AuthenticationError,
    NotARegistryError,
    TlsError,
    UnreachableError,
    UsageError,
)
from modelsync.registry.calls import Call, Reply
from modelsync.registry.retry import Backoff
from modelsync.registry.schemas import parse_json, read_field
from modelsync.registry.wire import Wire
from modelsync.transfer.control import Control

ASK_EVERY_S = 1.0
GIVE_UP_AFTER_S = 600.0
_REPLY_WITHIN_S = 15.0
_CODE = re.compile(r"[A-Za-z0-9._~+/=-]{8,512}")
_GONE = 410
_NOT_YET = range(400, 500)
"""What the real client takes for "nobody has confirmed yet", as anything else that is no success."""

log = logging.getLogger("modelsync.sign_in")


@dataclass(frozen=True, slots=True)
class BrowserLogin:
    """A sign-in that waits for a person."""

    context: Context
    code: str = field(repr=False)
    """To be compared with the one that the page shows, if it shows one."""
    url: str = field(repr=False)
    """The page to open, on any machine."""
    ca_file: Path | None = None


def start(context: Context, *, ca_file: Path | None = None, control: Control | None = None) -> BrowserLogin:
    """Asks the registry for a code; sends no token.

    Raises NotARegistryError's kin and UsageError as signing in does, and AuthenticationError where the registry has no
    sign-in by browser, as Yatai has none.
    """
    with _Page(context, ca_file) as page:
        return BrowserLogin(context, *page.begin(control), ca_file)


def wait(login: BrowserLogin, *, control: Control | None = None, limit_s: float = GIVE_UP_AFTER_S) -> Token:
    """Blocks until a person has confirmed, and returns the token, unchecked: `sign_in` says whose it is.

    Raises Cancelled when `control` says so, AuthenticationError when the time is over or the code is no longer good,
    and what the registry could not be reached for, if it stays so to the end.
    """
    deadline = time.monotonic() + limit_s
    control = control or Control()
    with _Page(login.context, login.ca_file) as page:
        while True:
            token, trouble = page.ask(login.code, control)
            if token is not None:
                return token
            if time.monotonic() + ASK_EVERY_S > deadline:
                raise trouble or AuthenticationError(
                    f"Nobody confirmed the sign-in within {limit_s / 60:.0f} minutes.",
                    hint="Begin again, or paste a token.",
                )
            control.wait(ASK_EVERY_S)


def open_page(url: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Opens the page if this session has a desktop; False where a person must open it, as over SSH.

    The browser gets neither this terminal nor the variable that holds a token.
    """
    if not _has_desktop(environ):
        return False
    hidden = (TOKEN_VARIABLE, "TERM")  # without TERM no browser for terminals is chosen
    try:
        subprocess.Popen(
            [sys.executable, "-m", "webbrowser", "-t", url],
            env={name: value for name, value in environ.items() if name not in hidden},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as exc:
        log.warning("no browser could be started: %s", exc.strerror)
        return False
    return True


def _has_desktop(environ: Mapping[str, str]) -> bool:
    if environ.get("BROWSER"):
        return True
    if environ.get("SSH_CONNECTION"):
        return False
    return sys.platform in ("darwin", "win32") or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


class _Page:
    """The registry's two calls for a sign-in by browser, made without a token."""

    def __init__(self, context: Context, ca_file: Path | None) -> None:
        self._wire = Wire(
            context, None, ca_file=ca_file, timeout_s=_REPLY_WITHIN_S, backoff=Backoff(tries=1), sleep=time.sleep
        )

    def __enter__(self) -> "_Page":
        return self

    def __exit__(self, *_: object) -> None:
        self._wire.close()

    def begin(self, control: Control | None) -> tuple[str, str]:
        """A code and the page's address."""
        call = Call("GET", "/api/v1/auth/code", about="to sign in by browser")
        reply = self._wire.once(call, control)
        if reply.status in (401, 403, 404) and not reply.is_web_page:
            raise AuthenticationError(
                f"{self._wire.host} has no sign-in by browser.", hint="Make a token there and paste it."
            )
        if reply.status != 200:
            raise self._wire.failures.of_reply(reply, call).error
        try:
            code = read_field(parse_json(reply.body), "code")
        except ValueError as exc:
            raise self._wire.failures.not_a_registry(reply) from exc
        if _CODE.fullmatch(code) is None:
            raise NotARegistryError(
                f"{self._wire.host} gave no code to sign in with.", hint="Paste a token instead, or check the endpoint."
            )
        logs.hide(code)
        return code, f"{self._wire.endpoint}/api_tokens?code={quote(code, safe='')}"

    def ask(self, code: str, control: Control) -> tuple[Token | None, UnreachableError | None]:
        """The token, or None while nobody has confirmed, with the trouble that kept the registry from saying so."""
        self._wire.failures.hide(code)
        try:
            reply = self._wire.once(Call("GET", "/api/v1/auth/token", {"code": code}), control)
        except TlsError:
            raise
        except UnreachableError as exc:
            return None, exc
        if 200 <= reply.status < 300 and not reply.is_web_page:
            return self._token(reply), None
        if reply.status == _GONE:
            raise AuthenticationError(
                "The registry no longer knows this sign-in: it took too long, or another program got its token.",
                hint="Begin again; if you did confirm, withdraw that token.",
            )
        if reply.status in _NOT_YET and not reply.is_web_page:
            return None, None
        error = self._wire.failures.of_reply(reply, Call("GET", "/api/v1/auth/token", about="to sign in")).error
        return None, error if isinstance(error, UnreachableError) else None

    def _token(self, reply: Reply) -> Token:
        try:
            token = clean_token(read_field(parse_json(reply.body), "token"))
        except (ValueError, UsageError):
            raise NotARegistryError(
                f"{self._wire.host} confirmed the sign-in without a token.", hint="Paste a token instead."
            ) from None  # its text could hold one
        logs.hide(token.reveal())
        return token

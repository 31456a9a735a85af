"""Calls to one registry over HTTP: its headers, its limits, its retries, and a line in the log for each.

How it works: a call that may be made again is made again after transient failures, with waits that grow; one that may
not is made again only when it surely never arrived, and ends in AnswerLostError when that cannot be known. With a
`stop`, a person's cancel frees the caller at once whatever the network does: it shuts the connection down, or, where a
proxy stands between and the connection is httpx's own, leaves the request to a thread that ends with it.
"""

import logging
import ssl
import time
from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx

from modelsync import logs
from modelsync.account import Context, Token
from modelsync.errors import NotARegistryError, TokenRefusedError, UsageError
from modelsync.http.connecting import UNUSABLE_PROXY, goes_through_proxy, tls_context, unusable_proxy
from modelsync.http.stopping import Stop, interruptibly
from modelsync.http.transport import Transport
from modelsync.model import Json
from modelsync.registry import bodies
from modelsync.registry.calls import Call, Reply
from modelsync.registry.endpoint import Endpoint
from modelsync.registry.failures import Failure, Failures
from modelsync.registry.retry import RETRY_AFTER_MAX_S, Backoff, Waiting, read_retry_after
from modelsync.registry.schemas import parse_json
from modelsync.registry.words import clean, quoted
from modelsync.version import __version__

log = logging.getLogger("modelsync.registry")

TOKEN_HEADER = "X-YATAI-API-TOKEN"
ORGANIZATION_HEADER = "X-Yatai-Organization"
BENTOML_VERSION = "1.4.39"
"""The client version that is claimed; with none, or 1.0.5 and below, presigning behaves otherwise (contract 1.0)."""

CONNECT_TIMEOUT_S = 10.0
REPLY_TIMEOUTS_MAX = 5
"""A reply that drips, each byte in time, is given up after this many time-outs."""
REPLY_MAX_BYTES = 64 * 1024 * 1024
REFUSAL_MAX_BYTES = 64 * 1024
"""No sentence about a failure needs more of it."""
_ASKED_CODINGS = ("gzip", "deflate")
_CODINGS = frozenset({*_ASKED_CODINGS, "br", "zstd"})
"""What httpx can undo. A reply may carry one that was asked for: the limits above are looked at after each piece has
been expanded, by those to a thousand times its length, by the others or one upon another to millions of times."""


class Wire:
    """The connections to one registry. Safe to use from several threads."""

    def __init__(
        self,
        context: Context,
        token: Token | None,
        *,
        ca_file: Path | None,
        timeout_s: float,
        backoff: Backoff,
        sleep: Callable[[float], None],
        waiting: Waiting | None = None,
    ) -> None:
        endpoint = Endpoint.checked(context.endpoint, plain_http=context.plain_http)
        self.endpoint = endpoint.url
        self.host = endpoint.host
        self._context = context
        self.failures = Failures(self.host, context.organization)
        self.headers = self._headers(token)
        self._backoff = backoff
        self._sleep = sleep
        self._waiting = waiting
        self._heard = False
        """Whether anything ever answered."""
        self._timeout_s = timeout_s
        self._proxied = goes_through_proxy(httpx.URL(self.endpoint))
        connect_within_s = min(CONNECT_TIMEOUT_S, timeout_s)
        tls = tls_context(ca_file) if endpoint.needs_tls_trust else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        direct = Transport(
            tls=tls, connect_within_s=connect_within_s, stall_after_s=timeout_s, answer_within_s=timeout_s
        )
        try:
            self._client = httpx.Client(
                headers={"Accept": "application/json", "Accept-Encoding": ", ".join(_ASKED_CODINGS)},
                timeout=httpx.Timeout(timeout_s, connect=connect_within_s),
                follow_redirects=False,  # the token would go along
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # a session would outrank the scopes
                verify=tls,
                trust_env=self._proxied,
                limits=httpx.Limits(max_connections=128, max_keepalive_connections=64),
                transport=None if self._proxied else direct,
            )
        except UNUSABLE_PROXY as exc:
            raise unusable_proxy() from exc

    def close(self) -> None:
        self._client.close()

    def renew(self, token: Token) -> None:
        """Every request from now on carries this token; raises TokenRefusedError for one that no header can carry."""
        self.headers = self._headers(token)

    def ask(self, call: Call, stop: Stop | None = None) -> Json:
        """Makes the call and returns the JSON of its 200; raises a ModelsyncError in a person's words."""
        reply = self.call(call, stop)
        try:
            return parse_json(reply.body)
        except ValueError as exc:
            raise self.failures.not_a_registry(reply) from exc

    def call(self, call: Call, stop: Stop | None = None) -> Reply:
        """Makes the call, again where that may help, and returns its 200."""
        tries = 0
        while True:
            tries += 1
            reply, failure = self._try(call, stop)
            if reply is not None:
                return reply
            assert failure is not None
            self._give_up_or_wait(call, failure, tries, stop)

    def once(self, call: Call, stop: Stop | None = None) -> Reply:
        """Makes the call once and returns the reply, whatever it is; raises UnreachableError and its kinds."""
        reply, failure = self._try(call, stop, any_reply=True)
        if reply is None:
            assert failure is not None
            raise failure.error
        return reply

    def _give_up_or_wait(self, call: Call, failure: Failure, tries: int, stop: Stop | None) -> None:
        error = failure.error
        if failure.transient and failure.maybe_done and not call.repeatable:
            raise self.failures.answer_lost(call, error) from error
        is_unheard = failure.nobody_listens and not self._heard
        tries_max = min(self._backoff.tries, self._backoff.unheard_tries) if is_unheard else self._backoff.tries
        if not failure.transient or tries >= tries_max or (failure.wait_s or 0.0) > RETRY_AFTER_MAX_S:
            raise error
        wait_s = max(self._backoff.delay_s(tries), failure.wait_s or 0.0)
        log.info("again in %.1f s: %s %s: %s", wait_s, call.method, call.route, error.message)
        if self._waiting is not None:
            self._waiting(f"{error.message} Trying again ...")
        if stop is None:
            self._sleep(wait_s)
        else:
            stop.wait(wait_s)

    def _try(self, call: Call, stop: Stop | None, *, any_reply: bool = False) -> tuple[Reply | None, Failure | None]:
        began = time.monotonic()
        try:
            reply = interruptibly(lambda: self._send(call), stop) if self._proxied else self._send(call, stop)
        except httpx.RequestError as exc:
            if stop is not None:
                stop.check()
            failure = self.failures.of_transport(exc)
            failure.error.__cause__ = exc
            log.debug("%s %s: %s after %.0f ms", call.method, call.route, type(exc).__name__, _ms_since(began))
            return None, failure
        self._heard = True
        log.log(
            logging.DEBUG if reply.status in (httpx.codes.OK, httpx.codes.NOT_FOUND) else logging.INFO,
            "%s %s: %d after %.0f ms%s",
            call.method,
            call.route,
            reply.status,
            _ms_since(began),
            f", request id {reply.trace_id}" if reply.trace_id else "",
        )
        if any_reply or reply.status == httpx.codes.OK:  # exactly 200 everywhere (contract, fact 2)
            return reply, None
        return None, self.failures.of_reply(reply, call)

    def _send(self, call: Call, stop: Stop | None = None) -> Reply:
        content = None if call.body is None else bodies.encode(call.body)
        headers = self.headers if content is None else {**self.headers, "Content-Type": "application/json"}
        with self._client.stream(
            call.method,
            self.endpoint + call.route,
            params=call.params or None,
            content=content,
            headers=headers,
            extensions=None if stop is None else {"stop": stop},
        ) as got:
            return self._read(got, began=time.monotonic())

    def _read(self, got: httpx.Response, began: float) -> Reply:
        codings = [name.strip().lower() for name in got.headers.get("content-encoding", "").split(",")]
        undone = [name for name in codings if name in _CODINGS]
        if len(undone) > 1 or not set(undone) <= set(_ASKED_CODINGS):
            raise httpx.DecodingError("compressed in a way that nobody asked for")
        ok = got.status_code == httpx.codes.OK
        limit = REPLY_MAX_BYTES if ok else REFUSAL_MAX_BYTES
        body = bytearray()
        for chunk in got.iter_bytes():
            body += chunk
            if len(body) > limit:
                if ok:
                    raise NotARegistryError(
                        f"{self.host} sends more than {limit // 1024**2} MiB for one list.",
                        hint="Check the endpoint; a registry does not do that.",
                    )
                break
            if time.monotonic() - began > REPLY_TIMEOUTS_MAX * self._timeout_s:
                raise httpx.ReadTimeout("the reply drips")
        return Reply(
            status=got.status_code,
            body=bytes(body[:limit]),
            content_type=got.headers.get("content-type", ""),
            trace_id=clean(got.headers.get("x-trace-id", "") or got.headers.get("x-request-id", ""))[:80],
            retry_after_s=read_retry_after(got.headers.get("retry-after")),
            location=got.headers.get("location", ""),
        )

    def _headers(self, token: Token | None) -> Mapping[str, str]:
        headers = {
            "X-Bentoml-Version": BENTOML_VERSION,
            "User-Agent": f"modelsync/{__version__} python-httpx/{httpx.__version__}",
        }
        if token is not None:
            secret = token.reveal()
            if not secret or not secret.isascii() or not secret.isprintable() or secret != secret.strip():
                raise TokenRefusedError(
                    f"The token for {self.host} is empty or has characters that no token has.",
                    hint="Copy it again, whole and alone.",
                )
            logs.hide(secret)
            self.failures.hide(secret)
            headers[TOKEN_HEADER] = secret
        organization = self._context.organization
        if organization:
            if not organization.isascii() or not organization.isprintable():
                raise UsageError(
                    f"{quoted(organization)} cannot be the name of an organization.", hint="Use its short name."
                )
            headers[ORGANIZATION_HEADER] = organization
        return headers


def _ms_since(began: float) -> float:
    return (time.monotonic() - began) * 1000.0

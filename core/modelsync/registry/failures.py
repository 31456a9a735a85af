"""The one place where the registry's status codes, and what happens to its connections, become errors of modelsync.

Every message names the host and every hint a next step; neither ever holds the token or a presigned query. What the
registry says in its own words is quoted on one line, cut, and without control characters.
"""

import re
from dataclasses import dataclass

import httpx

from modelsync.errors import (
    AnswerLostError,
    ModelsyncError,
    NotARegistryError,
    PermissionDeniedError,
    RegistryRefusedError,
    RegistryUnavailableError,
    RemoteModelNotFoundError,
    TlsError,
    TokenRefusedError,
    UploadGoneError,
)
from modelsync.registry.calls import Call, Reply
from modelsync.registry.unreachable import (
    CHECK_ENDPOINT,
    TRY_LATER,
    causes_of,
    is_sign_in,
    is_unknown_name,
    proxy_asks_for_sign_in,
    unreachable,
)
from modelsync.registry.words import quoted, reply_words, safe_host

_PERMISSION = (
    r"\bscopes\b|needs? the scope|(missing|insufficient) (scope|permission)|no permission|permission denied"
    r"|cannot (view|update|operate) this"
)
"""How a server says that the token is known but may not do this (a 400 on Yatai)."""
_FORBIDDEN = r"forbidden|not allowed|denied"
"""How others say so, where the status is 403; in a 400 these would be the object store's words."""
_NOT_FOUND_WORDS = ("record not found",)
_UPLOAD_GONE_WORDS = ("nosuchupload", "multipart upload does not exist")
_PARTS_GONE_WORDS = ("invalidpart:", "one or more of the specified parts")
"""The store has lost parts that it had confirmed, or has others: asking again says the same (contract 3.2)."""
_ASKED_WRONG_WORDS = (
    "duplicate key",
    "parse build at",
    "invalid input value",
    "too large",
    "invalidpart",
    "entitytoosmall",
    "one or more of the specified parts",
    "list of parts was not in ascending order",
    "smaller than the minimum",
    "binding error",
    "unmarshal",
    "is required",
)
"""A 400 with one of these will be a 400 again (contract 3.4, 25)."""
_TROUBLE_WORDS = (
    "connection refused",
    "connection reset",
    "broken pipe",
    "timeout",
    "timed out",
    "deadline exceeded",
    "no such host",
    "dial tcp",
    "unexpected eof",
    "bad connection",
    "too many connections",
    "too many clients",
    "slowdown",
    "slow down",
    "reduce your request rate",
    "bucket",
    "minio",
    "database is locked",
    "starting up",
    "shutting down",
    "server closed",
    "internal error",
    "try again",
)
"""A 400 with one of these is trouble of the registry's storage or database, which may pass."""


@dataclass(frozen=True, slots=True, eq=False)
class Failure:
    """Why a call did not succeed, and whether making it again may help."""

    error: ModelsyncError
    transient: bool = False
    maybe_done: bool = False
    """The registry may have done what was asked all the same."""
    wait_s: float | None = None
    """How long the registry asked to wait."""
    nobody_listens: bool = False
    """The connection was refused: by the address or by the proxy before it."""


TOO_LARGE_HINT = "Whoever runs the proxy there may allow larger ones; for nginx: client_max_body_size 0."


class Failures:
    """Puts the failures of one registry into words."""

    def __init__(self, host: str, organization: str | None = None) -> None:
        self._host = host
        self._secrets: tuple[str, ...] = ()
        self._organization = organization
        self.new_token_hint = "Sign in again with a new token."
        """What helps when the token is refused."""

    def hide(self, secret: str) -> None:
        """From now on no message repeats this, though the registry's words may."""
        self._secrets = (*self._secrets, secret)

    def of_reply(self, reply: Reply, call: Call) -> Failure:
        """A reply other than 200 (contract 1.0, status codes)."""
        words = reply_words(reply, *self._secrets)
        lowered = words.lower()
        status = reply.status
        if 300 <= status < 400:
            return Failure(self._redirected(reply))
        if status == 401:
            return Failure(self._token_refused(lowered))
        if status == 407:
            return Failure(proxy_asks_for_sign_in(self._host))
        if status in (408, 425, 429) or status >= 500:
            return self._unavailable(reply, words)
        if status == 413 and reply.is_web_page:
            what = "Something before it takes no body as large as this (413)."
            return Failure(RegistryRefusedError(f"{self._host}: {what}", hint=TOO_LARGE_HINT))
        if reply.is_web_page:
            return Failure(self._web_page(status))
        if status == 403:
            denied = re.search(_PERMISSION, lowered) or re.search(_FORBIDDEN, lowered)
            return Failure(self._denied(words) if denied else self._token_refused(lowered))
        if status == 404:
            return Failure(self._not_found(reply, call, words))
        if status == 413:
            return Failure(self._refused(call, words or "the request is too large"))
        if status == 400:
            return self._bad_request(reply, call, words)
        return Failure(self._refused(call, words or f"status {status}"))

    def of_raw_reply(self, reply: Reply, call: Call) -> Failure:
        """A refusal of the upload and download routes, which is 500 also for what others refuse with 400 or 404."""
        if reply.status == 500 and not reply.is_web_page:
            lowered = reply_words(reply, *self._secrets).lower()
            if re.search(_PERMISSION, lowered) or any(word in lowered for word in _NOT_FOUND_WORDS):
                return self._bad_request(reply, call, reply_words(reply, *self._secrets))
        return self.of_reply(reply, call)

    def of_transport(self, error: httpx.RequestError) -> Failure:
        """A connection that failed, and whether the request may have arrived before it did."""
        unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError)
        said = unreachable(error, self._host)
        lasting = isinstance(said, TlsError | NotARegistryError) or is_unknown_name(error) or is_sign_in(error)
        refused = any(isinstance(cause, ConnectionRefusedError) for cause in causes_of(error))
        return Failure(said, transient=not lasting, maybe_done=not unsent, nobody_listens=refused)

    def not_a_registry(self, reply: Reply, why: str = "") -> NotARegistryError:
        """A 200 with something that no registry answers (contract 1.0: a wrong path gives the dashboard's HTML)."""
        if reply.is_web_page:
            return self._web_page(reply.status)
        return NotARegistryError(
            f"{self._host} answers, but not as a registry does{f' ({why})' if why else ''}.", hint=CHECK_ENDPOINT
        )

    def answer_lost(self, call: Call, cause: ModelsyncError) -> AnswerLostError:
        """A request that must not be made twice blindly, whose answer never came."""
        return AnswerLostError(
            f"{self._host} did not say whether it took {call.about or 'the request'}: {cause.message}",
            hint="Run it again: it looks first what is there.",
        )

    def _bad_request(self, reply: Reply, call: Call, words: str) -> Failure:
        lowered = words.lower()
        if any(word in lowered for word in _NOT_FOUND_WORDS):
            return Failure(self._not_found(reply, call, words))
        if any(word in lowered for word in _UPLOAD_GONE_WORDS):
            return Failure(
                UploadGoneError(
                    f"{self._host} no longer knows the upload{call.of_subject}.", hint="Push it again from the start."
                )
            )
        if any(word in lowered for word in _PARTS_GONE_WORDS):
            return Failure(
                UploadGoneError(
                    f"{self._host} has not all parts of the upload{call.of_subject}{_colon(words)}",
                    hint="Push it again from the start.",
                )
            )
        if "https" in lowered and "http request" in lowered:
            return Failure(
                NotARegistryError(f"{self._host} speaks https, not http.", hint="Sign in with an https:// address.")
            )
        if re.search(_PERMISSION, lowered):
            return Failure(self._denied(words))
        trouble = call.touches_storage or any(word in lowered for word in _TROUBLE_WORDS)
        asked_wrong = any(word in lowered for word in _ASKED_WRONG_WORDS)
        if trouble and not asked_wrong:
            error = RegistryUnavailableError(
                f"{self._host} has trouble with its storage{_colon(words)}", hint=TRY_LATER
            )
            return Failure(error, transient=True, maybe_done=True, wait_s=reply.retry_after_s)
        return Failure(self._refused(call, words or "bad request"))

    def _unavailable(self, reply: Reply, words: str) -> Failure:
        trace = f", trace id {reply.trace_id}" if reply.trace_id else ""
        if reply.status == 429:
            message = f"{self._host} is asked too often{_colon(words)}"
        elif reply.is_web_page:
            message = f"{self._host} is in trouble (status {reply.status}{trace})."
        else:
            message = f"{self._host} is in trouble (status {reply.status}{trace}){_colon(words)}"
        hint = f"{TRY_LATER} Give its people the trace id if it stays." if trace else TRY_LATER
        return Failure(
            RegistryUnavailableError(message, hint=hint),
            transient=reply.status != 501,
            maybe_done=reply.status not in (425, 429, 501),
            wait_s=reply.retry_after_s,
        )

    def _not_found(self, reply: Reply, call: Call, words: str) -> ModelsyncError:
        if "not found this router" in words.lower():
            return RegistryRefusedError(
                f"{self._host} does not know {call.method} {call.route}.",
                hint="Its version may be too old; ask whoever keeps it.",
            )
        if self._organization and not reply.body.strip():
            return PermissionDeniedError(
                f"{self._host} knows no organization {quoted(self._organization)}.",
                hint="Check the name, or sign in without one.",
            )
        if not call.subject:
            return self.not_a_registry(reply, f"status {reply.status}")
        return RemoteModelNotFoundError(
            f"{self._host} has no {call.subject}.", hint="Check the spelling, or see what it has: modelsync ls remote"
        )

    def _token_refused(self, lowered: str) -> TokenRefusedError:
        if "expired" in lowered:
            return TokenRefusedError(f"The token for {self._host} has expired.", hint=self.new_token_hint)
        return TokenRefusedError(f"{self._host} does not accept the token.", hint=self.new_token_hint)

    def _denied(self, words: str) -> PermissionDeniedError:
        return PermissionDeniedError(
            f"{self._host} does not allow this{_colon(words)}",
            hint="Pulling needs the scope read_organization, pushing write_organization, or api for both.",
        )

    def _refused(self, call: Call, words: str) -> RegistryRefusedError:
        return RegistryRefusedError(
            f"{self._host} refused {call.about or 'the request'}{_colon(words)}", hint="The log file has the call."
        )

    def _redirected(self, reply: Reply) -> NotARegistryError:
        to = safe_host(reply.location)
        return NotARegistryError(
            f"{self._host} sends on to {to}." if to else f"{self._host} sends on to another address.",
            hint="The token is not sent there by itself; sign in with that address if it is the right one.",
        )

    def _web_page(self, status: int) -> NotARegistryError:
        if status == 403:
            return NotARegistryError(
                f"Something before {self._host} refuses to let requests through (a web page with status 403).",
                hint="Check the VPN, the proxy and the endpoint.",
            )
        return NotARegistryError(f"{self._host} answers with a web page, not as a registry does.", hint=CHECK_ENDPOINT)


def _colon(words: str) -> str:
    return f": {words.rstrip('.')}." if words else "."

"""What it means when an object store refuses, or cannot be heard: modelsync's errors, and which of them may pass."""

import logging
import re
import time
from datetime import UTC
from email.utils import parsedate_to_datetime

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
from modelsync.registry.calls import Call, Reply
from modelsync.registry.failures import TOO_LARGE_HINT, Failures
from modelsync.registry.retry import read_retry_after
from modelsync.registry.targets import DataTarget
from modelsync.registry.unreachable import is_sign_in, unreachable
from modelsync.registry.words import clean
from modelsync.transfer.retry import Retryable

log = logging.getLogger("modelsync.transfer")

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
RETRIED_CODES = frozenset({"BadDigest", "RequestTimeout", "SlowDown", "InternalError", "IncompleteBody"})
"""S3 error codes that pass, whatever status they come with."""
ERROR_BODY_MAX_BYTES = 16 << 10
ERROR_BODY_WITHIN_S = 5.0
"""What drips on for longer is cut: the status has said enough."""


class UrlRefused(Exception):  # noqa: N818 - it never leaves the transfer package
    """The store answered 403: the URL may have expired; a fresh one decides (contract 4.4)."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def network_trouble(exc: httpx.TransportError, host: str) -> Exception:
    """What a failed exchange means: a Retryable, or what trying again would not mend: TlsError, a proxy's sign-in."""
    if isinstance(exc, httpx.ProxyError):
        said = unreachable(exc, host)
        return said if is_sign_in(exc) else Retryable(said)
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


def refusal(response: httpx.Response, target: DataTarget) -> Exception:
    """What a status other than success means."""
    body = _error_body(response)
    if not target.presigned:
        return _own_route_refusal(response, target, body)
    code = _xml_value(body, "Code")
    words = "" if _is_page(response) and not code else clean(_xml_value(body, "Message") or body)
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
        return changed()
    if status == 413:
        return PartError(
            f"Something before the object store at {where} takes no body as large as a part (413).", hint=TOO_LARGE_HINT
        )
    if status == 416:
        return IntegrityError("The object is shorter than the registry's store said.", hint="Pull it again.")
    if status == 507 or code == "InsufficientStorage":
        return NoSpaceError(f"The object store at {where} is full.", hint="Tell who runs it.")
    error = _trouble(status, code, words, where)
    if status in RETRIED_STATUSES or code in RETRIED_CODES:
        slow = code == "SlowDown" or status in (429, 503)
        return Retryable(error, retry_after_s=_retry_after(response), slow_down=slow)
    return error


def _is_page(response: httpx.Response) -> bool:
    """A proxy's own words, for a browser; object stores answer in XML."""
    return "html" in response.headers.get("content-type", "").lower()


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


def changed() -> RemoteChangedError:
    return RemoteChangedError(
        "Someone replaced this version in the registry while it was read.", hint="Pull it again to get the new one."
    )


def version_untold(target: DataTarget) -> Retryable:
    """Its bytes may be those of another version, which must not be mixed with what came before."""
    return Retryable(
        UnreachableError(
            f"Something answers in the place of the object store at {target.host}: "
            "it does not say which version it sends.",
            hint="Check the network: a VPN or a proxy may be in the way. Then try again.",
        )
    )


def _error_body(response: httpx.Response) -> str:
    collected, ends_at = bytearray(), time.monotonic() + ERROR_BODY_WITHIN_S
    try:
        for piece in response.iter_raw():
            collected += piece
            if len(collected) >= ERROR_BODY_MAX_BYTES or time.monotonic() > ends_at:
                break
    except httpx.TransportError:
        pass  # the status has said enough
    return bytes(collected[:ERROR_BODY_MAX_BYTES]).decode("utf-8", "replace")


def _xml_value(body: str, name: str) -> str:
    match = re.search(rf"<{name}>([^<]*)</{name}>", body)
    return match[1].strip() if match else ""


def _retry_after(response: httpx.Response) -> float | None:
    """By the store's own clock where it tells the time: this machine's may be wrong."""
    try:
        now = parsedate_to_datetime(response.headers["date"]).astimezone(UTC)
    except (ValueError, OverflowError, KeyError):
        now = None
    return read_retry_after(response.headers.get("retry-after"), now)

"""The registry's own presigned URLs: what they are good for, until when, and that nobody changed them."""

from __future__ import annotations

import errno
import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

from modelsync_registry.errors import ObjectError

OBJECTS_PATH = "/objects/"
_SECRET_BYTES = 32
_DIGITS_MAX = 18


@dataclass(frozen=True, slots=True)
class Permit:
    """What one signed URL allows: a method on a key, or on one part of an upload of it."""

    method: str
    key: str
    upload_id: str | None = None
    part_number: int | None = None


class UrlSigner:
    """Signs permits with HMAC-SHA256 and recognises them again."""

    def __init__(self, secret: bytes, *, clock: Callable[[], datetime], lifetime_s: Callable[[], float]) -> None:
        self._secret = secret
        self._clock = clock
        self._lifetime_s = lifetime_s

    def sign(self, permit: Permit) -> str:
        """Path and query of a URL for `permit`, good for the lifetime from now on."""
        expires_ms = int((self._clock().timestamp() + self._lifetime_s()) * 1000)
        part = ""
        if permit.upload_id is not None:
            part = f"&partNumber={permit.part_number}&uploadId={quote_plus(permit.upload_id)}"
        signature = self._signature(permit, expires_ms)
        return f"{OBJECTS_PATH}{quote(permit.key)}?X-Expires={expires_ms}{part}&X-Signature={signature}"

    def check(self, method: str, raw_path: str, fields: dict[str, str]) -> Permit:
        """The permit that a request carries. Raises ObjectError: 403 when it is forged, altered or too old."""
        permit = Permit(
            method,
            unquote(raw_path.removeprefix(OBJECTS_PATH)),
            fields.get("uploadId"),
            _number(fields.get("partNumber", "")),
        )
        expires_ms = _number(fields.get("X-Expires", ""))
        signature = fields.get("X-Signature", "").encode()  # in bytes: it compares no letters outside ASCII
        if expires_ms is None or not hmac.compare_digest(self._signature(permit, expires_ms).encode(), signature):
            raise ObjectError(
                "SignatureDoesNotMatch",
                "The request signature does not match: the URL was altered, or is used with another method.",
                HTTPStatus.FORBIDDEN,
            )
        if self._clock().timestamp() * 1000 > expires_ms:
            raise ObjectError("AccessDenied", "Request has expired", HTTPStatus.FORBIDDEN)
        return permit

    def _signature(self, permit: Permit, expires_ms: int) -> str:
        # Keys hold names chosen by clients. Quoted, no line of the message can hold another one: else a version whose
        # name has line ends in it gets a signature for another key, which never expires.
        upload_id, part_number = quote(permit.upload_id or ""), str(permit.part_number or "")
        message = "\n".join((permit.method, quote(permit.key), str(expires_ms), upload_id, part_number))
        return hmac.digest(self._secret, message.encode(), "sha256").hex()


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX else None


def load_secret(path: Path) -> bytes:
    """The secret kept at `path`, made (mode 0600) when there is none yet."""
    try:
        return bytes.fromhex(path.read_text())
    except ValueError:
        raise OSError(errno.EINVAL, f"{path} holds no secret of ours; move it away and a new one is made") from None
    except FileNotFoundError:
        secret = secrets.token_bytes(_SECRET_BYTES)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secret.hex())
        return secret

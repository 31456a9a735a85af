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
        expires = str(int((self._clock().timestamp() + self._lifetime_s()) * 1000))
        part = ""
        if permit.upload_id is not None:
            part = f"&partNumber={permit.part_number}&uploadId={quote_plus(permit.upload_id)}"
        signature = self._signature(permit, expires)
        return f"{OBJECTS_PATH}{quote(permit.key)}?X-Expires={expires}{part}&X-Signature={signature}"

    def check(self, method: str, raw_path: str, fields: dict[str, str]) -> Permit:
        """The permit that a request carries. Raises ObjectError: 403 when it is forged, altered or too old."""
        part_number = fields.get("partNumber")
        permit = Permit(
            method,
            unquote(raw_path.removeprefix(OBJECTS_PATH)),
            fields.get("uploadId"),
            int(part_number) if part_number is not None and part_number.isdecimal() else None,
        )
        expires = fields.get("X-Expires", "")
        if not hmac.compare_digest(self._signature(permit, expires), fields.get("X-Signature", "")):
            raise ObjectError(
                "SignatureDoesNotMatch",
                "The request signature does not match: the URL was altered, or is used with another method.",
                HTTPStatus.FORBIDDEN,
            )
        if self._clock().timestamp() * 1000 > int(expires):
            raise ObjectError("AccessDenied", "Request has expired", HTTPStatus.FORBIDDEN)
        return permit

    def _signature(self, permit: Permit, expires: str) -> str:
        message = "\n".join((permit.method, permit.key, expires, permit.upload_id or "", str(permit.part_number or "")))
        return hmac.digest(self._secret, message.encode("utf-8", "surrogatepass"), "sha256").hex()


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

"""What the registry answers when it refuses, as exceptions that know their HTTP status.

    RegistryError
    ├── BadRequestError           400 {"error"}    validation, scopes, duplicates, storage trouble
    ├── RecordNotFoundError       404 {"error"}    ends in "record not found"
    ├── NotSignedInError          403 {"message"}  no, unknown or expired token, foreign organization
    ├── UnknownOrganizationError  404, no body     X-Yatai-Organization names none of ours
    ├── SignInCodeOverError       410 {"error"}    a browser sign-in's code that is used, old or unknown
    └── TooManySignInsError       429 {"error"}    nobody may fill the memory with codes
    ObjectError                   S3's errors: a code, a sentence and the status S3 gives it

The statuses follow registry contract 1.0: nearly everything is a 400, also what elsewhere would be a 409 or a 5xx.
"""

from __future__ import annotations

from http import HTTPStatus


class RegistryError(Exception):
    """A refusal that becomes one HTTP answer; `str(error)` is its text for a person."""

    status: int = HTTPStatus.BAD_REQUEST
    field: str | None = "error"
    """The JSON key that carries the text; `None` for an empty body."""


class BadRequestError(RegistryError):
    """Everything that is neither a missing record nor a missing sign-in."""


class RecordNotFoundError(RegistryError):
    """A repository or a model that is not there."""

    status = HTTPStatus.NOT_FOUND

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"get {what} {name}: record not found")


class NotSignedInError(RegistryError):
    """The caller is not known, no longer valid, or not in the organization."""

    status = HTTPStatus.FORBIDDEN
    field = "message"


class UnknownOrganizationError(RegistryError):
    """The request names an organization that does not exist."""

    status = HTTPStatus.NOT_FOUND
    field = None


class SignInCodeOverError(RegistryError):
    """The code of a sign-in that ended, or never began."""

    status = HTTPStatus.GONE

    def __init__(self) -> None:
        super().__init__("the sign-in code is used, too old or unknown")


class TooManySignInsError(RegistryError):
    """More sign-ins have begun than are kept."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class ObjectError(Exception):
    """One of S3's errors. `str(error)` is "Code: sentence", so that the code survives in a 400 of the API."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = int(status)


def no_such_key() -> ObjectError:
    return ObjectError("NoSuchKey", "The specified key does not exist.", HTTPStatus.NOT_FOUND)


def no_such_upload() -> ObjectError:
    return ObjectError(
        "NoSuchUpload",
        "The specified upload does not exist. It may be unknown, completed already, or aborted.",
        HTTPStatus.NOT_FOUND,
    )

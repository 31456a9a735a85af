"""The library that speaks S3: how its client is set up, what is used of it, and what its errors mean here."""

# ruff: noqa: N803 - the names are S3's

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from typing import IO, Final, Protocol, TypedDict, cast

import botocore.exceptions as failures  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]

from modelsync_registry.config import S3Location
from modelsync_registry.errors import ObjectError
from modelsync_registry.objects import StoreUnusableError

CONNECT_TIMEOUT_S: Final = 5
READ_TIMEOUT_S: Final = 50
"""Below the 60 s that clients wait for the registry; completing a large object takes a store its time."""
TRIES: Final = 2
"""A stale connection is replaced; more is for clients to decide, which wait with a person before them."""
CONNECTIONS: Final = 32


class Object(TypedDict):
    Bucket: str
    Key: str


class Part(TypedDict):
    PartNumber: int
    ETag: str


class Parts(TypedDict):
    Parts: Sequence[Part]


class EtagAnswer(TypedDict):
    ETag: str


class GetAnswer(TypedDict):
    ContentLength: int
    ETag: str
    LastModified: datetime
    Body: IO[bytes]


class UploadAnswer(TypedDict):
    UploadId: str


class S3Client(Protocol):
    """What is used of the library's client, which is made from a description at run time and has no types."""

    def close(self) -> None: ...

    def generate_presigned_url(self, operation: str, Params: Mapping[str, object], *, ExpiresIn: int) -> str: ...

    def list_objects_v2(self, *, Bucket: str, Prefix: str, MaxKeys: int) -> object: ...

    def create_bucket(self, *, Bucket: str, CreateBucketConfiguration: Mapping[str, str] = ...) -> object: ...

    def create_multipart_upload(self, *, Bucket: str, Key: str) -> UploadAnswer: ...

    def upload_part(self, *, Bucket: str, Key: str, UploadId: str, PartNumber: int, Body: bytes) -> EtagAnswer: ...

    def complete_multipart_upload(
        self, *, Bucket: str, Key: str, UploadId: str, MultipartUpload: Parts
    ) -> EtagAnswer: ...

    def abort_multipart_upload(self, *, Bucket: str, Key: str, UploadId: str) -> object: ...

    def get_object(self, *, Bucket: str, Key: str) -> GetAnswer: ...

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> EtagAnswer: ...


def connect(location: S3Location) -> S3Client:
    """A client; nothing is asked of the store yet. Raises StoreUnusableError when it cannot be set up.

    The library finds the credentials: AWS_* variables, the AWS files, the role of the machine.
    """
    config = Config(
        signature_version="s3v4",
        # A server of one's own has one name; AWS wants the bucket in it. (By "auto" the library signs for a name
        # without the region, which redirects, and clients follow no redirects.) AWS's certificate covers no bucket
        # with a dot.
        s3={"addressing_style": "path" if location.endpoint or "." in location.bucket else "virtual"},
        # Else every URL would demand a checksum header, which clients do not send (registry contract 4.4).
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": TRIES, "mode": "standard"},
        max_pool_connections=CONNECTIONS,
    )
    try:
        client = botocore.session.Session().create_client(
            "s3", region_name=location.region, endpoint_url=location.endpoint, config=config
        )
    except (failures.BotoCoreError, ValueError) as error:
        raise StoreUnusableError(f"{location.url} cannot be used ({error})") from error
    return cast("S3Client", client)


@contextmanager
def s3_errors(location: S3Location) -> Iterator[None]:
    """Makes the library's errors ours: ObjectError where S3 refuses, OSError where it does not answer."""
    try:
        yield
    except failures.ClientError as error:
        told = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", HTTPStatus.BAD_GATEWAY)
        raise ObjectError(str(told.get("Code", "InternalError")), str(told.get("Message", "")), status) from error
    except (failures.NoCredentialsError, failures.PartialCredentialsError) as error:
        words = "the registry has no credentials for its object store (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"
        raise ObjectError("AccessDenied", words, HTTPStatus.FORBIDDEN) from error
    except (failures.HTTPClientError, failures.ConnectionError, failures.IncompleteReadError) as error:
        # Its own words hold the URL, and with it the upload id.
        words = f"the object store {location.host} does not answer ({type(error).__name__})"
        raise OSError(errno.EIO, words) from error
    except failures.BotoCoreError as error:
        raise ObjectError("InvalidRequest", str(error), HTTPStatus.BAD_REQUEST) from error

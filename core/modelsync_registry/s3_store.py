"""An object store in a bucket of S3, or of a server that speaks S3: signed URLs lead clients straight to it.

How it works: signing is arithmetic on the credentials and asks nobody. Only beginning and completing an upload ask the
store, so the bytes of models pass by the registry, unless its strategy is to carry them. S3 errors stay what they are;
a store that does not answer is an OSError, as a broken disk is.

Uploads that nobody completes cost storage until the bucket's lifecycle rule AbortIncompleteMultipartUpload ends them.
"""

from __future__ import annotations

import errno
import logging
import math
import threading
from collections.abc import Callable, Sequence
from typing import Final

from modelsync_registry.config import MIB, S3Location
from modelsync_registry.errors import ObjectError
from modelsync_registry.objects import CompletedPart, ETag, StoreUnusableError, UploadId
from modelsync_registry.s3_client import GetAnswer, Object, Part, S3Client, connect, s3_errors

_log = logging.getLogger(__name__)

URL_LIFETIME_MAX_S: Final = 7 * 24 * 3600
"""What a Signature Version 4 URL may live."""
PART_BYTES: Final = 16 * MIB
"""Of an archive that the registry carries; held in memory until it is full."""
PARTS_PER_SIZE: Final = 1000
"""After so many parts their size doubles: 10,000 of them hold 16 TiB."""
_MAY_PASS: Final = frozenset({408, 429, 500, 502, 503, 504})


class S3Store:
    """Objects below one prefix of one bucket. Safe to use from many threads."""

    signs_at_once = False  # credentials that end are fetched anew

    def __init__(self, location: S3Location, *, lifetime_s: Callable[[], float]) -> None:
        """Looks for the bucket, and makes it when missing, as Yatai does (registry contract 4.1).

        A store that does not answer now is looked at again when it is needed. Raises StoreUnusableError for anything
        that waiting would not mend: credentials, rights, the bucket's name.
        """
        self._location = location
        self._lifetime_s = lifetime_s
        self._client = connect(location)
        self._bucket_is_there = False
        try:
            self._need_bucket()
        except OSError as error:
            _log.warning("%s; it is looked at again when it is needed", error.strerror)
        except ObjectError as error:
            if error.status in _MAY_PASS:
                _log.warning("the object store has trouble (%s); it is looked at again when it is needed", error)
            else:
                raise StoreUnusableError(f"{location.url} cannot be used ({error})") from error

    def close(self) -> None:
        self._client.close()

    def presign_get(self, key: str) -> str:
        return self._presign("get_object", key)

    def presign_put(self, key: str) -> str:
        self._need_bucket()
        return self._presign("put_object", key)

    def presign_part(self, key: str, upload_id: UploadId, part_number: int) -> str:
        return self._presign("upload_part", key, UploadId=upload_id, PartNumber=part_number)

    def create_multipart(self, key: str) -> UploadId:
        self._need_bucket()
        with s3_errors(self._location):
            return UploadId(self._client.create_multipart_upload(**self._of(key))["UploadId"])

    def complete_multipart(self, key: str, upload_id: UploadId, parts: Sequence[CompletedPart]) -> ETag:
        named: list[Part] = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        with s3_errors(self._location):
            answer = self._client.complete_multipart_upload(
                **self._of(key), UploadId=upload_id, MultipartUpload={"Parts": named}
            )
        return _etag(answer["ETag"])

    def open(self, key: str) -> S3Reader:
        with s3_errors(self._location):
            answer = self._client.get_object(**self._of(key))
        return S3Reader(answer, self._location)

    def writer(self, key: str) -> S3Writer:
        self._need_bucket()
        return S3Writer(self._client, self._of(key), self._location)

    def _of(self, key: str) -> Object:
        return {"Bucket": self._location.bucket, "Key": self._location.prefix + key}

    def _presign(self, operation: str, key: str, **more: object) -> str:
        lifetime_s = min(max(1, math.ceil(self._lifetime_s())), URL_LIFETIME_MAX_S)
        with s3_errors(self._location):
            return self._client.generate_presigned_url(operation, {**self._of(key), **more}, ExpiresIn=lifetime_s)

    def _need_bucket(self) -> None:
        if self._bucket_is_there:
            return
        bucket = self._location.bucket
        try:
            # Not head_bucket: its refusal has no body, so nobody could say what is wrong. The right to list is
            # needed anyway: without it S3 answers 403 instead of 404 for an object that is not there.
            with s3_errors(self._location):
                self._client.list_objects_v2(Bucket=bucket, Prefix=self._location.prefix, MaxKeys=1)
        except ObjectError as error:
            if error.code != "NoSuchBucket":
                raise
            self._make_bucket(bucket)
        self._bucket_is_there = True

    def _make_bucket(self, bucket: str) -> None:
        region = self._location.region
        try:
            with s3_errors(self._location):
                if region == "us-east-1":  # S3 refuses to be told its default
                    self._client.create_bucket(Bucket=bucket)
                else:
                    self._client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
        except ObjectError as error:
            if error.code != "BucketAlreadyOwnedByYou":  # another registry was faster
                raise
        _log.info("made the bucket %s", bucket)


class S3Reader:
    """One version of one object on its way out; for one thread at a time."""

    def __init__(self, answer: GetAnswer, location: S3Location) -> None:
        self.size = answer["ContentLength"]
        self.etag = _etag(answer["ETag"])
        self.modified = answer["LastModified"]
        self._body = answer["Body"]
        self._location = location
        self._at = 0

    def read(self, offset: int, size: int) -> bytes:
        """Reads on; raises ValueError for any offset but the one behind the last piece."""
        if offset != self._at:
            raise ValueError(f"the object is read in order: {self._at} comes next, not {offset}")
        with s3_errors(self._location):
            data = self._body.read(size)
        if not data and self._at < self.size:
            raise OSError(errno.EIO, "the object store sent less than it promised")
        self._at += len(data)
        return data

    def close(self) -> None:
        self._body.close()


class S3Writer:
    """One object on its way in: in one PUT when it is small, else in parts."""

    def __init__(self, client: S3Client, target: Object, location: S3Location) -> None:
        self._client = client
        self._target = target
        self._location = location
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._upload_id: str | None = None
        self._parts: list[Part] = []
        # A cancelled request aborts while a thread may still be committing: only one of the two can win.
        self._ending = threading.Lock()
        self._ended = False

    def write(self, data: Sequence[bytes]) -> None:
        self._gathered += data
        self._gathered_bytes += sum(map(len, data))
        if self._gathered_bytes >= PART_BYTES << len(self._parts) // PARTS_PER_SIZE:
            with s3_errors(self._location):
                self._send_part()

    def commit(self) -> ETag:
        with self._ending, s3_errors(self._location):
            if self._upload_id is None:
                answer = self._client.put_object(**self._target, Body=self._taken())
            else:
                if self._gathered:
                    self._send_part()
                answer = self._client.complete_multipart_upload(
                    **self._target, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts}
                )
            self._ended = True
        return _etag(answer["ETag"])

    def abort(self) -> None:
        with self._ending:
            if self._ended:
                return
            self._ended = True
            self._gathered = []
            if self._upload_id is not None:
                try:
                    with s3_errors(self._location):
                        self._client.abort_multipart_upload(**self._target, UploadId=self._upload_id)
                except (ObjectError, OSError) as error:
                    # What made the writer give up is told already; the rest is for the bucket's lifecycle rule.
                    _log.warning("an upload could not be aborted: %s", error)

    def _send_part(self) -> None:
        if self._upload_id is None:
            self._upload_id = self._client.create_multipart_upload(**self._target)["UploadId"]
        number = len(self._parts) + 1
        answer = self._client.upload_part(
            **self._target, UploadId=self._upload_id, PartNumber=number, Body=self._taken()
        )
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    def _taken(self) -> bytes:
        data = b"".join(self._gathered)
        self._gathered, self._gathered_bytes = [], 0
        return data


def _etag(quoted: str) -> ETag:
    return ETag(quoted.strip('"'))

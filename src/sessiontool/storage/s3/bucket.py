"""The calls of S3 that a store needs, through boto3, each with its retries and our errors.

Asking again happens on two levels.  botocore repeats a request that failed or was throttled; here the whole call is
repeated where botocore does not: a body cut short, or a server that is busy for longer.

Conditions: `tag` is an ETag without its quotes.  A condition that does not hold is an answer (None, False), never an
error; where an answer got lost and the repeated request meets its own work, that counts as success.
"""

from __future__ import annotations

import random
import threading
import time
import weakref
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError
from msgspec import Struct

from ...errors import NotFoundError, StorageError
from ...options import Limits
from ..local.disk import disk_errors
from ..protocols import changed, check_report_size, not_published, vanished
from .digests import differs, md5
from .errors import (
    CHANGED,
    FAILURES,
    MISSING,
    ShortBodyError,
    WrongBytesError,
    error_code,
    is_passing,
    is_throttling,
    translate,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

T = TypeVar("T")

_CALL_ATTEMPTS = 6
"""Number of requests for one call, chosen: with growing delays they take as long as a short outage."""
_PATIENCE_S = 60
"""Chosen: throttling and failovers of a bucket are over by then."""
_FIRST_DELAY_S = 0.1
"""Chosen: a first failure is mostly a single one."""
_FIRST_THROTTLED_DELAY_S = 0.5
"""Chosen: what a server asks for when it is busy."""

_WHOLE_BYTES = 8 * 1024 * 1024
"""By definition of boto3's `upload_file`, which cuts larger files into parts; smaller ones need none of its threads."""

_CONTENT_TYPES = {
    ".webm": "audio/webm",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".vtt": "text/vtt; charset=utf-8",
    ".srt": "application/x-subrip",
    ".json": "application/json",
    ".ttml": "application/ttml+xml",
    ".ass": "text/x-ssa; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
}


class Snapshot(Struct, frozen=True):
    """A document as it is now: its body, its tag, and how old it is by the server's own clock."""

    body: bytes
    tag: str
    age_s: float


class Bucket:
    """One bucket.  Keys are whole keys; threads may share it.

    `written` is added to every request that stores something: encryption, tags.
    """

    def __init__(self, client: Any, name: str, written: Mapping[str, str], limits: Limits | None = None) -> None:
        self.client = client
        self.name = name
        self.limits = limits or Limits()
        self.written = dict(written)
        self._closed = threading.Event()
        self._close_client = weakref.finalize(self, client.close)

    def close(self) -> None:
        """Let go of connections; a thread that waits to ask again gives up."""
        self._closed.set()
        self._close_client()

    def url(self, key: str) -> str:
        return f"s3://{self.name}/{key}".rstrip("/")

    def head(self) -> dict[str, Any]:
        """What the server says of the bucket (NotFoundError, StorageError)."""

        def head() -> dict[str, Any]:
            try:
                found: dict[str, Any] = self.client.head_bucket(Bucket=self.name)
            except ClientError as error:
                if error_code(error) in MISSING:
                    raise NotFoundError(
                        f"there is no bucket {self.name}", hint="check its name, the endpoint and the account"
                    ) from error
                raise
            return found

        return self._call(f"use {self.url('')}", head)

    def pages(self, prefix: str, *, delimiter: str = "") -> Iterator[dict[str, Any]]:
        """All pages of a listing."""
        query = {"Bucket": self.name, "Prefix": prefix} | ({"Delimiter": delimiter} if delimiter else {})
        while True:
            page = self._call(f"list {self.url(prefix)}", partial(self.client.list_objects_v2, **query))
            yield page
            if not page.get("IsTruncated"):
                return
            query["ContinuationToken"] = page["NextContinuationToken"]

    def version_pages(self, prefix: str) -> Iterator[dict[str, Any]]:
        """All pages of a listing of versions and delete markers."""
        query = {"Bucket": self.name, "Prefix": prefix}
        while True:
            page = self._call(
                f"list versions of {self.url(prefix)}", partial(self.client.list_object_versions, **query)
            )
            yield page
            if not page.get("IsTruncated"):
                return
            query["KeyMarker"] = page["NextKeyMarker"]
            query["VersionIdMarker"] = page["NextVersionIdMarker"]

    def delete_exactly(self, objects: list[dict[str, str]]) -> list[dict[str, Any]]:
        """Delete versions of objects for good; those that were refused, as the server says it."""
        delete = partial(self.client.delete_objects, Bucket=self.name, Delete={"Objects": objects, "Quiet": True})
        return list(self._call(f"delete in {self.url('')}", delete).get("Errors", ()))

    def get(self, key: str, tag: str, size_bytes: int) -> bytes:
        """The body of an object as it was listed (StorageError when changed, NotFoundError when gone).

        A body that is not what the tag says, if that is a digest, is read again.  One that comes twice is right: where
        KMS encrypts, a tag looks like a digest and is none.
        """
        wrong: set[str] = set()

        def fetch() -> bytes:
            data = self._fetch(key, tag, size_bytes)
            if differs(data, tag) and (found := md5(data)) not in wrong:
                wrong.add(found)
                raise WrongBytesError
            return data

        return self._call(f"read {self.url(key)}", fetch)

    def get_range(self, key: str, tag: str, start: int, size_bytes: int) -> bytes:
        """Some of the bytes of an object as it was listed (StorageError when changed, NotFoundError when gone)."""
        part = {"Range": f"bytes={start}-{start + size_bytes - 1}"}
        return self._call(f"read {self.url(key)}", lambda: self._fetch(key, tag, size_bytes, **part))

    def _fetch(self, key: str, tag: str, size_bytes: int, **part: str) -> bytes:
        """One request for an object, or a part of it, that must have so many bytes."""
        try:
            response = self.client.get_object(Bucket=self.name, Key=key, IfMatch=f'"{tag}"', **part)
        except ClientError as error:
            if error_code(error) in CHANGED:
                raise changed(self.url(key)) from error
            if error_code(error) in MISSING:
                raise vanished(self.url(key)) from error
            raise
        with closing(response["Body"]) as body:
            if response["ContentLength"] != size_bytes:
                if _tag(response) == tag:  # the same object, and not all of it
                    raise ShortBodyError
                raise changed(self.url(key))  # a server that knows no If-Match
            if part and _tag(response) != tag:  # a server that knows no If-Match
                raise changed(self.url(key))
            return _whole(body, size_bytes)

    def get_if_there(self, key: str) -> bytes | None:
        """The body of a document whatever it is now, None where there is none."""
        found = self.snapshot(key)
        return found.body if found else None

    def snapshot(self, key: str) -> Snapshot | None:
        """A document as it is now, None where there is none (RecordingError where it is beyond the limits)."""

        def fetch() -> Snapshot | None:
            try:
                response = self.client.get_object(Bucket=self.name, Key=key)
            except ClientError as error:
                if error_code(error) in MISSING:
                    return None
                raise
            with closing(response["Body"]) as body:
                check_report_size(self.url(key), response["ContentLength"], self.limits)
                return Snapshot(_whole(body, response["ContentLength"]), _tag(response), _age_s(response))

        return self._call(f"read {self.url(key)}", fetch)

    def tag_of(self, key: str) -> str | None:
        """The tag of an object, None where there is none."""

        def head() -> str | None:
            try:
                return _tag(self.client.head_object(Bucket=self.name, Key=key))
            except ClientError as error:
                if error_code(error) in MISSING:
                    return None
                raise

        return self._call(f"read {self.url(key)}", head)

    def get_file(self, key: str, path: Path) -> None:
        """Fetch an object of any size into a file (NotFoundError when it is not there)."""

        def fetch() -> None:
            try:
                self.client.download_file(self.name, key, str(path))
            except ClientError as error:
                if error_code(error) in MISSING:
                    raise not_published(self.url(key)) from error
                raise

        self._call(f"read {self.url(key)}", fetch)

    def put_file(self, key: str, path: Path) -> None:
        """Store a file of any size, in several parts where it is large."""
        extra = {"ContentType": _content_type(path), **self.written}

        def put() -> None:
            if path.stat().st_size > _WHOLE_BYTES:
                self.client.upload_file(str(path), self.name, key, ExtraArgs=extra)
                return
            with path.open("rb") as file:
                self.client.put_object(Bucket=self.name, Key=key, Body=file, **extra)

        with disk_errors("read", path):
            self._call(f"write {self.url(key)}", put)

    def put_if(self, key: str, body: bytes, tag: str | None) -> str | None:
        """Store a document if it is still as `tag` says (None: not there); its new tag, None where it is not."""
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": f'"{tag}"'}
        extra = {"ContentType": _content_type(Path(key)), **condition, **self.written}

        def put() -> str | None:
            try:
                return _tag(self.client.put_object(Bucket=self.name, Key=key, Body=body, **extra))
            except ClientError as error:
                if error_code(error) not in CHANGED | MISSING:
                    raise
            found = self.snapshot(key)
            return found.tag if found and found.body == body else None

        return self._call(f"write {self.url(key)}", put)

    def copy(self, source: str, key: str) -> None:
        """Copy an object of up to 5 GB within the bucket, on the server."""
        extra = {**self.written, **({"TaggingDirective": "REPLACE"} if "Tagging" in self.written else {})}
        where = {"Bucket": self.name, "Key": source}
        self._call(
            f"write {self.url(key)}",
            partial(self.client.copy_object, Bucket=self.name, Key=key, CopySource=where, **extra),
        )

    def delete_if(self, key: str, tag: str) -> bool:
        """Delete an object if it is still as `tag` says; whether it is gone now."""

        def delete() -> bool:
            try:
                self.client.delete_object(Bucket=self.name, Key=key, IfMatch=f'"{tag}"')
            except ClientError as error:
                if error_code(error) not in CHANGED | MISSING:
                    raise
                return self.tag_of(key) is None
            return True

        return self._call(f"delete {self.url(key)}", delete)

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects, one after another; those that are not there are no matter."""
        for key in keys:
            self._call(f"delete {self.url(key)}", partial(self.client.delete_object, Bucket=self.name, Key=key))

    def abort_uploads(self, prefix: str) -> None:
        """Give up unfinished uploads in parts.  Where that is not allowed, a lifecycle rule has to do it."""
        doing = f"clean up {self.url(prefix)}"
        try:
            page = self._call(doing, partial(self.client.list_multipart_uploads, Bucket=self.name, Prefix=prefix))
            for upload in page.get("Uploads", ()):
                which = {"Bucket": self.name, "Key": upload["Key"], "UploadId": upload["UploadId"]}
                self._call(doing, partial(self.client.abort_multipart_upload, **which))
        except (StorageError, NotFoundError):
            return

    def _call(self, doing: str, operation: Callable[[], T]) -> T:
        """What `operation` returns, tried again while its errors may pass and patience lasts."""
        deadline = time.monotonic() + _PATIENCE_S
        for attempt in range(_CALL_ATTEMPTS):
            try:
                return operation()
            except FAILURES as error:
                delay_s = (_FIRST_THROTTLED_DELAY_S if is_throttling(error) else _FIRST_DELAY_S) * 2**attempt
                late = attempt + 1 == _CALL_ATTEMPTS or time.monotonic() + delay_s > deadline
                if late or not is_passing(error):
                    raise translate(error, doing, self.client.meta.endpoint_url) from error
                # Not all at once: many readers are throttled in the same moment.
                if self._closed.wait(delay_s * random.uniform(0.5, 1)):  # noqa: S311 - nothing secret about it
                    raise translate(error, doing, self.client.meta.endpoint_url) from error
        raise AssertionError("the last attempt returns or raises")


def _whole(body: Any, size_bytes: int) -> bytes:
    data: bytes = body.read()
    if len(data) != size_bytes:
        raise ShortBodyError
    return data


def _content_type(path: Path) -> str:
    return _CONTENT_TYPES.get(path.suffix, "application/octet-stream")


def _tag(response: Any) -> str:
    return str(response["ETag"]).strip('"')


def _age_s(response: Any) -> float:
    """How long ago an object was stored; both times are the server's, to the second."""
    try:
        now = parsedate_to_datetime(response["ResponseMetadata"]["HTTPHeaders"]["date"])
    except (KeyError, ValueError):
        now = datetime.now(UTC)
    age_s: float = (now - response["LastModified"]).total_seconds()
    return age_s

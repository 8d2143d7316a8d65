"""A store in an S3 bucket, through boto3 and its own credential chain; imported for `s3://` stores alone.

Asking again happens on two levels.  botocore repeats a request that failed or was throttled; here the whole call is
repeated where botocore does not: a body cut short, or a server that is busy for longer.  Every object is read as it was
listed: the GET is bound to the listed ETag, so a recording that is still being uploaded is noticed instead of mixed.

Not here: leases, conditional commits, and reading many chunks at once.
"""

from __future__ import annotations

import random
import re
import tempfile
import time
import weakref
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from ..errors import UsageError
from ..values import SessionListing, StoredObject
from .base import (
    REPORT_NAME,
    S3Options,
    changed,
    check_document_size,
    check_published,
    not_published,
    unknown_session,
    vanished,
)
from .disk import disk_errors, room_errors
from .layout import MERGED_FOLDER, Layout
from .s3errors import CHANGED, FAILURES, MISSING, ShortBodyError, error_code, is_passing, is_throttling, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

T = TypeVar("T")

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")

_REQUEST_ATTEMPTS = 4
_CALL_ATTEMPTS = 6
_PATIENCE_S = 60
_FIRST_DELAY_S = 0.1
_FIRST_THROTTLED_DELAY_S = 0.5

_CONTENT_TYPES = {
    ".webm": "audio/webm",
    ".vtt": "text/vtt; charset=utf-8",
    ".srt": "application/x-subrip",
    ".json": "application/json",
    ".ttml": "application/ttml+xml",
    ".ass": "text/x-ssa; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
}


def open_s3(url: str, options: S3Options, layout: Layout) -> S3Store:
    """The store at `s3://bucket/prefix`; nothing is asked of the server yet (UsageError for a name that is none)."""
    bucket, _, prefix = url.partition("://")[2].partition("/")
    if "@" in bucket:  # not repeated: people put credentials there
        raise UsageError(
            "an s3:// store takes no credentials", hint="name a profile with --profile, or set AWS_ACCESS_KEY_ID"
        )
    if not _BUCKET.fullmatch(bucket):
        raise UsageError(f"{bucket[:80]!r} is no name of a bucket", hint="a store is s3://bucket/prefix")
    return S3Store(_Bucket(_client(url, options), bucket), prefix.strip("/"), layout)


def _client(url: str, options: S3Options) -> Any:
    config = Config(
        connect_timeout=options.connect_timeout_s,
        read_timeout=options.read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": _REQUEST_ATTEMPTS},
    )
    try:
        session = boto3.Session(profile_name=options.profile, region_name=options.region)
        return session.client("s3", endpoint_url=options.endpoint_url, config=config)
    except FAILURES as error:
        raise translate(error, f"use {url}", options.endpoint_url or "") from error
    except ValueError as error:  # how botocore says that an endpoint is no URL
        raise UsageError(
            f"cannot use {url}: the endpoint is not a URL", hint="write it as https://host or http://host:port"
        ) from error


class _Bucket:
    """The calls that a store needs of one bucket, each with its retries and our errors.  Keys here are whole keys."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self.name = name
        self.close = weakref.finalize(self, client.close)

    def url(self, key: str) -> str:
        return f"s3://{self.name}/{key}".rstrip("/")

    def pages(self, prefix: str, *, delimiter: str = "") -> Iterator[dict[str, Any]]:
        """All pages of a listing."""
        query = {"Bucket": self.name, "Prefix": prefix} | ({"Delimiter": delimiter} if delimiter else {})
        while True:
            page = self._call(f"list {self.url(prefix)}", partial(self._client.list_objects_v2, **query))
            yield page
            if not page.get("IsTruncated"):
                return
            query["ContinuationToken"] = page["NextContinuationToken"]

    def get(self, key: str, tag: str, size_bytes: int) -> bytes:
        """The body of an object as it was listed (StorageError when changed, NotFoundError when gone)."""

        def fetch() -> bytes:
            try:
                response = self._client.get_object(Bucket=self.name, Key=key, IfMatch=f'"{tag}"')
            except ClientError as error:
                if error_code(error) in CHANGED:
                    raise changed(self.url(key)) from error
                if error_code(error) in MISSING:
                    raise vanished(self.url(key)) from error
                raise
            with closing(response["Body"]) as body:
                if response["ContentLength"] != size_bytes:  # a server that knows no If-Match
                    raise changed(self.url(key))
                return _whole(body, size_bytes)

        return self._call(f"read {self.url(key)}", fetch)

    def get_if_there(self, key: str) -> bytes | None:
        """The body of a document whatever it is now, None where there is none."""

        def fetch() -> bytes | None:
            try:
                response = self._client.get_object(Bucket=self.name, Key=key)
            except ClientError as error:
                if error_code(error) in MISSING:
                    return None
                raise
            with closing(response["Body"]) as body:
                check_document_size(self.url(key), response["ContentLength"])
                return _whole(body, response["ContentLength"])

        return self._call(f"read {self.url(key)}", fetch)

    def delete_if_there(self, key: str) -> None:
        """Delete an object; without one the permission to delete is not needed."""

        def delete() -> None:
            try:
                self._client.head_object(Bucket=self.name, Key=key)
            except ClientError as error:
                if error_code(error) in MISSING:
                    return
                raise
            self._client.delete_object(Bucket=self.name, Key=key)

        self._call(f"delete {self.url(key)}", delete)

    def get_file(self, key: str, path: Path) -> None:
        """Fetch an object of any size into a file (NotFoundError when it is not there)."""

        def fetch() -> None:
            try:
                self._client.download_file(self.name, key, str(path))
            except ClientError as error:
                if error_code(error) in MISSING:
                    raise not_published(self.url(key)) from error
                raise

        self._call(f"read {self.url(key)}", fetch)

    def put_file(self, key: str, path: Path) -> None:
        """Store a file of any size, in several parts where it is large."""
        extra = {"ContentType": _content_type(path)}
        with disk_errors("read", path):
            self._call(
                f"write {self.url(key)}",
                partial(self._client.upload_file, str(path), self.name, key, ExtraArgs=extra),
            )

    def put_bytes(self, key: str, body: bytes) -> None:
        """Store a document in one request, so that it is there whole or not at all."""
        put = partial(self._client.put_object, Bucket=self.name, Key=key, Body=body)
        self._call(f"write {self.url(key)}", partial(put, ContentType=_content_type(Path(key))))

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
                    raise translate(error, doing, self._client.meta.endpoint_url) from error
            # Not all at once: many readers are throttled in the same moment.
            time.sleep(delay_s * random.uniform(0.5, 1))  # noqa: S311 - nothing secret about it
        raise AssertionError("the last attempt returns or raises")


def _whole(body: Any, size_bytes: int) -> bytes:
    data: bytes = body.read()
    if len(data) != size_bytes:
        raise ShortBodyError
    return data


def _content_type(path: Path) -> str:
    return _CONTENT_TYPES.get(path.suffix, "application/octet-stream")


class S3Store:
    """Sessions in a bucket, below a prefix."""

    def __init__(self, bucket: _Bucket, prefix: str, layout: Layout) -> None:
        self.layout = layout
        self._bucket = bucket
        self._root = f"{prefix}/" if prefix else ""

    @property
    def url(self) -> str:
        return self._bucket.url(self._root)

    def session_ids(self) -> Iterator[str]:
        parent = self._root + self.layout.parent
        seen: set[str] = set()
        for page in self._bucket.pages(parent, delimiter="/"):
            keys = [entry["Prefix"] for entry in page.get("CommonPrefixes", ())]
            keys += [entry["Key"] for entry in page.get("Contents", ())]
            for name in sorted(key.removeprefix(parent) for key in keys):
                session_id = self.layout.session_named(name.removesuffix("/"), is_folder=name.endswith("/"))
                if session_id is not None and session_id not in seen:
                    seen.add(session_id)
                    yield session_id

    def list_session(self, session_id: str) -> SessionListing:
        objects = (obj for prefix in self.layout.prefixes(session_id) for obj in self._below(prefix))
        listing = self.layout.listing(session_id, objects)
        if listing is None:
            raise unknown_session(self, session_id)
        return listing

    def read(self, obj: StoredObject) -> bytes:
        return self._bucket.get(self._root + obj.key, obj.tag, obj.size_bytes)

    def target(self, session_id: str) -> S3Target:
        return S3Target(self._bucket, f"{self._root}{self.layout.folder(session_id)}/{MERGED_FOLDER}/")

    def close(self) -> None:
        self._bucket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _below(self, prefix: str) -> Iterator[StoredObject]:
        for page in self._bucket.pages(self._root + prefix):
            for entry in page.get("Contents", ()):
                key, tag = entry["Key"].removeprefix(self._root), entry["ETag"].strip('"')
                yield StoredObject(key, entry["Size"], tag, entry["LastModified"].timestamp())


class S3Target:
    """A result in a bucket.  Files are made in a local temporary folder first."""

    def __init__(self, bucket: _Bucket, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix

    @property
    def url(self) -> str:
        return self._bucket.url(self._prefix)

    def locate(self, name: str) -> str:
        return self._bucket.url(self._prefix + name)

    def read(self, name: str) -> bytes | None:
        return self._bucket.get_if_there(self._prefix + name)

    @contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        with self.workspace() as work:
            self._bucket.get_file(self._prefix + name, work / name)
            yield work / name

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        parent = Path(tempfile.gettempdir())
        with disk_errors("write to", parent):
            folder = tempfile.TemporaryDirectory(prefix="sessiontool-", ignore_cleanup_errors=True)
        with folder as work, room_errors(parent):
            yield Path(work)

    def publish(self, files: Mapping[str, Path]) -> None:
        check_published(files)
        with disk_errors("read", files[REPORT_NAME]):
            report = files[REPORT_NAME].read_bytes()
        self._bucket.delete_if_there(self._prefix + REPORT_NAME)
        for name, path in files.items():
            if name != REPORT_NAME:
                self._bucket.put_file(self._prefix + name, path)
        self._bucket.put_bytes(self._prefix + REPORT_NAME, report)

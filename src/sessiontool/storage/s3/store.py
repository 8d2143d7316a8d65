"""A store in an S3 bucket, through boto3 and its own credential chain; imported for `s3://` stores alone.

Every object is read as it was listed: the GET is bound to the listed ETag, so a recording that is still being uploaded
is noticed instead of mixed.
"""

from __future__ import annotations

import gzip
import os
import re
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from botocore.loaders import JSONFileLoader
from botocore.session import get_session
from botocore.utils import parse_timestamp
from msgspec import json
from msgspec.structs import replace

from ...errors import UsageError
from ...model import SessionListing, StoredObject, StoredVersion
from ..checks import check_scratch, check_sessions
from ..layout import MERGED_FOLDER, Layout
from ..local.untrusted import check_name
from ..misnamed import misnamed_folders
from ..protocols import REPORT_NAME, Check, changed, check_size, unknown_session
from ..scanning import scan_sorted, scanned
from .bucket import Bucket
from .checks import check_bucket, check_purging, check_writing
from .errors import FAILURES, translate
from .fetch import S3Fetch
from .pages import write_page
from .put_options import write_parameters
from .target import S3Target
from .versions import delete_versions, list_versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType

    from ...options import Limits, S3Options
    from ..protocols import Reader, Scanned

_BUCKET = r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}"

_REQUEST_ATTEMPTS = 4
"""Number of requests that boto3 makes for one of ours; chosen: what lasts longer is retried by `bucket`."""
_INDEX = ".sessiontool/index.json.gz"
"""No session's folder, for an id does not begin with a dot."""
_CONNECTIONS = 64
"""Number of connections, chosen: as many as threads; urllib3 throws away, and warns of, those above its own ten."""


def open_s3(url: str, options: S3Options, layout: Layout, limits: Limits) -> S3Store:
    """The store at `s3://bucket/prefix`; nothing is asked of the server yet (UsageError for a name that is none)."""
    opened, root, session = open_bucket(url, options, limits)
    return S3Store(opened, root, layout, session, S3Fetch(opened, root, session, options))


def open_bucket(url: str, options: S3Options, limits: Limits) -> tuple[Bucket, str, Any]:
    """The bucket of `s3://bucket/prefix`, the prefix with its slash, and the boto3 session (UsageError)."""
    bucket, _, prefix = url.partition("://")[2].partition("/")
    if "@" in bucket:  # not repeated: people put credentials there
        raise UsageError(
            "an s3:// store takes no credentials", hint="name a profile with --profile, or set AWS_ACCESS_KEY_ID"
        )
    if not re.fullmatch(_BUCKET, bucket):
        raise UsageError(f"{bucket[:80]!r} is no name of a bucket", hint="a store is s3://bucket/prefix")
    written = write_parameters(options)
    session, client = _client(url, options)
    root = f"{prefix.strip('/')}/".lstrip("/")
    return Bucket(client, bucket, written, limits), root, session


def _client(url: str, options: S3Options) -> tuple[Any, Any]:
    """A boto3 session and its client."""
    config = Config(
        connect_timeout=options.connect_timeout_s,
        read_timeout=options.read_timeout_s,
        max_pool_connections=_CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": _REQUEST_ATTEMPTS},
        request_checksum_calculation=options.checksums,
        response_checksum_validation=options.checksums,
    )
    try:
        core = get_session()
        core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_instant)
        loader = core.get_component("data_loader")
        loader.list_available_services = lambda _: _services(loader.search_paths)
        loader.file_loader = _Descriptions()
        session = boto3.Session(botocore_session=core, profile_name=options.profile, region_name=options.region)
        return session, session.client("s3", endpoint_url=options.endpoint_url, config=config)
    except FAILURES as error:  # a profile that is not there, checksums that boto3 does not know
        raise translate(error, f"use {url}", options.endpoint_url or "") from error
    except ValueError as error:  # how botocore says that an endpoint is no URL
        raise UsageError(
            f"cannot use {url}: the endpoint is not a URL", hint="write it as https://host or http://host:port"
        ) from error


class _Descriptions(JSONFileLoader):
    """Reads what botocore knows of services and regions, two megabytes of JSON, in a fifth of the time it takes."""

    def load_file(self, file_path: str) -> Any:
        """The document whose path is `file_path` and an ending; None where there is none."""
        for ending, opened in ((".json", open), (".json.gz", gzip.open)):
            with suppress(FileNotFoundError), opened(file_path + ending, "rb") as file:
                return json.decode(file.read())
        return None


def _services(folders: Iterable[str]) -> list[str]:
    """The services that botocore knows, by name.  It looks into the folders of all four hundred for what they hold."""
    there = [folder for folder in folders if os.path.isdir(folder)]  # noqa: PTH112 - as botocore has them
    return sorted({name for folder in there for name in os.listdir(folder)})  # noqa: PTH208


def _instant(value: Any) -> datetime:
    """A time in an answer.  botocore's own way takes more than half of the time of a listing."""
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):  # a time of HTTP, or seconds
        found: datetime = parse_timestamp(value)
        return found


class S3Store:
    """Sessions in a bucket, below `root`, which is empty or ends in `/`."""

    def __init__(self, bucket: Bucket, root: str, layout: Layout, session: Any, fetch: S3Fetch) -> None:
        self.layout = layout
        self.limits = bucket.limits
        self._session = session
        self._bucket = bucket
        self._root = root
        self._fetch = fetch

    @property
    def url(self) -> str:
        return self._bucket.url(self._root)

    def session_ids(self) -> Iterator[str]:
        yield from self.layout.sessions_named(self._names())

    def misnamed(self) -> Iterator[str]:
        yield from misnamed_folders(self.layout, self._names(), self._below)

    def sample_keys(self, count: int) -> list[str]:
        return [obj.key for obj in islice(self._below(""), count)]

    def scan(self) -> Iterator[Scanned]:
        if self.layout.owns_folder:
            yield from scan_sorted(self.layout, self._below(self.layout.parent))
            return
        for session_id in self.session_ids():
            one = scanned(self.layout, session_id, self._all_of(session_id))
            if one:
                yield one

    def read_index(self) -> tuple[bytes, str] | None:
        found = self._bucket.snapshot(self._root + _INDEX)
        return (found.body, found.tag) if found else None

    def write_index(self, body: bytes, tag: str | None) -> None:
        self._bucket.put_if(self._root + _INDEX, body, tag)

    def list_session(self, session_id: str) -> SessionListing:
        found = list(self._all_of(session_id))
        listing = self.layout.listing(session_id, found)
        if listing is None:
            raise unknown_session(self, session_id)
        report = f"{listing.folder}/{MERGED_FOLDER}/{REPORT_NAME}"
        return replace(listing, has_result=any(obj.key == report for obj in found))

    def has_below(self, folder: str, session_id: str) -> bool:
        prefix = f"{self._root}{folder}/{self.layout.prefixes(session_id)[0]}"
        return bool(next(self._bucket.pages(prefix)).get("KeyCount"))

    def read(self, obj: StoredObject) -> bytes:
        check_size(obj, self.limits)
        return self._bucket.get(self._root + obj.key, obj.tag, obj.size_bytes)

    def reading(self, objects: Sequence[StoredObject]) -> AbstractContextManager[Reader]:
        return self._fetch.reading(objects)

    def target(self, session_id: str) -> S3Target:
        return S3Target(self._bucket, f"{self._root}{self.layout.folder(session_id)}/{MERGED_FOLDER}/")

    def write_document(self, session_id: str, name: str, body: bytes, old: StoredObject | None) -> str:
        key = f"{self._root}{self.layout.folder(session_id)}/{check_name(name)}"
        if self._bucket.put_if(key, body, old.tag if old else None) is None:
            raise changed(self._bucket.url(key))
        return self._bucket.url(key)

    def write_page(self, name: str, body: bytes) -> str:
        return write_page(self._bucket, self._root, name, body)

    def versions(self, session_id: str) -> Iterator[StoredVersion]:
        for prefix in self.layout.prefixes(session_id):
            for version in list_versions(self._bucket, self._root, prefix):
                if self.layout.belongs(session_id, version.key):
                    yield version

    def delete(self, session_id: str, versions: Sequence[StoredVersion]) -> None:
        for version in versions:
            if not self.layout.belongs(session_id, version.key):
                raise ValueError(f"not of session {session_id}: {version.key!r}")
        delete_versions(self._bucket, self._root, versions)

    def checks(self, *, writes: bool) -> Iterator[Check]:
        failed = False
        for check in check_bucket(self._bucket, self._session):
            yield check
            failed = failed or check.status == "failed"
        if failed:
            return
        yield check_sessions(self)
        if writes:
            yield from check_writing(
                self._bucket, self._session, lambda one: f"{self._root}{self.layout.folder(one)}/{MERGED_FOLDER}/"
            )
        yield check_purging(self._bucket, self._root, self.layout)
        yield from check_scratch()

    def close(self) -> None:
        self._bucket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _names(self) -> Iterator[str]:
        """What is directly below the layout's parent; folders end in a slash."""
        parent = self._root + self.layout.parent
        for page in self._bucket.pages(parent, delimiter="/"):
            keys = [entry["Prefix"] for entry in page.get("CommonPrefixes", ())]
            keys += [entry["Key"] for entry in page.get("Contents", ())]
            yield from sorted(key.removeprefix(parent) for key in keys)

    def _all_of(self, session_id: str) -> Iterator[StoredObject]:
        return (obj for prefix in self.layout.prefixes(session_id) for obj in self._below(prefix))

    def _below(self, prefix: str) -> Iterator[StoredObject]:
        for page in self._bucket.pages(self._root + prefix):
            for entry in page.get("Contents", ()):
                key, tag = entry["Key"].removeprefix(self._root), entry["ETag"].strip('"')
                yield StoredObject(key, entry["Size"], tag, entry["LastModified"].timestamp())

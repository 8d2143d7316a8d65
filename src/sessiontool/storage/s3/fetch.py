"""Reads the chunks of a session from a bucket: many at once, each checked against its listing.

Through obstore where it is installed: a GET costs boto3 a millisecond of Python, which no number of threads makes
faster.  obstore asks once.  Whatever goes wrong, the object is read through boto3 (`Bucket.get`), which asks again,
waits, and says what is the matter; so there is one place where errors are described, and nothing depends on obstore.

What is checked: the size as listed; that the ETag still is the listed one (If-Match); and that it is the MD5 of the
bytes, where it looks like one.  It is none for uploads in several parts, and looks like one but is none where a key of
KMS encrypts: that shows in two reads that agree with one another and not with it.
"""

from __future__ import annotations

import hashlib
import io
import os
import threading
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from ..protocols import check_size
from .digests import differs, is_digest
from .prefetch import Pace, prefetching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

    from ...model import StoredObject
    from ...options import S3Options
    from ..protocols import Reader
    from .bucket import Bucket

_AT_ONCE = 64
"""Number of requests at once; chosen: a distant store is answered in the time of its line, not of ours."""
_AT_ONCE_BOTO3 = 16
"""Threads; chosen: each request of boto3 takes the interpreter, and more wait for it."""
_LARGE_BYTES = 16 * 1024 * 1024
"""Chosen: what is larger is read through boto3, whose timeout is for each read and not for the whole."""
_FUTILE = 8
"""Objects; chosen: after so many failures and no success, obstore is not asked again: its way to the server is
another, and closed."""

_obstores_process: int | None = None
"""The process that has used obstore, or whose child this one is."""


class _Once(Protocol):
    """One request for an object as `tag` says it is; raises whatever it likes."""

    def __call__(self, key: str, tag: str) -> bytes: ...


class S3Fetch:
    """Reads objects of a bucket below `root`.  Threads may share it."""

    def __init__(self, bucket: Bucket, root: str, session: Any, options: S3Options) -> None:
        self._bucket = bucket
        self._root = root
        self._connect: Callable[[], _Once | None] | None = partial(_obstore, bucket, session, options)
        self._once: _Once | None = None
        self._tags_are_digests = True
        self._matched = 0
        self._failed = 0
        self._lock = threading.Lock()
        self._pace = Pace(_AT_ONCE_BOTO3)
        self._process = os.getpid()

    def get(self, obj: StoredObject) -> bytes:
        """The body of an object as it was listed (NotFoundError when gone, StorageError, RecordingError)."""
        check_size(obj, self._bucket.limits)
        data = self._get_once(obj) if self._once and obj.size_bytes <= _LARGE_BYTES else None
        if data is not None and not (self._tags_are_digests and differs(data, obj.tag)):
            self._matched += 1
            return data
        data = self._bucket.get(self._root + obj.key, obj.tag, obj.size_bytes)
        if not self._matched and differs(data, obj.tag):
            self._tags_are_digests = False
        return data

    def _get_once(self, obj: StoredObject) -> bytes | None:
        """The body by one request of obstore's, None where that fails for whatever reason."""
        assert self._once is not None
        try:
            data = self._once(self._root + obj.key, obj.tag)
        except Exception:  # noqa: BLE001 - boto3 finds out what it is
            self._pace.slow_down()
            with self._lock:
                self._failed += 1
                if self._failed >= _FUTILE and not self._matched:
                    self._once = None
            return None
        return data if len(data) == obj.size_bytes else None

    def _connected(self) -> _Once | None:
        """obstore, if it is installed and of use: its threads do not live on in a process that was forked."""
        global _obstores_process  # noqa: PLW0603 - as there is one of it in a process
        if self._process != os.getpid():  # forked, maybe from one in which a thread held the lock of the pace
            self._process, self._pace = os.getpid(), Pace(_AT_ONCE_BOTO3)
        if _obstores_process not in {None, os.getpid()}:
            return None
        if self._connect:
            self._once, self._connect = self._connect(), None
            self._pace = Pace(_AT_ONCE if self._once else _AT_ONCE_BOTO3)
        if self._once:
            _obstores_process = os.getpid()
        return self._once

    @contextmanager
    def opened(self, obj: StoredObject) -> Iterator[BinaryIO]:
        """An object as it was listed, as a file of any size."""
        with io.BufferedReader(_RangedRaw(self._bucket, self._root, obj), _LARGE_BYTES) as file:
            yield file

    @contextmanager
    def reading(self, objects: Sequence[StoredObject]) -> Iterator[Reader]:
        """`Store.reading`: `objects` are on their way from now on."""
        self._once = self._connected()
        with prefetching(self.get, objects, self._pace) as prefetcher:
            yield _FetchedReader(prefetcher.read, self)


class _FetchedReader:
    """Reads objects that are on their way."""

    def __init__(self, read: Callable[[StoredObject], bytes], fetch: S3Fetch) -> None:
        self._read = read
        self._fetch = fetch

    def __call__(self, obj: StoredObject, sha256: str | None = None) -> bytes:
        data = self._read(obj)
        if sha256 and not is_digest(obj.tag) and hashlib.sha256(data).hexdigest() != sha256.lower():
            return self._fetch.get(obj)
        return data

    @contextmanager
    def opened(self, obj: StoredObject) -> Iterator[BinaryIO]:
        if obj.size_bytes > _LARGE_BYTES:
            with self._fetch.opened(obj) as file:
                yield file
        else:
            yield io.BytesIO(self(obj))


class _RangedRaw(io.RawIOBase):
    """An object read in ranges, by a request each."""

    def __init__(self, bucket: Bucket, root: str, obj: StoredObject) -> None:
        self._bucket, self._key, self._object = bucket, root + obj.key, obj
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._object.size_bytes}[whence]
        self._place = max(0, base + offset)
        return self._place

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer from the place on; 0 at the end (the errors of a store)."""
        size = min(len(buffer), self._object.size_bytes - self._place)
        if size <= 0:
            return 0
        buffer[:size] = self._bucket.get_range(self._key, self._object.tag, self._place, size)
        self._place += size
        return size


def _obstore(bucket: Bucket, session: Any, options: S3Options) -> _Once | None:
    """A way to the bucket through obstore, by the credentials and the endpoint of boto3; None without obstore."""
    try:
        from obstore import get  # noqa: PLC0415 - a store that is only listed needs none of it
        from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415
        from obstore.store import S3Store  # noqa: PLC0415
    except ImportError:
        return None
    client = bucket.client
    endpoint = str(client.meta.endpoint_url)
    virtual = (client.meta.config.s3 or {}).get("addressing_style") == "virtual"
    if virtual:
        parts = urlsplit(endpoint)
        endpoint = f"{parts.scheme}://{bucket.name}.{parts.netloc}"
    store = S3Store(
        bucket.name,
        endpoint=endpoint,
        region=client.meta.region_name,
        virtual_hosted_style_request=virtual,
        credential_provider=Boto3CredentialProvider(session),
        retry_config={"max_retries": 0},
        client_options={
            "allow_http": True,
            "connect_timeout": timedelta(seconds=options.connect_timeout_s),
            "read_timeout": timedelta(seconds=options.read_timeout_s),
        },
    )
    return lambda key, tag: bytes(get(store, key, options={"if_match": f'"{tag}"'}).bytes())

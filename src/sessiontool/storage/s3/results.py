"""Results in a bucket of their own: `s3://bucket/prefix` as a place for them, a folder for each session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from .checks import check_bucket, check_writing
from .pages import write_page
from .store import open_bucket
from .target import S3Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...options import Limits, S3Options
    from ..protocols import Check
    from .bucket import Bucket


class S3Results:
    """Results in a bucket, below `root`, which is empty or ends in `/`."""

    def __init__(self, bucket: Bucket, root: str, session: Any) -> None:
        self._bucket = bucket
        self._root = root
        self._session = session

    @classmethod
    def at(cls, url: str, options: S3Options, limits: Limits) -> Self:
        """The place at `s3://bucket/prefix`; nothing is asked of the server yet (UsageError for what is none)."""
        return cls(*open_bucket(url, options, limits))

    @property
    def url(self) -> str:
        return self._bucket.url(self._root)

    def write_page(self, name: str, body: bytes) -> str:
        return write_page(self._bucket, self._root, name, body)

    def target(self, session_id: str) -> S3Target:
        return S3Target(self._bucket, f"{self._root}{session_id}/")

    def checks(self) -> Iterator[Check]:
        failed = False
        for check in check_bucket(self._bucket, self._session):
            yield check
            failed = failed or check.status == "failed"
        if not failed:
            yield from check_writing(self._bucket, self._session, lambda folder: f"{self._root}{folder}/")

"""A result in a bucket: one run at a time works on it, under a lease."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..processors import handing_over
from .base import check_published
from .disk import scratch_folder
from .s3lease import Lease
from .s3publish import Publication

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from .s3bucket import Bucket

LEASE = ".sessiontool.lease"


class S3Target:
    """A result in a bucket.  Files are made in a local temporary folder first."""

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._publication: Publication | None = None  # in the workspace

    @property
    def url(self) -> str:
        return self._bucket.url(self._prefix)

    def locate(self, name: str) -> str:
        return self._bucket.url(self._prefix + name)

    def read(self, name: str) -> bytes | None:
        return self._bucket.get_if_there(self._prefix + name)

    @contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        with scratch_folder() as folder:
            self._bucket.get_file(self._prefix + name, folder / name)
            yield folder / name

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        lease = Lease(self._bucket, self._prefix + LEASE)
        with handing_over(), lease.held(), scratch_folder() as work:
            publication = Publication(self._bucket, self._prefix, lease)
            if lease.inherited:
                lease.keep = True
                publication.clean_up()
                lease.keep = False
            self._publication = publication
            try:
                yield work
            finally:
                self._publication = None
                publication.close()

    def send_ahead(self, name: str, path: Path) -> None:
        assert self._publication is not None, "files are made in the workspace"
        self._publication.send(name, path)

    def publish(self, files: Mapping[str, Path]) -> None:
        check_published(files)
        assert self._publication is not None, "publishing is done in the workspace"
        self._publication.publish(files)

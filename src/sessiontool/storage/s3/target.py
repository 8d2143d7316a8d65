"""A result in a bucket: one run at a time works on it, under a lease."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..local.disk import scratch_folder
from ..local.untrusted import check_name
from ..protocols import REPORT_NAME, check_published
from .files import S3Files
from .lease import Lease
from .links import link_to
from .publish import Publication

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from .bucket import Bucket

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

    def link(self, name: str, lifetime_s: int) -> str:
        return link_to(self._bucket, self._prefix + check_name(name), lifetime_s)

    def inside(self, name: str) -> S3Target:
        return S3Target(self._bucket, f"{self._prefix}{check_name(name)}/")

    def files(self, name: str) -> S3Files:
        return S3Files(self._bucket, f"{self._prefix}{check_name(name)}/")

    def sizes(self) -> dict[str, int]:
        pages = self._bucket.pages(self._prefix, delimiter="/")
        found = (entry for page in pages for entry in page.get("Contents", ()))
        return {name: entry["Size"] for entry in found if (name := entry["Key"].removeprefix(self._prefix))}

    def read(self, name: str) -> bytes | None:
        found = self._bucket.snapshot(self._prefix + check_name(name))
        if name == REPORT_NAME and self._publication is not None:
            self._publication.saw_report(found.tag if found else None)
        return found.body if found else None

    @contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        key = self._prefix + check_name(name)
        with scratch_folder() as folder:
            self._bucket.get_file(key, folder / "fetched")
            yield folder / "fetched"

    def tidy(self) -> None:
        """Nothing: to look would cost a request, and a lease that a killed run left runs out by itself."""

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        lease = Lease(self._bucket, self._prefix + LEASE)
        with lease.held(), scratch_folder() as work:
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

    def publish(self, files: Mapping[str, Path], obsolete: Collection[str] = ()) -> None:
        check_published(files, obsolete)
        assert self._publication is not None, "publishing is done in the workspace"
        self._publication.publish(files)
        self._bucket.delete(self._prefix + name for name in obsolete)

"""A result in a bucket: one run at a time, and the old result or the new one whatever happens.

Nothing can be renamed there, and objects are replaced one by one.  So where there is no result yet, the files go to
their names and the report comes last.  Where one is replaced, all of the new one is stored under a staging prefix
first, its report last: from then on it is the result.  What remains is to remove the old report, copy the files on the
server, and put the new report; a run that is killed in the middle of that leaves it to the next one.

A run holds the lease of the result (`s3lease`) from before it reads to after it published.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import SessionToolError
from .base import REPORT_NAME, check_published
from .disk import disk_errors, scratch_folder
from .s3lease import Lease

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from .s3bucket import Bucket

LEASE = ".sessiontool.lease"
STAGING = ".sessiontool-"

_AT_ONCE = 4


class S3Target:
    """A result in a bucket.  Files are made in a local temporary folder first."""

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._report = prefix + REPORT_NAME
        self._lease: Lease | None = None

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
        with lease.held(), scratch_folder() as work:
            if lease.inherited:
                lease.keep = True
                self._clean_up(lease)
                lease.keep = False
            self._lease = lease
            try:
                yield work
            finally:
                self._lease = None

    def publish(self, files: Mapping[str, Path]) -> None:
        check_published(files)
        assert self._lease is not None, "publishing is done in the workspace"
        lease, staging = self._lease, f"{self._prefix}{STAGING}{self._lease.token}/"
        with disk_errors("read", files[REPORT_NAME]):
            report = files[REPORT_NAME].read_bytes()
        try:
            tag = self._bucket.tag_of(self._report)
            place = self._prefix if tag is None else staging
            self._put(files, place, lease)
            lease.confirm()
            if self._bucket.put_if(place + REPORT_NAME, report, None) is None:
                raise lease.lost()
            if tag is not None:
                self._put_in_place(staging, list(files), lease, tag)
        except BaseException:
            self._undo(staging, lease)
            raise

    def _put(self, files: Mapping[str, Path], place: str, lease: Lease) -> None:
        """Store all files but the report below `place`."""

        def put(name: str) -> None:
            lease.confirm()
            self._bucket.put_file(place + name, files[name])

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(put, (name for name in files if name != REPORT_NAME)))

    def _put_in_place(self, staging: str, names: Sequence[str], lease: Lease, tag: str | None) -> None:
        """Make what is complete below `staging` the result; `tag` is that of the report there is, if any."""
        report = self._bucket.get_if_there(staging + REPORT_NAME) or b""
        if tag is not None and not self._bucket.delete_if(self._report, tag):
            raise lease.lost()

        def copy(name: str) -> None:
            lease.confirm()
            self._bucket.copy(staging + name, self._prefix + name)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(copy, (name for name in names if name != REPORT_NAME)))
        lease.confirm()
        if self._bucket.put_if(self._report, report, None) is None:
            raise lease.lost()
        self._remove(staging, names)

    def _remove(self, staging: str, names: Sequence[str]) -> None:
        """Remove staged files: the report first, for without it they are nothing."""
        self._bucket.delete(staging + name for name in sorted(names, key=lambda name: name != REPORT_NAME))

    def _undo(self, staging: str, lease: Lease) -> None:
        """Leave nothing half done where publishing failed; what cannot be done now is left to the next run."""
        lease.keep = True
        try:
            if lease.is_lost:
                self._remove(staging, self._staged().get(staging, ()))
            else:
                self._clean_up(lease)
        except SessionToolError:
            return
        lease.keep = False

    def _clean_up(self, lease: Lease) -> None:
        """Finish what is complete, and remove what is not: staged files and unfinished uploads."""
        self._bucket.abort_uploads(self._prefix)
        for staging, names in self._staged().items():
            if REPORT_NAME not in names:
                self._remove(staging, names)
                continue
            published = self._bucket.snapshot(self._report)
            if published and published.body == self._bucket.get_if_there(staging + REPORT_NAME):
                self._remove(staging, names)  # it was put in place to the last
            else:
                self._put_in_place(staging, names, lease, published.tag if published else None)

    def _staged(self) -> dict[str, list[str]]:
        """The names of the files below each staging prefix."""
        found: dict[str, list[str]] = {}
        for page in self._bucket.pages(self._prefix + STAGING):
            for entry in page.get("Contents", ()):
                folder, _, name = entry["Key"].removeprefix(self._prefix).partition("/")
                if name:
                    found.setdefault(f"{self._prefix}{folder}/", []).append(name)
        return found

"""How one run replaces a result in a bucket, so that a run killed in the middle leaves the old result or the new one.

Where there is no result yet, files go to their names and the report comes last.  Where one is replaced, all of the new
one is stored under a staging prefix first; its report comes last there too, under a name that tells how many files it
needs.  From then on it is the result, and what remains is to put it in place: the old report goes, the files are copied
on the server, the new report is put.  The run after a killed one finishes that, or removes what is not complete.

Every step is taken under the lease, and the two that decide are conditions as well: the old report is deleted if it is
the one that was seen, the new one is put if there is none.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING

from ...errors import SessionToolError
from ..local.disk import disk_errors
from ..protocols import REPORT_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from .bucket import Bucket
    from .lease import Lease

STAGING = ".sessiontool-"

_MARKER = f"{REPORT_NAME}."
_AT_ONCE = 4
"""Files that are put at once; chosen: most results have about as many."""


class Publication:
    """What a run publishes below `prefix`, while it holds the lease."""

    def __init__(self, bucket: Bucket, prefix: str, lease: Lease) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._report = prefix + REPORT_NAME
        self._lease = lease
        self._staging = f"{prefix}{STAGING}{lease.token}/"
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        self._sent: dict[str, tuple[Path, Future[None]]] = {}
        self._deciding = False  # the report may be there, whatever the answer was
        self._done = False

    @cached_property
    def _old(self) -> str | None:
        """The tag of the report that is to be replaced."""
        return self._bucket.tag_of(self._report)

    def saw_report(self, tag: str | None) -> None:
        """The tag of the report as it was just read, None without one: it need not be asked for again."""
        if not self._sent:
            self._old = tag

    def send(self, name: str, path: Path) -> None:
        """Begin to store a file."""
        self._sent[name] = (path, self._pool.submit(self._put, name, path))

    def publish(self, files: Mapping[str, Path]) -> None:
        """Make the files the result (StorageError; BusyError where the lease is lost)."""
        names = [name for name in files if name != REPORT_NAME]
        with disk_errors("read", files[REPORT_NAME]):
            report = files[REPORT_NAME].read_bytes()
        for name in names:
            if self._sent.get(name, (None,))[0] != files[name]:
                self.send(name, files[name])
        for name in names:
            self._sent[name][1].result()
        self._lease.confirm()
        self._deciding = True
        if self._old is None:
            self._put_report(report)
        else:
            marker = f"{_MARKER}{len(names)}"
            if self._bucket.put_if(self._staging + marker, report, None) is None:
                raise self._lease.lost()
            self._put_in_place(self._staging, [*names, marker], report, self._old)
        self._done = True
        self._sent = {}
        del self._old  # what is published now, if more is

    def close(self) -> None:
        """Leave nothing half done; what cannot be put right now is left to the next run."""
        self._pool.shutdown()
        if not self._done and self._sent:
            self._lease.keep = True
            try:
                self._undo()
            except SessionToolError:
                return
            self._lease.keep = False

    def clean_up(self) -> None:
        """Finish what is complete, and remove what is not: staged files and unfinished uploads."""
        self._bucket.abort_uploads(self._prefix)
        for staging, names in self._staged().items():
            marker = next((name for name in names if name.startswith(_MARKER)), "")
            if marker != f"{_MARKER}{len(names) - 1}":
                self._remove(staging, names)
                continue
            report = self._bucket.get_if_there(staging + marker) or b""
            published = self._bucket.snapshot(self._report)
            if published and published.body == report:
                self._remove(staging, names)  # it was put in place to the last
            else:
                self._put_in_place(staging, names, report, published.tag if published else None)

    def _undo(self) -> None:
        if self._lease.is_lost:
            self._remove(self._staging, self._staged().get(self._staging, ()))
            return
        if self._old is None and not self._deciding:
            self._bucket.delete(self._prefix + name for name in self._sent)
        self.clean_up()

    def _put(self, name: str, path: Path) -> None:
        self._lease.confirm()
        self._bucket.put_file((self._prefix if self._old is None else self._staging) + name, path)

    def _put_report(self, report: bytes) -> None:
        if self._bucket.put_if(self._report, report, None) is None:
            raise self._lease.lost()

    def _put_in_place(self, staging: str, names: Sequence[str], report: bytes, old: str | None) -> None:
        """Make what is complete below `staging` the result; `old` is the tag of the report there is, if any."""
        if old is not None and not self._bucket.delete_if(self._report, old):
            raise self._lease.lost()

        def copy(name: str) -> None:
            self._lease.confirm()
            self._bucket.copy(staging + name, self._prefix + name)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(copy, (name for name in names if not name.startswith(_MARKER))))
        self._lease.confirm()
        self._put_report(report)
        self._remove(staging, names)

    def _remove(self, staging: str, names: Iterable[str]) -> None:
        """Remove staged files: the report first, for without it they are nothing."""
        in_order = sorted(names, key=lambda name: not name.startswith(_MARKER))
        self._bucket.delete(staging + name for name in in_order)

    def _staged(self) -> dict[str, list[str]]:
        """The names of the files below each staging prefix."""
        found: dict[str, list[str]] = {}
        for page in self._bucket.pages(self._prefix + STAGING):
            for entry in page.get("Contents", ()):
                folder, _, name = entry["Key"].removeprefix(self._prefix).partition("/")
                if name:
                    found.setdefault(f"{self._prefix}{folder}/", []).append(name)
        return found

"""Files in a bucket that are no result, such as exports."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..local.disk import scratch_folder
from ..local.untrusted import check_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from .bucket import Bucket


class S3Files:
    """Files in a bucket below `root`, which is empty or ends in `/`."""

    def __init__(self, bucket: Bucket, root: str) -> None:
        self._bucket = bucket
        self._root = root

    @property
    def url(self) -> str:
        return self._bucket.url(self._root)

    def inside(self, name: str) -> S3Files:
        return S3Files(self._bucket, f"{self._root}{check_name(name)}/")

    def first_there(self, names: Iterable[str]) -> str | None:
        pages = self._bucket.pages(self._root, delimiter="/")
        there = {entry["Key"].removeprefix(self._root) for page in pages for entry in page.get("Contents", ())}
        return next((name for name in names if name in there), None)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        with scratch_folder() as work:
            yield work

    def put(self, files: Mapping[str, Path]) -> None:
        for name, path in files.items():
            self._bucket.put_file(self._root + check_name(name), path)

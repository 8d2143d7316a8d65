"""A place for files that are no result, such as exports: a folder, or a prefix in a bucket.

Unlike a result they have no report that makes them one, so no lock either: who writes them says what is there already,
and puts last what names the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path


class Files(Protocol):
    """Files of one folder.  Names are plain (RecordingError)."""

    @property
    def url(self) -> str:
        """The folder, as a path or `s3://…`."""
        ...

    def inside(self, name: str) -> Files:
        """The files of a folder in this one."""
        ...

    def first_there(self, names: Iterable[str]) -> str | None:
        """The first of these names that a file has already (StorageError)."""
        ...

    def workspace(self) -> AbstractContextManager[Path]:
        """An empty local folder to make files in, removed however the block ends (StorageError)."""
        ...

    def put(self, files: Mapping[str, Path]) -> None:
        """Move files, made in the workspace, to their names, in this order, in the place of older ones (StorageError).

        Those that are in their places when one fails stay there.
        """
        ...

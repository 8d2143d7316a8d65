"""Deleting files of a store in a folder for good, one by one, each as it was listed; no link is followed on the way.

There is no deleting of folders with what is in them: a folder goes when nothing is left in it.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from ...errors import StorageError
from ..protocols import changed
from .disk import disk_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ...model import StoredVersion


def erase_files(
    root: Path, folder: str, versions: Sequence[StoredVersion], tag_of: Callable[[os.stat_result], str]
) -> None:
    """Delete files below `root`, which is real, and the folders below and including `folder` that are empty then.

    StorageError where one is no longer what was listed, or is reached through a link; those before it are gone by then.
    """
    for version in versions:
        _erase(root, version, tag_of)
    with disk_errors("delete", root / folder):
        for parent, _, _ in os.walk(root / folder, topdown=False):
            with suppress(OSError):  # something is left in it
                os.rmdir(parent)  # noqa: PTH106 - os.walk gives strings


def _erase(root: Path, version: StoredVersion, tag_of: Callable[[os.stat_result], str]) -> None:
    path = root / version.key
    with disk_errors("delete", path):
        if path.parent.resolve() != path.parent or ".." in path.parts:
            raise StorageError(f"{path} is reached through a link", hint="delete what the link leads to by hand")
        try:
            status = path.lstat()
        except FileNotFoundError:
            return  # what was wanted
        if not stat.S_ISREG(status.st_mode):
            raise StorageError(f"{path} is no file", hint="look what it is, and delete it by hand")
        if tag_of(status) != version.tag:
            raise changed(str(path))
        path.unlink()

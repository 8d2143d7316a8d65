"""Work on a disk: folders to work in, and what a disk refuses, said for people by a table from errno to reason."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

if sys.platform != "win32":
    import fcntl

_LEFTOVER_S = 60
"""Chosen: a run locks its folder at once; what no run holds for so long has none."""

_NAME_BYTES = 8
"""Of random names; chosen: no two are the same."""

_FULL_HINT = "make room there and run again; nothing was published"
_DENIED = ("permission denied", "check who may read and write there")
_REASONS = {
    errno.ENOSPC: ("no space left", _FULL_HINT),
    errno.EDQUOT: ("the disk quota is used up", _FULL_HINT),
    errno.EFBIG: ("the file grows larger than allowed", "check the limits of this process and of the file system"),
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: ("the file system is read-only", "publish elsewhere with --output"),
}
# What can happen to anyone who writes, and is never a mistake of the program.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})


def _disk_error(doing: str, path: Path | str, error: OSError) -> StorageError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    reason, hint = _REASONS.get(error.errno or 0, (reason, "check the path and the disk"))
    return StorageError(f"cannot {doing} {path}: {reason}", hint=hint)


@contextmanager
def disk_errors(doing: str, path: Path | str) -> Iterator[None]:
    """Turn every OSError of the block into a StorageError."""
    try:
        yield
    except OSError as error:
        raise _disk_error(doing, path, error) from error


@contextmanager
def room_errors(path: Path) -> Iterator[None]:
    """Turn what a full or failing disk raises into a StorageError, and no other OSError of the block."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise _disk_error("write to", path, error) from error
        raise


def scratch_folder() -> AbstractContextManager[Path]:
    """An empty folder among the machine's temporary ones, removed however the block ends."""
    from tempfile import gettempdir  # noqa: PLC0415 - which brings the random numbers of simulations, for a name

    return work_folder(Path(gettempdir()), "sessiontool-work-")


@contextmanager
def work_folder(parent: Path, prefix: str, *, alone: bool = False) -> Iterator[Path]:
    """An empty folder to work in, removed however the block ends; those of killed runs go as well.

    `alone`: no other run can be about to make one here, so that even the youngest that no run holds is a leftover.
    """
    with disk_errors("write to", parent):
        _remove_leftovers(parent, prefix, 0 if alone else _LEFTOVER_S)
        work = parent / f"{prefix}{os.urandom(_NAME_BYTES).hex()}"
        work.mkdir(0o700)
    try:
        with _held(work), room_errors(parent):
            yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _held(work: Path) -> Iterator[None]:
    """Keep a lock on a work folder while it is in use; it ends with the process, even a killed one."""
    if sys.platform == "win32":  # leftovers of killed runs are left to a person there
        yield
        return
    descriptor = os.open(work, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _remove_leftovers(folder: Path, prefix: str, age_s: float) -> None:
    """Remove the work folders of runs that were killed: old, and not locked."""
    if sys.platform == "win32":
        return
    for work in folder.glob(f"{prefix}*"):
        with suppress(OSError):
            status = work.lstat()
            if not stat.S_ISDIR(status.st_mode) or time.time() - status.st_mtime < age_s:
                continue
            descriptor = os.open(work, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(work, ignore_errors=True)
            finally:
                os.close(descriptor)

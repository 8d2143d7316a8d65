"""What a disk refuses, said for people: a table from errno to reason and next step."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


def _disk_error(doing: str, path: Path, error: OSError) -> StorageError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    reason, hint = _REASONS.get(error.errno or 0, (reason, "check the path and the disk"))
    return StorageError(f"cannot {doing} {path}: {reason}", hint=hint)


@contextmanager
def disk_errors(doing: str, path: Path) -> Iterator[None]:
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

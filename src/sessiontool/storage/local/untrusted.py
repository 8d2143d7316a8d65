"""Files and folders that others may write to, opened without trust: no link, no pipe, no device.

A pipe would be waited for without end, a device has no end, and a link leads to whatever its maker chose.  So a file is
opened without following and without waiting, and what was opened, not what was there a moment before, is looked at.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, BinaryIO

from ...errors import NotAFileError, RecordingError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PLAIN_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_OPEN = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
_HINT = "nothing of it was read or changed: see who put it there, and remove it"
_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISREG, "a file"),
)


def is_plain_name(name: object) -> bool:
    """Whether a value is the name of a file, and no path."""
    return isinstance(name, str) and re.fullmatch(_PLAIN_NAME, name) is not None


def check_name(name: str) -> str:
    """`name` if it is that of a file, and no path (RecordingError)."""
    if is_plain_name(name):
        return name
    raise RecordingError(
        f"{repr(name)[:80]} is not the name of a file of a result", hint="merge the session again with --force"
    )


def open_file(path: Path | str) -> BinaryIO:
    """A regular file, open for reading (StorageError for anything else; OSError as `os.open` raises it)."""
    try:
        descriptor = os.open(path, _OPEN)
    except OSError:
        _check_kind(path, stat.S_ISREG, "a file")  # a link or a socket cannot be opened at all
        raise
    try:
        _check(path, os.fstat(descriptor), stat.S_ISREG, "a file")
    except StorageError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def check_folder(path: Path) -> None:
    """StorageError where there is something at `path` that is no folder, such as a link to one."""
    _check_kind(path, stat.S_ISDIR, "a folder")


def check_file(path: Path) -> None:
    """StorageError where there is something at `path` that is no regular file."""
    _check_kind(path, stat.S_ISREG, "a file")


def _check_kind(path: Path | str, is_right: Callable[[int], bool], wanted: str) -> None:
    try:
        status = os.lstat(path)
    except OSError:
        return  # nothing is there, and opening it says so
    _check(path, status, is_right, wanted)


def is_folder(path: Path) -> bool:
    """Whether there is a folder at `path`, and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _check(path: Path | str, status: os.stat_result, is_right: Callable[[int], bool], wanted: str) -> None:
    if not is_right(status.st_mode):
        kind = next((name for fits, name in _KINDS if fits(status.st_mode)), "of an unknown kind")
        raise NotAFileError(f"{path} is {kind}, not {wanted}", hint=_HINT)

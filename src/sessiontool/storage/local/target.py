"""A result in a local folder: one run at a time, and the old result or the new one whatever happens.

A run holds a lock on a file of the folder, which ends with the process, even a killed one.  Files are made in a work
folder beside the result, so that publishing is renaming on one file system.  `base.Target` has the order; the moment
that counts is a rename too: the new files, all of them, become the folder `READY`.  A run that is killed before leaves
the old result; after it, whatever was not yet moved out of `READY` is moved by the next run before it does anything.

Where a file system knows no locks, and on Windows, nothing keeps two runs apart.

Others may write to the folder: a link, a pipe or a folder in the place of a file of ours is refused (`untrusted`).
"""

from __future__ import annotations

import errno
import os
import platform
import stat
import sys
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING

from ...errors import BusyError, StorageError, UsageError
from ...options import Limits
from ..protocols import REPORT_NAME, check_published, check_report_size, not_published
from .disk import disk_errors, work_folder
from .files import FolderFiles
from .untrusted import check_file, check_folder, check_name, is_folder, is_plain_name, open_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

if sys.platform != "win32":
    import fcntl

OURS = ".sessiontool"
"""What the names of all that a run leaves while it works begin with."""
READY = f"{OURS}.ready"
LOCK = f"{OURS}.lock"

_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
_LOCK_TRIES = 20
"""Times a lock's file is opened anew because it was removed meanwhile, one for each other run; chosen: no file is
removed so often."""
_LOCK_OPEN = os.O_RDWR | os.O_CREAT | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"))


class FolderTarget:
    """A result in a local folder, which is made when the first work begins."""

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self._folder = folder
        self._limits = limits or Limits()

    @property
    def url(self) -> str:
        return str(self._folder)

    def locate(self, name: str) -> str:
        return str(self._folder / name)

    def link(self, name: str, lifetime_s: int) -> str:  # noqa: ARG002 - there are links of no length
        raise UsageError(
            f"{self._folder / name} is in a folder, to which there are no links for others",
            hint="links are for results on S3; `page --embed` makes one file to send",
        )

    def inside(self, name: str) -> FolderTarget:
        return FolderTarget(self._file(name), self._limits)

    def files(self, name: str) -> FolderFiles:
        return FolderFiles(self._file(name))

    def sizes(self) -> dict[str, int]:
        check_folder(self._folder)
        with disk_errors("list", self._folder), suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            return {
                entry.name: entry.stat(follow_symlinks=False).st_size
                for entry in entries
                if not entry.is_dir(follow_symlinks=False)
            }
        return {}

    def read(self, name: str) -> bytes | None:
        path = self._file(name)
        with disk_errors("read", path):
            try:
                with open_file(path) as file:
                    check_report_size(str(path), os.fstat(file.fileno()).st_size, self._limits)
                    return file.read(self._limits.report_bytes)
            except (FileNotFoundError, NotADirectoryError):
                return None

    @contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        path = self._file(name)
        with disk_errors("read", path):
            try:
                open_file(path).close()
            except (FileNotFoundError, NotADirectoryError) as error:
                raise not_published(str(path)) from error
        yield path

    def _file(self, name: str) -> Path:
        check_folder(self._folder)
        return self._folder / check_name(name)

    def tidy(self) -> None:
        with suppress(StorageError, OSError):  # the run that works there now, or the next, says what is the matter
            if any(name.startswith(OURS) for name in os.listdir(self._folder)):  # noqa: PTH208 - names are all
                with self.workspace():
                    pass  # what was left is put right on the way in

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        check_folder(self._folder)
        with _existing(self._folder), _locked(self._folder):
            with disk_errors("publish to", self._folder):
                self._finish()
            with work_folder(self._folder, f"{OURS}-", alone=True) as work:
                yield work

    def send_ahead(self, name: str, path: Path) -> None:
        """Nothing to do: it will be renamed."""

    def publish(self, files: Mapping[str, Path], obsolete: Collection[str] = ()) -> None:
        check_published(files, obsolete)
        with disk_errors("publish to", self._folder):
            for name in files:
                if is_folder(self._folder / name):
                    raise StorageError(
                        f"cannot publish to {self._folder}: {name} is a folder", hint="move it away, and run again"
                    )
            made = files[REPORT_NAME].parent / READY
            made.mkdir()
            for name, path in files.items():
                path.replace(made / name)
            # A full disk may show only here, so nothing that is there is touched before.
            _sync_all([*(made / name for name in files), made])
            made.rename(self._folder / READY)
            self._finish()
            for name in obsolete:
                (self._folder / name).unlink(missing_ok=True)

    def _finish(self) -> None:
        """Move what is ready to its place: the old report goes first and the new one comes last."""
        ready = self._folder / READY
        names = self._ready_names()
        if REPORT_NAME in names:
            with suppress(FileNotFoundError):  # without an old result nothing can get mixed up with it
                (self._folder / REPORT_NAME).unlink()
                _sync(self._folder)
            for name in (*(name for name in names if name != REPORT_NAME), REPORT_NAME):
                if name == REPORT_NAME:
                    _sync(self._folder)
                (ready / name).replace(self._folder / name)
            _sync(self._folder)
        with suppress(FileNotFoundError):
            ready.rmdir()

    def _ready_names(self) -> list[str]:
        """What is ready; StorageError, and nothing is touched, where it cannot have been made by a run."""
        ready = self._folder / READY
        check_folder(ready)
        if not is_folder(ready):
            return []
        names = sorted(path.name for path in ready.iterdir())
        for name in names:
            check_file(ready / name)
            if not is_plain_name(name):
                raise StorageError(f"{ready / name} was left there by no run", hint="see who put it there")
        return names


@contextmanager
def _existing(folder: Path) -> Iterator[None]:
    """See to it that a folder is there; what was made for it goes again if nothing was put in it."""
    created: list[Path] = []
    try:
        with disk_errors("write to", folder):
            created += [path for path in (folder, *folder.parents) if not path.exists()]
            folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for path in created:
            with suppress(OSError):  # it has a result in it by now
                path.rmdir()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other runs off a folder (BusyError where one is at work)."""
    if sys.platform == "win32":
        yield
        return
    path = folder / LOCK
    check_file(path)
    with disk_errors("write to", folder):
        descriptor = _lock(path)
    try:
        yield
    finally:
        # Still locked: a run that waits for this file finds that it is no longer the one of that name.
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _lock(path: Path) -> int:
    """The descriptor of the locked file at `path`; the file says who holds it."""
    for _ in range(_LOCK_TRIES):
        try:
            descriptor = os.open(path, _LOCK_OPEN, 0o666)
        except FileNotFoundError:  # the run before made the folder, and removed it this moment
            path.parent.mkdir(parents=True, exist_ok=True)
            continue
        _check_lock(path, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(path, descriptor) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                os.close(descriptor)
                raise
        with suppress(FileNotFoundError):
            if path.lstat().st_ino == os.fstat(descriptor).st_ino:
                with suppress(OSError):  # a full disk: the lock holds without a name in it
                    os.truncate(descriptor, 0)
                    os.write(descriptor, f"process {os.getpid()} on {platform.node()}".encode())
                return descriptor
        os.close(descriptor)
    raise BusyError(f"other runs come and go in {path.parent}", hint="run again in a moment")


def _check_lock(path: Path, descriptor: int) -> None:
    """StorageError where what was opened is no file of its own: writing to it would write to a foreign file."""
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_nlink <= 1:
        return
    os.close(descriptor)
    check_file(path)
    raise StorageError(f"{path} is a second name of another file", hint="see who put it there, and remove it")


def _busy(path: Path, descriptor: int) -> BusyError:
    with os.fdopen(descriptor, "rb") as file:
        owner = file.read(200).decode("utf-8", "replace") or "an unknown run"
    return BusyError(f"another run is at work in {path.parent}: {owner}", hint="run again when it has ended")


def _sync_all(paths: Sequence[Path]) -> None:
    """As `_sync`, of all at once: a file system writes what several wait for in one go."""
    errors: list[OSError] = []

    def sync(path: Path) -> None:
        try:
            _sync(path)
        except OSError as error:
            errors.append(error)

    threads = [Thread(target=sync, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _sync(path: Path) -> None:
    """Wait until a file's content, or a folder's names, are on the disk."""
    if sys.platform == "win32" and path.is_dir():  # cannot be opened there
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""A store in a local folder.

Links: the store's root may be one, and so may a session's folder or a file as long as it leads to a place inside the
store; links to folders below a session and links out of the store are not followed, for who may write a store must
not choose which files of this machine are read.  Pipes, sockets and devices are never opened.

Not here: publishing a result (`folder`).
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from ...errors import NotFoundError, StorageError
from ...model import SessionListing, StoredObject, StoredVersion
from ...options import Limits
from ..layout import MERGED_FOLDER, Layout
from ..misnamed import misnamed_folders
from ..protocols import Check, changed, check_size, unknown_session, vanished
from ..scanning import scanned
from .delete import erase_files
from .disk import disk_errors, work_folder
from .pages import write_page
from .target import FolderTarget
from .untrusted import check_name, open_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType

    from ..protocols import Reader, Scanned


def _tag(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _printable(name: str) -> str:
    """A file name that can be encoded, whatever bytes the file system had for it."""
    return name.encode("utf-8", "backslashreplace").decode()


class LocalStore:
    """Sessions in a folder (NotFoundError where there is none)."""

    def __init__(self, root: Path, layout: Layout, limits: Limits | None = None) -> None:
        with disk_errors("open", root):
            is_folder, exists = root.is_dir(), root.exists()
        if not is_folder:
            problem = "is not a folder" if exists else "does not exist"
            raise NotFoundError(
                f"the store {root} {problem}", hint="name the folder that holds the sessions, or s3://bucket/prefix"
            )
        self.layout = layout
        self.limits = limits or Limits()
        self._root = root if root.parts else root.absolute()  # "." would say nothing in a message
        self._real_root = root.resolve()
        self._inside: set[str] = set()  # folders found to lie in the store: a recording has a thousand files in a few

    @property
    def url(self) -> str:
        return str(self._root)

    def session_ids(self) -> Iterator[str]:
        yield from self.layout.sessions_named(self._names())

    def misnamed(self) -> Iterator[str]:
        def below(prefix: str) -> Iterator[StoredObject]:
            yield from self._below(prefix) if self._is_inside(self._root / prefix) else ()

        yield from misnamed_folders(self.layout, self._names(), below)

    def sample_keys(self, count: int) -> list[str]:
        with disk_errors("list", self._root):
            return [obj.key for obj in islice(self._below(""), count + 1) if obj.key != "/"][:count]

    def scan(self) -> Iterator[Scanned]:
        for session_id in self.session_ids():
            one = scanned(self.layout, session_id, self._all_of(session_id))
            if one:
                yield one

    def read_index(self) -> None:
        """A folder's reports are read as fast as an index of them."""

    def write_index(self, body: bytes, tag: str | None) -> None:
        """See `read_index`."""

    def list_session(self, session_id: str) -> SessionListing:
        folder = self._root / self.layout.folder(session_id)
        self._check_inside(folder)
        listing = self.layout.listing(session_id, self._all_of(session_id))
        if listing is None:
            raise unknown_session(self, session_id)
        return listing

    def has_below(self, folder: str, session_id: str) -> bool:
        path = self._root / folder / self.layout.folder(session_id)
        return self._is_inside(path) and path.is_dir()

    def read(self, obj: StoredObject) -> bytes:
        check_size(obj, self.limits)
        path = self._path_of(obj)
        with disk_errors("read", path):
            try:
                with self._open(path) as file:
                    body = file.read(obj.size_bytes + 1)
                    if len(body) != obj.size_bytes or _tag(os.fstat(file.fileno())) != obj.tag:
                        raise changed(path)
                    return body
            except FileNotFoundError as error:
                raise vanished(path) from error

    @contextmanager
    def reading(self, objects: Sequence[StoredObject]) -> Iterator[Reader]:  # noqa: ARG002 - see `_DiskReader`
        yield _DiskReader(self)

    @contextmanager
    def opened(self, obj: StoredObject) -> Iterator[BinaryIO]:
        """An object as it was listed, as a file of any size (the errors of `read`)."""
        path = self._path_of(obj)
        with disk_errors("read", path):
            try:
                file = self._open(path)
            except FileNotFoundError as error:
                raise vanished(path) from error
        with file:
            if _tag(os.fstat(file.fileno())) != obj.tag:
                raise changed(path)
            yield file
            if _tag(os.fstat(file.fileno())) != obj.tag:
                raise changed(path)

    def target(self, session_id: str) -> FolderTarget:
        folder = self._root / self.layout.folder(session_id) / MERGED_FOLDER
        self._check_inside(folder)
        return FolderTarget(folder, self.limits)

    def write_document(self, session_id: str, name: str, body: bytes, old: StoredObject | None) -> str:
        folder = self._root / self.layout.folder(session_id)
        self._check_inside(folder)
        path = folder / check_name(name)
        with disk_errors("write to", path), work_folder(folder, ".sessiontool-") as work:
            made = work / name
            made.write_bytes(body)
            found = path.lstat() if os.path.lexists(path) else None
            if (_tag(found) if found else None) != (old.tag if old else None):
                raise changed(str(path))
            made.replace(path)
        return str(path)

    def write_page(self, name: str, body: bytes) -> str:
        return write_page(self._root, name, body)

    def versions(self, session_id: str) -> Iterator[StoredVersion]:
        folder = self._root / self.layout.folder(session_id)
        self._check_inside(folder)
        with disk_errors("list", folder):
            for obj in (found for prefix in self.layout.prefixes(session_id) for found in self._below(prefix)):
                if self.layout.belongs(session_id, obj.key):
                    tag = "" if (self._root / obj.key).is_symlink() else obj.tag
                    yield StoredVersion(obj.key, obj.size_bytes, tag, obj.modified_s)

    def delete(self, session_id: str, versions: Sequence[StoredVersion]) -> None:
        for version in versions:
            if not self.layout.belongs(session_id, version.key):
                raise ValueError(f"not of session {session_id}: {version.key!r}")
        erase_files(self._real_root, self.layout.folder(session_id), versions, _tag)

    def checks(self, *, writes: bool) -> Iterator[Check]:
        from ..checks import check_room, check_sessions  # noqa: PLC0415 - for `doctor`

        yield check_sessions(self)
        if writes:
            yield check_room("write", self._real_root)

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _path_of(self, obj: StoredObject) -> str:
        """Where an object is, in a folder inside the store; as text, as a recording has a thousand of them."""
        path = os.path.join(self._root, obj.key)  # noqa: PTH118 - Path takes four times as long
        self._check_inside(os.path.dirname(path))  # noqa: PTH120 - as above
        return path

    def _open(self, path: str) -> BinaryIO:
        """Open a file of a folder that is inside the store; a link is followed only as far as the store goes."""
        if os.path.islink(path):  # noqa: PTH114 - as above
            if not self._is_inside(path):
                raise _leads_out(path)
            path = os.path.realpath(path)
        return open_file(path)

    def _is_inside(self, path: Path | str) -> bool:
        try:
            return Path(path).resolve().is_relative_to(self._real_root)
        except (OSError, RuntimeError):  # a loop of links
            return False

    def _check_inside(self, path: Path | str) -> None:
        if str(path) in self._inside:
            return
        if not self._is_inside(path):
            raise _leads_out(path)
        self._inside.add(str(path))

    def _names(self) -> list[str]:
        """What is directly below the layout's parent, as S3 orders it: a folder's name counts with its slash."""
        parent = self._root / self.layout.parent
        with disk_errors("list", parent):
            if not parent.is_dir():
                return []
            with os.scandir(parent) as found:
                return sorted(f"{entry.name}/" if _is_folder(entry) else entry.name for entry in found)

    def _all_of(self, session_id: str) -> list[StoredObject]:
        with disk_errors("list", self._root / self.layout.folder(session_id)):
            return [obj for prefix in self.layout.prefixes(session_id) for obj in self._below(prefix)]

    def _below(self, prefix: str) -> Iterator[StoredObject]:
        """Everything whose key begins with `prefix`; the folder that is exactly the prefix appears as its marker."""
        folder, _, start = prefix.rpartition("/")
        if not (self._root / folder).is_dir():
            return
        if not start:
            yield StoredObject(f"{folder}/", 0, "")
        pending = [folder]
        while pending:
            parent = pending.pop()
            try:
                found = os.scandir(self._root / parent)
            except FileNotFoundError:  # another run's work folder, which has gone since it was listed
                continue
            with found as entries:
                for entry in entries:
                    key = f"{parent}/{entry.name}" if parent else entry.name
                    if parent == folder and not entry.name.startswith(start):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(key)
                    else:
                        yield self._object(key, entry)

    def _object(self, key: str, entry: os.DirEntry[str]) -> StoredObject:
        """The object of a file; what may not or cannot be read as one gets a key that no layout matches."""
        with suppress(OSError):  # a link to itself, or a file that goes this moment
            if entry.is_file() and (not entry.is_symlink() or self._is_inside(Path(entry.path))):
                status = entry.stat()
                return StoredObject(_printable(key), status.st_size, _tag(status), status.st_mtime)
        kind = "link" if entry.is_symlink() else "no file"
        return StoredObject(f"{_printable(key)} ({kind})", 0, "")


class _DiskReader:
    """Reads a session's files.  A disk needs no order, and one that reads wrong does so again."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store

    def __call__(self, obj: StoredObject, sha256: str | None = None) -> bytes:  # noqa: ARG002
        return self._store.read(obj)

    def opened(self, obj: StoredObject) -> AbstractContextManager[BinaryIO]:
        return self._store.opened(obj)


def _leads_out(path: Path | str) -> StorageError:
    return StorageError(
        f"{path} is a link that leads out of the store",
        hint="name the folder it leads to as the store, or copy the session into the store",
    )

"""Where an imported session is put, all of it or nothing: a folder that is renamed into its place, or a bucket.

A bucket has no renaming.  The chunk is sent last: what is there without it is no recording yet, and is deleted again
where the sending fails.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from ..errors import NotFoundError, SessionToolError, StorageError, UsageError
from ..storage import check_session_id, local_folder, open_files, open_store, scratch_folder
from .provenance import SESSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..storage import Files, S3Options, Store

_CHUNKS = "chunks"


@contextmanager
def new_session(store: str, session_id: str, s3: S3Options) -> Iterator[tuple[Path, str]]:
    """An empty folder of this machine that becomes the session when the block ends well, and where that will be.

    UsageError where the session exists; StorageError.
    """
    check_session_id(session_id)
    made = _in_bucket(store, session_id, s3) if store.startswith("s3://") else _in_folder(store, session_id)
    with made as found:
        yield found


@contextmanager
def _in_folder(store: str, session_id: str) -> Iterator[tuple[Path, str]]:
    root = local_folder(store)
    folder = root / session_id
    if folder.exists():
        raise _exists(str(folder))
    try:
        root.mkdir(parents=True, exist_ok=True)
        work = Path(mkdtemp(prefix=f".{session_id[:40]}-", dir=root))
        try:
            work.chmod(0o755)
            session = work / session_id
            session.mkdir()
            yield session, str(folder)
            session.rename(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written: {error.strerror}", hint="check the folder and its disk"
        ) from error


@contextmanager
def _in_bucket(url: str, session_id: str, s3: S3Options) -> Iterator[tuple[Path, str]]:
    with open_store(url, options=s3) as store, scratch_folder() as work:
        where = f"{store.url.rstrip('/')}/{session_id}"
        if _is_there(store, session_id):
            raise _exists(where)
        session = work / session_id
        session.mkdir()
        yield session, where
        try:
            _send(store, where, session, s3)
        except BaseException:
            with suppress(SessionToolError):
                store.delete(session_id, list(store.versions(session_id)))
            raise


def _is_there(store: Store, session_id: str) -> bool:
    try:
        store.list_session(session_id)
    except NotFoundError:
        return False
    return True


def _send(store: Store, where: str, session: Path, s3: S3Options) -> None:
    """Everything but the chunk, session.json (which must not be there by now), and the chunk."""
    files = open_files(where, options=s3)
    for folder in (one for one in session.iterdir() if one.is_dir() and one.name != _CHUNKS):
        _put(files.inside(folder.name), folder)
    files.put({path.name: path for path in session.iterdir() if path.is_file() and path.name != SESSION})
    store.write_document(session.name, SESSION, (session / SESSION).read_bytes(), None)
    _put(files.inside(_CHUNKS), session / _CHUNKS)


def _put(files: Files, folder: Path) -> None:
    """Send a folder, and those in it."""
    for inside in (one for one in folder.iterdir() if one.is_dir()):
        _put(files.inside(inside.name), inside)
    if there := {path.name: path for path in folder.iterdir() if path.is_file()}:
        files.put(there)


def _exists(where: str) -> UsageError:
    return UsageError(f"{where} exists already", hint="choose another --id, or delete it first")

"""Corrections in a file of the user's, for stores that cannot be written: read after those of the store, and written.

A store with such a file lists it among a session's documents, in the place of corrections.jsonl: what reads sessions
reads it, and a fingerprint has it, without knowing of it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from msgspec import Struct
from msgspec.structs import replace

from ..documents.corrections import Corrections, lines_by_session, read_corrections
from ..errors import NotFoundError, StorageError, UsageError
from ..model import StoredObject
from .provenance import CORRECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from os import PathLike

    from ..model import SessionListing
    from ..storage import Reader, Scanned, Store


class CorrectionsFile(Struct, frozen=True):
    """A file of corrections as it was read: its lines by session."""

    path: str
    body: bytes
    by_session: Mapping[str, bytes]

    def of_session(self, session_id: str) -> Corrections:
        """The corrections of one session; empty where the file has none."""
        return read_corrections(self.by_session.get(session_id, b""))[0]

    def written(self, session_id: str, lines: bytes) -> CorrectionsFile:
        """The file with other lines of one session, once they are in it (StorageError: changed since it was read)."""
        by_session = {**self.by_session, session_id: lines}
        body = b"".join(by_session.values())
        path = Path(self.path).resolve()  # a link stays one
        made = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            if (path.read_bytes() if path.exists() else b"") != self.body:
                raise StorageError(f"{self.path} changed since it was read", hint="run again")
            made.write_bytes(body)
            if path.exists():
                shutil.copymode(path, made)
            made.replace(path)
        except OSError as error:
            raise StorageError(
                f"cannot write {self.path}: {error.strerror}", hint="name a file that can be written: --corrections"
            ) from error
        finally:
            made.unlink(missing_ok=True)
        return CorrectionsFile(self.path, body, by_session)


def read_corrections_file(path: str | PathLike[str], *, may_be_new: bool = False) -> CorrectionsFile:
    """The corrections in a local file.

    UsageError where it is none, NotFoundError where it is not there, but for one that is to be written.
    """
    name = os.fspath(path)
    if "://" in name:
        raise UsageError(f"{name[:80]} is no file of this machine", hint="--corrections names a local file")
    try:
        body = Path(name).read_bytes()
    except FileNotFoundError as error:
        if not may_be_new:
            raise NotFoundError(
                f"there is no {name}", hint=f"sessiontool correct ID --corrections {name} makes it"
            ) from error
        body = b""
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror}", hint="--corrections names a file") from error
    by_session, problems = lines_by_session(body)
    if problems:
        raise UsageError(f"{name}, {problems[0]}", hint='a line reads {"session_id": "…", "id": "u012", "text": "…"}')
    return CorrectionsFile(name, body, by_session)


def with_corrections(store: Store, file: CorrectionsFile | None) -> Store:
    """A store whose sessions have the corrections in `file` too; the store itself where there is none."""
    return store if file is None else cast("Store", _CorrectedStore(store, file))


class _CorrectedStore:
    """A store and a file of corrections: all but its corrections.jsonl is as in the store.

    The document's lines are those of the store and, after them, those of the file; it is written to the file alone.
    """

    def __init__(self, store: Store, file: CorrectionsFile) -> None:
        self._store = store
        self._file = file
        self._there: dict[str, tuple[str, StoredObject | None]] = {}  # by key: of which session, and what the store has

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def __enter__(self) -> Store:
        return cast("Store", self)

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def list_session(self, session_id: str) -> SessionListing:
        return self._with_file(self._store.list_session(session_id))

    def scan(self) -> Iterator[Scanned]:
        return (replace(one, listing=self._with_file(one.listing)) for one in self._store.scan())

    def read(self, obj: StoredObject) -> bytes:
        session_id, there = self._there.get(obj.key, ("", None))
        if not session_id:
            return self._store.read(obj)
        return self._joined(session_id, self._store.read(there) if there else b"")

    @contextmanager
    def reading(self, objects: Sequence[StoredObject]) -> Iterator[Reader]:
        ahead = [there for obj in objects if (there := self._in_store(obj))]
        with self._store.reading(ahead) as read_there:
            yield _CorrectedReader(self, read_there)

    def joined(self, obj: StoredObject, read: Reader) -> bytes | None:
        """What an object is that both have lines of; None for all others."""
        if obj.key not in self._there:
            return None
        there = self._in_store(obj)
        return self._joined(self._there[obj.key][0], read(there) if there else b"")

    def write_document(self, session_id: str, name: str, body: bytes, old: StoredObject | None) -> str:
        if name != CORRECTIONS:
            return self._store.write_document(session_id, name, body, old)
        there = self._in_store(old) if old else None
        base, _ = read_corrections(self._store.read(there) if there else b"")
        now, _ = read_corrections(body)
        self._file = self._file.written(session_id, now.beyond(base).to_jsonl(session_id))
        return self._file.path

    def _in_store(self, obj: StoredObject) -> StoredObject | None:
        return self._there[obj.key][1] if obj.key in self._there else obj

    def _joined(self, session_id: str, there: bytes) -> bytes:
        return there + b"\n" * bool(there) + self._file.by_session[session_id]

    def _with_file(self, listing: SessionListing) -> SessionListing:
        """A listing whose corrections are those of the store and of the file: another tag where either is another."""
        lines = self._file.by_session.get(listing.session_id)
        if lines is None:
            return listing
        there = listing.documents.get(CORRECTIONS)
        key = there.key if there else f"{listing.folder}/{CORRECTIONS}"
        self._there[key] = listing.session_id, there
        digest = hashlib.sha256(lines).hexdigest()
        size = len(lines) + (there.size_bytes + 1 if there else 0)
        obj = StoredObject(key, size, f"{there.tag if there else ''}+{digest}", there.modified_s if there else 0.0)
        return replace(listing, documents={**listing.documents, CORRECTIONS: obj})


class _CorrectedReader:
    """Reads a session's objects, the corrections with the lines of the file."""

    def __init__(self, store: _CorrectedStore, read: Reader) -> None:
        self._store = store
        self._read = read

    def __call__(self, obj: StoredObject, sha256: str | None = None) -> bytes:
        joined = self._store.joined(obj, self._read)
        return self._read(obj, sha256) if joined is None else joined

    @contextmanager
    def opened(self, obj: StoredObject) -> Iterator[BinaryIO]:
        joined = self._store.joined(obj, self._read)
        with self._read.opened(obj) if joined is None else BytesIO(joined) as file:
            yield file

"""What every store offers, whatever it is made of: the protocols that the rest of the program is written against."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, Self

from msgspec import Struct

from ..errors import NotFoundError, RecordingError, SessionToolError, StorageError
from .layout import REDACTED_FOLDER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import BinaryIO

    from ..model import SessionListing, StoredObject, StoredVersion
    from ..options import Limits
    from .files import Files
    from .layout import Layout

REPORT_NAME = "report.json"

_IDS_COMPARED = 1000
"""Ids; chosen: one page of a listing."""
_FOLDERS_SEARCHED = 20
"""Parts of a store, each a folder; chosen: a request for each, and only where a session is not found."""


class Check(Struct, frozen=True):
    """What a check found.  `exit_code` is that of the error it would be, 0 unless it failed."""

    name: str
    status: Literal["ok", "warning", "failed"]
    what: str
    hint: str = ""
    exit_code: int = 0


class Target(Protocol):
    """The place of one session's result.

    The report is the commit: it is written last, and an older one is removed before anything of its result is replaced.
    So a result with a report is whole, whatever happened.  Where a result is replaced, all of the new one is stored
    beside it first: a run that is killed before leaves the old result, and one that is killed while files are put in
    their places leaves the new one to be put there by the next run.  Files of other names are not touched.
    """

    @property
    def url(self) -> str:
        """The folder, as a path or `s3://…`."""
        ...

    def locate(self, name: str) -> str:
        """The path or URL of one file of the result."""
        ...

    def link(self, name: str, lifetime_s: int) -> str:
        """A URL by which anyone can read one file of the result for so long (UsageError where there is none)."""
        ...

    def inside(self, name: str) -> Target:
        """The place of another result of the session, in a folder of this one (RecordingError for no plain name).

        Each is worked on by itself; what is in it is none of this result's files.
        """
        ...

    def files(self, name: str) -> Files:
        """Files that are none of the result's, in a folder of this name in it (RecordingError for no plain name)."""
        ...

    def sizes(self) -> dict[str, int]:
        """The size in bytes of everything that is there now and is no folder, by its name (StorageError)."""
        ...

    def read(self, name: str) -> bytes | None:
        """A document of the result as it stands, None without it.

        StorageError, also where it is no file; RecordingError where it is larger than a document can be, or `name` is
        no plain name.
        """
        ...

    def fetched(self, name: str) -> AbstractContextManager[Path]:
        """A file of the result as a local file to read, of any size.

        NotFoundError; StorageError, also where it is no file; RecordingError where `name` is no plain name.
        """
        ...

    def tidy(self) -> None:
        """Put right what a killed run left, where that is seen at no cost and no other run is at work; never raises."""
        ...

    def workspace(self) -> AbstractContextManager[Path]:
        """An empty local folder to make files in, removed however the block ends (StorageError where there is no room).

        One run at a time has it: BusyError where another is at work on the same result.  It begins by putting right
        what a killed run left, which may bring a result to light that was not there before.

        What the block itself writes there may raise OSError; a full or failing disk becomes a StorageError.
        """
        ...

    def send_ahead(self, name: str, path: Path) -> None:
        """Say that a file, made in the workspace, will be published as it is under this name, unless all fails.

        Where publishing takes time it begins now, in the background; without a report it is no result.  What goes wrong
        is raised by `publish`.
        """
        ...

    def publish(self, files: Mapping[str, Path], obsolete: Collection[str] = ()) -> None:
        """Put files, made in the workspace, under their names; `report.json` must be among them.

        `obsolete` are names of an earlier result, which go once the new one is in place.
        Called inside the workspace's block.  StorageError where it fails, BusyError where another run took over a
        workspace that was held up for too long; then nothing was changed.  The files may be moved away.
        """
        ...


class Results(Protocol):
    """A place for results outside the store: a folder for each session, named by its id."""

    @property
    def url(self) -> str:
        """The place as a path or `s3://bucket/prefix`."""
        ...

    def write_page(self, name: str, body: bytes) -> str:
        """Put a page over all sessions into the root, in the place of an older one; where it is then (StorageError)."""
        ...

    def target(self, session_id: str) -> Target:
        """The place of a session's result.  The id has been checked."""
        ...

    def checks(self) -> Iterator[Check]:
        """Whether results can be put there."""
        ...


class Reader(Protocol):
    """Reads objects of a session."""

    def __call__(self, obj: StoredObject, sha256: str | None = None) -> bytes:
        """As `Store.read`.  `sha256` is what the recorder noted (hexadecimal).

        Where the bytes are others and the store has no digest of its own to tell whose fault that is, they are read
        once more; what comes then is the answer.
        """
        ...

    def opened(self, obj: StoredObject) -> AbstractContextManager[BinaryIO]:
        """The same as a file to read and to seek in, of any size: of a large one only a part is in memory."""
        ...


class Scanned(Struct, frozen=True):
    """A session as listed, and the report of a result beside its chunks, where there is one."""

    listing: SessionListing
    report: StoredObject | None


class Store(Protocol):
    """Where sessions live.  Keys are relative to its root.  Threads may share it."""

    layout: Layout
    limits: Limits

    @property
    def url(self) -> str:
        """The store as a path or `s3://bucket/prefix`, without secrets."""
        ...

    def session_ids(self) -> Iterator[str]:
        """The ids of all sessions, each once, in the order of their keys."""
        ...

    def misnamed(self) -> Iterator[str]:
        """Folders that hold chunks where sessions are, and whose names are no session ids (StorageError)."""
        ...

    def sample_keys(self, count: int) -> list[str]:
        """Some of the keys of the store, `count` at most, whatever the layout (StorageError)."""
        ...

    def scan(self) -> Iterator[Scanned]:
        """All sessions in the order of their keys, each listed whole; a request for each thousand objects."""
        ...

    def read_index(self) -> tuple[bytes, str] | None:
        """What `write_index` left, and its tag; None where there is nothing, or no need of an index (StorageError)."""
        ...

    def write_index(self, body: bytes, tag: str | None) -> None:
        """Keep an index of results, in the place of the one with `tag`, unless another run did so first."""
        ...

    def list_session(self, session_id: str) -> SessionListing:
        """What the store holds of a session (UsageError, NotFoundError, StorageError)."""
        ...

    def has_below(self, folder: str, session_id: str) -> bool:
        """Whether there is anything of a session where a folder of this store is the store (StorageError)."""
        ...

    def read(self, obj: StoredObject) -> bytes:
        """The whole body of an object as it was listed (NotFoundError when gone, StorageError when changed).

        RecordingError, and nothing is read, where it is larger than `limits` allow.
        """
        ...

    def reading(self, objects: Sequence[StoredObject]) -> AbstractContextManager[Reader]:
        """A reader for many objects, which will most likely be asked for in this order.

        Later ones may be on their way while earlier ones are asked for, as many as memory allows.  Objects may be asked
        for in any order and again, but by one thread.
        """
        ...

    def target(self, session_id: str) -> Target:
        """The place of the session's result in this store."""
        ...

    def write_document(self, session_id: str, name: str, body: bytes, old: StoredObject | None) -> str:
        """Put a document beside a session's chunks, in the place of `old` as it was listed (None: of nothing).

        Where it is then.  StorageError where it was changed since, or the store refuses.
        """
        ...

    def write_page(self, name: str, body: bytes) -> str:
        """Put a page over all sessions into the root, in the place of an older one; where it is then (StorageError)."""
        ...

    def versions(self, session_id: str) -> Iterator[StoredVersion]:
        """Everything of a session and of no other: results too, old versions and delete markers (StorageError).

        What is there but cannot be deleted as a file, such as a link, has an empty tag and is no marker.
        """
        ...

    def delete(self, session_id: str, versions: Sequence[StoredVersion]) -> None:
        """Delete for good, each as it was listed.

        StorageError where one is refused or has changed; how many are gone by then is for `versions` to say.
        """
        ...

    def checks(self, *, writes: bool) -> Iterator[Check]:
        """Whether the store can be worked with; `writes`: results are to be put into it."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def check_size(obj: StoredObject, limits: Limits) -> None:
    """RecordingError where a chunk or document is larger than `limits` allow; to be called before it is read."""
    if obj.key.endswith((".json", ".jsonl")):
        _check_bytes(obj.key, obj.size_bytes, limits.document_bytes, "a document", "max_document_bytes")
    else:
        check_chunk_size(obj, limits.chunk_bytes)


def check_chunk_size(obj: StoredObject, max_bytes: int) -> None:
    """RecordingError where a chunk is larger than `max_bytes`; to be called before it is read."""
    _check_bytes(obj.key, obj.size_bytes, max_bytes, "a chunk", "max_chunk_bytes")


def check_report_size(where: str, size_bytes: int, limits: Limits) -> None:
    """RecordingError where a document of a result is larger than `limits` allow."""
    _check_bytes(where, size_bytes, limits.report_bytes, "a document of a result", "max_report_bytes")


def _check_bytes(where: str, size_bytes: int, max_bytes: int, kind: str, setting: str) -> None:
    if size_bytes > max_bytes:
        raise RecordingError(
            f"{where} is {size_bytes:,} bytes; {kind} can be {max_bytes:,} at most",
            hint=f"see what it is; if all of it is wanted, set {setting} higher",
        )


def check_published(files: Mapping[str, Path], obsolete: Collection[str] = ()) -> None:
    """A result has plain names and a report: anything else is a mistake of the caller (ValueError)."""
    for name in (*files, *obsolete):
        if not name or name != Path(name).name:
            raise ValueError(f"not a file name: {name!r}")
    if REPORT_NAME not in files or REPORT_NAME in obsolete:
        raise ValueError(f"nothing is published without {REPORT_NAME}")


def not_published(where: str) -> NotFoundError:
    first = "redact" if f"/{REDACTED_FOLDER}/" in f"/{where}" else "merge"
    return NotFoundError(f"there is no {where}", hint=f"{first} the session first: sessiontool {first} ID")


def unknown_session(store: Store, session_id: str) -> NotFoundError:
    """The error for a session that is not there, with ids that look like it where they can be had."""
    import difflib  # noqa: PLC0415 - for an error message alone

    try:
        similar = difflib.get_close_matches(session_id, islice(store.session_ids(), _IDS_COMPARED))
    except SessionToolError:
        similar = []
    hint = f"did you mean {' or '.join(similar)}?" if similar else "is this the right store, and the right layout?"
    if deeper := _folder_with(store, session_id):
        hint = f"it is in the folder {deeper}: --store {store.url.rstrip('/')}/{deeper}"
    return NotFoundError(f"no session {session_id} in {store.url}", hint=hint)


def _folder_with(store: Store, session_id: str) -> str:
    """A folder at the top of a store that has the session: people forget a prefix.  Empty where there is none."""
    try:
        folders = islice(store.session_ids(), _FOLDERS_SEARCHED)
        return next((one for one in folders if store.has_below(one, session_id)), "")
    except SessionToolError:
        return ""


def changed(where: str) -> StorageError:
    return StorageError(
        f"{where} changed since it was listed", hint="the session is still being uploaded; run again when it has ended"
    )


def vanished(where: str) -> NotFoundError:
    return NotFoundError(f"{where} was listed but is gone", hint="it is being deleted or moved; run again")

"""Another recording of a session's conversation, which a merge is compared with: where it is, and a way to read it.

It is a file in the session's folder, a file of this machine, or another session of the same store, whose chunks are
joined for it.  Not here: what comes of the comparison (`compare`), and gaps that are filled from it (`fill_gaps`).
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import NotFoundError, RecordingError, SessionToolError, StorageError, UsageError
from ..model import Finding
from ..progress import Silent
from ..storage import check_session_id, scratch_folder
from .provenance import fingerprint
from .result_files import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model import SessionListing, StoredObject
    from ..options import MergeOptions
    from ..storage import Store

_PLACE = "{session}"
"""In a name: the session's id."""
_COPY_BYTES = 1 << 20  # chosen: few calls, little memory


class SecondRecording(Struct, frozen=True):
    """The other recording: `name` as it was asked for, `mark` changes when it does and is empty where it is missing.

    `fills`: gaps are to be filled from it.  One of `kept`, `file` and `listing` says where it is.
    """

    name: str
    fills: bool
    mark: str = ""
    kept: StoredObject | None = None
    file: Path | None = None
    listing: SessionListing | None = None

    def left_out_of(self, session: SessionListing) -> SessionListing:
        """A session without this recording among what is in its folder and not read."""
        return replace(session, ignored=tuple(obj for obj in session.ignored if obj != self.kept))


def find_second(store: Store, listing: SessionListing, options: MergeOptions) -> SecondRecording | None:
    """The recording that a merge of this session is to be compared with; None where none is asked for.

    UsageError for two at once; NotFoundError where it is not there, unless its name is a pattern for many sessions.
    """
    asked = options.fill_from or options.against
    if not asked:
        return None
    if options.against not in {None, asked}:
        raise UsageError(
            f"--fill-from {options.fill_from} and --against {options.against} are two recordings",
            hint="a recording is compared with one other: --fill-from compares with its own",
        )
    name, fills = asked.replace(_PLACE, listing.session_id), options.fill_from is not None
    kept = next((obj for obj in listing.ignored if obj.key == f"{listing.folder}/{name}"), None)
    if kept is not None:
        return SecondRecording(name, fills, f"{kept.size_bytes}:{kept.tag}", kept=kept)
    if Path(name).is_file():
        try:
            return SecondRecording(name, fills, digest_of(Path(name))[1], file=Path(name))
        except OSError as error:
            raise StorageError(f"{name} cannot be read: {error.strerror}", hint="check the file") from error
    other = _other_session(store, name, listing.session_id)
    if other is not None:
        return SecondRecording(name, fills, fingerprint(other, {}), listing=other)
    if _PLACE in asked:
        return SecondRecording(name, fills)
    raise NotFoundError(
        f"there is no other recording {name} of session {listing.session_id}",
        hint="it is a file in the session's folder, a file of this machine, or the id of a session of the same store",
    )


def second_settings(second: SecondRecording | None) -> dict[str, str]:
    """What of it belongs to the settings that change a result."""
    return {} if second is None else {"second_recording": second.mark}


def _other_session(store: Store, name: str, session_id: str) -> SessionListing | None:
    try:
        check_session_id(name)
        listing = store.list_session(name)
    except (UsageError, NotFoundError):
        return None
    if name == session_id:
        raise UsageError(f"session {name} is not compared with itself", hint="name another session, or a file")
    return listing


@contextmanager
def reading_second(store: Store, second: SecondRecording | None) -> Iterator[tuple[Path | None, list[Finding]]]:
    """The recording as a local file while the block lasts; None, and why, where it is not there or cannot be read."""
    if second is None:
        yield None, []
        return
    with scratch_folder() as work:
        try:
            path = _path_of(store, second, work)
        except (NotFoundError, RecordingError) as error:
            yield None, [_unread(second, error)]
            return
        yield path, [] if path else [_missing(second)]


def _path_of(store: Store, second: SecondRecording, work: Path) -> Path | None:
    if second.file is not None:
        return second.file
    if second.kept is not None:
        path = work / f"second{Path(second.kept.key).suffix[:8]}"
        with store.reading([second.kept]) as read, read.opened(second.kept) as source, path.open("wb") as out:
            shutil.copyfileobj(source, out, _COPY_BYTES)
        return path
    return _joined(store, second.listing, work) if second.listing is not None else None


def _joined(store: Store, listing: SessionListing, work: Path) -> Path:
    from .inputs import read_notes  # noqa: PLC0415 - few merges have a second recording
    from .join import join_session  # noqa: PLC0415
    from .made_recording import recorded, sound_files  # noqa: PLC0415

    with store.reading(()) as read, sound_files(listing) as sound:
        notes = read_notes(read, listing, sound=sound)
        with recorded(store, listing, notes) as (source, found):
            return join_session(source, found, notes.session, work, keep_pauses=False, progress=Silent()).path


def _missing(second: SecondRecording) -> Finding:
    return Finding(
        "compared-not-there",
        "warning",
        f"the other recording, {second.name}, is not there: nothing was compared"
        + (", and no gap was filled" if second.fills else ""),
        hint="merge the session again when it is there",
    )


def _unread(second: SecondRecording, error: SessionToolError) -> Finding:
    message = f"the other recording, {second.name}, cannot be read: {error.message}"
    return Finding("compared-not-there", "warning", message, hint=error.hint)

"""Two mono tracks in one recording, a voice each: each is joined by itself, both are laid side by side, encoded once.

Browsers write one track; others, such as servers, two.  Opus has no other way to make one stereo track of them.  What
two tracks are is seen where the first has been joined (`second-track`), so that other sessions are read once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..media.two_tracks import by_second_track
from ..model import Finding
from ..progress import Silent
from .join import join_session
from .role_folders import ROLES
from .role_recorders import RoleRecording

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

    from ..documents.models import SessionDocument
    from ..model import SessionListing, StoredObject
    from ..storage import Reader, Store

SECOND_TRACK = "second-track"
_UNTRUE = frozenset({SECOND_TRACK, "chunk-altered"})
"""Findings of the second reading that are said of its changed header."""


def join_tracks(store: Store, listing: SessionListing, session: SessionDocument, work: Path) -> list[RoleRecording]:
    """Join both tracks, each in a folder of its own in `work` (RecordingError, StorageError)."""
    roles = session.channels if session.channels and set(session.channels) == set(ROLES) else ROLES
    found = []
    with store.reading(()) as read:
        for role, reader in zip(roles, (read, _BySecondTrack(read)), strict=True):
            folder = work / role
            folder.mkdir()
            joined = join_session(store, listing, session, folder, keep_pauses=True, progress=Silent(), read=reader)
            found.append(RoleRecording(role, joined, joined.timeline.spans[0].session_start_us / 1000))
    first, second = (one.recording.assembly for one in found)
    said = {(finding.code, finding.seq) for finding in first.findings}
    first.findings = [finding for finding in first.findings if finding.code != SECOND_TRACK]
    second.findings = [one for one in second.findings if one.code not in _UNTRUE and (one.code, one.seq) not in said]
    second.chunks = first.chunks  # the same chunks, of which one header was read in another way
    return sorted(found, key=lambda one: ROLES.index(one.role))


def track_finding() -> Finding:
    """That both tracks were encoded again."""
    message = (
        "the recording has two mono tracks: both were decoded, laid side by side, and encoded once, the first "
        "as the first of `channels`"
    )
    hint = "keep the chunks: they are the originals, and no purge of chunks deletes them"
    return Finding("encoded-again", "info", message, hint=hint)


class _BySecondTrack:
    """Reads chunks so that the second of two tracks is the one that is joined."""

    def __init__(self, read: Reader) -> None:
        self._read = read

    def __call__(self, obj: StoredObject, sha256: str | None = None) -> bytes:
        data = self._read(obj, sha256)
        return by_second_track(data) or data

    def opened(self, obj: StoredObject) -> AbstractContextManager[BinaryIO]:
        return self._read.opened(obj)

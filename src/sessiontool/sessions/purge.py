"""Deleting what may not be kept any longer: a session's chunks once they are merged, or all of it.

This may delete the only copy of a recording, so every doubt is a refusal.  A session whose session.json asks for
nothing is left alone, unless the caller brings a rule; one whose session.json is unclear is refused whatever the
rule.  Ages count from the last time anything of the session arrived, or it was recorded, whichever is later.

Chunks are deleted only where it is proved, now, that their sound is in the result.  The published result is verified;
then every chunk is read, and each of its bytes must be a packet that is in the recording, the container's own, or a
copy (`purge_proof`).  The report decides nothing of that: it gives the order of the chunks, and where it does not fit
what is there, the session is refused.  A term for all of a session asks for no merge: its result goes as well.

All of it happens in the workspace of the result, so no merge runs at the same time.  What is to be deleted is written
into the receipt before, and that it is deleted after.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from ..documents.retention import RetentionEntry, read_retention
from ..documents.session import read_session
from ..errors import NotFoundError, RecordingError
from ..progress import Progress, Silent
from ..storage import MERGED_FOLDER, SIDECARS
from . import result_files
from .provenance import SESSION
from .purge_proof.session_proof import MERGE_AGAIN, prove_chunks, refused, verified_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..model import SessionListing, StoredVersion
    from ..storage import Store, Target
    from .purge_proof.streams import Unproved

Action = Literal["none", "chunks", "all", "originals"]

_DAY_S = 86_400  # by definition
_OURS = f"{MERGED_FOLDER}/.sessiontool"


class Rule(Struct, frozen=True):
    """After how many days what is deleted; None: never."""

    chunks_after_days: float | None = None
    all_after_days: float | None = None

    @property
    def asks(self) -> bool:
        return self.chunks_after_days is not None or self.all_after_days is not None


class Purge(Struct, frozen=True):
    """What is to be deleted of a session, and why; `action` is `none` where nothing is.

    `results` are those in a folder of results outside the store.  `sha256` has the hashes that are known, by key.
    `overridden` are bytes of chunks that are not in the result and go all the same, as `even_damaged` asks for it.
    `left` are keys of files that lie among the chunks and are none; they stay.  `redacted` is what is kept where the
    originals of a redacted session go.  `deleted`: it is gone.
    """

    session_id: str
    action: Action
    reason: str
    versions: tuple[StoredVersion, ...] = ()
    results: tuple[StoredVersion, ...] = ()
    sha256: dict[str, str] = field(default_factory=dict)
    even_damaged: bool = False
    overridden: tuple[Unproved, ...] = ()
    left: tuple[str, ...] = ()
    redacted: dict[str, Any] = field(default_factory=dict)
    deleted: bool = False

    @property
    def size_bytes(self) -> int:
        return sum(version.size_bytes for version in (*self.versions, *self.results))

    def summary_json(self) -> dict[str, Any]:
        """What is to be known of it where there may be very many."""
        return {
            "session_id": self.session_id,
            "action": self.action,
            "reason": self.reason,
            "deleted": self.deleted,
            "count": len(self.versions) + len(self.results),
            "bytes": self.size_bytes,
            **({"even_damaged": True} if self.even_damaged else {}),
            **({"overridden": [one.to_json() for one in self.overridden]} if self.overridden else {}),
            **({"left": list(self.left)} if self.left else {}),
            **({"redacted": self.redacted} if self.redacted else {}),
        }

    def to_json(self) -> dict[str, Any]:
        """With every object, as the receipt has it."""
        return {
            **self.summary_json(),
            "objects": [self._object(version) for version in self.versions],
            **({"results": [self._object(version) for version in self.results]} if self.results else {}),
        }

    def _object(self, version: StoredVersion) -> dict[str, Any]:
        known = {"sha256": self.sha256.get(version.key, "") if version.is_current else "", "version": version.version}
        found = {"key": version.key, "bytes": version.size_bytes, "tag": version.tag, **known}
        return {name: value for name, value in found.items() if value != ""} | (
            {"delete_marker": True} if version.is_marker else {}
        )


class Purger:
    """Examines sessions of a store, and deletes what is due.

    `output` is the store of a folder of results outside the first, whose results go with their sessions.  `now_s` is
    the time that ages are counted to.
    """

    def __init__(
        self,
        store: Store,
        rule: Rule,
        *,
        output: Store | None = None,
        even_damaged: bool = False,
        now_s: float | None = None,
    ) -> None:
        self._store = store
        self._output = output
        self._rule = rule
        self._even_damaged = even_damaged
        self._now_s = time.time() if now_s is None else now_s

    def examine(self, session_id: str, target: Target, progress: Progress | None = None) -> Purge:
        """What would be deleted of the session (RecordingError where that is refused; NotFoundError, StorageError)."""
        progress = progress or Silent()
        progress.stage("listing")
        listing = self._store.list_session(session_id)
        action, reason = self._due(listing)
        if action == "all":
            return self._all(listing, target, reason)
        if action == "chunks":
            return self._chunks(listing, target, reason, progress)
        return Purge(session_id, "none", reason)

    def purge(
        self,
        session_id: str,
        target: Target,
        receipt: Callable[[str, Purge], None],
        progress: Progress | None = None,
    ) -> Purge:
        """Examine the session and delete what is due; `receipt` is given `deleting` before and `deleted` after.

        Raises as `examine` does, and BusyError where a merge is at work on it.
        """
        action, reason = self._due(self._store.list_session(session_id))
        if action == "none":
            return Purge(session_id, "none", reason)
        with target.workspace():
            found = self.examine(session_id, target, progress)
            if found.action == "none":
                return found
            (progress or Silent()).stage("deleting")
            receipt("deleting", found)
            if self._output is not None and found.results:
                self._output.delete(session_id, found.results)
            self._store.delete(session_id, found.versions)
        if found.action == "all":
            self._sweep(session_id)
        done = replace(found, deleted=True)
        receipt("deleted", done)
        return done

    # -- when

    def _due(self, listing: SessionListing) -> tuple[Action, str]:
        """What the session's age asks for, and why."""
        stored = listing.documents.get(SESSION)
        document = None if stored is None else self._store.read(stored)
        rule = self._rule
        if document is not None:
            wanted = _retention(document, listing.session_id)
            rule = Rule(wanted.delete_chunks_after_days, wanted.delete_all_after_days) if wanted else rule
        if not rule.asks:
            return "none", "nothing says how long to keep it"
        age_days = (self._now_s - _latest_s(listing, document)) / _DAY_S
        if rule.all_after_days is not None and age_days >= rule.all_after_days:
            return "all", f"{age_days:.1f} days old, and kept for {rule.all_after_days:g}"
        if rule.chunks_after_days is not None and age_days >= rule.chunks_after_days:
            return "chunks", f"{age_days:.1f} days old, and its chunks are kept for {rule.chunks_after_days:g}"
        return "none", f"{age_days:.1f} days old"

    # -- what

    def _all(self, listing: SessionListing, target: Target, reason: str) -> Purge:
        versions = self._deletable(listing, lambda _: True)
        versions.sort(key=lambda version: _turn(listing, version.key))
        found = self._output.versions(listing.session_id) if self._output is not None else ()
        elsewhere = tuple(one for one in found if not one.key.startswith(f"{listing.session_id}/.sessiontool"))
        return Purge(listing.session_id, "all", reason, tuple(versions), elsewhere, _known_hashes(target))

    def _chunks(self, listing: SessionListing, target: Target, reason: str, progress: Progress) -> Purge:
        session_id = listing.session_id
        versions = self._deletable(listing, lambda key: self._store.layout.is_chunk(session_id, key))
        special = next((obj.key for obj in listing.ignored if not obj.tag), None)
        if special is not None:
            raise refused(session_id, f"{special} is neither a chunk nor a file", "look what it is, and move it away")
        if not versions:
            return Purge(session_id, "none", self._without_chunks(session_id, target))
        document = verified_report(session_id, target, progress)
        known = {chunk["key"] for chunk in document["chunks"]}
        for version in versions:
            if version.key not in known:
                raise refused(session_id, f"{version.key} is not in the report of the merge", MERGE_AGAIN)
        proof = prove_chunks(self._store, listing, target, document, progress, even_damaged=self._even_damaged)
        current = {version.key: version.tag for version in versions if version.is_current and not version.is_marker}
        if current != {chunk.object.key: chunk.object.tag for chunk in listing.chunks}:
            raise refused(session_id, "its chunks change this moment", "run again when it has ended")
        return Purge(
            session_id,
            "chunks",
            reason,
            tuple(versions),
            sha256=proof.sha256,
            even_damaged=self._even_damaged,
            overridden=tuple(proof.unproved),
            left=_left(listing),
        )

    def _without_chunks(self, session_id: str, target: Target) -> str:
        """Why a session has no chunks to delete: it may be of events, or of whole recordings."""
        had_chunks = any(self._store.layout.is_chunk(session_id, key) for key in _known_hashes(target))
        was_made = any(one.get("code") == "made-from-events" for one in _listed(target, "findings"))
        return "its chunks are deleted" if had_chunks and not was_made else "it has no chunks"

    def _deletable(self, listing: SessionListing, wanted: Callable[[str], bool]) -> list[StoredVersion]:
        ours = f"{listing.folder}/{_OURS}"  # a lock or lease, which is in use this moment
        found = [v for v in self._store.versions(listing.session_id) if wanted(v.key) and not v.key.startswith(ours)]
        for version in found:
            if not version.tag and not version.is_marker:
                what = f"{version.key} cannot be deleted as a file"
                raise refused(listing.session_id, what, "look what it is, and move it away")
        return found

    def _sweep(self, session_id: str) -> None:
        """Delete what our own lease left in a bucket with versions, and folders that are empty now."""
        left = [version for version in self._store.versions(session_id) if f"/{_OURS}" in version.key]
        self._store.delete(session_id, left)
        if self._output is not None:
            self._output.delete(session_id, ())


def _retention(document: bytes, session_id: str) -> RetentionEntry | None:
    try:
        return read_retention(document, SESSION, session_id)
    except RecordingError as error:
        raise RecordingError(f"{session_id}: {error.message}", hint=error.hint) from error


def _turn(listing: SessionListing, key: str) -> int:
    """When a key is deleted: what says how old the session is and how long it is kept goes last.

    So a run that is killed is gone on with by the next.
    """
    if key == f"{listing.folder}/{SESSION}":
        return 3
    if key.startswith(f"{listing.folder}/{MERGED_FOLDER}/"):
        return 0
    return 2 if key.removeprefix(f"{listing.folder}/") in listing.documents else 1


def _latest_s(listing: SessionListing, document: bytes | None) -> float:
    """The last moment that anything of the session arrived, or was recorded."""
    objects = (*(chunk.object for chunk in listing.chunks), *listing.documents.values(), *listing.ignored)
    moments = [obj.modified_s for obj in objects]
    started_at = read_session(document, SESSION)[0].started_at if document else None
    with suppress(ValueError, OverflowError):  # no time: what arrived says enough
        moments.append(datetime.fromisoformat(started_at or "").timestamp())
    return max(moments, default=time.time())


def _left(listing: SessionListing) -> tuple[str, ...]:
    """Files in the folders of the chunks that are none, nor what is beside chunks by custom."""
    folders = {chunk.object.key.rpartition("/")[0] for chunk in listing.chunks}
    keys = [obj.key for obj in listing.ignored if obj.key.rpartition(".")[2].lower() not in SIDECARS]
    return tuple(key for key in keys if key.rpartition("/")[0] in folders)


def _known_hashes(target: Target) -> dict[str, str]:
    """The hashes that a report has of chunks, by key; none where there is no report that can be read."""
    chunks = _listed(target, "chunks")
    return {str(chunk["key"]): str(chunk["sha256"]) for chunk in chunks if "key" in chunk and "sha256" in chunk}


def _listed(target: Target, name: str) -> list[dict[str, Any]]:
    """The objects in a list of the published report; none where there is no report that can be read."""
    try:
        listed = result_files.read_published(target, result_files.REPORT).get(name)
    except (NotFoundError, RecordingError):
        return []
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []

"""What a session brings: its chunks as listed, and what its documents say."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .continuity import by_part, part_entry
from .documents import read_session, read_utterances
from .errors import RecordingError
from .models import SessionDocument
from .storage import read_document
from .values import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .storage import Store
    from .values import ChunkRef, SessionListing, Utterance

SESSION = "session.json"
UTTERANCES = ("utterances.jsonl", "utterances.json")
EVENTS = "events.jsonl"


@dataclass(slots=True)
class Notes:
    """What the session's documents say, and what was wrong with them."""

    session: SessionDocument = field(default_factory=SessionDocument)
    utterances: list[Utterance] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def fingerprint(listing: SessionListing, settings: Mapping[str, Any]) -> str:
    """What a result depends on: every input as it was listed, and the settings that change the result."""
    documents = [listing.documents[name] for name in (SESSION, *UTTERANCES, EVENTS) if name in listing.documents]
    objects = (*(chunk.object for chunk in listing.chunks), *documents)
    inputs = [{"key": obj.key, "size_bytes": obj.size_bytes, "tag": obj.tag} for obj in objects]
    return hashlib.sha256(json.dumps([inputs, dict(settings)], sort_keys=True).encode()).hexdigest()


def require_chunks(listing: SessionListing) -> None:
    """RecordingError that names what is there instead, where a session has no chunks."""
    if listing.chunks:
        return
    others = ", ".join(repr(obj.key) for obj in listing.ignored[:3])
    raise RecordingError(
        f"session {listing.session_id} has no chunks" + (f"; no chunk is named like {others}" if others else ""),
        hint="chunks are expected as <session>/chunks/<part>/<seq>.webm; other names need a --layout",
    )


def read_notes(store: Store, listing: SessionListing) -> Notes:
    """Read the documents; what is wrong with them becomes findings, never an error."""
    notes = Notes()
    if SESSION in listing.documents:
        notes.session, notes.findings = read_session(read_document(store, listing.documents[SESSION]), SESSION)
    named = [name for name in UTTERANCES if name in listing.documents]
    for name in named[:1]:
        notes.utterances, findings = read_utterances(read_document(store, listing.documents[name]), name)
        notes.findings += findings
    if not notes.utterances:
        what = f"{named[0]} holds no utterance" if named else f"there is no {UTTERANCES[0]}"
        notes.findings.append(Finding("no-utterances", "info", f"{what}: the captions are empty"))
    return notes


def noted_sha256(listing: SessionListing, session: SessionDocument) -> dict[ChunkRef, str]:
    """The SHA-256 that the recorder noted of each chunk, where it did."""
    noted: dict[ChunkRef, str] = {}
    for part, chunks in by_part(listing.chunks):
        entry = part_entry(session.parts, part)
        digests = {chunk.seq: chunk.sha256 for chunk in entry.chunks if chunk.sha256} if entry else {}
        noted.update((chunk, digests[chunk.seq]) for chunk in chunks if chunk.seq in digests)
    return noted

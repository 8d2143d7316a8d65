"""What a session brings: its chunks as listed, and what its documents say."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

from .documents import read_session, read_utterances
from .documents.models import SessionDocument
from .errors import RecordingError
from .joining.continuity import by_part, part_entry
from .storage import MAX_DOCUMENT_BYTES, read_document
from .values import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .events import EventLog, Prefer
    from .values import ChunkRef, SessionListing, StoredObject, Utterance

    Read = Callable[[StoredObject], bytes]

SESSION = "session.json"
UTTERANCES = ("utterances.jsonl", "utterances.json")
EVENTS = ("events.jsonl", "events.json")

_SILENT_MS = 60_000.0


@dataclass(slots=True)
class Notes:
    """What the session's documents say, and what was wrong with them.

    `log` is what the events say, None where there are none; its utterances are among `utterances`.
    """

    session: SessionDocument = field(default_factory=SessionDocument)
    utterances: list[Utterance] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    log: EventLog | None = None


def fingerprint(listing: SessionListing, settings: Mapping[str, Any]) -> str:
    """What a result depends on: every input as it was listed, and the settings that change the result."""
    documents = [listing.documents[name] for name in _there(listing, SESSION, *UTTERANCES, *EVENTS)]
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


def require_consent(listing: SessionListing, session: SessionDocument, *, merged: bool = False) -> None:
    """RecordingError for a session whose recorder noted no consent; `merged`: it was merged all the same."""
    consent = session.consent
    if consent and consent.recorded:
        return
    said = "says that there is none" if consent and consent.recorded is False else "says nothing of it"
    raise RecordingError(
        f"session {listing.session_id} {'was' if merged else 'is not'} merged without a recorded consent: {SESSION} "
        + (said if SESSION in listing.documents else "is not there"),
        hint=f'where there is one, {SESSION} must say "consent": {{"recorded": true}}; or leave out --require-consent',
    )


def documents_to_read(listing: SessionListing) -> list[StoredObject]:
    """What `read_notes` asks for, in its order; but for what is so large that it is refused unread."""
    read = [name for names in ((SESSION,), UTTERANCES, EVENTS) for name in _there(listing, *names)[:1]]
    return [obj for name in read if (obj := listing.documents[name]).size_bytes <= MAX_DOCUMENT_BYTES]


def _there(listing: SessionListing, *names: str) -> list[str]:
    """The documents of these names that a session has; of several that hold the same, the first is read."""
    return [name for name in names if name in listing.documents]


def read_notes(read: Read, listing: SessionListing, prefer: Prefer = "utterances") -> Notes:
    """Read the documents; what is wrong with them becomes findings, never an error.

    Where both the utterances and the events know something of an utterance, `prefer` says whose word counts.
    """
    notes = Notes()
    notes.session, notes.findings = read_session_document(read, listing)
    named = _there(listing, *UTTERANCES)
    for name in named[:1]:
        notes.utterances, findings = read_utterances(read_document(read, listing.documents[name]), name)
        notes.findings += findings
    _add_log(notes, read, listing, prefer)
    if not notes.utterances:
        named += _there(listing, *EVENTS)
        what = f"{' and '.join(named)} hold no utterance" if named else f"there is no {UTTERANCES[0]}"
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


def _add_log(notes: Notes, read: Read, listing: SessionListing, prefer: Prefer) -> None:
    """Add what the events say, if there are any, to what is noted of a session."""
    try:
        notes.log = read_log(read, listing, notes.session)
    except RecordingError as error:  # a log that is too large must not cost the recording
        notes.findings.append(Finding("events-invalid", "warning", error.message, hint=error.hint))
    if notes.log is None:
        return
    from .events import join  # noqa: PLC0415

    notes.findings += [*notes.log.findings, *_ends_early(notes.log, notes.session)]
    if notes.utterances and notes.log.utterances:
        joined = join(notes.utterances, notes.log.utterances, prefer)
        notes.utterances = joined.utterances
        notes.findings += joined.findings
    else:
        notes.utterances += notes.log.utterances


def _ends_early(log: EventLog, session: SessionDocument) -> list[Finding]:
    """A finding where the recorder went on long after the last event: the channel may have died without a word."""
    last_ms = max((one.last_ms for one in log.sessions if one.last_ms is not None), default=None)
    stop_ms = max((part.stop_ms for part in session.parts if part.stop_ms is not None), default=None)
    if last_ms is None or stop_ms is None or stop_ms - last_ms < _SILENT_MS:
        return []
    return [
        Finding(
            "events-end-early",
            "info",
            f"the last event came {(stop_ms - last_ms) / 1000:.0f} s before the recorder was stopped",
            hint="if somebody spoke since, the data channel died without a word; the recording has it all the same",
        )
    ]


def read_session_document(read: Read, listing: SessionListing) -> tuple[SessionDocument, list[Finding]]:
    """session.json; an empty one where there is none."""
    if SESSION not in listing.documents:
        return SessionDocument(), []
    return read_session(read_document(read, listing.documents[SESSION]), SESSION)


def read_log(read: Read, listing: SessionListing, session: SessionDocument) -> EventLog | None:
    """The event log of a session, None where there is none (RecordingError where it is absurdly large)."""
    named = _there(listing, *EVENTS)
    if not named:
        return None
    from .events import read_events  # noqa: PLC0415 - a tenth of a start, and most sessions have no log

    data = read_document(read, listing.documents[named[0]])
    return read_events(BytesIO(data), named[0], session.started_at)

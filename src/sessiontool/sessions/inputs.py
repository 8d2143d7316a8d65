"""What a session brings: its chunks as listed, and what its documents say."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ..documents.clock_restarts import recorded_parts
from ..documents.corrections import Corrections
from ..documents.lenient import shown
from ..documents.log_clock import SessionTimes
from ..documents.models import SessionDocument
from ..documents.roles import USUAL_CHANNELS
from ..documents.session import check_owner, read_session
from ..documents.utterances import read_utterances
from ..errors import RecordingError
from ..model import Finding, Severity, in_largest_unit
from ..options import LogOptions
from ..recording.sequence import by_part, counted_as_named, part_entry, parts_as_named
from .corrections import corrected
from .gzipped import inflated, inflated_file
from .imported import imported
from .piecewise import open_pieces
from .provenance import (
    CORRECTIONS,
    EVENTS,
    EVENTS_FOLDER,
    SESSION,
    UTTERANCES,
    events_in,
    find_strays,
    ids_of,
    names_read,
    there,
)
from .role_folders import chunks_elsewhere
from .strays import Stray, may_be_log, stray_findings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from ..documents.report_model import ReportRecorder
    from ..events import EventLog
    from ..model import ChunkRef, SessionListing, StoredObject, Utterance
    from ..options import Prefer
    from ..storage import Reader

    Read = Callable[[StoredObject], bytes]
    Sound = Mapping[str, BinaryIO]

_DEFAULT_OPTIONS = LogOptions()
_EVENT_TYPE = rb'type\\*"\s*:\s*\\*"[a-z_]+\.[a-z_.]+\\*"'
"""What every Realtime event has, also inside of a message that was logged as a text."""
_BEGINNING_BYTES = 1 << 16
"""Chosen: dozens of events, by which a log of them is recognised."""
_SILENT_MS = 60_000.0
"""Chosen: a log may end a minute before its recording without a finding."""
_RECENT_S = 600.0
"""Chosen: a recorder that has not sent anything for so long has ended."""
_RECENT_TIMESLICES = 10
"""Number of timeslices after which a recorder has ended, where they are long, as units of its own clock; chosen."""


class Notes(Struct):
    """What the session's documents say, and what was wrong with them.

    `findings` are of the recording (session.json, and what is beside the chunks), `log_findings` of the logs.
    `log` is what the events say, None where there are none; its utterances are among `utterances`.  `strays` are what
    is there and is not read.  `corrections` are among the utterances; `dropped` are the ids of those without one.
    `recorders` are those of the roles, where each had one.
    """

    session: SessionDocument = field(default_factory=SessionDocument)
    utterances: list[Utterance] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    log_findings: list[Finding] = field(default_factory=list)
    log: EventLog | None = None
    strays: list[Stray] = field(default_factory=list)
    corrections: Corrections = field(default_factory=Corrections)
    dropped: list[str] = field(default_factory=list)
    recorders: list[ReportRecorder] = field(default_factory=list)


def read_notes(
    read: Reader,
    listing: SessionListing,
    prefer: Prefer = "utterances",
    *,
    now_s: float | None = None,
    options: LogOptions = _DEFAULT_OPTIONS,
    sound: Sound | None = None,
) -> Notes:
    """Read the documents; what is wrong with them becomes findings, never an error.

    Where both logs know something of an utterance, `prefer` says whose word counts.  With `now_s` (since 1970) a
    finding may say how old the newest chunk is; a result must not depend on that.  Files for `sound` get that of the
    events; then a log that cannot be read is a RecordingError.
    """
    notes = Notes(strays=find_strays(listing))
    notes.session, notes.findings = read_session_document(read, listing)
    kept, findings = imported(notes.session, listing, read.opened)
    known = {*kept, *(obj.key for obj in chunks_elsewhere(listing))}
    notes.strays = [stray for stray in notes.strays if stray.object.key not in known]
    notes.findings += [*findings, *_folder_findings(notes.strays, listing, notes.session, now_s)]
    for name in there(listing, *UTTERANCES)[:1]:
        data, findings = _document(read, listing, name, "warning")
        notes.log_findings += findings
        if not data and findings:
            continue
        if _is_event_log(data):
            _add_events(notes, data, name, listing, options)
            continue
        notes.utterances, findings = read_utterances(
            data,
            name,
            options=options,
            times=session_times(notes.session),
            speakers=notes.session.speakers,
            channels=notes.session.channels or USUAL_CHANNELS,
            session=ids_of(notes.session, listing),
        )
        notes.log_findings += findings
    _add_log(notes, read, listing, prefer, options, sound)
    if CORRECTIONS in listing.documents:
        data, findings = _document(read, listing, CORRECTIONS, "warning")
        notes.utterances, notes.dropped, notes.corrections, problems = corrected(notes.utterances, data)
        notes.log_findings += [*findings, *problems]
    if not notes.utterances:
        notes.log_findings += _no_utterances(notes, listing)
    return notes


def session_times(session: SessionDocument) -> SessionTimes:
    """What session.json says of the time of a session."""
    starts = [part.start_ms for part in session.parts if part.start_ms is not None]
    ends = [part.stop_ms for part in session.parts if part.stop_ms is not None]
    ends += [chunk.emitted_ms for part in session.parts for chunk in part.chunks if chunk.emitted_ms is not None]
    recorded_ms = (min(starts), max(ends)) if starts and ends and max(ends) > min(starts) else None
    return SessionTimes(session.started_at, recorded_ms, recorded_parts(session))


def _no_utterances(notes: Notes, listing: SessionListing) -> list[Finding]:
    """That captions are empty, and what is there that may be a log: a doubt where something does."""
    named = [name for name in names_read(listing) if name not in {SESSION, CORRECTIONS}]
    if any(finding.code == "log-not-read" for finding in notes.log_findings):
        return []
    logs = [stray.object for stray in notes.strays if may_be_log(stray)]
    what = f"{' and '.join(named[:2])} hold no utterance" if named else f"there is no {UTTERANCES[0]}"
    if not logs:
        return [Finding("no-utterances", "info", f"{what}: the captions are empty")]
    names = ", ".join(f"'{shown(obj.key.removeprefix(f'{listing.folder}/'))}'" for obj in logs[:3])
    more = f" and {len(logs) - 3} more" if len(logs) > 3 else ""
    return [
        Finding(
            "no-utterances",
            "warning",
            f"{what}: the captions are empty; what may be a log is there under another name: {names}{more}",
            hint=f"what is read is {', '.join(UTTERANCES)}, {', '.join(EVENTS)} and events/<n>.jsonl: rename it",
        )
    ]


def first_look(read: Read, listing: SessionListing, now_s: float) -> list[Finding]:
    """What session.json and the names alone show of a session, at the moment `now_s` since 1970."""
    session, findings = read_session_document(read, listing)
    return [*findings, *_folder_findings(find_strays(listing), listing, session, now_s)]


def _folder_findings(
    strays: Sequence[Stray], listing: SessionListing, session: SessionDocument, now_s: float | None
) -> list[Finding]:
    return [*_still_recording(listing, session, now_s), *stray_findings(strays, listing)]


def noted_sha256(listing: SessionListing, session: SessionDocument) -> dict[ChunkRef, str]:
    """The SHA-256 that the recorder noted of each chunk, where it did."""
    noted: dict[ChunkRef, str] = {}
    for part, chunks in by_part(listing.chunks):
        entry = part_entry(session.parts, part)
        digests = {chunk.seq: chunk.sha256 for chunk in entry.chunks if chunk.sha256} if entry else {}
        noted.update((chunk, digests[chunk.seq]) for chunk in chunks if chunk.seq in digests)
    return noted


def _add_log(
    notes: Notes, read: Reader, listing: SessionListing, prefer: Prefer, options: LogOptions, sound: Sound | None
) -> None:
    """Add what the events say, if there are any, to what is noted of a session."""
    try:
        notes.log = read_log(read, listing, notes.session, options, sound) or notes.log
    except RecordingError as error:  # a log that is too large must not cost the recording
        if sound:
            raise
        notes.log_findings.append(Finding("events-invalid", "warning", error.message, hint=error.hint))
    if notes.log is None:
        return
    from ..events import join  # noqa: PLC0415

    notes.log_findings += [*notes.log.findings, *_ends_early(notes.log, notes.session)]
    if notes.utterances and notes.log.utterances:
        joined = join(notes.utterances, notes.log.utterances, prefer)
        notes.utterances = joined.utterances
        notes.log_findings += joined.findings
    else:
        notes.utterances += notes.log.utterances


def _is_event_log(data: bytes) -> bool:
    """Whether what stands where utterances are expected is a log of Realtime events."""
    if not re.compile(_EVENT_TYPE).search(data, 0, _BEGINNING_BYTES):
        return False
    from ..events import holds_events  # noqa: PLC0415

    return holds_events(data[:_BEGINNING_BYTES])


def _add_events(notes: Notes, data: bytes, name: str, listing: SessionListing, options: LogOptions) -> None:
    """Add what a log of events says that has the name of a log of utterances; where there is another, that is read."""
    named = events_in(listing)
    what = f"{name} holds Realtime events and no utterances: it was "
    if named:
        what += f"not read, as {named[0] if len(named) == 1 else EVENTS_FOLDER} is there"
    else:
        from ..events import read_events  # noqa: PLC0415

        what += "read as a log of events"
        notes.log = read_events(io.BytesIO(data), name, session_times(notes.session), options)
    notes.log_findings.append(Finding("events-in-utterances", "info", what, hint=f"name a log of events {EVENTS[0]}"))


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
            hint="if there was speech since, the data channel died without a word; the recording has it all the same",
        )
    ]


def read_session_document(read: Read, listing: SessionListing) -> tuple[SessionDocument, list[Finding]]:
    """session.json; an empty one where there is none, where it is another session's, or too large to be read."""
    if SESSION not in listing.documents:
        return SessionDocument(), []
    data, unread = _document(read, listing, SESSION, "error")
    if unread:
        return SessionDocument(), unread
    session, findings = read_session(data, SESSION)
    session = _counted_as_named(_of_roles_there(session, listing), listing)
    fitting = sum(chunk.object.size_bytes == size for chunk, size in _noted_bytes(listing, session))
    session, doubts = check_owner(session, SESSION, listing.session_id, fitting=fitting, chunks=len(listing.chunks))
    return session, [*findings, *doubts]


def _of_roles_there(session: SessionDocument, listing: SessionListing) -> SessionDocument:
    """session.json without the parts of a role whose chunks the layout leaves out, where roles have folders."""
    folders = {name for chunk in listing.chunks for name in chunk.object.key.split("/")[:-1]}
    there = {entry.role for entry in session.parts} & folders
    parts = [entry for entry in session.parts if not there or entry.role in {None, *there}]
    return replace(session, parts=parts)


def _counted_as_named(session: SessionDocument, listing: SessionListing) -> SessionDocument:
    """session.json with the numbers that parts and chunks have, where it counts from 1 and their names from 0."""
    parts = dict(by_part(listing.chunks))
    noted = parts_as_named(session.parts, parts)
    entries = [(part_entry(noted, part), chunks) for part, chunks in parts.items()]
    counted = {id(entry): counted_as_named(entry, chunks) for entry, chunks in entries if entry}
    return replace(session, parts=[counted.get(id(entry), entry) for entry in noted])


def _document(read: Read, listing: SessionListing, name: str, severity: Severity) -> tuple[bytes, list[Finding]]:
    """A document's bytes; none, and a finding, where it cannot be read: that must not cost the recording."""
    try:
        data = read(listing.documents[name])
    except RecordingError as error:
        return b"", [Finding("document-too-large", severity, error.message, hint=error.hint)]
    try:
        data, problem = inflated(data, name)
    except RecordingError as error:
        return b"", [Finding("document-invalid", "warning", error.message, hint=error.hint)]
    return data, [Finding("document-invalid", "warning", problem)] if problem else []


def _noted_bytes(listing: SessionListing, session: SessionDocument) -> Iterator[tuple[ChunkRef, int]]:
    """The chunks whose size the recorder noted, and that size."""
    for part, chunks in by_part(listing.chunks):
        entry = part_entry(session.parts, part)
        noted = {chunk.seq: chunk.bytes for chunk in entry.chunks} if entry else {}
        yield from ((chunk, size) for chunk in chunks if (size := noted.get(chunk.seq)) is not None)


def _still_recording(listing: SessionListing, session: SessionDocument, now_s: float | None) -> list[Finding]:
    """A finding where the recorder's list does not say that it was stopped.

    Whether that is a worry only the age of the newest chunk can tell, which is looked at where `now_s` is given.
    """
    if not session.parts or not listing.chunks:
        return []
    known = [part for part in session.parts if part.start_ms is not None]
    last = max(known, key=lambda part: part.start_ms or 0.0) if len(known) == len(session.parts) else session.parts[-1]
    if last.stop_ms is not None:
        return []
    age_s = max(0.0, now_s - listing.newest_chunk_s) if now_s is not None and listing.newest_chunk_s else None
    is_recent = age_s is not None and age_s < max(_RECENT_S, _RECENT_TIMESLICES * (last.timeslice_ms or 0) / 1000)
    came = "" if age_s is None else f"; its newest chunk came {in_largest_unit(age_s)} ago"
    return [
        Finding(
            "session-still-recording",
            "warning" if is_recent else "info",
            f"{SESSION} does not say that part {shown(last.part)} was stopped{came}",
            part=last.part,
            hint="wait for its end, and merge then"
            if is_recent
            else "the recorder was killed, or it is still running; what comes later is in the next merge",
        )
    ]


def read_log(
    read: Reader,
    listing: SessionListing,
    session: SessionDocument,
    options: LogOptions = _DEFAULT_OPTIONS,
    sound: Sound | None = None,
) -> EventLog | None:
    """The event log of a session, None where there is none (RecordingError where it is absurdly large).

    With files for `sound`, one for each field of events that has some, that of the events is kept there.
    """
    named = events_in(listing)
    if not named:
        return None
    from ..events import read_events  # noqa: PLC0415 - a tenth of a start, and most sessions have no log

    name = named[0] if len(named) == 1 else EVENTS_FOLDER
    pieces = open_pieces([listing.documents[one] for one in named], read.opened)
    with pieces, inflated_file(pieces, name) as file:
        return read_events(file, name, session_times(session), options, sound)

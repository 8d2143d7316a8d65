"""A recording made where a session has no chunks that can be joined: of its events' sound, two recorders, or tracks.

Realtime over a WebSocket has its sound in the log; and where each role has a recorder, they are laid side by side.  The
sound is laid out in time, encoded once, and then treated like any other recording: joined, aligned, captioned.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..model import Finding
from ..storage import open_store, scratch_folder
from .encode_once import write_encoded
from .provenance import RECORDER, events_in
from .requirements import require_chunks
from .role_folders import RECORDING, ROLES, chunks_elsewhere, role_listings, whole_recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO, Protocol

    from ..documents.models import SessionDocument
    from ..model import SessionListing, StoredObject
    from ..realtime.heard_lanes import HeardLane
    from ..storage import Reader, Store
    from .inputs import Notes
    from .join import Recording
    from .role_recorders import RoleRecording

    class Join(Protocol):
        """Joins the chunks of a session; `read` is for chunks that are being read already."""

        def __call__(
            self, store: Store, listing: SessionListing, session: SessionDocument, read: Reader | None = None, /
        ) -> Recording: ...


_CHUNK_BYTES = 1 << 20
"""Chosen: a chunk is held in memory while it is joined."""
_PART, _BOTH_TRACKS = "000", "tracks"
"""Parts that are made: the second beside chunks of the session, of which none is in it."""


@contextmanager
def sound_files(listing: SessionListing) -> Iterator[Mapping[str, BinaryIO] | None]:
    """Files for the sound of a session's events while the block lasts; None where it is not needed, for its chunks."""
    if listing.chunks or not events_in(listing) or chunks_elsewhere(listing):
        yield None
        return
    from tempfile import TemporaryFile  # noqa: PLC0415 - most sessions have chunks

    from ..realtime.sound import RECEIVED, SENT  # noqa: PLC0415

    with TemporaryFile() as sent, TemporaryFile() as received:
        yield {SENT: sent, RECEIVED: received}


@contextmanager
def recorded(store: Store, listing: SessionListing, notes: Notes) -> Iterator[tuple[Store, SessionListing]]:
    """Where the session's chunks are: those that it has, its whole recordings, or what is made, while the block lasts.

    Of what is made, of events or of two recorders, `notes`, which must have been read with `sound_files`, then says
    when it begins, and that it was made.  RecordingError where there is neither.
    """
    if listing.chunks:
        yield store, listing
        return
    if whole := whole_recording(listing):
        notes.session = replace(notes.session, channels=_channels_of(whole, notes.session))
        yield store, whole
        return
    lanes, roles = notes.log.heard if notes.log else (), role_listings(listing)
    if not lanes and not roles:
        require_chunks(listing)
    with scratch_folder() as work:
        if roles:
            _make_of_roles(store, listing, roles, notes, work)
        else:
            _make(listing, lanes, notes, work)
        made = open_store(str(work / "store"), limits=store.limits)
        yield made, made.list_session(listing.session_id)


@contextmanager
def joined(
    store: Store, listing: SessionListing, notes: Notes, join: Join, read: Reader
) -> Iterator[tuple[Recording, Callable[[SessionDocument], Recording]]]:
    """The session's recording, joined by `join` of what `recorded` gives, and how it is joined again.

    `read` reads the session's own chunks.  A recording that is one of two voices is made of both.
    """
    with ExitStack() as stack:
        source, found = stack.enter_context(recorded(store, listing, notes))
        recording = join(source, found, notes.session, read if found is listing else None)
        if _has_two_voices(source, found, recording):
            source, found = stack.enter_context(_both_tracks(source, found, notes))
            recording = join(source, found, notes.session)
        yield recording, partial(join, source, found)


def _channels_of(whole: SessionListing, session: SessionDocument) -> list[str] | None:
    """The roles on the channels of whole recordings; what was made of them in an import may have them the other way."""
    files = {chunk.object.key.partition(f"/{RECORDING}/")[2] for chunk in whole.chunks}
    noted = [one.channels for one in session.recordings if one.file in files and one.channels]
    return noted[0] if noted else session.channels


def _make(listing: SessionListing, lanes: Sequence[HeardLane], notes: Notes, work: Path) -> None:
    """Write the recording of a session's events as a session of one part, and note it."""
    start_ms = min(lane.pieces[0].at_ms for lane in lanes)
    with _one_part(listing, work) as (body, out):
        _write(lanes, start_ms, body, out)
    _note_part(notes, start_ms, max(lane.end_ms for lane in lanes))
    notes.findings.append(_finding(lanes, [listing.documents[name] for name in events_in(listing)]))


def _make_of_roles(
    store: Store, listing: SessionListing, roles: Mapping[str, SessionListing], notes: Notes, work: Path
) -> None:
    """Write the recordings of both roles as a session of one part, and note it."""
    from .role_recorders import join_roles  # noqa: PLC0415 - most sessions have one recorder

    _lay_side_by_side(join_roles(store, roles, notes, work), listing, notes, work)


def _has_two_voices(store: Store, listing: SessionListing, recording: Recording) -> bool:
    """Whether a joined recording is the first of two mono tracks (StorageError)."""
    if recording.head.channels != 1 or "second-track" not in {one.code for one in recording.assembly.findings}:
        return False
    from ..media.two_tracks import by_second_track  # noqa: PLC0415 - as above

    return by_second_track(store.read(listing.chunks[0].object)) is not None


@contextmanager
def _both_tracks(store: Store, listing: SessionListing, notes: Notes) -> Iterator[tuple[Store, SessionListing]]:
    """Where the chunks are that are made of a recording's two tracks, while the block lasts; `notes` then says so."""
    from .two_tracks import join_tracks, track_finding  # noqa: PLC0415 - as above

    with scratch_folder() as work:
        found = join_tracks(store, listing, notes.session, work)
        _lay_side_by_side(found, listing, notes, work, _BOTH_TRACKS, track_finding())
        made = open_store(str(work / "store"), limits=store.limits)
        yield made, made.list_session(listing.session_id)


def _lay_side_by_side(
    found: list[RoleRecording],
    listing: SessionListing,
    notes: Notes,
    work: Path,
    part: str = _PART,
    encoded: Finding | None = None,
) -> None:
    """Write the recordings as a session of one part, and note it."""
    from .role_recorders import recorders_json, role_findings, write_side_by_side  # noqa: PLC0415 - as above

    with _one_part(listing, work, part) as (body, out):
        start_ms, end_ms = write_side_by_side(found, body, out)
    _note_part(notes, start_ms, end_ms, part)
    notes.recorders = recorders_json(found)
    notes.findings += role_findings(found, start_ms, encoded)


@contextmanager
def _one_part(listing: SessionListing, work: Path, part: str = _PART) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """A scratch file, and one whose bytes become the chunks of the one part of a session in `work`."""
    chunks = work / "store" / listing.session_id / "chunks" / part
    chunks.mkdir(parents=True)
    with (work / "clusters").open("w+b") as body, (work / "whole").open("w+b") as out:
        yield body, out
        out.seek(0)
        for number, data in enumerate(iter(lambda: out.read(_CHUNK_BYTES), b"")):
            (chunks / f"{number:06}.webm").write_bytes(data)


def _note_part(notes: Notes, start_ms: float, end_ms: float, name: str = _PART) -> None:
    from ..documents.models import PartEntry  # noqa: PLC0415 - most sessions have chunks

    part = PartEntry(part=name, start_ms=start_ms, stop_ms=end_ms)
    notes.session = replace(notes.session, parts=[part], channels=list(ROLES))


def _write(lanes: Sequence[HeardLane], start_ms: float, body: BinaryIO, out: BinaryIO) -> None:
    """Encode the lanes, user left and assistant right, into one WebM file that begins at `start_ms`."""
    from ..audio.lanes import LaneSound, lanes_at_48k  # noqa: PLC0415

    by_role = {lane.role: lane for lane in lanes}
    sides = []
    for role in ROLES:
        lane = by_role.get(role)
        known = lane or lanes[0]
        form = known.format
        placed = [
            (round((piece.at_ms - start_ms) * form.rate_hz / 1000), piece.offset, piece.size_bytes)
            for piece in (lane.pieces if lane else ())
        ]
        sides.append(LaneSound(known.file, form.codec, form.rate_hz, placed))
    write_encoded(lanes_at_48k(sides), len(ROLES), body, out, RECORDER)


def _finding(lanes: Sequence[HeardLane], pieces: Sequence[StoredObject]) -> Finding:
    said = "; ".join(
        f"{lane.role}: {lane.events:,} events of {lane.format.codec} at {lane.format.rate_hz:,} Hz"
        + (f", {lane.unheard_ms / 1000:.1f} s of it generated and not heard" if lane.unheard_ms else "")
        + (f", {lane.stalls} interruptions" if lane.stalls else "")
        + (f", {lane.overlap_ms:.0f} ms left out as its clock ran ahead" if lane.overlap_ms else "")
        for lane in lanes
    )
    where = pieces[0].key if len(pieces) == 1 else f"{len(pieces)} files of events"
    silent = [role for role in ROLES if role not in {lane.role for lane in lanes}]
    doubt = f"; there is no sound of {silent[0]} in them" if silent else ""
    return Finding(
        "made-from-events",
        "warning" if silent else "info",
        f"the session has no chunks: the recording was made of the sound in {where}, and encoded once ({said}){doubt}",
        hint="keep the events: they are the only copy of this sound",
    )

"""A recording made of the sound in a session's events, where it has no chunks: Realtime over a WebSocket.

The sound is laid out in time, encoded once, and then treated like any other recording: joined, aligned, captioned.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ..model import Finding
from ..options import LogOptions
from ..storage import open_store, scratch_folder
from .encode_once import write_encoded
from .inputs import session_times
from .piecewise import open_pieces
from .provenance import RECORDER, events_in
from .requirements import require_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from ..model import SessionListing, StoredObject
    from ..realtime.sound import HeardLane
    from ..storage import Store
    from .inputs import Notes

_ROLES = ("user", "assistant")
_DEFAULT_OPTIONS = LogOptions()


@contextmanager
def recorded(
    store: Store, listing: SessionListing, notes: Notes, options: LogOptions | None = None
) -> Iterator[tuple[Store, SessionListing]]:
    """Where the session's chunks are: those that it has, or those that are made of its events, while the block lasts.

    Of the latter `notes` then says when they begin, and that they were made.  RecordingError where there is neither.
    """
    if listing.chunks:
        yield store, listing
        return
    with scratch_folder() as work:
        if not _make(store, listing, notes, work, options or _DEFAULT_OPTIONS):
            require_chunks(listing)
        made = open_store(str(work / "store"), limits=store.limits)
        yield made, made.list_session(listing.session_id)


def _make(store: Store, listing: SessionListing, notes: Notes, work: Path, options: LogOptions) -> bool:
    """Write the recording of a session's events as a session of one chunk, and note it; False without sound."""
    from ..documents.models import PartEntry  # noqa: PLC0415 - most sessions have chunks
    from ..realtime.sound import read_heard_lanes  # noqa: PLC0415

    named = events_in(listing)
    if not named:
        return False
    pieces = [listing.documents[name] for name in named]
    with (work / "sound").open("w+b") as kept:
        with store.reading(pieces) as read, open_pieces(pieces, read.opened) as file:
            lanes = read_heard_lanes(file, kept, session_times(notes.session), options)
        if not lanes:
            return False
        start_ms = min(lane.pieces[0].at_ms for lane in lanes)
        end_ms = max(lane.end_ms for lane in lanes)
        chunk = work / "store" / listing.session_id / "chunks" / "000" / "000000.webm"
        chunk.parent.mkdir(parents=True)
        with (work / "clusters").open("w+b") as body, chunk.open("wb") as out:
            _write(lanes, start_ms, kept, body, out)
    part = PartEntry(part="000", start_ms=start_ms, stop_ms=end_ms)
    notes.session = replace(notes.session, parts=[part], channels=list(_ROLES))
    notes.findings.append(_finding(lanes, pieces))
    return True


def _write(lanes: Sequence[HeardLane], start_ms: float, kept: BinaryIO, body: BinaryIO, out: BinaryIO) -> None:
    """Encode the lanes, user left and assistant right, into one WebM file that begins at `start_ms`."""
    from ..audio.lanes import LaneSound, lanes_at_48k  # noqa: PLC0415

    by_role = {lane.role: lane for lane in lanes}
    sides = []
    for role in _ROLES:
        lane = by_role.get(role)
        form = lane.format if lane else next(iter(by_role.values())).format
        placed = [
            (round((piece.at_ms - start_ms) * form.rate_hz / 1000), piece.offset, piece.size_bytes)
            for piece in (lane.pieces if lane else ())
        ]
        sides.append(LaneSound(form.codec, form.rate_hz, placed))
    write_encoded(lanes_at_48k(kept, sides), len(_ROLES), body, out, RECORDER)


def _finding(lanes: Sequence[HeardLane], pieces: Sequence[StoredObject]) -> Finding:
    said = "; ".join(
        f"{lane.role}: {lane.events:,} events of {lane.format.codec} at {lane.format.rate_hz:,} Hz"
        + (f", {lane.unheard_ms / 1000:.1f} s of it generated and not heard" if lane.unheard_ms else "")
        + (f", {lane.stalls} interruptions" if lane.stalls else "")
        + (f", {lane.overlap_ms:.0f} ms left out as its clock ran ahead" if lane.overlap_ms else "")
        for lane in lanes
    )
    where = pieces[0].key if len(pieces) == 1 else f"{len(pieces)} files of events"
    silent = [role for role in _ROLES if role not in {lane.role for lane in lanes}]
    doubt = f"; there is no sound of {silent[0]} in them" if silent else ""
    return Finding(
        "made-from-events",
        "warning" if silent else "info",
        f"the session has no chunks: the recording was made of the sound in {where}, and encoded once ({said}){doubt}",
        hint="keep the events: they are the only copy of this sound",
    )

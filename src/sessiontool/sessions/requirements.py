"""What a session must have before it is merged: a recording, and consent where it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import RecordingError
from ..storage.layout_hint import fitting_pattern
from .provenance import SESSION, events_in, find_strays
from .strays import RECORDING

if TYPE_CHECKING:
    from ..documents.models import SessionDocument
    from ..model import SessionListing


def require_chunks(listing: SessionListing) -> None:
    """RecordingError that names what is there instead, where a session has no chunks."""
    if listing.chunks:
        return
    others = ", ".join(repr(obj.key) for obj in listing.ignored[:3])
    raise RecordingError(
        f"session {listing.session_id} has no chunks" + (f"; no chunk is named like {others}" if others else ""),
        hint=layout_hint(listing)
        or "chunks are expected as <session>/chunks/<part>/<seq>.webm; other names need a --layout",
    )


def require_recording(listing: SessionListing) -> None:
    """RecordingError as `require_chunks`, but for a session with events, which may carry its sound."""
    if not events_in(listing):
        require_chunks(listing)


def layout_hint(listing: SessionListing) -> str:
    """The layout that would take what may be recordings as chunks, for a session without any; empty if not plain."""
    keys = [stray.object.key for stray in find_strays(listing) if stray.kind == RECORDING]
    pattern, taken = ("", 0) if listing.chunks else fitting_pattern(listing.session_id, listing.folder, keys)
    return f"--layout '{pattern}' takes {taken} of {len(keys)} as chunks" if pattern else ""


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

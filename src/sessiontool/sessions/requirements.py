"""What a session must have before it is merged: a recording, and consent where it is asked for."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RecordingError, UsageError
from ..storage import Layout
from .provenance import SESSION, events_in, find_strays
from .role_folders import ROLES, chunks_elsewhere, role_pattern, roles_named
from .strays import RECORDING

if TYPE_CHECKING:
    from ..documents.models import ConsentEntry, SessionDocument
    from ..model import SessionListing
    from ..storage import Store, Target


def require_apart(store: Store, session_id: str, target: Target) -> None:
    """UsageError where a result would lie among the session's own documents, and be taken for some of them."""
    folder = f"{store.url.rstrip('/')}/{store.layout.folder(session_id)}"
    where = target.url.rstrip("/")
    same = where == folder if "://" in folder else Path(where).resolve() == Path(folder).resolve()
    if same:
        raise UsageError(
            f"{where} is the session's own folder, and no place for its result",
            hint="leave --output away, and the result goes into 'merged' there; or name another place than the store",
        )


def require_chunks(listing: SessionListing) -> None:
    """RecordingError that names what is there instead, where a session has no chunks."""
    if listing.chunks:
        return
    if roles := roles_named(listing):
        raise RecordingError(
            f"session {listing.session_id} has a recorder for each role ({', '.join(roles)}), and these are not "
            f"the two that are laid side by side ({', '.join(ROLES)})",
            hint=f"merge each by itself: --layout '{role_pattern(listing, roles[0])}' --output {roles[0]}, and so for "
            "the others",
        )
    others = ", ".join(repr(obj.key) for obj in listing.ignored[:3])
    raise RecordingError(
        f"session {listing.session_id} has no chunks" + (f"; no chunk is named like {others}" if others else ""),
        hint=layout_hint(listing)
        or "chunks are expected as <session>/chunks/<part>/<seq>.webm; other names need a --layout",
    )


def require_recording(listing: SessionListing) -> None:
    """RecordingError as `require_chunks`, but for chunks elsewhere, and events, which may carry sound."""
    if not events_in(listing) and not chunks_elsewhere(listing):
        require_chunks(listing)


def layout_hint(listing: SessionListing) -> str:
    """What would find chunks of a session without any: a layout, or another store; empty if not plain."""
    if not listing.chunks and Layout().holds_sessions(listing.folder, (obj.key for obj in listing.ignored)):
        return f"{listing.folder} holds sessions, and is none: it belongs to the store, --store …/{listing.folder}"
    from ..storage.layout_hint import fitting_pattern  # noqa: PLC0415 - for what goes wrong alone
    from ..storage.undivided import undivided  # noqa: PLC0415

    keys = [stray.object.key for stray in find_strays(listing) if stray.kind == RECORDING]
    pattern, taken = ("", 0) if listing.chunks else fitting_pattern(listing.session_id, listing.folder, keys)
    if not pattern:
        return ""
    whole = undivided(pattern, keys) if taken == len(keys) else pattern
    return f"--layout '{whole}' takes {taken} of {len(keys)} as chunks"


def require_consent(listing: SessionListing, session: SessionDocument, *, merged: bool = False) -> None:
    """RecordingError for a session whose recorder did not note who agreed to which notice, and when.

    `merged`: it was merged all the same.
    """
    lacking = _lacking_consent(session.consent) if SESSION in listing.documents else "is not there"
    if lacking:
        raise RecordingError(
            f"session {listing.session_id} {'was' if merged else 'is not'} merged without a recorded consent: "
            f"{SESSION} {lacking}",
            hint=f'where there is one, {SESSION} must say "consent": {{"recorded": true, "policy": "<the notice>", '
            '"who": ["user"], "at": "2026-11-22T09:00:00Z"}; or leave out --require-consent',
        )


def _lacking_consent(consent: ConsentEntry | None) -> str:
    """What session.json says, or does not say, where a consent is not whole; empty where it is."""
    if not (consent and consent.recorded):
        return "says that there is none" if consent and consent.recorded is False else "says nothing of it"
    has = {
        "who agreed (who)": any(name.strip() for name in consent.who or consent.by or ()),
        "to which notice (policy)": bool((consent.policy or "").strip()),
        "when (at, in RFC 3339)": _is_instant(consent.at),
    }
    missing = [name for name, is_there in has.items() if not is_there]
    return f"does not say {', '.join(missing)}" if missing else ""


def _is_instant(value: object) -> bool:
    """Whether it is a day and a time with its zone: one without a zone is no moment."""
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False

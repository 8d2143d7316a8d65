"""What results are made from: a session's inputs by their names, and the fingerprint of them and of the settings.

Nothing is read here.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from ..storage import natural_key
from .result_names import EXPORTS, REPORT
from .role_folders import chunks_elsewhere
from .strays import OTHER, Stray, strays_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..documents.models import SessionDocument
    from ..documents.report_model import Report
    from ..model import SessionListing, StoredObject
    from ..storage import Limits

SESSION = "session.json"
UTTERANCES = tuple(f"utterances.{kind}" for kind in ("jsonl", "json", "csv", "tsv", "srt", "vtt", "txt"))
EVENTS = ("events.jsonl", "events.json")
EVENTS_FOLDER = "events/"
"""Where a log of events is that was written in pieces, `<n>.jsonl`, in the order of their numbers."""
CORRECTIONS = "corrections.jsonl"
REDACTIONS = "redactions.jsonl"
"""What must be gone from the redacted result; a part of what a result depends on."""
RECORDER = "Realtime over WebSocket"
"""The recorder of a recording that was made of the sound in events."""
ROLE_RECORDERS = "sessiontool (a recorder for each role)"
"""The recorder of a recording that was made of two."""


def fingerprint(listing: SessionListing, settings: Mapping[str, Any]) -> str:
    """What a result depends on: every input as it was listed, and the settings that change the result.

    What is not read counts as well where it is there, as the result names it.
    """
    names = [*there(listing, SESSION, *UTTERANCES, *EVENTS, CORRECTIONS, REDACTIONS), *event_pieces(listing)]
    documents = [listing.documents[name] for name in names]
    objects = (*(chunk.object for chunk in listing.chunks), *chunks_elsewhere(listing), *documents)
    inputs = [{"key": obj.key, "size_bytes": obj.size_bytes, "tag": obj.tag} for obj in objects]
    strays = [[one.object.key, one.object.size_bytes if one.kind != OTHER else None] for one in find_strays(listing)]
    marked = [inputs, dict(settings), *([strays] if strays else [])]
    return hashlib.sha256(json.dumps(marked, sort_keys=True).encode()).hexdigest()


def limits_in_effect(listing: SessionListing, limits: Limits) -> dict[str, int]:
    """The limits that change the result of a merge, as something that is there is larger."""
    read = {
        "max_chunk_bytes": (limits.chunk_bytes, [chunk.object for chunk in listing.chunks]),
        "max_document_bytes": (limits.document_bytes, _documents_held(listing)),
    }
    return {name: limit for name, (limit, objects) in read.items() if any(obj.size_bytes > limit for obj in objects)}


def is_from(listing: SessionListing, mark: str, settings: Mapping[str, Any], limits: Limits) -> bool:
    """Whether a result with the fingerprint `mark` is of this very input; `settings` are those it was merged with."""
    in_effect = limits_in_effect(listing, limits)
    return any(fingerprint(listing, {**settings, **more}) == mark for more in (in_effect, {}))


def merge_settings(report: Report) -> dict[str, Any]:
    """The settings that a result was merged with, whatever its captions are made with now."""
    tool = report["tool"]
    settings = tool.get("settings", {})
    return {**settings, "captions": tool.get("merged_captions", settings.get("captions"))}


def find_strays(listing: SessionListing) -> list[Stray]:
    """What is in a session's folder and is not read, but for what is known to be none of its inputs."""
    read = {*names_read(listing), REDACTIONS}
    return strays_of(listing, (obj for name, obj in listing.documents.items() if name not in read))


def names_read(listing: SessionListing) -> list[str]:
    """The documents that are read, in that order; of several that hold the same, the first."""
    first = [name for names in ((SESSION,), UTTERANCES) for name in there(listing, *names)[:1]]
    return [*first, *events_in(listing), *there(listing, CORRECTIONS)]


def events_in(listing: SessionListing) -> list[str]:
    """The names of a session's log of events: one file, or its pieces in order; none where it has none."""
    return there(listing, *EVENTS)[:1] or event_pieces(listing)


def event_pieces(listing: SessionListing) -> list[str]:
    pieces = [name for name in listing.documents if name.startswith(EVENTS_FOLDER)]
    return sorted(pieces, key=natural_key)


def newest_input_s(listing: SessionListing) -> float:
    """When the newest chunk came, or of a session without any the newest piece of its events; seconds since 1970."""
    others = [listing.documents[name] for name in events_in(listing)]
    times = [obj.modified_s for obj in chunks_elsewhere(listing) or others]
    return listing.newest_chunk_s if listing.chunks else max(times, default=0.0)


def newest_sign_s(listing: SessionListing) -> float:
    """`newest_input_s`, or of a session of which no chunk came when the newest sign of it did; 0 without any.

    Signs are documents that a merge reads, and what may be a recording under another name.  A folder of results or
    exports has none: it is no session.
    """
    if newest := newest_input_s(listing):
        return newest
    signs = documents_to_read(listing)
    names = {obj.key.rpartition("/")[2] for obj in (*listing.documents.values(), *listing.ignored)}
    if not names & {REPORT, EXPORTS}:
        signs += [stray.object for stray in find_strays(listing) if stray.kind != OTHER]
    return max((obj.modified_s for obj in signs), default=0.0)


def documents_to_read(listing: SessionListing) -> list[StoredObject]:
    """What `read_notes` asks for, in its order."""
    return [listing.documents[name] for name in names_read(listing)]


def _documents_held(listing: SessionListing) -> list[StoredObject]:
    """The documents that are read whole; events are read line by line."""
    logs = set(events_in(listing))
    return [listing.documents[name] for name in names_read(listing) if name not in logs]


def there(listing: SessionListing, *names: str) -> list[str]:
    """The documents of these names that a session has; of several that hold the same, the first is read."""
    return [name for name in names if name in listing.documents]


def was_made(report: Report | None) -> bool:
    """Whether a report is that of a recording made of events, or of a recorder for each role."""
    return report is not None and any(part["recorder"] in {RECORDER, ROLE_RECORDERS} for part in report["parts"])


def ids_of(session: SessionDocument, listing: SessionListing) -> set[str]:
    """The ids by which a log may name the session: its own, and those of its Realtime sessions."""
    named = {session.session_id, listing.session_id, *(part.realtime_session_id for part in session.parts)}
    return {name for name in named if name}

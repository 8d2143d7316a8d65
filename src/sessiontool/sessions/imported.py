"""What session.json says of a recording that was imported: the files that its sound was made of, kept beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..documents.lenient import shown
from ..model import Finding

if TYPE_CHECKING:
    from ..documents.models import SessionDocument
    from ..model import SessionListing

RECORDINGS = "recordings"
"""The folder of a session in which the files are kept."""


def imported(session: SessionDocument, listing: SessionListing) -> tuple[frozenset[str], list[Finding]]:
    """The keys of the files that session.json lists and the session has, and what there is to say of them."""
    if not session.recordings:
        return frozenset(), []
    there = {obj.key: obj.size_bytes for obj in (*listing.ignored, *(chunk.object for chunk in listing.chunks))}
    found, lost, texts = [], [], []
    for entry in session.recordings:
        places = (f"{listing.folder}/{RECORDINGS}/{entry.file}", f"{listing.folder}/chunks/000/{entry.file}")
        key = next((place for place in places if place in there), None)
        texts.append(f"{shown(entry.name or entry.file)} (SHA-256 {shown(entry.sha256 or 'not noted')})")
        if key is None or (entry.bytes is not None and there[key] != entry.bytes):
            lost.append(entry.file)
        else:
            found.append(key)
    what = "; ".join(texts[:4])
    if lost:
        names = ", ".join(map(shown, lost[:4]))
        message = f"the recording was imported from {what}; of the kept files {names} is not there, or has another size"
        hint = "the sound is in the chunks, but its original is not: put it back if you have it"
        return frozenset(found), [Finding("imported-original-missing", "warning", message, hint=hint)]
    message = f"the recording was imported from {what}; what is kept of it has the noted size"
    return frozenset(found), [Finding("imported", "info", message)]

"""What session.json says of a recording that was imported: the files that its sound was made of, kept beside it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ..documents.lenient import shown
from ..model import Finding
from .role_folders import RECORDING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..documents.models import SessionDocument
    from ..model import SessionListing, StoredObject
    from .piecewise import Opened

_FOLDERS = (RECORDING, "chunks/000")
"""Where they may be: the second is that of what is joined as it is."""
_AT_ONCE_BYTES = 1 << 20
"""Bytes read at once; chosen: it bounds memory."""


def imported(
    session: SessionDocument, listing: SessionListing, opened: Opened | None = None
) -> tuple[frozenset[str], list[Finding]]:
    """The keys of the files that session.json lists and the session has, and what there is to say of them.

    `opened` reads them (StorageError); without it their sizes are looked at, and not their hashes.
    """
    if not session.recordings:
        return frozenset(), []
    there = {obj.key: obj for obj in (*listing.ignored, *(chunk.object for chunk in listing.chunks))}
    found, lost, unread, texts = [], [], [], []
    for entry in session.recordings:
        places = (f"{listing.folder}/{folder}/{entry.file}" for folder in _FOLDERS)
        key = next((place for place in places if place in there), None)
        texts.append(f"{shown(entry.name or entry.file)} (SHA-256 {shown(entry.sha256 or 'not noted')})")
        if key is None or (entry.bytes is not None and there[key].size_bytes != entry.bytes):
            lost.append(entry.file)
            continue
        found.append(key)
        if not entry.sha256 or opened is None:
            unread.append(entry.file)
        elif _digest(there[key], opened) != entry.sha256.lower():
            lost.append(entry.file)
    what = "; ".join(texts[:4])
    if lost:
        names = ", ".join(map(shown, lost[:4]))
        message = f"the recording was imported from {what}; of the kept files {names} is not there, or is another one"
        hint = "the sound is in the chunks, but its original is not: put it back if you have it"
        return frozenset(found), [Finding("imported-original-missing", "warning", message, hint=hint)]
    unplaced = [entry.name or entry.file for entry in session.recordings if entry.start_ms is None]
    doubts = [_unplaced(unplaced)] if len(session.recordings) > 1 and unplaced else []
    checked = "size" if unread else "size and SHA-256"
    message = f"the recording was imported from {what}; what is kept of it has the noted {checked}"
    return frozenset(found), [Finding("imported", "info", message), *doubts]


def _unplaced(names: Sequence[str]) -> Finding:
    """Two recorders are seldom started at one moment, and a second between two voices is no conversation."""
    return Finding(
        "recorders-unaligned",
        "warning",
        f"nothing says when {' and '.join(map(shown, names[:4]))} begin: they were laid at the start",
        hint="import them again with --late for each, which says how much later than the first it begins",
    )


def _digest(obj: StoredObject, opened: Opened) -> str:
    """The SHA-256 of a file."""
    digest = hashlib.sha256()
    with opened(obj) as file:
        while piece := file.read(_AT_ONCE_BYTES):
            digest.update(piece)
    return digest.hexdigest()

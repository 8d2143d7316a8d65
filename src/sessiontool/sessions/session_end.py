"""Whether a session has ended, as its manifest has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..recording import sequence

if TYPE_CHECKING:
    from ..documents.models import SessionDocument
    from ..model import SessionListing


def going_on(listing: SessionListing, session: SessionDocument) -> str:
    """What in the manifest says that more may come; empty where nothing does."""
    if not session.parts:
        return "no manifest says that it has ended"
    there: dict[str, set[int]] = {}
    for chunk in listing.chunks:
        there.setdefault(chunk.part, set()).add(chunk.seq)
    seen: set[str] = set()
    for part, numbers in there.items():
        entry = sequence.part_entry(session.parts, part)
        if entry is None or entry.stop_ms is None:
            return f"part {part} was not stopped"
        seen.add(entry.part)
        missing = {chunk.seq for chunk in entry.chunks} - numbers
        if missing:
            return f"{len(missing)} chunk(s) of part {part} are not there yet"
    others = [entry.part for entry in session.parts if entry.part not in seen and (entry.chunks or not entry.stop_ms)]
    return f"part {others[0][:40]} has no chunks yet" if others else ""

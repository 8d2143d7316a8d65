"""Notices one recording that a layout divides into many parts: chunk after chunk goes on where the part before ends.

A recorder's first chunk has a header and its clock begins at 0.  A part without a header whose clock begins where
another part's ends, and whose number does not say that chunks before it are gone, is the rest of that part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model import Finding
from ..recording.sequence import by_part, part_entry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..documents.models import SessionDocument
    from ..model import ChunkRef, SessionListing
    from ..storage import Layout
    from ..timeline import Timeline

_NEAR_US = 200_000
"""Chosen: the packet that is cut between two chunks, and the times of those before the next cluster, are less sure."""


def divided_findings(
    listing: SessionListing, session: SessionDocument, layout: Layout, timeline: Timeline, found: Sequence[Finding]
) -> list[Finding]:
    """A finding where parts go on in the clock of others; `found` is what was said of the session before.

    It is an error where their order is not that of the parts, or some are not read at all.
    """
    parts = {part: row for part, row in by_part(listing.chunks) if part_entry(session.parts, part) is None}
    headless = [one.part for one in found if one.code == "header-missing" and one.part in parts]
    unread = [one.part for one in found if one.code == "part-unreadable" and one.part in parts]
    clocks = _clocks(timeline)
    before = {part: other for part in headless for other in parts if _goes_on(other, part, parts, clocks)}
    is_rest = len(parts) > 2 and len({*headless, *unread}) == len(parts) - 1
    rest = list(dict.fromkeys([*headless, *unread])) if is_rest and unread else list(before)
    if not rest:
        return []
    order = list(clocks)
    in_order = not unread and all(order.index(part) == order.index(other) + 1 for part, other in before.items())
    which = f"part {rest[0]} begins" if len(rest) == 1 else f"{len(rest)} parts, {rest[0]} for one, begin"
    where = "" if in_order else ", and not in its order" if not unread else ", which cannot be read so"
    from ..storage.layout_hint import undivided_pattern  # noqa: PLC0415 - most layouts divide nothing

    pattern = undivided_pattern(layout, listing)
    return [
        Finding(
            "recording-divided",
            "warning" if in_order else "error",
            f"{which} without a header where another ends: the layout divides one recording into parts{where}",
            part=rest[0],
            hint=f"merge it as one part: --layout '{pattern}'"
            if pattern
            else "merge it as one part: a --layout without {part}",
        )
    ]


def _clocks(timeline: Timeline) -> dict[str, tuple[int, int]]:
    """Where each part's recorder clock begins and ends, in microseconds."""
    clocks: dict[str, tuple[int, int]] = {}
    for span in timeline.spans:
        if span.kind == "recorded":
            begun_us = clocks.get(span.part, (span.recorder_start_us,))[0]
            clocks[span.part] = (begun_us, span.recorder_end_us)
    return clocks


def _goes_on(
    before: str, part: str, parts: Mapping[str, Sequence[ChunkRef]], clocks: Mapping[str, tuple[int, int]]
) -> bool:
    """Whether a part is what comes behind another one, by its clock and by its number."""
    if (
        before == part
        or before not in clocks
        or part not in clocks
        or abs(clocks[part][0] - clocks[before][1]) > _NEAR_US
    ):
        return False
    first, last, number = parts[before][0].seq, parts[before][-1].seq, parts[part][0].seq
    return number == first or (number > last > first)

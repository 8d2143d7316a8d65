"""When recording parts were started whose start was not recorded, by what is heard in them.

Such a part was joined to the one before as if no time had passed.  Where the log has the utterances of both on one
clock, the part's sound comes earlier than the log's times by just the time that was left out.

Not here: putting that time in (the joiner does, given a start).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ..align import PartAlignment
    from ..timeline import Timeline

_LEAST_MATCHED = 3
"""Number of matches, as units of evidence; chosen: two may fit by chance."""
_MOST_RESIDUAL_MS = 400.0
"""Chosen: where places scatter more, the start is not known to a tenth of a second."""
_OVERLAP_US = 300_000
"""Microseconds (0.3 s); chosen: errors of two starts are no larger."""


def starts_by_sound(parts: Sequence[PartAlignment], timeline: Timeline, unknown: Collection[str]) -> dict[str, int]:
    """The session clock, in microseconds, at the start of each `unknown` part of which the sound says enough.

    Parts are compared with the first one before them whose place is known; a part that would begin before the one
    before it had ended is left out, as is one with too few utterances, or too scattered ones.
    """
    begins_us, ends_us = _extents_us(timeline)
    known = next((part for part in parts if part.part not in unknown and is_sure(part)), None)
    reference = known or next((part for part in parts if is_sure(part)), None)
    found: dict[str, int] = {}
    before_us: int | None = None
    for part in parts:
        shift_us = 0
        if part.part in unknown and part is not reference and reference and is_sure(part) and before_us is not None:
            assert part.offset_ms is not None
            assert reference.offset_ms is not None
            shift_us = round(1000 * (reference.offset_ms - part.offset_ms))
            start_us = begins_us[part.part] + shift_us
            if start_us < before_us - _OVERLAP_US:
                shift_us = 0
            else:
                found[part.part] = max(start_us, before_us)
        before_us = ends_us[part.part] + shift_us
    return found


def is_sure(part: PartAlignment) -> bool:
    """Whether the log's utterances show where a part is: enough of them, and not too scattered."""
    scattered = max(part.residual_ms.values(), default=0.0) > _MOST_RESIDUAL_MS
    return part.offset_ms is not None and part.matched >= _LEAST_MATCHED and not scattered


def _extents_us(timeline: Timeline) -> tuple[dict[str, int], dict[str, int]]:
    """Where each part's recorder clock shows zero on the session clock, and where its last recorded span ends."""
    begins: dict[str, int] = {}
    ends: dict[str, int] = {}
    for span in timeline.spans:
        if span.kind == "recorded":
            begins.setdefault(span.part, span.session_start_us - span.recorder_start_us)
            ends[span.part] = span.session_end_us
    return begins, ends

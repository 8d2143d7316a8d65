"""Answers on a channel of two voices that are cut off: they go on for a moment while the user speaks.

A program stops an answer when it hears the user, so both speak at once for about half a second.  Where each has a
channel that is plain to hear; on one channel one of the two hides the other's edge.  The log says that the answer was
cut off, or its text that it is not whole, and what is then known of one edge tells where the other one is.

Not here: answers on a channel of their own (`placing`).
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec.structs import replace

from .channel_matching import ASSISTANT, SHARP_END_MS, USER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .boundaries import Edge
    from .channel_matching import Lane

    Edges = tuple[Edge, Edge]

_GOES_ON_MS = 450.0
"""How much later than the user begins an answer stops; measured: of 58 answers in 29 recordings 0.17 to 1.06 s, 0.46 in
the middle."""
_NEAR_MS = 300.0
"""Gap up to which the user follows an answer at once; chosen."""
_ONE_SOUND_MS = 20.0
"""Chosen: between edges that are nearer one voice gives way to the other without a pause."""
_BEHIND_MS, _BEFORE_MS = 150.0, 200.0
"""How much later an answer ends, and earlier the user begins, than where one voice gives way to the other: that is
somewhere in what both say; measured on four recordings, their middles being 0.18 and 0.16 s, and used on all."""
_WHOLE, _CUT = 1.0, 0.75
"""Ratios to the length that a text takes, chosen: the whole of it was said, and surely not."""


def talked_over(
    lane: Lane, edges: Mapping[int, Edges], interrupted: frozenset[int]
) -> tuple[dict[int, Edges], set[int]]:
    """The edges of a shared lane's utterances, those of answers that are cut off set right, and which these are.

    Utterances are known by their positions in the lane; `interrupted` are those that the log calls so.
    """
    found, cut = dict(edges), set()
    order = sorted(found, key=lambda k: int(lane.matches.first[k]))
    for k, n in pairwise(order):
        (start, end), (begin, stop) = found[k], found[n]
        if lane.roles[k] != ASSISTANT or lane.roles[n] != USER or not 0 <= begin.at_ms - end.at_ms <= _NEAR_MS:
            continue
        ratio = _ratio(lane, k, end.at_ms - start.at_ms)
        is_cut = k in interrupted or ratio < _CUT
        if is_cut:
            cut.add(k)
        if lane.islands.made_end[lane.matches.last[k]]:
            if (is_cut or ratio < _WHOLE) and not _has_sharp_end(lane, k):
                end = replace(end, at_ms=min(begin.at_ms + _GOES_ON_MS, stop.at_ms))
        elif is_cut and begin.at_ms - end.at_ms <= _ONE_SOUND_MS:
            begin, end = (
                replace(begin, at_ms=max(begin.at_ms - _BEFORE_MS, start.at_ms + 1)),
                replace(end, at_ms=min(end.at_ms + _BEHIND_MS, stop.at_ms)),
            )
        elif k in interrupted and _ratio(lane, n, stop.at_ms - begin.at_ms) < _WHOLE:
            begin = replace(begin, at_ms=max(end.at_ms - _GOES_ON_MS, start.at_ms + 1))
        found[k], found[n] = (start, end), (begin, stop)
    return found, cut


def _ratio(lane: Lane, k: int, length_ms: float) -> float:
    """Of a length to what the text takes at its role's rate."""
    return length_ms / max(1.0, float(lane.expected.length[k]) * lane.costs[str(lane.roles[k])].rate)


def _has_sharp_end(lane: Lane, k: int) -> bool:
    """Whether the log says where it ends."""
    return math.isfinite(lane.expected.end[k]) and lane.costs[ASSISTANT].end_spread < SHARP_END_MS

"""The input of a log of events: samples one after another, pinned to the times at which they were sent."""

from __future__ import annotations

from array import array
from collections import deque
from itertools import accumulate
from math import nan
from typing import TYPE_CHECKING

from .heard_lanes import SoundPiece

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .event import Event
    from .heard_lanes import HeardLane

_STALL_MS = 200.0  # chosen: shorter ones are no interruption of the input but two clocks that run apart
_APART_MS = 20.0  # chosen: the input is pinned anew where its samples and its times are so far apart
_AHEAD_MS = 30_000.0  # chosen: an append that is not late comes at least once in so long


class SentSound:
    """The events that carry input, as numbers: when each was sent (NaN: unknown), and its bytes.

    `has_spans`: each says where in its stream it is.
    """

    def __init__(self) -> None:
        self.at_ms, self.starts_ms = array("d"), array("d")
        self.sizes_bytes, self.offsets = array("q"), array("q")
        self.has_spans = True

    def add(self, event: Event) -> None:
        """Take note of an event."""
        self.at_ms.append(nan if event.at_ms is None else event.at_ms)
        self.starts_ms.append(event.span_ms[0] if event.span_ms else nan)
        self.sizes_bytes.append(event.sound_bytes)
        self.offsets.append(event.sound_at)
        self.has_spans = self.has_spans and event.span_ms is not None

    def piece(self, place: int, at_ms: float) -> SoundPiece:
        """The sound of one event, heard from `at_ms` on."""
        return SoundPiece(at_ms, self.offsets[place], self.sizes_bytes[place])


def lay_out(sent: SentSound, lane: HeardLane, zero_ms: float) -> None:
    """Fill a lane with the input; `zero_ms` is where a stream's own clock begins."""
    lane.events = len(sent.at_ms)
    if sent.has_spans:
        _place_by_spans(sent, lane, zero_ms)
    elif sent.at_ms:
        _place_by_samples(sent, lane)


def _place_by_samples(sent: SentSound, lane: HeardLane) -> None:
    """Samples one after another, begun anew where they stood still for longer than the network can hold them up.

    An append is sent when its last sample was heard, or later: how far the clock of the samples is behind is what comes
    soonest of those around it.
    """
    lengths_ms = array("d", map(lane.format.ms, sent.sizes_bytes))
    ends_ms = array("d", accumulate(lengths_ms))
    soonest = _soonest(array("d", (at - end for at, end in zip(sent.at_ms, ends_ms, strict=True))), ends_ms)
    offset_ms = soonest[0]
    for place, (end_ms, least_ms) in enumerate(zip(ends_ms, soonest, strict=True)):
        apart_ms = least_ms - offset_ms
        if abs(apart_ms) > _APART_MS:
            offset_ms = least_ms
            lane.stalls += apart_ms > _STALL_MS
            lane.overlap_ms += max(0.0, -apart_ms)
        lane.append(sent.piece(place, end_ms - lengths_ms[place] + offset_ms))


def _place_by_spans(sent: SentSound, lane: HeardLane, zero_ms: float) -> None:
    """Place sound whose events say where in the stream it is; they may come in any order."""
    for place in sorted(range(len(sent.starts_ms)), key=sent.starts_ms.__getitem__):
        start_ms = zero_ms + sent.starts_ms[place]
        if lane.pieces and start_ms > lane.end_ms + _STALL_MS:
            lane.stalls += 1
        lane.append(sent.piece(place, start_ms))


def _soonest(late_ms: Sequence[float], ends_ms: Sequence[float]) -> Sequence[float]:
    """The least of each value and of those that follow it within `_AHEAD_MS` of sound."""
    found = array("d")
    window: deque[int] = deque()  # places whose values may be the least of a window: rising to the right
    for place in range(len(late_ms) - 1, -1, -1):
        while window and late_ms[window[0]] >= late_ms[place]:
            window.popleft()
        window.appendleft(place)
        while ends_ms[window[-1]] > ends_ms[place] + _AHEAD_MS:
            window.pop()
        found.append(late_ms[window[-1]])
    found.reverse()
    return found

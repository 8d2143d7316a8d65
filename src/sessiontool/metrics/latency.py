"""Where the time before an answer goes: the server's waiting for more, the model's thinking, and the way of its sound.

Events say when the page received that the user is done, and the first sound of the answer, on the session's clock; the
sound says when the user was done and when the answer was heard.  The timeline of the report puts one on the other.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..model import SAMPLES_PER_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..documents.report_model import Report
    from ..documents.transcript_model import Transcript
    from .turns import ResponseGap

MOST_EARLY_MS = 100
"""Chosen: an event is not received before what it tells of, but for the error of the places in the sound."""


class SplitGap(Struct, frozen=True):
    """The gap before an answer, and when in it the page received that the user was done, and the first sound.

    Times are milliseconds of the recording.
    """

    gap: ResponseGap
    decided_ms: int
    sound_ms: int


class SessionTime:
    """The session's clock in the recording, where that was recorded."""

    def __init__(self, report: Report) -> None:
        spans = [one for one in report["timeline"] if one["kind"] == "recorded"]
        self._spans = sorted((*one["session_ms"], one["output_samples"][0] / SAMPLES_PER_MS) for one in spans)
        self._starts = [start for start, *_ in self._spans]

    def at(self, session_ms: float) -> int | None:
        """The millisecond of the recording, None where nothing was recorded then."""
        index = bisect_right(self._starts, session_ms) - 1
        if index < 0 or session_ms > self._spans[index][1]:
            return None
        start, _, output_ms = self._spans[index]
        return round(output_ms + session_ms - start)


def split_gaps(gaps: Sequence[ResponseGap], transcript: Transcript, report: Report) -> list[SplitGap]:
    """Those of the gaps that events divide; none that they divide out of order, for then the clocks do not agree."""
    return list(_split(gaps, {one["id"]: one for one in transcript["utterances"]}, SessionTime(report)))


def _split(gaps: Sequence[ResponseGap], said: dict[str, Any], clock: SessionTime) -> Iterator[SplitGap]:
    for gap in gaps:
        times = (_received(said.get(name)) for name in (gap.asked, gap.answer))
        decided, sound = (None if time_s is None else clock.at(1000 * time_s) for time_s in times)
        if decided is None or sound is None:
            continue
        marks = (gap.start_ms, decided, sound, gap.end_ms)
        if all(before - MOST_EARLY_MS <= after for before, after in pairwise(marks)):
            yield SplitGap(gap, decided, sound)


def _received(utterance: Any) -> float | None:
    """When its event was received, in seconds; a log's own field of that name may be anything."""
    match utterance:
        case {"noticed_s": int() | float() as at_s} if not isinstance(at_s, bool):
            return float(at_s)
    return None

"""The output's time axis as the aligner sees it: what of it was recorded, and where the log expects whom.

All positions are milliseconds of output, floats.  Time that was put in as silence (a lost chunk, the gap between
two parts) and time that was closed up (a pause) cannot hold sound of an utterance; lengths are therefore compared
in *recorded* milliseconds.

Not here: the sound.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from msgspec.structs import astuple, replace

from ..model import INAUDIBLE, SAMPLES_PER_MS
from ..speech.duration_model import spoken_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from ..model import Utterance
    from ..timeline import Span, Timeline

    Floats = NDArray[np.float64]

_FAR_MS = 1e9
"""Chosen: farther than any recording."""
_CUT_MS = 100.0
"""Chosen: a smaller step between two spans is no cut."""
_STOP_UNSURE_MS = 5000.0
"""A recorder that was suspended may have gone on for a blob after its gap begins, with sound that is behind the gap;
chosen: blobs are seldom longer."""
_USUAL_TURN_MS = 2800.0
"""Measured: the middle of 317 turns with known truth."""


class Axis:
    """What of the output was recorded, part by part."""

    def __init__(self, spans: Sequence[Span], duration_ms: float) -> None:
        recorded = [span for span in spans if span.kind != "silence"]
        ranges = [(span.output_start / SAMPLES_PER_MS, span.output_end / SAMPLES_PER_MS) for span in recorded]
        self.starts, self.ends = np.array(ranges or [(0.0, float(duration_ms))]).T
        self._before = np.concatenate(([0.0], np.cumsum(self.ends - self.starts)))
        self.parts = tuple(dict.fromkeys(span.part for span in recorded)) or ("",)
        numbers = {part: k for k, part in enumerate(self.parts)}
        self._part_starts = np.array([start for start, _ in ranges] or [0.0])
        self._part_numbers = np.array([numbers[span.part] for span in recorded] or [0])
        self.cuts = np.array(
            [
                b.output_start / SAMPLES_PER_MS
                for a, b in pairwise(spans)
                if a.part != b.part or abs(b.session_start_us - a.session_end_us) > 1000 * _CUT_MS
            ]
        )

    def recorded(self, at_ms: ArrayLike) -> Floats:
        """Recorded milliseconds before each position."""
        at = np.asarray(at_ms, float)
        index = np.clip(np.searchsorted(self.starts, at, side="right") - 1, 0, None)
        inside = np.clip(at - self.starts[index], 0, self.ends[index] - self.starts[index])
        before: Floats = self._before[index] + inside
        return before

    def beyond(self, at_ms: ArrayLike) -> Floats:
        """Like `recorded`, but time before the first and after the last recorded instant counts as well."""
        at = np.asarray(at_ms, float)
        outside = np.minimum(at - self.starts[0], 0) + np.maximum(at - self.ends[-1], 0)
        before: Floats = self.recorded(at) + outside
        return before

    def forward(self, at_ms: Floats) -> Floats:
        """Each position, or the first recorded one after it."""
        index = np.clip(np.searchsorted(self.ends, at_ms, side="right"), 0, len(self.ends) - 1)
        return np.where(at_ms > self.ends[-1], at_ms, np.maximum(at_ms, self.starts[index]))

    def backward(self, at_ms: Floats) -> Floats:
        """Each position, or the last recorded one before it."""
        index = np.clip(np.searchsorted(self.starts, at_ms, side="left") - 1, 0, len(self.starts) - 1)
        return np.where(at_ms < self.starts[0], at_ms, np.minimum(at_ms, self.ends[index]))

    def part_of(self, at_ms: ArrayLike) -> NDArray[np.int64]:
        """The number in `parts` of the part at each position, the nearest where nothing was recorded."""
        index = np.clip(np.searchsorted(self._part_starts, np.asarray(at_ms, float), side="right") - 1, 0, None)
        numbers: NDArray[np.int64] = self._part_numbers[index]
        return numbers


class Expected(Struct, frozen=True):
    """Where the log has some utterances, as arrays in order of expected start; `index` points into the log.

    `start` and `end` are output positions, `end` nan where the log does not know; `reach` is how far on the output
    saying the text would go and `length` how much of that was recorded; `text` is what it takes with nothing left
    out.  `known` is false where the log had no start; `timed` where it had neither that nor an end, and the neighbours
    were asked.  `pinned` is how far the log's order tells the place of one without a time, 0 to 1; nan where the log
    has one.
    """

    index: NDArray[np.int64]
    start: Floats
    end: Floats
    reach: Floats
    length: Floats
    text: Floats
    known: NDArray[np.bool_]
    timed: NDArray[np.bool_]
    pinned: Floats

    def __len__(self) -> int:
        return len(self.index)

    def shifted(self, by_ms: Floats, axis: Axis) -> Expected:
        """The same with another opinion of the clock."""
        start = self.start + by_ms
        length = axis.beyond(start + self.reach) - axis.beyond(start)
        return replace(self, start=start, end=self.end + by_ms, length=length)

    def ordered(self) -> tuple[Expected, NDArray[np.intp]]:
        """The same in order of start, and where each one was."""
        order = np.argsort(self.start, kind="stable")
        return self.taken(order), order

    def taken(self, which: NDArray[np.intp]) -> Expected:
        return Expected(*(one[which] for one in astuple(self)))


def _said_ms(utterance: Utterance) -> float:
    """How long there should be sound of an utterance: as long as what was heard of its text takes to say.

    Where the text is not known, as long as the log says, or as turns are.
    """
    start, end = utterance.t_start_us, utterance.t_end_us
    if utterance.text != INAUDIBLE:
        return spoken_ms(utterance.audible_text)
    return (end - start) / 1000 if start is not None and end is not None and start < end else _USUAL_TURN_MS


def _starts_us(utterances: Sequence[Utterance], chosen: Sequence[int]) -> tuple[list[int], list[bool]]:
    """A start for each chosen utterance: the log's, or one worked out of its end or of what comes before it."""
    starts, known = [], []
    before = 0
    for i in chosen:
        u = utterances[i]
        if u.t_start_us is not None:
            starts.append(u.t_start_us)
        elif u.t_end_us is not None:
            starts.append(u.t_end_us - round(1000 * _said_ms(u)))
        else:
            starts.append(before)
        known.append(u.t_start_us is not None)
        before = starts[-1] + round(1000 * _said_ms(u))
    return starts, known


def expect(utterances: Sequence[Utterance], chosen: Sequence[int], timeline: Timeline, axis: Axis) -> Expected:
    """What the log expects of the `chosen` utterances (positions in `utterances`), mapped to the output."""

    def place(us: int) -> float:
        return float(np.clip(timeline.session_to_output(us) / SAMPLES_PER_MS, -_FAR_MS, _FAR_MS))

    def stretch(us: int, ms: float) -> tuple[float, float]:
        """Where what begins at `us` and lasts `ms` begins, and how far on it ends."""
        start = place(us)
        for gap in suspended:
            if gap.session_start_us < us < min(gap.session_end_us, gap.session_start_us + 1000 * _STOP_UNSURE_MS):
                return gap.output_end / SAMPLES_PER_MS + (us - gap.session_start_us) / 1000, ms
        return start, place(us + round(1000 * ms)) - start

    suspended = [span for span in timeline.spans if span.cause == "suspended"]
    starts_us, known = _starts_us(utterances, chosen)
    text = np.array([_said_ms(utterances[i]) for i in chosen])
    start, reach = np.array([stretch(us, ms) for us, ms in zip(starts_us, text, strict=True)]).reshape(-1, 2).T
    ends_us = [utterances[i].t_end_us for i in chosen]
    end = np.array([np.nan if us is None else place(us) for us in ends_us])
    length = axis.beyond(start + reach) - axis.beyond(start)
    timed = [utterances[i].t_start_us is not None or utterances[i].t_end_us is not None for i in chosen]
    flags = np.array(known, bool), np.array(timed, bool), np.where(timed, np.nan, 0.0)
    everything = Expected(np.array(chosen, int), start, end, reach, length, text, *flags)
    return everything.ordered()[0]

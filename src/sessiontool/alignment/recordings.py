"""Two recordings of one conversation: how their clocks are to one another, and what one of them lacks.

Both are given as levels in dB, a frame each `FRAME_MS`, shape (2, frames).  Microphones, encoders and echoes change a
sound, but hardly when it is loud: the times at which levels rise and fall are those of the conversation.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from msgspec import Struct

from ..audio.energy import FRAME_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_FLOOR_DB, _SPEECH_DB = -62.0, -42.0
"""Of the louder channel: below the first is silence that was filled in, above the second is speech.  Chosen."""

_WINDOW, _STEP = 2000, 500  # frames in which the offset is looked up, and between two of them; chosen: 20 s and 5 s
_REACH = 1500  # frames to either side of the offset so far; chosen: 15 s may be missing between two windows
_LEAST_ALIKE = 0.6  # ratio, a correlation: windows of one sound; other conversations have up to 0.48 (measured)
_LEAST_SPREAD_DB = 6.0  # levels that vary less tell nothing; chosen
_JUMP = 4  # frames by which the offset changes where something is missing; chosen: 40 ms
_LEAST_MISSING = 100  # frames of one recording that are silent while the other one speaks; chosen: a second
_LEAST_SWAPPED = 0.15  # ratio, a correlation, by which channels must fit better crosswise; chosen


class Missing(Struct, frozen=True):
    """A stretch that one recording has and the other one lacks; times in seconds of the first recording.

    `filled`: there is silence in its place; else the recording goes on as if nothing had been there.
    """

    lacks: Literal["first", "second"]
    at_s: float
    length_s: float
    filled: bool


class Comparison(Struct, frozen=True):
    """How a second recording is to the first.

    What is at t seconds of the first is at `t + offset_s` of the second in the beginning, and `drift_ppm` later for
    each second.  `alike` is the share of windows with speech in which both have the same sound; where it is 0, they
    are no recordings of one conversation and nothing else counts.  `swapped` is None where the channels are too alike.
    `track` is the offset from place to place: seconds of the first, and the offset there.
    """

    offset_s: float
    drift_ppm: float
    alike: float
    swapped: bool | None
    missing: tuple[Missing, ...]
    track: tuple[tuple[float, float], ...] = ()

    def offset_at(self, start_s: float, end_s: float) -> float | None:
        """The offset from one place of the first recording to another; None where it jumps between the two."""
        before = [offset for at, offset in self.track if at <= start_s]
        after = [offset for at, offset in self.track if at >= end_s]
        near = [*before[-1:], *after[:1]]
        if not near or max(near) - min(near) > _JUMP * FRAME_MS / 1000:
            return None
        return sum(near) / len(near)


class _Fit(Struct, frozen=True):
    """The offset in a window, in frames; `at` is the window's middle in the first recording."""

    at: int
    offset: float
    alike: float


def compare(first: Floats, second: Floats) -> Comparison:
    """Compare two recordings by their levels."""
    one, other = first.max(axis=0), second.max(axis=0)
    fits, tried = _fits(one, other, _coarse(one, other))
    if not fits:
        return Comparison(0.0, 0.0, 0.0, None, ())
    stretches = _stretches(fits)
    longest = max(stretches, key=len)
    slope = 0.0
    if len(longest) > 3 and longest[-1].at > longest[0].at:
        slope = float(np.polyfit([fit.at for fit in longest], [fit.offset for fit in longest], 1)[0])
    missing = [*_jumps(one, other, stretches), *_silent(one, other, fits)]
    begin = stretches[0][0]
    return Comparison(
        (begin.offset - slope * begin.at) * FRAME_MS / 1000,
        slope * 1e6,
        len(fits) / tried,
        _swapped(first, second, fits),
        tuple(sorted(missing, key=lambda gap: gap.at_s)),
        tuple((fit.at * FRAME_MS / 1000, fit.offset * FRAME_MS / 1000) for fit in fits),
    )


def _coarse(one: Floats, other: Floats) -> int:
    """The offset at which the two recordings are most alike as wholes, in frames."""
    size = 1 << int(np.ceil(np.log2(max(2, len(one) + len(other)))))
    spectra = [np.fft.rfft(levels - levels.mean(), size) for levels in (one, other)]
    alike = np.fft.irfft(spectra[1] * np.conj(spectra[0]), size)
    lag = int(np.argmax(alike))
    return lag if lag < len(other) else lag - size


def _fits(one: Floats, other: Floats, offset: float) -> tuple[list[_Fit], int]:
    """The offset in each window with speech, near the one before; and how many windows had speech."""
    found: list[_Fit] = []
    tried = 0
    for begin in range(0, max(1, len(one) - _WINDOW // 2), _STEP):
        window = one[begin : begin + _WINDOW]
        if len(window) < _WINDOW // 4 or window.std() < _LEAST_SPREAD_DB:
            continue
        tried += 1
        fit = _look_up(window, other, begin, round(offset))
        if fit is not None and fit.alike >= _LEAST_ALIKE:
            found.append(fit)
            offset = fit.offset
    return found, tried


def _look_up(window: Floats, other: Floats, begin: int, offset: int) -> _Fit | None:
    """Where a window is in the other recording, to a fraction of a frame; None where it would be outside."""
    low = max(0, begin + offset - _REACH)
    track = other[low : begin + offset + len(window) + _REACH]
    if len(track) < len(window):
        return None
    alike = _correlations(window, track)
    best = int(np.argmax(alike))
    shift = 0.0
    if 0 < best < len(alike) - 1:
        before, here, after = alike[best - 1 : best + 2]
        bend = before - 2 * here + after
        shift = float(0.5 * (before - after) / bend) if bend else 0.0
    return _Fit(begin + len(window) // 2, low + best + shift - begin, float(alike[best]))


def _correlations(window: Floats, track: Floats) -> NDArray[np.float64]:
    """Pearson's correlation of a window with a track at each place."""
    count = len(window)
    size = 1 << int(np.ceil(np.log2(len(track) + count)))
    centred = window.astype(np.float64) - window.mean()
    products = np.fft.irfft(np.fft.rfft(track, size) * np.conj(np.fft.rfft(centred, size)), size)
    sums = np.concatenate(([0.0], np.cumsum(track, dtype=np.float64)))
    squares = np.concatenate(([0.0], np.cumsum(np.square(track, dtype=np.float64))))
    mean = (sums[count:] - sums[:-count]) / count
    spread = np.sqrt(np.maximum((squares[count:] - squares[:-count]) / count - mean**2, 1e-6))
    found: NDArray[np.float64] = products[: len(spread)] / (count * spread * max(float(centred.std()), 1e-6))
    return found


def _stretches(fits: list[_Fit]) -> list[list[_Fit]]:
    """The fits in runs between which the offset jumps."""
    found = [[fits[0]]]
    for fit in fits[1:]:
        if abs(fit.offset - found[-1][-1].offset) > _JUMP:
            found.append([])
        found[-1].append(fit)
    return found


def _jumps(one: Floats, other: Floats, stretches: list[list[_Fit]]) -> Iterator[Missing]:
    """What is missing without silence in its place: the other one's offset is another from there on."""
    for before, after in pairwise(stretches):
        change = after[0].offset - before[-1].offset
        at = _place(one, other, before[-1], after[0])
        lacks: Literal["first", "second"] = "first" if change > 0 else "second"
        yield Missing(lacks, at * FRAME_MS / 1000, abs(change) * FRAME_MS / 1000, filled=False)


def _place(one: Floats, other: Floats, before: _Fit, after: _Fit) -> int:
    """The frame of the first recording up to which it fits by one offset, and from which by the other."""
    low, high = max(0, before.at - _WINDOW // 2), min(len(one), after.at + _WINDOW // 2)
    costs = [_differences(one, other, low, high, round(fit.offset)) for fit in (before, after)]
    lost = max(0, round(before.offset - after.offset))  # frames that only the first one has
    left = np.concatenate(([0.0], np.cumsum(costs[0])))
    right = costs[1].sum() - np.concatenate(([0.0], np.cumsum(costs[1])))
    totals = left[: len(left) - lost] + right[lost:]
    return low + int(np.argmin(totals))


def _differences(one: Floats, other: Floats, low: int, high: int, offset: int) -> NDArray[np.float64]:
    """How far apart the two are in each frame at an offset, in dB; outside of the other one as far as can be."""
    places = np.arange(low, high) + offset
    inside = (places >= 0) & (places < len(other))
    found = np.full(high - low, 40.0)
    found[inside] = np.minimum(np.abs(one[low:high][inside] - other[places[inside]]), 40.0)
    return found


def _silent(one: Floats, other: Floats, fits: list[_Fit]) -> Iterator[Missing]:
    """Where one is silent, as if filled in, for as long as the other one speaks."""
    offsets = np.round(np.interp(np.arange(len(one)), [fit.at for fit in fits], [fit.offset for fit in fits]))
    places = np.arange(len(one)) + offsets.astype(np.int64)
    inside = (places >= 0) & (places < len(other))
    there = np.full(len(one), np.float32(_FLOOR_DB))
    there[inside] = other[places[inside]]
    lacks: Literal["first", "second"]
    for lacks, quiet, loud in (("first", one, there), ("second", there, one)):
        silent = (quiet <= _FLOOR_DB) & inside
        edges = np.flatnonzero(np.diff(np.concatenate(([0], silent.astype(np.int8), [0]))))
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            if end - begin >= _LEAST_MISSING and np.mean(loud[begin:end] > _SPEECH_DB) > 0.2:
                yield Missing(lacks, begin * FRAME_MS / 1000, (end - begin) * FRAME_MS / 1000, filled=True)


def _swapped(first: Floats, second: Floats, fits: list[_Fit]) -> bool | None:
    """Whether the channels fit crosswise; None where it makes too little difference."""
    straight, crossed = 0.0, 0.0
    for fit in fits:
        begin = fit.at - _WINDOW // 2
        places = np.arange(max(begin, 0), min(begin + _WINDOW, first.shape[1]))
        others = places + round(fit.offset)
        inside = (others >= 0) & (others < second.shape[1])
        mine = first[0, places[inside]] - first[1, places[inside]]
        theirs = second[0, others[inside]] - second[1, others[inside]]
        if mine.std() > 1 and theirs.std() > 1:
            alike = float(np.corrcoef(mine, theirs)[0, 1])
            straight, crossed = straight + max(alike, 0.0), crossed + max(-alike, 0.0)
    if abs(straight - crossed) < _LEAST_SWAPPED * len(fits):
        return None
    return crossed > straight

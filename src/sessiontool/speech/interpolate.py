"""When the pieces of a text are said, as far as its length and the pauses in the speech tell.

Speech is spread over the pieces by their weight (letters, cells), and a pause holds none.  A pause belongs to a place
between two pieces: to the one that is near where the spread puts it and where a speaker would pause.

Not here: words whose times were measured, and what a piece is.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Stretch = tuple[int, int]

_PAUSE_MS = 200  # chosen: shorter pauses are inside of words
_PRICE_MS = 2
"""Chosen: a unit of price against a millisecond between where a pause is and where the spread puts a place."""
_FAR_MS = 1500  # chosen: pauses further away are not considered


def stretches_of(speech: Iterable[Stretch], start_ms: int, end_ms: int) -> list[Stretch]:
    """The stretches of speech from start to end, in order, those without a real pause between them as one."""
    stretches: list[Stretch] = []
    for start, stop in sorted(speech):
        low, high = max(start, start_ms), min(stop, end_ms)
        if high <= low:
            continue
        if stretches and low - stretches[-1][1] < _PAUSE_MS:
            stretches[-1] = (stretches[-1][0], max(high, stretches[-1][1]))
        else:
            stretches.append((low, high))
    return stretches or [(start_ms, end_ms)]


def spread(stretches: Sequence[Stretch], weights: Sequence[int], prices: Sequence[int]) -> list[Stretch]:
    """Start and end, in ms, of each piece, said in `stretches` one after another.

    `weights` are the pieces' shares of the speech; `prices` say how unlikely a pause before each piece is, 0 for the
    end of a sentence, 160 between any two words.
    """
    sums = list(accumulate((max(1, weight) for weight in weights), initial=0))
    times: list[Stretch] = []
    for low, high, some in _assign(stretches, sums, prices):
        heard = list(accumulate((stop - start for start, stop in some), initial=0))
        whole = max(1, sums[high] - sums[low])
        if len(some) == 1:  # nearly always, and in a third of the time
            (begin, _), length, before = some[0], heard[-1], sums[low]
            times += pairwise(begin + length * (place - before) // whole for place in sums[low : high + 1])
            continue
        for k in range(low, high):
            begun, done = (heard[-1] * (sums[place] - sums[low]) // whole for place in (k, k + 1))
            times.append((_at(some, heard, begun, after=True), _at(some, heard, done, after=False)))
    return times


def _assign(
    stretches: Sequence[Stretch], sums: Sequence[int], prices: Sequence[int]
) -> list[tuple[int, int, Sequence[Stretch]]]:
    """Which run of pieces is said in which run of stretches; a pause that suits no place stays inside a run."""
    spans = []
    piece, stretch = 0, 0
    pieces = len(sums) - 1
    heard = list(accumulate((stop - start for start, stop in stretches), initial=0))
    for pause in range(1, len(stretches)):
        left = max(1, heard[-1] - heard[stretch])
        rate = (sums[-1] - sums[piece]) / left or 1.0
        expected = sums[piece] + rate * (heard[pause] - heard[stretch])
        place = _nearest(expected, rate, sums, prices, range(piece + 1, pieces))
        if place is not None:
            spans.append((piece, place, stretches[stretch:pause]))
            piece, stretch = place, pause
    return [*spans, (piece, pieces, stretches[stretch:])]


def _nearest(expected: float, rate: float, sums: Sequence[int], prices: Sequence[int], places: range) -> int | None:
    """The place where the pause is: not far from where the spread puts it, and where one would pause."""
    low = bisect_left(sums, expected - _FAR_MS * rate, places.start, max(places.start, places.stop))
    best, chosen = float("inf"), None
    for place in range(low, places.stop):
        off_ms = (sums[place] - expected) / rate
        if off_ms > _FAR_MS:
            break
        cost = abs(off_ms) + _PRICE_MS * prices[place]
        if cost < best:
            best, chosen = cost, place
    return chosen


def _at(stretches: Sequence[Stretch], heard: Sequence[int], speech_ms: int, *, after: bool) -> int:
    """When so much of the speech has been heard: before a pause, or `after` it."""
    index = bisect_left(heard, speech_ms + 1 if after else speech_ms, 1, len(stretches)) - 1
    return stretches[index][0] + speech_ms - heard[index]

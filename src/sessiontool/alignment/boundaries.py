"""The audible onset and end of a matched stretch, to a few milliseconds, from the channel's power every 2 ms.

An island's edges are good to a frame or two.  Around them the power, averaged over 5 ms, is compared with a level
well below the utterance's own and above the noise there; the first and the last instant above it that last are its
onset and end.  A last consonant may be weaker than that: it differs from the tail that an encoder or a room adds by
being steady and then stopping at once.  Where noise hides that level the power says nothing, and the island's edge,
which looked at each band by itself, stands.

Not here: which stretch it is (`assignment`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from .band_levels import POWER_MS, to_power

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .band_levels import Rows

    Floats = NDArray[np.float64]

_SMOOTH_MS = 5
"""Chosen: a period of a low voice."""
_LASTING_MS = 8
"""Chosen: a click is shorter, a consonant longer."""
_OUT_MS, _ONSET_IN_MS, _END_IN_MS = 60, 80, 120
"""How far an edge may move; ends farther in, as what an encoder or a room adds behind speech counts as an island;
chosen."""

_TAIL_MS = 300
"""Chosen: how far an end may move in over what is too quiet for speech, a breath or the release of a consonant."""

_ONSET_BELOW_DB, _END_BELOW_DB = 37.0, 30.0
"""How far below the utterance's level an onset and an end are; chosen on dialogues with known truth."""
_FAR_BELOW_DB, _FAR_BELOW_MS = 25.0, 280
"""How far below the utterance's level sound is no speech where it lasts so long at an edge: what leaks of another
channel, or a street; measured: of 6 such edges 5 become right and none wrong; of those of 150 ms half become wrong."""
_SILENT_DB, _SILENT_SHARE = 45.0, 0.25
"""How far below an utterance's level it is silent, and the share of silence in such sound from which on it may be a
closed mouth and the release of a plosive; chosen."""
_CONSONANT_BELOW_DB, _CONSONANT_MIDDLE_DB = 38.0, 34.0
"""How far below the utterance's own level the whole of a quiet last consonant is, and half of it; measured: "th" of
"month" as browsers recorded it is at 27 to 35."""

_CLOSURE_MS = (40, 200)
"""Least and most quiet before the release of a last plosive, the "k" of "week"; measured: 12 ends
that were 92 to 186 ms early are right with it, and eight, whose release was not counted, 52 to 89 ms late; after a
shorter quiet it is a room's tail as often as not."""

_STOPS_DB, _STOPS_MS = 12.0, 20
"""By how much, and how soon, the level falls where speech stops; chosen: tails of encoders and rooms fall more
slowly."""

_SOFT_MS, _CLEARLY_DB = 400, 20.0
"""How far in what is clearly loud is looked for, and how far below the utterance's own level that is; chosen."""

_ABOVE_NOISE_DB = 6.0
"""Chosen: noise varies by less."""
_NOISY_DB = 13.0
"""Chosen: where the noise hides so much of an edge, the level says nothing of it."""
_BURIED_FROM_DB, _BURIED_MS_A_DB, _BURIED_MOST_MS = 15.0, 8.0, 80.0
"""dB of an end that noise hides, ms by which what is heard is too short for each dB more, and ms at most.  Fitted on
34 dialogues: ends are 53 ms early in the middle where noise hides 18 to 22 dB, and 86 where it hides more.  Of 56 that
were off by more than 100 ms, on channels of one voice, 43 are left, and 45 by what is fitted to other dialogues."""
_SYLLABLE_MS, _BESIDE_MS = 30, 30
"""Chosen: what is averaged of sound beyond an edge, and what of it may still be the edge."""
_RISE_DB, _QUIET_SHARE = 4.0, 0.3
"""By how much that is louder than the quiet share of it where it is no noise; chosen among 4, 6, 9 on the dialogues."""
_AROUND_MS = 400
"""Chosen: how far around an island its level and the noise are looked at."""
_CONTRAST_MS = 60
"""Chosen: what is compared before and behind an edge."""


class Edge(Struct, frozen=True):
    """Where an utterance begins or ends, and by how much the sound inside is louder there than outside.

    `soft_ms` is how much farther in the edge would be if only what is clearly loud counted.  `beyond_db` is how loud,
    beside the utterance's own level, the loudest is that rises from the noise beyond the edge.
    """

    at_ms: float
    contrast_db: float
    soft_ms: float = 0.0
    beyond_db: float = -math.inf


def _smooth_db(power: Rows, lo: int, hi: int) -> Floats:
    """Level in dB averaged over `_SMOOTH_MS`, for each millisecond lo..hi."""
    pad = _SMOOTH_MS // 2
    a, b = max(0, lo - pad), min(POWER_MS * len(power), hi + pad)
    levels = np.repeat(power[a // POWER_MS : -(-b // POWER_MS)], POWER_MS)[a % POWER_MS :][: b - a]
    smooth = np.convolve(to_power(levels), np.ones(_SMOOTH_MS) / _SMOOTH_MS, mode="same")[lo - a : lo - a + hi - lo]
    level: Floats = 10 * np.log10(np.maximum(smooth, 1e-12))
    return level


def _quantile(values: Floats, share: float) -> float:
    """As `np.quantile`, which takes ten times as long for so few values."""
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    ordered = np.partition(values, (low, high))
    return float(ordered[low] + (place - low) * (ordered[high] - ordered[low]))


def _lasting(above: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Where `above` begins to hold for `_LASTING_MS`."""
    if len(above) < _LASTING_MS:
        return np.zeros(0, np.intp)
    total = np.concatenate(([0], np.cumsum(above)))
    return np.flatnonzero(total[_LASTING_MS:] - total[:-_LASTING_MS] == _LASTING_MS)


def snap(
    power: Rows, start_ms: float, end_ms: float, low_ms: float, high_ms: float, *, noisy: bool = True
) -> tuple[Edge, Edge]:
    """Onset and end of the stretch start..end, not before `low_ms` and not after `high_ms`.

    On a channel that is not `noisy` what is loud behind it is another voice, and says nothing of what noise hides.
    """
    start, end = int(start_ms), int(end_ms)
    lo, hi = max(0, int(low_ms), start - _AROUND_MS), min(POWER_MS * len(power), int(high_ms), end + _AROUND_MS)
    if hi - lo < 2 * _LASTING_MS or end - start < 2 * _LASTING_MS:
        return Edge(start_ms, 0.0), Edge(end_ms, 0.0)
    level = _smooth_db(power, lo, hi)
    inside = level[max(0, start - lo) : end - lo]
    peak = _quantile(inside, 0.95)
    start, end = start + _far_below(inside, peak), end - _far_below_at_end(inside, peak)
    onset = _edge(level, start - lo, peak - _ONSET_BELOW_DB, min(_ONSET_IN_MS, (end - start) // 2))
    back = level[::-1]
    ending = _without_tail(back, hi - end, peak, (end - start) // 2)
    ending = _with_last_consonant(back, ending, hi - end, peak)
    soft = [_soft(one, at, peak, (end - start) // 2) for one, at in ((level, onset), (back, ending))]
    contrast = _contrast(level, onset), _contrast(back, ending)
    ending = _with_release(back, ending, hi - end, peak)
    last = min(hi, hi - ending + _buried_ms(back, hi - end, peak)) if noisy else hi - ending
    beyond = _beyond_db(level, onset, peak), _beyond_db(back, min(ending, hi - int(last)), peak)
    return Edge(lo + onset, contrast[0], soft[0], beyond[0]), Edge(last, contrast[1], soft[1], beyond[1])


def _far_below(level: Floats, peak: float) -> int:
    """How much of the beginning of a stretch is too quiet for too long to be of it."""
    loud = _lasting(level > peak - _FAR_BELOW_DB)
    return int(loud[0]) if len(loud) and loud[0] > _FAR_BELOW_MS else 0


def _far_below_at_end(level: Floats, peak: float) -> int:
    """The same of its end, where it is not a closed mouth and the release of a plosive."""
    back = level[::-1]
    quiet = _far_below(back, peak)
    return quiet if quiet and _quantile(back[:quiet], _SILENT_SHARE) > peak - _SILENT_DB else 0


def _soft(level: Floats, edge: int, peak: float, inwards: int) -> float:
    loud = _lasting(level[edge : edge + min(_SOFT_MS, inwards)] > peak - _CLEARLY_DB)
    return float(loud[0]) if len(loud) else float(min(_SOFT_MS, inwards))


def _beyond_db(level: Floats, place: int, peak: float) -> float:
    """How loud, beside `peak`, the loudest before `place` is, where it rises from the noise there."""
    outside = level[max(0, place - _AROUND_MS) : max(0, place - _BESIDE_MS)]
    if len(outside) < 2 * _SYLLABLE_MS:
        return -math.inf
    total = np.concatenate(([0.0], np.cumsum(outside)))
    mean = (total[_SYLLABLE_MS:] - total[:-_SYLLABLE_MS]) / _SYLLABLE_MS
    loudest = float(mean.max())
    return loudest - peak if loudest - _quantile(mean, _QUIET_SHARE) > _RISE_DB else -math.inf


def _buried_ms(back: Floats, place: int, peak: float) -> float:
    """How much longer a stretch lasts, in the middle, than is heard of it in the noise behind it."""
    hidden_db = _noise_before(back, place) + _ABOVE_NOISE_DB - (peak - _END_BELOW_DB)
    return min(_BURIED_MOST_MS, _BURIED_MS_A_DB * max(0.0, hidden_db - _BURIED_FROM_DB))


def _edge(level: Floats, place: int, threshold: float, inwards: int) -> int:
    """The first index around `place`, at most so far `inwards`, from where the level stays above the threshold.

    The threshold is no lower than a little above the noise before it.
    """
    noise = _noise_before(level, place)
    if noise + _ABOVE_NOISE_DB > threshold + _NOISY_DB:
        return place
    threshold = max(threshold, noise + _ABOVE_NOISE_DB)
    lo, hi = max(0, place - _OUT_MS), min(len(level), place + inwards + _LASTING_MS)
    found = _lasting(level[lo:hi] > threshold)
    return lo + int(found[0]) + _SMOOTH_MS // 2 if len(found) else place


def _without_tail(back: Floats, place: int, peak: float, most: int) -> int:
    """The end of a stretch in the level read backwards, `most` being how far in it may be.

    A breath or a room may go on for longer than ends are usually moved in; it is left out where it is quieter than a
    last consonant.
    """
    ending = _edge(back, place, peak - _END_BELOW_DB, min(_END_IN_MS, most))
    if ending != place or most <= _END_IN_MS:
        return ending
    farther = _edge(back, place, peak - _END_BELOW_DB, min(_TAIL_MS, most))
    is_quiet = farther > place and _quantile(back[place:farther], 0.5) < peak - _CONSONANT_BELOW_DB
    return farther if is_quiet else ending


def _noise_before(level: Floats, place: int) -> float:
    return _quantile(level[: place - 20], 0.5) if place > 40 else -200.0


def _with_last_consonant(back: Floats, ending: int, place: int, peak: float) -> int:
    """The end with the quiet consonant behind it, if there is one, in the level read backwards.

    `place` is the end of the island, `peak` the utterance's own level.
    """
    quiet = max(peak - _CONSONANT_BELOW_DB, _noise_before(back, place) + _ABOVE_NOISE_DB)
    if quiet > peak - _END_BELOW_DB:
        return ending
    lo = max(0, place - _OUT_MS)
    below = np.flatnonzero(back[lo:ending] <= quiet)
    last = lo + int(below[-1]) + 1 if len(below) else lo
    behind = back[max(0, last - _STOPS_MS) : last]
    if last >= ending or not len(behind) or back[last] - behind.min() < _STOPS_DB:
        return ending
    steady = _quantile(back[last:ending], 0.5) >= peak - _CONSONANT_MIDDLE_DB
    return last + _SMOOTH_MS // 2 if steady else ending


def _with_release(back: Floats, ending: int, place: int, peak: float) -> int:
    """The end with the release of a last plosive behind it, if there is one, in the level read backwards.

    While the mouth is closed there is silence before it; it is a quiet burst, and the island ends with it.
    """
    quiet = max(peak - _CONSONANT_BELOW_DB, _noise_before(back, place) + _ABOVE_NOISE_DB)
    if quiet > peak - _END_BELOW_DB:
        return ending
    above = back[place:ending] > quiet
    lasting = _lasting(above)
    if not len(lasting):
        return ending
    last = int(lasting[0])
    closure = int(np.diff(np.append(np.flatnonzero(above[last:]), len(above) - last)).max())
    return place + last + _SMOOTH_MS // 2 if _CLOSURE_MS[0] <= closure <= _CLOSURE_MS[1] else ending


def _contrast(level: Floats, place: int) -> float:
    """How much louder it is after `place` than before it."""
    before, after = level[max(0, place - _CONTRAST_MS) : place], level[place : place + _CONTRAST_MS]
    if not len(before) or not len(after):
        return 0.0
    return _quantile(after, 0.8) - _quantile(before, 0.5)

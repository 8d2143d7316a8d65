"""Islands of speech on one channel: what utterances are matched with, cut where the log wants an edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .recorded_time import Axis

    Floats = NDArray[np.float64]

_FULL_SCORE = 12.0
"""Score of speech that is as loud as can be; chosen, as `speech_activity` bounds it."""
_UNCUT_MS = (350.0, 200.0)
"""Chosen: what must be left of an island before and behind a cut through it."""


_CUT_REACH_MS = 250.0
"""Chosen: how far around an expected edge the best cut is looked for."""


_CUT_FRAMES = 15.0
"""Chosen: a cut so far away must be twice as quiet."""


_AT_ONCE = 200
"""Number of stretches, as units of work, whose scores are held at full precision; chosen: those of some minutes."""


class Islands(Struct, frozen=True):
    """Candidate stretches of speech on one channel, in order.

    Positions are in ms, loudness is 0 to 1.  Edges that were made up where the log wants one are marked, and
    `bridge` says how much of its loudness an island has at a made-up start: 1 where the cut goes through speech, 0
    where it pauses.
    """

    start: Floats
    end: Floats
    made_start: NDArray[np.bool_]
    made_end: NDArray[np.bool_]
    loudness: Floats
    bridge: Floats

    @classmethod
    def none(cls) -> Islands:
        return cls(*(np.zeros(0, kind) for kind in (float, float, bool, bool, float, float)))

    def __len__(self) -> int:
        return len(self.start)


def cut_islands(
    edges: NDArray[np.int64], score: NDArray[np.floating], axis: Axis, wanted: Floats, changes: Floats
) -> Islands:
    """A channel's islands (n, 2), cut where the output's clock jumps and where the log wants an edge inside one.

    They are cut at `changes` (ms) of the voice as well.  `wanted` are expected starts and ends in ms; such a cut goes
    to a weak frame near by, and counts as made up.
    """
    starts, ends = edges[:, 0].astype(float), edges[:, 1].astype(float)
    cuts: dict[float, bool] = {}
    heard = [(float(at), False) for at in (*axis.cuts, *changes)]
    for place, made_up in heard + [(float(at), True) for at in wanted]:
        k = int(np.searchsorted(starts, place, side="right")) - 1
        if k < 0 or place >= ends[k]:
            continue
        at = _weak_place(place, starts[k], ends[k], score) if made_up else place
        if at is not None:
            cuts.setdefault(at, made_up)
    at_ms = np.array(sorted(cuts), float)
    made = np.concatenate((np.zeros(len(starts), bool), np.array([cuts[at] for at in sorted(cuts)], bool)))
    all_starts, all_ends = np.concatenate((starts, at_ms)), np.concatenate((ends, at_ms))
    by_start, by_end = np.argsort(all_starts, kind="stable"), np.argsort(all_ends, kind="stable")
    first, last, made_start = all_starts[by_start], all_ends[by_end], made[by_start]
    loudness = _mean_between(score, first, last) / _FULL_SCORE
    there = score[(first / 10).astype(int).clip(0, len(score) - 1)] if len(score) else np.zeros(0)
    bridge = np.where(made_start, np.clip(there / (_FULL_SCORE * np.maximum(loudness, 1e-3)), 0, 1), 0)
    return Islands(first, last, made_start, made[by_end], loudness, bridge)


def _weak_place(place: float, start: float, end: float, score: NDArray[np.floating]) -> float | None:
    """Where to cut the island start..end: a frame of low score, the nearer to `place` the better; None at its edges."""
    if not start + _UNCUT_MS[0] < place < end - _UNCUT_MS[1]:
        return None
    lo = int(max(start + _CUT_REACH_MS / 2, place - _CUT_REACH_MS) // 10)
    hi = int(min(end - _CUT_REACH_MS / 2, place + _CUT_REACH_MS) // 10)
    if hi <= lo:
        return None
    away = (np.arange(lo, hi) - place / 10) / _CUT_FRAMES
    return 10.0 * (lo + int(np.argmin(score[lo:hi] + away * away)))


def _mean_between(score: NDArray[np.floating], starts_ms: Floats, ends_ms: Floats) -> Floats:
    """The mean score of each stretch, which must be in order and apart."""
    if not len(starts_ms) or not len(score):
        return np.zeros(len(starts_ms))
    lo, hi = ((x / 10).astype(int).clip(0, len(score) - 1) for x in (starts_ms, ends_ms))
    stop = np.maximum(hi, lo + 1).clip(0, len(score) - 1)
    sums = np.zeros(len(lo))
    for k in range(0, len(lo), _AT_ONCE):
        some = slice(k, k + _AT_ONCE)
        first = lo[k]
        exact = score[first : stop[some][-1] + 1].astype(float)
        sums[some] = np.add.reduceat(exact, np.column_stack((lo[some], stop[some])).ravel() - first)[::2]
    mean: Floats = sums / np.maximum(hi - lo, 1)
    return mean

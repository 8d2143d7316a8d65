"""What carried an utterance's place, and how sure that makes it.

Confidence is the chance that both ends lie within 100 ms of the truth: a logistic function of a handful of
measurements, each bounded so that none decides by itself.  `WEIGHTS` were fitted on dialogues with known truth,
their logs redrawn at random; the fit is monotone by construction (a weight of the wrong sign is set to zero), so
that more evidence never lowers it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_MOST = 0.99
_MOST_GUESSED = 0.5
"""Of an utterance whose place neither a time nor the order tells."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was measured of one placed utterance.

    Residuals are found minus predicted, nan where the log says nothing; spreads are what is usual for the role.
    `length_ratio` is found over expected length.  Contrasts are how much louder it is inside than outside.
    `left_over_ms` is the distance to speech beside it that nobody was given.  `made_up`: an edge lies where the log
    wants one, not where the sound pauses.  `shared`: both roles speak on this channel.  `stray_share` is how much of
    what sounds like speech on this channel belongs to no utterance.  `pinned` is how far the log's order tells the
    place of an utterance without a time (1: wholly), nan where the log has a time.
    """

    channel: int
    start_residual_ms: float
    end_residual_ms: float
    start_spread_ms: float
    end_spread_ms: float
    length_ratio: float
    start_contrast_db: float
    end_contrast_db: float
    snr_db: float
    cost: float
    left_over_ms: float
    made_up: bool
    shared: bool
    stray_share: float = 0.0
    pinned: float = math.nan


def features(evidence: Evidence) -> dict[str, float]:
    """What may be wrong, each between 0 (nothing) and 1 (a lot)."""
    ratio = abs(math.log(min(max(evidence.length_ratio, 1e-3), 1e3)))
    return {
        "late": _share(abs(evidence.start_residual_ms) / evidence.start_spread_ms, 1, 4),
        "length": _share(ratio, 0.2, 1.0),
        "cost": _share(evidence.cost, 0.5, 4.0),
        "noise": _share(-evidence.snr_db, -25, -8),
        "onset": _share(-evidence.start_contrast_db, -20, 0),
        "ending": _share(-evidence.end_contrast_db, -20, 0),
        "left_over": _share(-evidence.left_over_ms, -600, -100),
        "made_up": float(evidence.made_up),
        "shared": float(evidence.shared),
        "stray": _share(evidence.stray_share, 0.1, 0.3),
    }


def _share(value: float, nothing: float, a_lot: float) -> float:
    return min(1.0, max(0.0, (value - nothing) / (a_lot - nothing)))


BIAS = 4.9
WEIGHTS = {
    "late": 0.2,
    "length": 3.0,
    "cost": 1.5,
    "noise": 2.2,
    "onset": 1.5,
    "ending": 2.5,
    "left_over": 2.3,
    "made_up": 2.7,
    "shared": 1.5,
    "stray": 1.7,
}


def confidence(evidence: Evidence) -> float:
    """The chance, 0 to 1, that both ends are within 100 ms."""
    doubt = sum(WEIGHTS[name] * value for name, value in features(evidence).items())
    most = _MOST_GUESSED if evidence.pinned < 1 else _MOST
    return min(most, 1 / (1 + math.exp(doubt - BIAS)))

"""What carried an utterance's place, and how sure that makes it.

Confidence is the chance that both ends lie within 100 ms of the truth: a logistic function of a handful of
measurements, each bounded so that none decides by itself.  It is monotone: no weight is below zero, so that more
evidence never lowers it.  `benchmarks/confidence.py` counts on recordings with known truth how far it can be relied on.
"""

from __future__ import annotations

import math

from msgspec import Struct

from .edge_sound import ALIKE

MOST_GUESSED = 0.5
"""Confidences above this one are not given to an utterance whose place is a guess; chosen."""

UNFIT = 0.55
"""Chance of being of another session from which on no place by a log is sure.  Of 34 sessions none has as much with its
own log, and 65 of 68 have with the log of another one (measured)."""

HARDLY_FIT, HARDLY_FIT_STRICTER = 0.4, 0.27
"""The same from which on no place is surer than `MOST_BESIDE`, the log being believed all the same: of 34 sessions two
have as much with their own log, and one that is below `UNFIT` with another's (0.45).  And where what is speech was
decided so that the log fits: two of their own, of whose places half are right, and two by other ones' (measured)."""

MOST_BESIDE, BESIDE_MS = 0.75, 150.0
"""The most confidence where two voices share a channel and the other one is so near that it may hide the edge: of 52
such places four of ten are right, and all eight that are farther away, up to 250 ms (measured)."""

FAR_OFF = 5.0
"""Ratio of the distance from where the log has a start to the usual spread of its role, from which on a place is a
guess; four of ten are then wrong by more than a second (measured)."""


class Evidence(Struct, frozen=True):
    """What was measured of one placed utterance.

    Residuals are found minus predicted, nan where the log says nothing; spreads are what is usual for the role.
    `length_ratio` is found over expected length, and `length_off` how far that is from what is usual for the role, in
    units of how far it usually is.  Contrasts are how much louder it is inside than outside.
    `left_over_ms` is the distance to unassigned speech beside it.  `made_up`: an edge is where the log
    wants one, not where the sound pauses.  `shared`: both roles speak on this channel.  `stray_share` is how much of
    what sounds like speech on this channel belongs to no utterance.  `pinned` is the chance of the place of an
    utterance without a time by the log's order alone, nan where the log has a time.  `stricter`: what is speech was
    decided in another way than usual.  `company` is how well those around it are carried by themselves, 0 to 1.
    `disputed` is the share of other attempts, with other opinions of what is speech, that have it elsewhere;
    `lost_inside` the share of it where an utterance without a place is expected.  `soft_start_ms` and `soft_end_ms`
    are how much farther in the edges would be if only what is clearly loud counted.  `misfit` is the chance that the
    log is of another session, as all of its places show it.  `beside_ms` is how far away the other voice of the channel
    is, as it was placed.  `before` is the highest score of the channel just before it: what sounds there may be speech
    that noise hides, and belong to it; `behind`, `early_dip` and `end_likeness` are those of `edge_sound`.
    `after_end`: the log has it after the recording's end, but for a jump of its clock that hardly any other place
    shows.  `start_beyond_db` and `end_beyond_db` are how loud, beside it, what rises from the noise beyond an edge is:
    a syllable that noise hides from the score.  `shorter_ratio` and `shorter_off` are `length_ratio` and `length_off`
    if it ended at the pause inside that fits best, nan where there is none: its speaker may have gone on with what the
    log does not have.  `left_ahead_ms` is how much unassigned speech is between its end and where the log has that.
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
    stricter: bool = False
    company: float = 1.0
    disputed: float = 0.0
    lost_inside: float = 0.0
    soft_start_ms: float = 0.0
    soft_end_ms: float = 0.0
    misfit: float = 0.0
    beside_ms: float = math.inf
    before: float = 0.0
    behind: float = -2.0
    early_dip: float = 12.0
    end_likeness: float = ALIKE
    after_end: bool = False
    length_off: float = 0.0
    start_beyond_db: float = -math.inf
    end_beyond_db: float = -math.inf
    shorter_ratio: float = math.nan
    shorter_off: float = math.nan
    left_ahead_ms: float = 0.0

    @property
    def is_guess(self) -> bool:
        """Whether the log does not tell the place: its own time is far from it, or it fits nothing that is heard."""
        is_far = math.isnan(self.pinned) and abs(self.start_residual_ms) > FAR_OFF * self.start_spread_ms
        return is_far or self.misfit >= UNFIT or self.after_end

    @property
    def hardly_fits(self) -> bool:
        """Whether it may be the log of another session."""
        return self.misfit >= (HARDLY_FIT_STRICTER if self.stricter else HARDLY_FIT)


def features(evidence: Evidence) -> dict[str, float]:
    """What may be wrong, each between 0 (nothing) and 1 (a lot)."""
    untimed = math.isfinite(evidence.pinned)
    return {
        "late": _share(abs(evidence.start_residual_ms) / evidence.start_spread_ms, 1, 4),
        "length": _share(abs(evidence.length_off), 1, 4),
        "cost": _share(evidence.cost, 0.5, 4.0),
        "noise": _share(-evidence.snr_db, -35, -20),
        "onset": _share(-evidence.start_contrast_db, -12, 0),
        "left_over": _share(-evidence.left_over_ms, -600, -100),
        "made_up": float(evidence.made_up),
        "shared": float(evidence.shared),
        "stray": _share(evidence.stray_share, 0.1, 0.3),
        "end_far": _share(abs(evidence.end_residual_ms), 700, 4000),
        "unsteady": _share(evidence.start_spread_ms, 150, 600),
        "weak_end": _share(-evidence.end_contrast_db, -12, -4),
        "stricter": float(evidence.stricter),
        "company": 1 - evidence.company,
        "disputed": evidence.disputed,
        "lost_inside": evidence.lost_inside,
        "soft_start": _share(evidence.soft_start_ms, 80, 240),
        "soft_end": _share(evidence.soft_end_ms, 100, 300),
        "before": _share(evidence.before, 2, 9),
        "behind": _share(evidence.behind, -1, 4.3),
        "early_dip": _share(-evidence.early_dip, -6, 1.5),
        "unlike": _share(-evidence.end_likeness, -ALIKE, 0),
        "misfit": _share(evidence.misfit, 0.2, UNFIT),
        "beyond_start": _share(evidence.start_beyond_db, -26, -12),
        "beyond_end": _share(evidence.end_beyond_db, -26, -12),
        "shorter": _share(evidence.length_off - abs(evidence.shorter_off), 0.25, 1.25),
        "left_ahead": _share(evidence.left_ahead_ms, 50, 300),
        "far_off": 0.0 if untimed else _share(abs(evidence.start_residual_ms) / evidence.start_spread_ms, 3, 8),
    }


def _share(value: float, nothing: float, a_lot: float) -> float:
    if math.isnan(value):  # nothing was measured
        return 0.0
    return min(1.0, max(0.0, (value - nothing) / (a_lot - nothing)))


_SUPPORT_HALF = 4.3
"""Log odds at which support is a half, in units of `_SUPPORT`'s weights; chosen with them."""
_SUPPORT = {
    "late": 1.1,
    "length": 2.6,
    "cost": 0.6,
    "noise": 1.5,
    "onset": 0.6,
    "ending": 1.0,
    "left_over": 3.3,
    "made_up": 2.1,
    "shared": 0.8,
    "stray": 1.1,
    "end_far": 0.5,
    "unsteady": 0.6,
    "weak_end": 0.6,
    "unpinned": 1.9,
}
"""Weights in log odds, chosen: as a fit gave them when alignments were first compared by them.  They stay as they are
while those of confidence are fitted anew, or what is compared would change with each fit, and the fit with it."""


def support(evidence: Evidence) -> float:
    """How well a place is carried, 0 to 1, by itself: to compare alignments with one another."""
    ratio = abs(math.log(min(max(evidence.length_ratio, 1e-3), 1e3)))
    found = features(evidence) | {
        "length": _share(ratio, 0.2, 1.0),
        "noise": _share(-evidence.snr_db, -25, -8),
        "onset": _share(-evidence.start_contrast_db, -20, 0),
        "ending": _share(-evidence.end_contrast_db, -20, 0),
        "unpinned": _share(-evidence.pinned, -1, -0.75),
    }
    doubt = sum(weight * found[name] for name, weight in _SUPPORT.items())
    return 1 / (1 + math.exp(doubt - _SUPPORT_HALF))


BIAS = 4.7  # the weight, in log odds, of what has no doubt; fitted with `WEIGHTS`
WEIGHTS = {
    "late": 0.4,
    "length": 1.9,
    "cost": 0.6,
    "noise": 0.1,
    "onset": 0.3,
    "left_over": 1.4,
    "made_up": 0.9,
    "shared": 0.6,
    "stray": 0.5,
    "end_far": 0.4,
    "unsteady": 0.6,
    "weak_end": 0.8,
    "stricter": 0.5,
    "company": 0.5,
    "disputed": 1.7,
    "lost_inside": 0.1,
    "soft_start": 0.5,
    "soft_end": 0.8,
    "before": 1.1,
    "behind": 1.6,
    "early_dip": 0.9,
    "unlike": 0.9,
    "misfit": 1.7,
    "beyond_start": 0.7,
    "beyond_end": 1.6,
    "shorter": 0.5,
    "left_ahead": 0.9,
    "far_off": 0.4,
}
"""Weights in log odds, fitted by `benchmarks/confidence.py` to recordings with known truth."""


def confidence(evidence: Evidence) -> float:
    """The chance, 0 to 1, that both ends are within 100 ms."""
    doubt = sum(WEIGHTS[name] * value for name, value in features(evidence).items())
    return min(most(evidence), chance_by_order(evidence) / (1 + math.exp(doubt - BIAS)))


def chance_by_order(evidence: Evidence) -> float:
    """The chance that the log means this place at all: that of the order, where there is no time."""
    return 1.0 if math.isnan(evidence.pinned) else evidence.pinned


def most(evidence: Evidence) -> float:
    """The highest confidence that such a place can have, whatever else speaks for it."""
    if evidence.is_guess:
        return MOST_GUESSED
    return MOST_BESIDE if evidence.beside_ms < BESIDE_MS or evidence.hardly_fits else 1.0

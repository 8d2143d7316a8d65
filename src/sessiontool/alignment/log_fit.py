"""How far a log does not fit the sound as a whole: it may be of another session.

Matching finds a place for most utterances of any log, as one stretch of speech is like another.  But where the log is
of another session the lengths of what was found scatter about the lengths that their texts take, few places are carried
well, and some are far from where the log has them.

Not here: whether a single place is right (`confidence`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..model import Finding
from .confidence import UNFIT, support
from .quantiles import median, quantile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .confidence import Evidence

_LEAST = 6
"""Number of places, as units of evidence, from which on a log is judged; chosen."""

_SCATTER, _SUPPORT, _FAR, _BIAS = 13.6, -11.8, 0.8, 0.9
"""Weights in log odds of the scatter of lengths, of the places' mean support, and of the logarithm of the ms that one
place in ten is off at least; fitted on 34 sessions with their own logs and with those of two others each."""

_FAR_SHARE, _USUAL_MS = 0.9, 600.0
"""Share of places that are less far off, chosen; and ms that are neither much nor little for that (measured)."""


def misfit(evidence: Sequence[Evidence | None]) -> float:
    """The chance, 0 to 1, that the log is of another session; 0 where too few utterances have a place to tell."""
    found = [one for one in evidence if one is not None]
    if len(found) < _LEAST:
        return 0.0
    lengths = np.log(np.maximum(1e-3, [one.length_ratio for one in found]))
    scatter = 1.4826 * float(median(np.abs(lengths - median(lengths))))
    carried = sum(map(support, found)) / len(found)
    timed = np.array([abs(one.start_residual_ms) for one in found if math.isnan(one.pinned)])
    far_ms = float(quantile(timed, _FAR_SHARE)) if len(timed) >= _LEAST else _USUAL_MS
    odds = _SCATTER * scatter + _SUPPORT * carried + _FAR * math.log1p(far_ms) + _BIAS
    return 1 / (1 + math.exp(-odds))


def unfit_log(evidence: Sequence[Evidence | None]) -> Iterator[Finding]:
    """That the log does not fit the sound, where it does not."""
    unfit = [one for one in evidence if one is not None and one.misfit >= UNFIT]
    if unfit:
        yield Finding(
            "log-unlike-sound",
            "warning",
            f"the log does not fit the sound: the {len(unfit)} utterances that have a place do not last as long as "
            "their texts take, and few places are clear; no caption is sure",
            hint="see with `sessiontool align` whether log and recording are of one session",
        )

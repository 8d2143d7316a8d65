"""Ends of what was matched by a stricter opinion of speech, put where the sound itself has them.

Where voices or a street are behind the speaker, more is asked of what is speech (`louder_speech`, `learned_speech`).
That tells the utterances from what is behind them, and blurs their ends: a last consonant is no longer speech, or the
quiet behind a word is taken along, as what was learned is smoothed over a tenth of a second.  The channel's own islands
have the end, where they are not the noise: they end soon after, or have ended before.

Not here: starts, which those opinions have right; what is behind the speaker runs into them as often as not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ON_MS = 300.0
"""How much longer an island may last than what was matched of it, to be the rest of a word and not noise: of 16 such
ends 12 become right and 1 wrong, of those that last longer 1 and 2 (measured)."""

_SAME_MS = 40.0
"""Chosen: edges that differ by less, four frames, are the same."""


def settled_end(start_ms: float, end_ms: float, limit_ms: float, heard: NDArray[np.int64]) -> float:
    """Where the stretch start..end ends by the islands `heard` (n, 2), ms; not after `limit_ms`."""
    k = int(np.searchsorted(heard[:, 0], end_ms - _SAME_MS / 2, "right")) - 1
    if k < 0:
        return end_ms
    begins, stops = (float(edge) for edge in heard[k])
    if stops > end_ms:
        return stops if stops <= min(limit_ms, end_ms + _ON_MS) else end_ms
    return stops if stops < end_ms - _SAME_MS and stops > max(start_ms, begins) else end_ms

"""How far a log's clock is off that fits nowhere near its own times: by minutes, or by hours.

The track of the clock (`clock_offset`) looks a minute around.  Here the log's pattern of speech and silence is laid
over the whole recording at every offset that brings half of it inside: where the clock is off by a constant, the
pattern agrees at that offset and at no other.

Not here: whether the utterances then fit the sound better (`align`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from .band_levels import FRAME_MS
from .channel_matching import ROLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..model import Utterance
    from .channel_matching import Lane
    from .speech_activity import Activity

    Floats = NDArray[np.float64]

_STEP_MS = 100
"""ms; chosen: the track of the clock then finds the rest."""

_SPEECH = 2.0
"""A score from which on a frame is speech; chosen, as for aligning."""

_CERTAIN_SHARE = 0.7
"""Share of the time that a text takes in which its speaker surely speaks; chosen, as for the track."""

_LEAST = 5
"""Number of utterances with a time, as units of evidence; chosen: fewer are like one another at many offsets."""

_APART_MS = 3000
"""ms around the best offset within which others are the same one; chosen."""

_STANDS_OUT = 1.3
"""How many times the agreement of the next best offset the best must have; chosen."""

_NEAR_MS = 30_000
"""ms up to which the track of the clock is relied on to find an offset; chosen: half of its reach."""


def far_offset_ms(lanes: Sequence[Lane], activity: Activity) -> int | None:
    """By how much later than logged everything sounds, in ms; None where no offset stands out, or a small one does."""
    starts = np.concatenate([np.zeros(0), *(lane.raw.start[_logged(lane)] for lane in lanes)])
    if len(starts) < _LEAST:
        return None
    first = float(starts.min())
    steps = int((starts.max() - first) / _STEP_MS) + 1 + _APART_MS // _STEP_MS
    sound_steps = activity.duration_ms // _STEP_MS
    if steps > 4 * max(sound_steps, 1) or not sound_steps:
        return None
    agreement = sum(_agreement(lane, first, steps, sound_steps) for lane in lanes)
    lags = np.arange(-steps, sound_steps + 1)
    agreement = np.where(_inside(starts - first, lags, activity.duration_ms) >= len(starts) / 2, agreement, -np.inf)
    best = int(np.argmax(agreement))
    others = np.abs(lags - lags[best]) * _STEP_MS > _APART_MS
    if not np.isfinite(agreement[best]) or agreement[best] < _STANDS_OUT * agreement[others].max(initial=0.0):
        return None
    offset_ms = round(lags[best] * _STEP_MS - first)
    return offset_ms if abs(offset_ms) > _NEAR_MS else None


def _logged(lane: Lane) -> NDArray[np.bool_]:
    """Of which utterances the log has a time."""
    return lane.raw.timed & np.isnan(lane.raw.pinned)


def _inside(starts_ms: Floats, lags: NDArray[np.int64], duration_ms: int) -> NDArray[np.int64]:
    """How many utterances begin inside the recording at each lag."""
    ordered = np.sort(starts_ms)
    low = np.searchsorted(ordered, -lags * float(_STEP_MS))
    return np.searchsorted(ordered, duration_ms - lags * float(_STEP_MS)) - low


def _agreement(lane: Lane, first_ms: float, steps: int, sound_steps: int) -> Floats:
    """Steps with speech where there should be some, less those where there should be none, from lag -steps on."""
    per_step = _STEP_MS // FRAME_MS
    score = np.asarray(lane.channel.score[: sound_steps * per_step])
    score = np.pad(score, (0, sound_steps * per_step - len(score)))
    heard = (score.reshape(-1, per_step) > _SPEECH).mean(axis=1)
    logged = np.zeros(steps)
    for start, length in zip(lane.raw.start[_logged(lane)], lane.raw.text[_logged(lane)], strict=True):
        at = int((start - first_ms) / _STEP_MS)
        logged[at : at + max(1, round(_CERTAIN_SHARE * length / _STEP_MS))] = 1
    heard, logged = heard - heard.mean(), logged - logged.mean()
    size = 1 << (steps + sound_steps).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(logged, size))
    together = np.fft.irfft(spectrum, size)
    return np.concatenate((together[size - steps :], together[: sound_steps + 1]))


def moved(utterances: Sequence[Utterance], by_ms: int) -> list[Utterance]:
    """The utterances with all times so much later."""

    def later(at_us: int | None) -> int | None:
        return None if at_us is None else at_us + 1000 * by_ms

    return [
        replace(one, t_start_us=later(one.t_start_us), t_end_us=later(one.t_end_us)) if one.role in ROLES else one
        for one in utterances
    ]

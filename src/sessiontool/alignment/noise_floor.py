"""What the sound of a channel must exceed to be speech: each band's noise, a low quantile over the 12 seconds around.

Where there are people or a radio behind the speaker, they count as noise as well.

Not here: what one channel leaks into another (`crosstalk`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..model import SAMPLE_RATE
from .band_levels import BANDS, DB_BOTTOM, DB_STEP, FRAME_MS
from .segments import AWAY_FRAMES, STAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..timeline import Timeline
    from .band_levels import Bytes, Rows

    Floats = NDArray[np.float32]
    Halves = NDArray[np.float16]
    Steps = NDArray[np.int16]

_FLOOR_CHUNK = 50
"""Frames; chosen: half a second for which the noise is taken as steady."""
_FLOOR_REACH = 12
"""Number of chunks on either side, in which there is a pause; chosen: six seconds."""
_FLOOR_MARGIN_STEPS = np.int16(2 / DB_STEP)
"""Steps of a level; chosen: noise varies by 2 dB."""
_FLOOR_BELOW_SPEECH_STEPS = np.int16(50 / DB_STEP)
"""Steps of a level; chosen: what is 50 dB weaker beside speech is not heard."""
_LOUD_SHARE = 0.95
"""Share of frames that are not louder; chosen."""

_BEHIND_DB = 15.0
"""Chosen: what is so much weaker than the loudest may be another voice behind the speaker."""
_RESTLESS_SHARE = 0.08
"""Share of weaker frames that sound like speech, from which on there are voices behind; chosen."""
_BEHIND_SHARE = 0.9
"""Share of what is behind the speaker that is taken for noise; chosen."""
_LEAST_BEHIND = 500
"""Frames; chosen: five seconds."""

MINUTE_FRAMES = 6000
"""Derived."""


def recorded_chunks(timeline: Timeline, frames: int) -> NDArray[np.bool_]:
    """Which chunks of the floor of so many frames hold recorded sound; all of them where none does."""
    recorded = np.ones(-(-frames // _FLOOR_CHUNK), bool)
    samples = _FLOOR_CHUNK * FRAME_MS * SAMPLE_RATE // 1000
    for span in timeline.spans:
        if span.kind == "silence":
            recorded[span.output_start // samples : -(-span.output_end // samples)] = False
    return recorded if recorded.any() else ~recorded


def noise_db(floor: Steps, first: int, last: int) -> Floats:
    """The noise level in dB of the frames first..last."""
    return floor[np.arange(first, last) // _FLOOR_CHUNK] * np.float32(DB_STEP) + np.float32(DB_BOTTOM)


def behind_speech(score: Halves, overall: Bytes) -> NDArray[np.bool_] | None:
    """The frames well away from what is loud, where much of them sounds like speech: people or a radio behind.

    None where they are as quiet as the noise floor has it.
    """
    if not len(overall):
        return None
    rank = int(_LOUD_SHARE * (len(overall) - 1))
    loud = max(0, int(np.partition(overall, rank)[rank]) - round(_BEHIND_DB / DB_STEP))
    behind = _away_from(overall >= loud)
    count = np.count_nonzero(behind)
    minutes = (slice(first, first + MINUTE_FRAMES) for first in range(0, len(score), MINUTE_FRAMES))
    restless = sum(np.count_nonzero((score[some] > STAY) & behind[some]) for some in minutes)  # a day's are 9 MB
    if count < _LEAST_BEHIND or restless / count < _RESTLESS_SHARE:
        return None
    return behind


def _away_from(loud: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The frames that have no loud one within `AWAY_FRAMES`."""
    away = np.zeros(len(loud), bool)
    for first in range(0, len(loud), MINUTE_FRAMES):
        last = min(first + MINUTE_FRAMES, len(loud))
        lo, hi = max(0, first - AWAY_FRAMES), min(last + AWAY_FRAMES, len(loud))
        before = np.append(0, np.cumsum(loud[lo:hi]))
        frames = np.arange(first, last) - lo
        reached = before[np.minimum(frames + AWAY_FRAMES + 1, hi - lo)]
        away[first:last] = reached == before[np.maximum(frames - AWAY_FRAMES, 0)]
    return away


def raised(floor: Steps, levels: Rows, behind: NDArray[np.bool_]) -> Steps:
    """The noise floor, nowhere below what is hardly ever exceeded `behind` the speech."""
    counts = np.zeros((256, BANDS), np.int64)
    for at in range(0, len(levels), MINUTE_FRAMES):
        piece = levels[at : at + MINUTE_FRAMES][behind[at : at + MINUTE_FRAMES]]
        counts += np.stack([np.bincount(band, minlength=256) for band in piece.T], axis=1)
    high = (np.cumsum(counts, axis=0) < counts.sum(axis=0) * _BEHIND_SHARE).sum(axis=0)
    higher: Steps = np.maximum(floor, high.astype(np.int16))
    return higher


def noise_floor(levels: Rows, recorded: NDArray[np.bool_]) -> Steps:
    """Each band's noise level, one row per `_FLOOR_CHUNK` frames: a low quantile of what was `recorded` around.

    It counts steps of `DB_STEP` above `DB_BOTTOM`, as levels do, and may be above the highest of them.

    Time that was filled with silence is passed over, as if what is on both sides of it were neighbours.
    """
    if not len(levels):
        return np.zeros((0, BANDS), np.int16)
    low, counts = [], np.zeros((256, BANDS), np.int64)
    for at in range(0, len(levels), MINUTE_FRAMES):
        piece = levels[at : at + MINUTE_FRAMES]
        counts += np.stack([np.bincount(band, minlength=256) for band in piece.T], axis=1)
        short = -len(piece) % _FLOOR_CHUNK
        if short:
            last = levels[max(0, len(levels) - _FLOOR_CHUNK) : len(levels)]
            whole = piece[: len(piece) // _FLOOR_CHUNK * _FLOOR_CHUNK]
            padded = np.pad(last, ((0, _FLOOR_CHUNK - len(last)), (0, 0)), mode="symmetric")
            piece = np.concatenate((whole, padded))
        low.append(_quiet_levels(piece))
    quiet = np.concatenate(low)[recorded]
    edged = np.pad(quiet, ((_FLOOR_REACH, _FLOOR_REACH), (0, 0)), mode="symmetric")
    around = np.lib.stride_tricks.sliding_window_view(edged, 2 * _FLOOR_REACH + 1, axis=0)
    rank = int((2 * _FLOOR_REACH + 1) * 0.4)
    pieces = (around[k : k + MINUTE_FRAMES] for k in range(0, len(around), MINUTE_FRAMES))
    floor = np.concatenate([np.partition(piece, rank)[..., rank].copy() for piece in pieces]).astype(np.int16)
    loud = (np.cumsum(counts, axis=0) < len(levels) * _LOUD_SHARE).sum(axis=0).astype(np.int16)
    bounded = np.maximum(floor + _FLOOR_MARGIN_STEPS, loud - _FLOOR_BELOW_SPEECH_STEPS)
    everywhere: Steps = bounded[np.maximum(0, np.cumsum(recorded) - 1)]
    return everywhere


def _quiet_levels(levels: Bytes) -> Bytes:
    """A low quantile of each band's levels in each chunk of frames."""
    rank = int(_FLOOR_CHUNK * 0.15)
    return np.partition(levels.reshape(-1, _FLOOR_CHUNK, BANDS), rank, axis=1)[:, rank].copy()  # the rest is let go

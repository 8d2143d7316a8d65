"""Where there is speech, per channel, from a recording's levels: adaptive spectral detection.

A frame's score is the mean over the bands of how far it stands above that band's noise (`noise_floor`).  What one
channel leaks into another (a loudspeaker into the microphone, or a low bit rate that merges the two) is predicted from
the other channel and counts as noise.  Stretches of high score are *islands*.

Levels are read a minute at a time, the channels side by side.

Not here: what was said, when it should have been said, and any opinion on it (`align`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from ..cpus import usable
from ..model import SAMPLE_RATE
from .band_levels import BANDS, DB_BOTTOM, FRAME_MS, Rows, to_db
from .crosstalk import Leak, find_leaks
from .dual_mono import dual_mono_spans
from .noise_floor import MINUTE_FRAMES, behind_speech, noise_db, noise_floor, raised, recorded_chunks
from .segments import FAINT_DB, FAINT_FRAMES, STAY, find_islands, stretched
from .steady_noise import without_steady

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from ..timeline import Timeline
    from .band_levels import Bytes, Levels
    from .noise_floor import Steps

    Floats = NDArray[np.float32]
    Halves = NDArray[np.float16]

_LEAK_MINUTES = 12
"""Chosen: a leak is measured to a dB in as many minutes."""
_CONTEXT_FRAMES = 150
"""Chosen: how much around a stretch its scores depend on."""

_SCORE_FLOOR, _SCORE_CEILING = -2.0, 12.0
"""Scores, chosen: one band alone decides nothing."""
_BLIP_FRAMES = 6
"""Measured: behind a gap that was filled, decoders emit 10 ms of sound on a silent channel, which smoothing makes 40
ms of."""


class ChannelActivity(Struct, frozen=True):
    """What was found on one channel.

    `score` has one value a frame of `FRAME_MS`, about 0 in noise and up to 12 in speech; `power` one byte every
    `POWER_MS` (`to_db`); `islands` has shape (n, 2): first and last millisecond of each stretch that sounds like
    speech, in order; `heard` has them by the sound alone, whatever more was asked of `islands` since.
    """

    score: Halves
    power: Rows
    bands: Rows
    islands: NDArray[np.int64]
    heard: NDArray[np.int64]
    noise_db: float
    speech_db: float

    @property
    def snr_db(self) -> float:
        return self.speech_db - self.noise_db


class Activity(Struct, frozen=True):
    """What was found in a recording: its channels, left first, and which of them leak into which.

    `dual_mono` are the stretches (ms) in which both channels carry the same sound; where there are any, `mixed` is the
    activity of both channels together.
    """

    duration_ms: int
    channels: tuple[ChannelActivity, ...]
    leaks: tuple[Leak, ...]
    dual_mono: tuple[tuple[int, int], ...] = ()
    mixed: ChannelActivity | None = None


def measure(levels: Levels, timeline: Timeline) -> Activity:
    """The activity of a recording, and what of it `timeline` says was put in as silence."""
    chunks = recorded_chunks(timeline, len(levels.bands[0]))
    with ThreadPoolExecutor(usable(2)) as pool:
        floors = list(pool.map(lambda bands: noise_floor(bands, chunks), levels.bands))
        stereo = len(floors) == 2 and len(levels.bands[0])
        dual_mono = dual_mono_spans(*levels.bands) if stereo else ()
        apart = _outside(dual_mono, len(levels.bands[0]))
        leaks = _leaks(levels.bands, floors, apart) if stereo else ()
        if dual_mono and any(leak.merged for leak in leaks):  # an encoder that narrows stereo more and more
            dual_mono, leaks = ((0, levels.duration_ms),), ()

        channels: list[ChannelActivity] = []
        heard: list[tuple[Halves, Halves, Bytes]] = []
        for index, bands in enumerate(levels.bands):
            leak = next((leak for leak in leaks if leak.target == index), None)
            noise = _Noise(floors[index], leak, levels.bands[leak.source] if leak else bands, apart)
            scores = _scores_beside_speech(bands, noise, pool)
            _without_blips(scores, timeline)
            channels.append(_channel(*scores, levels.power[index], bands))
            heard += [scores] if dual_mono else []
            del scores  # or those of a day were there twice, with the next channel's
    mixed = _mixed(heard, levels.power, levels.bands[0]) if dual_mono else None
    return Activity(levels.duration_ms, tuple(channels), leaks, dual_mono, mixed)


def _without_blips(scores: tuple[Halves, Halves, Bytes], timeline: Timeline) -> None:
    """Take what a decoder makes up behind a gap out of the scores: it is not there any more a moment later."""
    score, faint, _ = scores
    for span in timeline.spans:
        if span.kind == "silence":
            first, end = (at // (FRAME_MS * SAMPLE_RATE // 1000) for at in (span.output_start, span.output_end))
            after, later = end + _BLIP_FRAMES, end + 2 * _BLIP_FRAMES
            for values, quiet in ((score, STAY), (faint, FAINT_DB[0])):
                if not (values[after:later] > quiet).any():
                    values[first:after] = np.minimum(values[first:after], 0)


def _outside(spans: Sequence[tuple[int, int]], count: int) -> NDArray[np.bool_]:
    """Which of `count` frames are in none of the spans (ms)."""
    outside = np.ones(count, bool)
    for start, end in spans:
        outside[start // FRAME_MS : end // FRAME_MS] = False
    return outside


def _mixed(heard: Sequence[tuple[Halves, Halves, Bytes]], power: Sequence[Rows], bands: Rows) -> ChannelActivity:
    """The activity of two channels together: at each instant that of whichever has more."""
    score, faint, overall = (np.maximum(one, other) for one, other in zip(*heard, strict=True))
    both = Rows()
    for at in range(0, len(power[0]), MINUTE_FRAMES):
        both.append(np.maximum(*(rows[at : at + MINUTE_FRAMES] for rows in power)).tobytes())
    return _channel(score, faint, overall, both, bands)


def _leaks(bands: Sequence[Rows], floors: Sequence[Steps], apart: NDArray[np.bool_]) -> tuple[Leak, ...]:
    """Leaks as they show in at most `_LEAK_MINUTES` minutes, spread evenly over what has its channels `apart`."""
    minutes = np.arange(0, len(bands[0]), MINUTE_FRAMES)
    minutes = minutes[np.logical_or.reduceat(apart, minutes)]
    if not len(minutes):
        return ()
    chosen = minutes[np.linspace(0, len(minutes) - 1, min(len(minutes), _LEAK_MINUTES)).astype(int)]
    levels, noise = [], []
    for channel, floor in zip(bands, floors, strict=True):
        kept = np.concatenate([apart[m : m + MINUTE_FRAMES] for m in chosen])
        noisy = [noise_db(floor, m, min(m + MINUTE_FRAMES, len(channel))) for m in chosen]
        levels.append(np.concatenate([to_db(channel[m : m + MINUTE_FRAMES]) for m in chosen])[kept])
        noise.append(np.concatenate(noisy)[kept])
    return find_leaks(levels, noise)


class _Noise(Struct, frozen=True):
    """What a channel's speech has to exceed: its noise, and what may leak into it from the `source`'s levels.

    Nothing leaks but in the frames in which the two channels are `apart`.
    """

    floor: Steps
    leak: Leak | None
    source: Rows
    apart: NDArray[np.bool_]

    def level(self, first: int, last: int) -> Floats:
        noise = noise_db(self.floor, first, last)
        if self.leak is None:
            return noise
        leaked = _power(self.leak.expected_db(to_db(self.source[first:last])))
        return _decibels(_power(noise) + leaked * self.apart[first:last, None])


def _scores_beside_speech(bands: Rows, noise: _Noise, pool: Executor) -> tuple[Halves, Halves, Bytes]:
    """The scores of a channel, by what is louder behind its speech than in its pauses where something is."""
    score, faint, overall = _scores(bands, noise, pool)
    behind = behind_speech(score, overall)
    if behind is None:
        return score, faint, overall
    del score, faint, overall
    return _scores(bands, replace(noise, floor=raised(noise.floor, bands, behind)), pool)


def _scores(levels: Rows, noise: _Noise, pool: Executor) -> tuple[Halves, Halves, Bytes]:
    """Score, faint score and loudest band of every frame."""
    score, faint = np.zeros(len(levels), np.float16), np.zeros(len(levels), np.float16)
    overall = np.zeros(len(levels), np.uint8)

    def minute(first: int) -> None:
        last = min(first + MINUTE_FRAMES, len(levels))
        lo, hi = max(0, first - _CONTEXT_FRAMES), min(last + _CONTEXT_FRAMES, len(levels))
        here = levels[lo:hi]
        excess = to_db(here) - noise.level(lo, hi)
        score[first:last] = _score(excess)[first - lo : last - lo]
        faint[first:last] = _faint(excess)[first - lo : last - lo]
        overall[first:last] = here[first - lo : last - lo].max(axis=1)

    for _ in pool.map(minute, range(0, len(levels), MINUTE_FRAMES)):
        pass
    return score, faint, overall


def _power(decibels: Floats) -> Floats:
    power: Floats = np.exp(decibels * np.float32(np.log(10) / 10))
    return power


def _decibels(power: Floats) -> Floats:
    decibels: Floats = np.log(power) * np.float32(10 / np.log(10))
    return decibels


def _averaged(values: NDArray[np.floating], frames: int) -> Floats:
    """Each column's running mean over `frames` (odd) rows, the edges repeated."""
    half = frames // 2
    edged = np.concatenate((np.repeat(values[:1], half, 0), values, np.repeat(values[-1:], half, 0)))
    total = np.cumsum(np.concatenate((np.zeros_like(edged[:1], np.float64), edged)), axis=0, dtype=np.float64)
    mean: Floats = ((total[frames:] - total[:-frames]) / frames).astype(np.float32)
    return mean


def _score(excess: Floats) -> Floats:
    """The mean of the bands' excess, each bounded, smoothed over three frames."""
    return _averaged(np.clip(excess, _SCORE_FLOOR, _SCORE_CEILING).mean(axis=1), 3) if len(excess) else excess[:, 0]


def _faint(excess: Floats) -> Floats:
    """The mean excess of a frame's three clearest bands, smoothed: slower than the score, and finds what is weak."""
    if not len(excess):
        return excess[:, 0]
    smooth = _decibels(_averaged(_power(np.clip(excess, -10, 30)), FAINT_FRAMES))
    clearest: Floats = np.partition(smooth, BANDS - 3, axis=1)[:, -3:].mean(axis=1).astype(np.float32)
    return clearest


def _channel(score: Halves, faint: Halves, overall: Bytes, power: Rows, bands: Rows) -> ChannelActivity:
    islands = without_steady(stretched(find_islands(score), faint), power)
    spoken = np.zeros(len(overall), bool)
    for start, end in islands // FRAME_MS:
        spoken[start:end] = True
    speech = _quantile_db(overall[spoken], 0.8)
    noise = _quantile_db(overall[~spoken], 0.5)
    return ChannelActivity(score, power, bands, islands, islands, noise, speech)


def _quantile_db(levels: Bytes, share: float) -> float:
    """A quantile of quantised levels, in dB; the lowest level there is where there are none."""
    if not len(levels):
        return DB_BOTTOM
    rank = min(int(share * len(levels)), len(levels) - 1)
    return float(to_db(np.partition(levels, rank)[rank : rank + 1])[0])

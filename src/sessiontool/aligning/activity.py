"""Where somebody speaks, per channel, from decoded sound: adaptive spectral detection.

The sound is reduced block by block, while it is decoded, to two byte arrays a channel: the power of eleven bands
every 10 ms, and the overall power every 2 ms.  Everything else is computed from those when the last block is
in, so memory does not hold the sound (8 hours of stereo: about 110 MB).

Detection: a frame's score is the mean over the bands of how far it stands above that band's noise, which is a low
quantile over the 12 seconds around it.  What one channel leaks into another (a loudspeaker into the microphone, or
a low bit rate that merges the two) is predicted from the other channel and counts as noise.  Stretches of high
score are *islands*.

Not here: what was said, when it should have been said, and any opinion on it (`align`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .leak import Leak, find_leaks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Floats = NDArray[np.float32]
    Halves = NDArray[np.float16]

RATE = 16_000
FRAME_MS = 10
POWER_MS = 2
_FRAME = RATE * FRAME_MS // 1000
_WINDOW = 2 * _FRAME
_BLOCK_FRAMES = 100
_BAND_EDGES_HZ = (90, 250, 420, 620, 880, 1200, 1620, 2180, 2920, 3900, 5400, 7800)
BANDS = len(_BAND_EDGES_HZ) - 1

_DB_STEP = 0.5
_DB_BOTTOM = -110.0
"""A byte counts half decibels above this level, full scale being 0 dB."""

_FLOOR_CHUNK = 50
_FLOOR_REACH = 12
_FLOOR_MARGIN_DB = 2.0
_FLOOR_BELOW_SPEECH_DB = 50.0

_MINUTE_FRAMES = 6000
_LEAK_MINUTES = 20
_STRETCH_OF_FRAMES = 30_000
_CONTEXT_FRAMES = 150

_SCORE_FLOOR, _SCORE_CEILING = -2.0, 12.0
_ENTER, _STAY = 2.6, 1.6
_FAINT_FRAMES = 7
_FAINT_DB = (3.5, 8.0)
_AWAY_FRAMES = 50
_STRETCH_FRAMES = 40
_JOIN_FRAMES = 15
_SHORTEST_FRAMES = 3


def to_db(levels: Bytes) -> Floats:
    """Decibels below full scale of quantised levels."""
    return levels.astype(np.float32) * np.float32(_DB_STEP) + np.float32(_DB_BOTTOM)


def _quantise(power: Floats) -> Bytes:
    db = 10 * np.log10(np.maximum(power, 1e-11))
    return np.clip((db - _DB_BOTTOM) / _DB_STEP + 0.5, 0, 255).astype(np.uint8)


def _band_bins() -> tuple[NDArray[np.intp], np.float32]:
    """The first bin of each band and of what lies above them, and what makes sums of squared magnitudes mean squares.

    Sums over bins instead of a matrix product: a BLAS would spread that over threads, which only wait for one another.
    """
    bins = np.searchsorted(np.fft.rfftfreq(_WINDOW, 1 / RATE), _BAND_EDGES_HZ)
    return bins, np.float32(2 / (_WINDOW * (np.hanning(_WINDOW) ** 2).sum()))


@dataclass(frozen=True, slots=True)
class ChannelActivity:
    """What was found on one channel.

    `score` has one value a frame of `FRAME_MS`, about 0 in noise and up to 12 in speech; `power` one byte a
    millisecond (`to_db`); `islands` has shape (n, 2): first and last millisecond of each stretch that sounds like
    speech, in order.
    """

    score: Halves
    power: Bytes
    islands: NDArray[np.int64]
    noise_db: float
    speech_db: float

    @property
    def snr_db(self) -> float:
        return self.speech_db - self.noise_db


@dataclass(frozen=True, slots=True)
class Activity:
    """What was found in a recording: its channels, left first, and which of them leak into which."""

    duration_ms: int
    channels: tuple[ChannelActivity, ...]
    leaks: tuple[Leak, ...]


class _ChannelMeter:
    """Reduces one channel's samples to bytes as they come."""

    def __init__(self) -> None:
        self._rest = np.zeros(_FRAME // 2, np.float32)
        self._window = np.hanning(_WINDOW).astype(np.float32)
        self._bins, self._scale = _band_bins()
        self._fine_rest = np.zeros(0, np.float32)
        self.bands = bytearray()
        self.power = bytearray()

    def feed(self, samples: Floats) -> None:
        self._feed_power(samples)
        samples = np.concatenate((self._rest, samples))
        count = (len(samples) - _WINDOW) // _FRAME + 1
        if count <= 0:
            self._rest = samples
            return
        self._rest = samples[count * _FRAME :]
        frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[: count * _FRAME : _FRAME]
        for k in range(0, count, _BLOCK_FRAMES):
            spectrum = np.fft.rfft(frames[k : k + _BLOCK_FRAMES] * self._window)
            power = np.add.reduceat(spectrum.real**2 + spectrum.imag**2, self._bins, axis=1)[:, :BANDS]
            self.bands += _quantise(power * self._scale).tobytes()

    def _feed_power(self, samples: Floats) -> None:
        samples = np.concatenate((self._fine_rest, samples))
        size = RATE * POWER_MS // 1000
        count = len(samples) // size
        self._fine_rest = samples[count * size :]
        block = samples[: count * size].reshape(-1, size)
        self.power += _quantise(np.einsum("ij,ij->i", block, block) / np.float32(size)).tobytes()


class ActivityMeter:
    """Takes a recording's sound in blocks, in order, and tells at the end where there is speech."""

    def __init__(self, channels: int) -> None:
        self._meters = [_ChannelMeter() for _ in range(channels)]
        self._samples = 0

    def feed(self, block: Floats) -> None:
        """Take the next block: float32, shape (channels, n), at 16 kHz, full scale 1.0."""
        self._samples += block.shape[1]
        for meter, samples in zip(self._meters, block, strict=True):
            meter.feed(samples)

    def finish(self) -> Activity:
        """The activity of all blocks fed; the meter is spent."""
        duration_ms = self._samples * 1000 // RATE
        padding = np.zeros((len(self._meters), 2 * _WINDOW), np.float32)
        bands, powers = [], []
        for meter, silence in zip(self._meters, padding, strict=True):
            meter.feed(silence)
            bands.append(np.frombuffer(meter.bands, np.uint8).reshape(-1, BANDS)[: -(-duration_ms // FRAME_MS)])
            powers.append(np.frombuffer(meter.power, np.uint8)[: -(-duration_ms // POWER_MS)])
        return measure(bands, powers, duration_ms)


def measure(bands: Sequence[Bytes], powers: Sequence[Bytes], duration_ms: int) -> Activity:
    """Activity from each channel's band levels (frames, bands) and power levels."""
    floors = [_noise_floor(levels) for levels in bands]
    leaks = _leaks(bands, floors) if len(bands) == 2 and len(bands[0]) else ()
    channels = []
    for index, (levels, floor, power) in enumerate(zip(bands, floors, powers, strict=True)):
        leak = next((leak for leak in leaks if leak.target == index), None)
        score, faint = _scores(levels, floor, leak, bands[leak.source] if leak else levels)
        channels.append(_channel(score, faint, levels, power))
    return Activity(duration_ms, tuple(channels), leaks)


def _leaks(bands: Sequence[Bytes], floors: Sequence[Floats]) -> tuple[Leak, ...]:
    """Leaks as they show in at most `_LEAK_MINUTES` minutes, spread evenly over the recording."""
    minutes = np.arange(0, len(bands[0]), _MINUTE_FRAMES)
    chosen = minutes[np.linspace(0, len(minutes) - 1, min(len(minutes), _LEAK_MINUTES)).astype(int)]
    levels, noise = [], []
    for channel, floor in zip(bands, floors, strict=True):
        levels.append(np.concatenate([to_db(channel[m : m + _MINUTE_FRAMES]) for m in chosen]))
        noise.append(np.concatenate([_noise(floor, m, min(m + _MINUTE_FRAMES, len(channel))) for m in chosen]))
    return find_leaks(levels, noise)


def _noise(floor: Floats, first: int, last: int) -> Floats:
    """The noise level of the frames first..last."""
    return floor[np.arange(first, last) // _FLOOR_CHUNK]


def _scores(levels: Bytes, floor: Floats, leak: Leak | None, source: Bytes) -> tuple[Halves, Halves]:
    """Score and faint score of every frame, a few minutes at a time."""
    score, faint = np.zeros(len(levels), np.float16), np.zeros(len(levels), np.float16)
    for first in range(0, len(levels), _STRETCH_OF_FRAMES):
        last = min(first + _STRETCH_OF_FRAMES, len(levels))
        lo, hi = max(0, first - _CONTEXT_FRAMES), min(last + _CONTEXT_FRAMES, len(levels))
        excess = to_db(levels[lo:hi]) - _noise_and_leak(floor, leak, source, lo, hi)
        score[first:last] = _score(excess)[first - lo : last - lo]
        faint[first:last] = _faint(excess)[first - lo : last - lo]
    return score, faint


def _noise_and_leak(floor: Floats, leak: Leak | None, source: Bytes, first: int, last: int) -> Floats:
    noise = _noise(floor, first, last)
    if leak is None:
        return noise
    both: Floats = 10 * np.log10(10 ** (noise / 10) + 10 ** (leak.expected_db(to_db(source[first:last])) / 10))
    return both


def _noise_floor(levels: Bytes) -> Floats:
    """Each band's noise level in dB, one row per `_FLOOR_CHUNK` frames: a low quantile of what is around."""
    if not len(levels):
        return np.zeros((0, BANDS), np.float32)
    whole = len(levels) // _FLOOR_CHUNK * _FLOOR_CHUNK
    pieces = [levels[at : min(at + _STRETCH_OF_FRAMES, whole)] for at in range(0, whole, _STRETCH_OF_FRAMES)]
    if whole < len(levels):
        last = levels[-_FLOOR_CHUNK:]
        pieces.append(np.pad(last, ((0, _FLOOR_CHUNK - len(last)), (0, 0)), mode="symmetric"))
    low = np.concatenate([_quiet_levels(piece) for piece in pieces])
    edged = np.pad(low, ((_FLOOR_REACH, _FLOOR_REACH), (0, 0)), mode="symmetric")
    around = np.lib.stride_tricks.sliding_window_view(edged, 2 * _FLOOR_REACH + 1, axis=0)
    rank = int((2 * _FLOOR_REACH + 1) * 0.4)
    floor = to_db(np.partition(around, rank, axis=-1)[..., rank]) + _FLOOR_MARGIN_DB
    bounded: Floats = np.maximum(floor, _percentile_db(levels, 95) - _FLOOR_BELOW_SPEECH_DB)
    return bounded


def _quiet_levels(levels: Bytes) -> Bytes:
    """A low quantile of each band's levels in each chunk of frames."""
    rank = int(_FLOOR_CHUNK * 0.15)
    return np.partition(levels.reshape(-1, _FLOOR_CHUNK, BANDS), rank, axis=1)[:, rank]


def _percentile_db(levels: Bytes, percent: float) -> Floats:
    """A percentile of each band's levels, by counting (a sort would copy everything)."""
    counts = np.stack([np.bincount(band, minlength=256) for band in levels.T], axis=1)
    return to_db((np.cumsum(counts, axis=0) < len(levels) * percent / 100).sum(axis=0))


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
    smooth = 10 * np.log10(_averaged(10 ** (np.clip(excess, -10, 30) / 10), _FAINT_FRAMES))
    clearest: Floats = np.partition(smooth, BANDS - 3, axis=1)[:, -3:].mean(axis=1).astype(np.float32)
    return clearest


def find_islands(score: NDArray[np.floating], enter: float = _ENTER, stay: float = _STAY) -> NDArray[np.int64]:
    """Stretches of frames above `stay` that reach `enter`, joined over short gaps, the shortest left out: (n, 2) ms."""
    above = np.concatenate(([False], score > stay, [False]))
    edges = np.flatnonzero(above[1:] != above[:-1]).reshape(-1, 2)
    if len(edges):
        edges = edges[np.maximum.reduceat(np.append(score, -9), edges.ravel())[::2] > enter]
    if len(edges):
        apart = edges[1:, 0] - edges[:-1, 1] >= _JOIN_FRAMES
        edges = np.column_stack((edges[np.append(True, apart), 0], edges[np.append(apart, True), 1]))
        edges = edges[edges[:, 1] - edges[:, 0] >= _SHORTEST_FRAMES]
    return edges.astype(np.int64) * FRAME_MS


def _stretched(islands: NDArray[np.int64], faint: Halves) -> NDArray[np.int64]:
    """Islands with their edges moved out over what is faint but there, not into one another."""
    frames = islands // FRAME_MS
    above = faint > _faint_threshold(frames, faint)
    edges = frames.copy()
    for k in range(len(frames)):
        low = max(frames[k, 0] - _STRETCH_FRAMES, edges[k - 1, 1] if k else 0)
        high = min(frames[k, 1] + _STRETCH_FRAMES, frames[k + 1, 0] if k + 1 < len(frames) else len(faint))
        edges[k, 0] -= min(5, _run_length(above[low : frames[k, 0]][::-1]))
        edges[k, 1] += _run_length(above[frames[k, 1] : high])
    return edges * FRAME_MS


def _faint_threshold(frames: NDArray[np.int64], faint: Halves) -> float:
    """What noise hardly ever exceeds, measured well away from the islands; bursts raise it."""
    away = np.ones(len(faint), bool)
    for start, end in frames:
        away[max(0, start - _AWAY_FRAMES) : end + _AWAY_FRAMES] = False
    if away.sum() < 100:
        return _FAINT_DB[0]
    return float(np.clip(np.percentile(faint[away], 98) + 0.3, *_FAINT_DB))


def _run_length(above: NDArray[np.bool_]) -> int:
    """How far `above` goes on from its beginning, less what smoothing adds."""
    stop = np.flatnonzero(~above)
    return max(0, (int(stop[0]) if len(stop) else len(above)) - _FAINT_FRAMES // 2)


def _channel(score: Halves, faint: Halves, levels: Bytes, power: Bytes) -> ChannelActivity:
    islands = _stretched(find_islands(score), faint)
    overall = to_db(levels.max(axis=1)) if len(levels) else np.zeros(1, np.float32)
    spoken = np.zeros(len(overall), bool)
    for start, end in islands // FRAME_MS:
        spoken[start:end] = True
    speech = float(np.percentile(overall[spoken], 80)) if spoken.any() else _DB_BOTTOM
    noise = float(np.median(overall[~spoken])) if not spoken.all() else _DB_BOTTOM
    return ChannelActivity(score, power, islands, noise, speech)

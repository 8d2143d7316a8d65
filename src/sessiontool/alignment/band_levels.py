"""Sound reduced to levels: the power of eleven bands every 10 ms, and the overall power every 2 ms, a byte each.

All that the aligner knows of a recording is computed from these, so the sound itself is never kept: an hour of stereo
makes 11 MB.  What is longer is kept in temporary files.

Not here: what the levels mean (`speech_activity`).
"""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from ..audio.scratch import Arrays

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Floats = NDArray[np.float32]

RATE = 16_000
"""Hz; chosen: speech has nothing above 8 kHz that these bands need."""
FRAME_MS = 10
"""Chosen: a tenth of a syllable."""
POWER_MS = 2
"""Chosen: boundaries are to be found to milliseconds."""
_FRAME = RATE * FRAME_MS // 1000
"""Samples; derived."""
_WINDOW = 2 * _FRAME
"""Samples; chosen: two frames, as a Hann window needs."""
_CELL = RATE * POWER_MS // 1000
"""Samples; derived."""
MARGIN = _WINDOW // 2
"""Samples that `reduce` needs on either side of a block (derived): frame k looks at a window around its beginning."""

_BATCH_FRAMES = 250
"""Chosen: what is transformed at once fits into a processor's cache."""
_BAND_EDGES_HZ = (90, 250, 420, 620, 880, 1200, 1620, 2180, 2920, 3900, 5400, 7800)
"""Chosen: bands as wide as hearing's, about two barks each."""
BANDS = len(_BAND_EDGES_HZ) - 1
"""Number of bands, as parts of the spectrum; derived."""

DB_STEP = 0.5
"""Step of a level in dB; chosen: half of what is heard."""
DB_BOTTOM = -110.0
"""dB; chosen: a byte counts steps above this level, full scale being 0 dB."""

_SILENT = 0.99 * 10 ** ((DB_BOTTOM + DB_STEP / 2) / 20)
"""Level, derived: where no sample is larger, every level is the lowest."""

_IN_MEMORY_BYTES = 6 << 20
"""Chosen: half an hour; what is longer is kept in files."""

_arrays = Arrays()


_BINS = np.searchsorted(np.fft.rfftfreq(_WINDOW, 1 / RATE), _BAND_EDGES_HZ)
"""Derived: where bands begin, in steps of the transform.  Sums over bins instead of a matrix product: a BLAS would
spread that over threads, which only wait for one another."""
_SHAPE = np.hanning(_WINDOW).astype(np.float32)
_MEAN_SQUARE = np.float32(2 / (_WINDOW * (np.hanning(_WINDOW) ** 2).sum()))
"""Factor from sums of squares to power, derived from the window."""


def to_db(levels: Bytes) -> Floats:
    """Decibels below full scale of quantised levels."""
    return _DECIBELS[levels]


def to_power(levels: Bytes) -> Floats:
    """Power of quantised levels, that of full scale being 1."""
    return _POWERS[levels]


_DECIBELS = np.arange(256, dtype=np.float32) * np.float32(DB_STEP) + np.float32(DB_BOTTOM)
"""dB of each byte; derived."""
_POWERS = (10 ** (_DECIBELS / 10)).astype(np.float32)


def _quantised(power: Floats) -> Bytes:
    db = 10 * np.log10(np.maximum(power, 1e-11))
    return np.clip((db - DB_BOTTOM) / DB_STEP + 0.5, 0, 255).astype(np.uint8)


def reduce(block: Floats) -> list[tuple[bytes, bytes]]:
    """Band levels and power of each channel of a block: float32, shape (channels, MARGIN + n + MARGIN), at `RATE`.

    Blocks must begin at whole frames.
    """
    return [(_bands(samples), _power(samples[MARGIN:-MARGIN])) for samples in block]


def _bands(samples: Floats) -> bytes:
    count = -(-(len(samples) - 2 * MARGIN) // _FRAME)
    samples = _at_least(samples, (count - 1) * _FRAME + _WINDOW)
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[: count * _FRAME : _FRAME]
    power = np.zeros((count, BANDS), np.float32)
    windows = _arrays.get("windows", (_BATCH_FRAMES, _WINDOW))
    spectra = _arrays.get("spectra", (_BATCH_FRAMES, _WINDOW // 2 + 1), np.complex64)
    for k in range(0, count, _BATCH_FRAMES):
        batch = samples[k * _FRAME : (k + _BATCH_FRAMES + 1) * _FRAME]
        if batch.min() > -_SILENT and batch.max() < _SILENT:  # half of an assistant's channel is
            continue
        some = frames[k : k + _BATCH_FRAMES]
        shaped = np.multiply(some, _SHAPE, out=windows[: len(some)])
        np.fft.rfft(shaped, out=spectra[: len(some)])
        parts = spectra[: len(some)].view(np.float32)
        parts *= parts
        power[k : k + _BATCH_FRAMES] = np.add.reduceat(parts, 2 * _BINS, axis=1)[:, :BANDS]
    return _quantised(power * _MEAN_SQUARE).tobytes()


def _power(samples: Floats) -> bytes:
    count = -(-len(samples) // _CELL)
    cells = _at_least(samples, count * _CELL).reshape(-1, _CELL)
    return _quantised(np.einsum("ij,ij->i", cells, cells) / np.float32(_CELL)).tobytes()


def _at_least(samples: Floats, count: int) -> Floats:
    """The samples, with zeros behind them where there are too few."""
    return samples if len(samples) >= count else np.pad(samples, (0, count - len(samples)))


class Rows:
    """Bytes in rows of `width`, appended at the end and read as arrays by slices, from several threads."""

    def __init__(self, width: int = 0) -> None:
        self._shape = (-1, width) if width else (-1,)
        self._width = width or 1
        self._file = SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - lives as long as this does
        self._bytes = 0
        self._lock = Lock()

    def __del__(self) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._bytes // self._width

    def append(self, data: bytes) -> None:
        self._file.seek(self._bytes)
        self._bytes += self._file.write(data)

    def __getitem__(self, rows: slice) -> Bytes:
        first, after, _ = rows.indices(len(self))
        with self._lock:
            self._file.seek(first * self._width)
            data = self._file.read(max(0, after - first) * self._width)
        return np.frombuffer(data, np.uint8).reshape(self._shape)


class Levels:
    """The levels of a recording: `bands` (frames, BANDS) and `power`, one `Rows` a channel."""

    def __init__(self, channels: int) -> None:
        self.bands = [Rows(BANDS) for _ in range(channels)]
        self.power = [Rows() for _ in range(channels)]

    @classmethod
    def collected(cls, blocks: Iterable[Sequence[tuple[bytes, bytes]]], channels: int) -> Levels:
        """The levels of what `reduce` made of a recording's blocks, in order."""
        levels = cls(channels)
        for block in blocks:
            for (bands, power), all_bands, all_power in zip(block, levels.bands, levels.power, strict=True):
                all_bands.append(bands)
                all_power.append(power)
        return levels

    @property
    def duration_ms(self) -> int:
        """The length of the recording, rounded up to whole cells of power."""
        return len(self.power[0]) * POWER_MS

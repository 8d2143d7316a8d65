"""Opus packets to sound (RFC 6716, through PyAV's decoder): our own packets in, blocks of samples out.

No container is involved: the packets of the joined recording go straight to the decoder, so a position in the decode is a position
in the output, to the sample.  A packet that cannot be decoded becomes silence of its own length for the same reason.

The decoder gives 48 kHz; speech needs 16 kHz.  The reduction by three is a short windowed sinc applied here, in step with the
decode, so that nothing later handles three times the samples.

Not here: reading packets from files, and any opinion on what the sound holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
from av.error import FFmpegError

from .webm.opus import OpusHead, packet_samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

DECODE_RATE = 16_000
"""Samples a second that `decode` yields, on each channel."""

_FACTOR = 3
_BLOCK_SAMPLES = 4 * 48_000
_TAPS = 15


def _lowpass() -> NDArray[np.float32]:
    """A windowed sinc at 7.6 kHz, `_TAPS` long, its taps in columns of `_FACTOR` for `_Decimator`."""
    n = np.arange(_TAPS) - _TAPS // 2
    taps = np.sinc(n * 2 * 7600 / 48_000) * np.hamming(_TAPS)
    return (taps / taps.sum()).astype(np.float32).reshape(-1, _FACTOR).T.copy()


class _Decimator:
    """Every third sample of the low-passed input, block by block; output sample n is centred on input sample 3 n."""

    def __init__(self, channels: int) -> None:
        self._taps = _lowpass()
        self._rest = np.zeros((channels, _TAPS // 2), np.float32)

    def __call__(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        samples = np.concatenate((self._rest, block), axis=1)
        count = max(0, (samples.shape[1] - _TAPS) // _FACTOR + 1)
        self._rest = samples[:, count * _FACTOR :]
        if not count:
            return np.zeros((len(samples), 0), np.float32)
        columns = self._taps.shape[1]
        whole = samples[:, : (count + columns - 1) * _FACTOR].reshape(len(samples), -1, _FACTOR) @ self._taps
        reduced: NDArray[np.float32] = whole[:, :count, 0].copy()
        for k in range(1, columns):
            reduced += whole[:, k : k + count, k]
        return reduced

    def flush(self) -> NDArray[np.float32]:
        return self(np.zeros((len(self._rest), _TAPS // 2), np.float32))


class _Decoder:
    """One packet in, its samples at 48 kHz out: as many as the packet says it lasts, whatever the decoder makes of it."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        context = av.CodecContext.create("opus", "r")
        context.extradata = OpusHead(channels, pre_skip=0).to_bytes()
        context.layout = "stereo" if channels == 2 else "mono"
        context.sample_rate = 48_000
        self._context = context

    def __call__(self, packet: bytes) -> NDArray[np.float32]:
        wanted = packet_samples(packet)
        try:
            frames = [frame.to_ndarray() for frame in self._context.decode(av.Packet(packet))] if wanted else []
        except FFmpegError:
            frames = []
        got = (
            frames[0]
            if len(frames) == 1
            else np.concatenate([np.zeros((self._channels, 0), np.float32), *frames], axis=1)
        )
        if got.shape == (self._channels, wanted):
            return got
        exact = np.zeros((self._channels, wanted), np.float32)
        if got.shape[0] == self._channels:
            kept = min(wanted, got.shape[1])
            exact[:, :kept] = got[:, :kept]
        return exact


def decode(packets: Iterable[bytes], channels: int, pre_skip: int) -> Iterator[NDArray[np.float32]]:
    """The sound of `packets` in order: float32 blocks of shape (channels, n) at `DECODE_RATE`, full scale 1.0.

    Sample 0 is the first after `pre_skip` (samples at 48 kHz).  A packet that is damaged counts as silence for as long as its own
    header says it lasts, and as nothing where even that cannot be read.  Memory holds one block of a few seconds.
    """
    decoder, decimate = _Decoder(channels), _Decimator(channels)
    pieces: list[NDArray[np.float32]] = []
    pending, skip = 0, pre_skip
    for packet in packets:
        sound = decoder(packet)
        if skip:
            dropped = min(skip, sound.shape[1])
            skip -= dropped
            sound = sound[:, dropped:]
        pieces.append(sound)
        pending += sound.shape[1]
        if pending >= _BLOCK_SAMPLES:
            yield decimate(np.concatenate(pieces, axis=1))
            pieces, pending = [], 0
    if pieces:
        yield decimate(np.concatenate(pieces, axis=1))
    tail = decimate.flush()
    if tail.shape[1]:
        yield tail

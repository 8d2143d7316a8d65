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

from .errors import NotFoundError, RecordingError
from .webm.opus import OpusHead, packet_samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

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


# -- the other way, for simulated recordings


def encode_opus(
    sound: Iterable[NDArray[np.float32]], channels: int, *, packet_ms: int, bit_rate: int
) -> Iterator[bytes]:
    """Opus packets of `sound`: blocks of shape (channels, n) at 48 kHz, full scale 1.0; the last packet is padded.

    A packet lasts `packet_ms` (20 or 60; one of 60 holds three frames).  The encoder's delay of 312 samples is in the
    packets, as it is in a browser's.  The same sound gives the same packets.
    """
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.format = 48_000, "flt"
    encoder.layout = "stereo" if channels == 2 else "mono"
    encoder.bit_rate = bit_rate
    encoder.options = {"frame_duration": str(packet_ms), "application": "audio"}
    for interleaved in _of_length(sound, channels, 48 * packet_ms):
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=encoder.layout.name)
        frame.sample_rate = 48_000
        yield from map(bytes, encoder.encode(frame))


def _of_length(sound: Iterable[NDArray[np.float32]], channels: int, samples: int) -> Iterator[NDArray[np.float32]]:
    """`sound` interleaved, in pieces of `samples`, the last one padded with silence."""
    rest = np.zeros((0, channels), np.float32)
    for block in sound:
        rest = np.concatenate((rest, block.T))
        whole = len(rest) // samples
        for piece in rest[: whole * samples].reshape(whole, 1, samples * channels):
            yield np.ascontiguousarray(piece)
        rest = rest[whole * samples :]
    if len(rest):
        padded = np.concatenate((rest, np.zeros((samples - len(rest), channels), np.float32)))
        yield padded.reshape(1, -1)


def read_sound(path: Path, channels: int) -> Iterator[NDArray[np.float32]]:
    """The first audio track of any file that FFmpeg's libraries read: blocks as `encode_opus` takes them.

    Raises NotFoundError where there is no such file, RecordingError where it holds no sound that can be decoded.
    """
    try:
        with av.open(str(path)) as file:
            if not file.streams.audio:
                raise RecordingError(f"{path} holds no sound", hint="give a file with an audio track")
            resampler = av.AudioResampler(format="fltp", layout="stereo" if channels == 2 else "mono", rate=48_000)
            for frame in file.decode(file.streams.audio[0]):
                yield from (piece.to_ndarray() for piece in resampler.resample(frame))
            yield from (piece.to_ndarray() for piece in resampler.resample(None))
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {path}") from None
    except FFmpegError as error:
        raise RecordingError(f"{path} cannot be decoded: {error.strerror}", hint="try it with a WAV file") from None

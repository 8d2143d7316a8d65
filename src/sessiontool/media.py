"""Opus packets to sound (RFC 6716, through PyAV's decoder): our own packets in, blocks of samples out.

No container is involved: the packets of the joined recording go straight to the decoder, so a position in the
decode is a position in the output, to the sample.  A packet that cannot be decoded becomes silence of its own
length for the same reason.

The stream is cut into runs of packets that are decoded side by side, each by a decoder of its own that hears a few
packets before its run first: an Opus decoder has forgotten how it began after 80 ms (RFC 7845, section 4.6), and
does its work without holding the interpreter.  The decoder gives 48 kHz; speech needs 16 kHz: each run is reduced
by three at once.

Not here: reading packets from files, and any opinion on what the sound holds.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import av
import numpy as np
from av.error import FFmpegError

from .webm.opus import OpusHead, packet_samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

DECODE_RATE = 16_000
"""Samples a second that `decode` yields, on each channel."""

_FACTOR = 3
_RUN_SAMPLES = 6 * 48_000
_PRE_ROLL_SAMPLES = 5760
_WORKERS = 2
_HALF_TAPS = 4
_BATCH = 4096
"""Rows of a matrix product: few enough that no BLAS spreads it over threads, which would only wait for one another."""


def decode(packets: Iterable[bytes], channels: int, pre_skip: int) -> Iterator[Floats]:
    """The sound of `packets` in order: float32 blocks of shape (channels, n) at `DECODE_RATE`, full scale 1.0.

    Sample 0 is the first after `pre_skip` (samples at 48 kHz).  A packet that is damaged counts as silence for as
    long as its own header says it lasts, and as nothing where even that cannot be read.  Memory holds a few blocks
    of 20 seconds.
    """
    with ThreadPoolExecutor(_WORKERS) as pool:
        waiting: deque[Future[Floats]] = deque()
        for run in _runs(packets, pre_skip):
            waiting.append(pool.submit(_decode_run, run, channels))
            if len(waiting) > _WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@dataclass(frozen=True, slots=True)
class _Run:
    """Packets to decode together: the first of them lies at `position`, and what is wanted is `start` to `end`.

    All three count samples at 48 kHz after the pre-skip.
    """

    packets: tuple[bytes, ...]
    position: int
    start: int
    end: int


def _runs(packets: Iterable[bytes], pre_skip: int) -> Iterator[_Run]:
    """Cut a stream of packets into runs that overlap by what a decoder and a filter need of the neighbours."""
    held: list[bytes] = []
    position = start = end = -pre_skip  # of the first held packet, of what is wanted next, and of the last packet's end
    for packet in packets:
        if end - start >= _RUN_SAMPLES:
            yield _Run((*held, packet), position, max(0, start), end)
            start = end
            while held and position + (length := packet_samples(held[0])) <= start - _PRE_ROLL_SAMPLES:
                position += length
                held.pop(0)
        held.append(packet)
        end += packet_samples(packet)
    if end > max(0, start):
        yield _Run(tuple(held), position, max(0, start), end)


def _decode_run(run: _Run, channels: int) -> Floats:
    lengths = [packet_samples(packet) for packet in run.packets]
    sound = np.zeros((channels, sum(lengths) + 2 * _HALF_TAPS + _BATCH * _FACTOR), np.float32)
    context = av.CodecContext.create("opus", "r")
    context.extradata = OpusHead(channels, pre_skip=0).to_bytes()
    context.layout = "stereo" if channels == 2 else "mono"
    context.sample_rate = 48_000
    at = _HALF_TAPS
    for packet, length in zip(run.packets, lengths, strict=True):
        if length:
            _decode_packet(context, packet, sound[:, at : at + length])
        at += length
    first, last = -(-run.start // _FACTOR), -(-run.end // _FACTOR)
    return _reduced(sound, _FACTOR * first - run.position, last - first)


def _decode_packet(context: av.AudioCodecContext, packet: bytes, room: Floats) -> None:
    """Decode one packet into `room`, which holds zeros and is as long as the packet says it lasts."""
    try:
        frames = context.decode(av.Packet(packet))
    except FFmpegError:
        return
    filled = 0
    for frame in frames:
        length = min(frame.samples, room.shape[1] - filled)
        for channel, plane in zip(room, frame.planes, strict=False):
            channel[filled : filled + length] = np.frombuffer(memoryview(plane), np.float32, length)
        filled += length


def _lowpass() -> Floats:
    """A windowed sinc at 7.6 kHz, its taps in columns of `_FACTOR`."""
    n = np.arange(2 * _HALF_TAPS + 1) - _HALF_TAPS
    taps = np.sinc(n * 2 * 7600 / 48_000) * np.hamming(len(n))
    columns: Floats = (taps / taps.sum()).astype(np.float32).reshape(-1, _FACTOR).T.copy()
    return columns


_LOWPASS = _lowpass()


def _reduced(sound: Floats, first: int, count: int) -> Floats:
    """`count` low-passed samples, every third one; the filter for the first begins at `first`.

    `sound` must go on for a batch after the last.
    """
    columns = _LOWPASS.shape[1]
    batches = -(-(count + columns - 1) // _BATCH)
    reduced = np.empty((len(sound), count), np.float32)
    for channel, samples in enumerate(sound):
        piece = samples[first : first + batches * _BATCH * _FACTOR].reshape(batches, _BATCH, _FACTOR)
        partial = (piece @ _LOWPASS).reshape(-1, columns)
        reduced[channel] = partial[:count, 0]
        for column in range(1, columns):
            reduced[channel] += partial[column : column + count, column]
    return reduced

"""PyAV's decoder for a recording, set up by its head: runs of packets to sound, and that at the clock's rate."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import av
import numpy as np
from av.error import FFmpegError

from ..media.filler import CLOCK_HZ
from ..media.opus import MAX_PACKET_SAMPLES, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from ..media.filler import SoundHead

    Floats = NDArray[np.float32]

_DECODERS = {"mp3": "mp3float"}
"""Where FFmpeg's decoder of that name gives integers."""

LAYOUTS = {1: "mono", 2: "stereo"}


def decoder_for(head: SoundHead) -> av.AudioCodecContext:
    """A new decoder that gives every sample of every packet: nothing is skipped at the start."""
    context = av.CodecContext.create(_DECODERS.get(head.codec, head.codec), "r")
    assert isinstance(context, av.AudioCodecContext)
    context.extradata = head.decoder_config
    context.layout, context.sample_rate = LAYOUTS[head.channels], head.rate_hz
    return context


def decode_run(
    context: av.AudioCodecContext, codec: str, packets: Sequence[bytes], lengths: Sequence[int], room: Floats
) -> None:
    """Decode packets that follow one another into `room`, which is as long as their `lengths` together.

    Packets of Opus are decoded several at once.  One that is damaged is zeros.
    """
    views, at = [memoryview(channel) for channel in room], 0
    for some, sizes in _groups(packets, lengths) if codec == "opus" else _singles(packets, lengths):
        is_one = len(some) == 1
        end = at + (sizes[0] if is_one else sum(sizes))
        if not _decode(context, some[0] if is_one else joined(some), views, at, end) and not is_one:
            for packet, length in zip(some, sizes, strict=True):
                _decode(context, packet, views, at, at + length)
                at += length
        at = end


def _singles(packets: Sequence[bytes], lengths: Sequence[int]) -> Iterator[tuple[Sequence[bytes], Sequence[int]]]:
    return (((packet,), (length,)) for packet, length in zip(packets, lengths, strict=True))


def _groups(packets: Sequence[bytes], lengths: Sequence[int]) -> Iterator[tuple[Sequence[bytes], Sequence[int]]]:
    """Neighbouring packets that make one: as long as a packet can be, for each costs a call (and their lengths)."""
    at = 0
    for (toc, length), alike in groupby(zip((packet[:1] for packet in packets), lengths, strict=True)):
        count = sum(1 for _ in alike)
        most = MAX_PACKET_SAMPLES // length if length and not toc[0] & 3 else 1
        for first in range(at, at + count, most):
            after = min(first + most, at + count)
            if length:
                yield packets[first:after], lengths[first:after]
        at += count


def _decode(context: av.AudioCodecContext, packet: bytes, channels: Sequence[memoryview], at: int, end: int) -> bool:
    """Decode one packet into `channels` from `at` to `end`, where it is said to last; False, and zeros, if damaged."""
    try:
        frames = context.decode(av.Packet(packet))
    except FFmpegError:
        frames = None
    for frame in frames or ():
        after = min(at + frame.samples, end)
        for channel, plane in zip(channels, frame.planes, strict=False):
            # Not by numpy, which lets go of the interpreter for so much, and waits to have it again.
            channel[at:after] = memoryview(plane).cast("f")[: after - at]
        at = after
    if at < end:
        for channel in channels:
            channel[at:end] = memoryview(bytes(4 * (end - at))).cast("f")
    return frames is not None


def at_clock_rate(sound: Floats, rate_hz: int, room: Floats) -> None:
    """Write `sound`, of shape (channels, n) at `rate_hz`, into `room` at 48 kHz; what is too long is left out."""
    room[:] = 0
    for position, piece in resampled([(0, sound)], rate_hz):
        kept = piece[:, : max(0, room.shape[1] - position)]
        room[:, position : position + kept.shape[1]] = kept


def resampled(pieces: Iterable[tuple[int, Floats]], rate_hz: int) -> Iterator[tuple[int, Floats]]:
    """Pieces of sound that follow one another, at 48 kHz instead of `rate_hz`; each with its position at 48 kHz.

    The first begins where the first of `pieces` does.
    """
    resampler: av.AudioResampler | None = None
    at = 0
    for position, sound in pieces:
        layout = LAYOUTS[len(sound)]
        if resampler is None:
            resampler, at = av.AudioResampler(format="fltp", layout=layout, rate=CLOCK_HZ), position
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=layout)
        frame.sample_rate = rate_hz
        for made in resampler.resample(frame):
            yield at, made.to_ndarray().astype(np.float32, copy=False)
            at += made.samples
    for made in resampler.resample(None) if resampler else ():
        yield at, made.to_ndarray().astype(np.float32, copy=False)
        at += made.samples

"""PyAV's decoder for a recording, set up by its head, and its sound at the clock's rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np

from ..media.filler import CLOCK_HZ

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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

"""Sound into Opus packets, and the sound of any file (through PyAV): what a simulated recording is made of.

The counterpart of `decode`, which turns packets into sound.  Not here: containers, and the time of anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
from av.error import FFmpegError

from ..errors import NotFoundError, RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_RATE = 48_000  # samples a second (RFC 7845, section 4)
_LAYOUTS = {1: "mono", 2: "stereo"}


def encode_opus(
    sound: Iterable[Floats], channels: int, *, packet_ms: float, bit_rate: int, low_delay: bool = False
) -> Iterator[bytes]:
    """Opus packets of `sound`: blocks of shape (channels, n) at 48 kHz, full scale 1.0; the last packet is padded.

    A packet lasts `packet_ms` (2.5, 5, 10, 20 or 60; one of 60 holds three frames).  The encoder's delay of 312 samples
    is in the packets, as it is in a browser's; with `low_delay` it is 120, and all is CELT.  The same sound gives the
    same packets.
    """
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.format, encoder.layout = _RATE, "flt", _LAYOUTS[channels]
    encoder.bit_rate = bit_rate
    encoder.options = {"frame_duration": str(packet_ms), "application": "lowdelay" if low_delay else "audio"}
    for interleaved in _of_length(sound, channels, round(_RATE / 1000 * packet_ms)):
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=_LAYOUTS[channels])
        frame.sample_rate = _RATE
        yield from map(bytes, encoder.encode(frame))


def _of_length(sound: Iterable[Floats], channels: int, samples: int) -> Iterator[Floats]:
    """`sound` interleaved, in pieces of `samples`, the last one padded with silence."""
    rest: Floats = np.zeros((0, channels), np.float32)
    for block in sound:
        rest = np.concatenate((rest, block.T))
        whole = len(rest) // samples
        for piece in rest[: whole * samples].reshape(whole, 1, samples * channels):
            yield np.ascontiguousarray(piece)
        rest = rest[whole * samples :]
    if len(rest):
        padded = np.concatenate((rest, np.zeros((samples - len(rest), channels), np.float32)))
        yield padded.reshape(1, -1)


def read_sound(path: Path, channels: int) -> Iterator[Floats]:
    """The first audio track of any file that FFmpeg's libraries read: blocks as `encode_opus` takes them.

    Raises NotFoundError where there is no such file, RecordingError where it holds no sound that can be decoded.
    """
    try:
        with av.open(str(path)) as file:
            if not file.streams.audio:
                raise RecordingError(f"{path} holds no sound", hint="give a file with an audio track")
            resampler = av.AudioResampler(format="fltp", layout=_LAYOUTS[channels], rate=_RATE)
            for frame in (*file.decode(file.streams.audio[0]), None):
                for piece in resampler.resample(frame):
                    yield piece.to_ndarray().astype(np.float32, copy=False)
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {path}", hint="check its name") from None
    except FFmpegError as error:
        raise RecordingError(f"{path} cannot be decoded: {error.strerror}", hint="try it with a WAV file") from None

"""Packets of a stereo recording encoded again without one of their channels, which is silent for a while in them.

The decoder goes on from packets that stay to these and on to packets that stay: what an encoder had before its first
packet is decoded from the recording, so that both have about the same state there (measured: the channel that is kept
differs by 19 dB less than it sounds in the stretch, by 35 dB behind it).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from ..errors import RecordingError
from ..media import opus
from .encoder import encode_opus
from .stretch import decode_stretch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ..media.opus import OpusHead

    Floats = NDArray[np.float32]

_DELAY = 120
"""The encoder's own, in samples at 48 kHz (by definition of libopus: 2.5 ms with low delay)."""
_WARM_UP = 9600
"""What is encoded before and not used, in samples: chosen, ten frames."""
_FADE = 240
"""Within so many samples the channel fades out, outside of what is silent; chosen, 5 ms."""
_BITS_PER_SECOND = 160_000
"""Chosen: more than what is recorded, as it is the second time that it is encoded."""
_OFFSET_STEP = 6.3 * 3 / 48_000
"""How much of each sample goes into what libopus takes for a constant offset, a ratio: by definition of its filter of
3 Hz (`dc_reject`)."""
_FRAMES = (960, 480, 240, 120)
"""Samples of the frames of CELT (RFC 6716, section 2.1.4)."""


def without_channel(
    before: Sequence[bytes],
    packets: Sequence[bytes],
    behind: Sequence[bytes],
    head: OpusHead,
    channel: int,
    silent: tuple[int, int],
) -> list[bytes]:
    """As many packets as `packets`, each as long, with `channel` silent from and to (samples from the first one on).

    `before` and `behind` are what stands around them, a second and a packet.  RecordingError where the encoder gives
    what cannot stand in their place.
    """
    lengths = [opus.packet_samples(packet) for packet in packets]
    unit = next((one for one in _FRAMES if not any(length % one for length in lengths)), 0)
    if not unit:
        raise RecordingError("packets that are no valid Opus cannot be encoded again", hint="redact both voices")
    start = sum(map(opus.packet_samples, before))
    lead = min(_WARM_UP, start) // unit * unit
    first = start - lead + _DELAY
    end = start + sum(lengths) + _DELAY
    shift = head.pre_skip  # positions in a decode begin behind it
    blocks = decode_stretch([*before, *packets, *behind], head, first - shift, end - shift)
    sound = _silenced(blocks, channel, silent[0] + start - first, silent[1] + start - first)
    frames = encode_opus(sound, 2, packet_ms=unit / 48, bit_rate=_BITS_PER_SECOND, low_delay=True)
    made = islice(frames, lead // unit, None)
    return [_packet(list(islice(made, length // unit)), length) for length in lengths]


def _packet(frames: Sequence[bytes], length: int) -> bytes:
    if len({frame[0] for frame in frames}) == 1:
        packet = opus.joined(frames)
        if opus.packet_samples(packet) == length:
            return packet
    raise RecordingError("the encoder gave frames of several kinds", hint="redact both voices: leave out the role")


def _silenced(blocks: Iterator[Floats], channel: int, start: int, end: int) -> Iterator[Floats]:
    """The sound with the channel silent from and to: with what the encoder takes off there for a constant offset.

    Zeros would be followed by the decay of that filter, for a tenth of a second.
    """
    at, offset = 0, 0.0
    for block in blocks:
        voice, places = block[channel], np.arange(at, at + block.shape[1])
        gain = np.clip(np.maximum(start - places, places - end + 1) / _FADE, 0, 1)
        voice *= gain
        before = voice[: max(0, start - at)].astype(np.float64)
        decay = (1 - _OFFSET_STEP) ** np.arange(len(before), 0, -1)
        offset = offset * (1 - _OFFSET_STEP) ** len(before) + _OFFSET_STEP * float(before @ decay) / (1 - _OFFSET_STEP)
        if start < at + block.shape[1]:
            voice[places >= start] += (offset * (1 - gain))[places >= start]
        at += block.shape[1]
        yield block

"""MP3 frames from outside (ISO/IEC 11172-3 and 13818-3, Layer III): what their headers say, and silence.

A frame's sound may begin in the frames before it, by up to 511 bytes (the bit reservoir), so frames mean what they did
only behind those that they followed.  The silence here keeps nothing for later frames: what follows it and reaches back
is a granule or two of silence in FFmpeg's decoder, and never noise.  Nothing here decodes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from .filler import CLOCK_HZ, Filler, one_codec
from .pcm import SampleClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .filler import SoundHead

DECODER_DELAY = 529  # samples that a decoder adds (by definition of LAME's tag, and so FFmpeg reads it)
LAME_DELAY = 576  # samples that LAME adds at the beginning (measured, and by its source: ENCDELAY)

HEADER_BYTES = 4  # bytes of a frame's header (ISO/IEC 11172-3, section 2.4.1.3)
_CRC_BYTES = 2  # bytes behind it where it is protected (ISO/IEC 11172-3, section 2.4.1.4)
_SYNC = 0x7FF  # 11 bits (ISO/IEC 11172-3, section 2.4.2.3; MPEG-2.5 takes the twelfth)
_LAYER_3 = 1  # bits (ISO/IEC 11172-3, section 2.4.2.3)
_MONO = 3  # bits (ISO/IEC 11172-3, section 2.4.2.3)
_MPEG_1 = 3  # bits (ISO/IEC 11172-3, section 2.4.2.3)
_KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
"""By index, kb/s of Layer III (ISO/IEC 11172-3, section 2.4.2.3)."""
_KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
"""The same of the lower rates (ISO/IEC 13818-3, section 2.4.2.3)."""
_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8000)}
"""By the bits of the version, and by index (ISO/IEC 13818-3, section 2.4.2.3; MPEG-2.5: Fraunhofer's extension)."""
_SIDE_BYTES = {(True, 1): 17, (True, 2): 32, (False, 1): 9, (False, 2): 17}
"""Bytes of side information, by MPEG-1 and channels (ISO/IEC 11172-3, section 2.4.1.7)."""

_PRIVATE_BITS = {(True, 1): 5, (True, 2): 3, (False, 1): 1, (False, 2): 2}  # bits (ISO/IEC 13818-3)
_GRANULE_BITS = {True: 59, False: 63}  # of side information for a granule of a channel (ISO/IEC 13818-3)
_LENGTH_BITS = 12  # of a granule's length, with which its side information begins (ISO/IEC 13818-3)
_BEGIN_BITS = {True: 9, False: 8}  # bits that say where a frame's sound begins (ISO/IEC 13818-3)


class FrameHeader(Struct, frozen=True):
    """What the header of a frame says: it has `size_bytes` with its header, and lasts `samples` at `rate_hz`.

    `side_at` is the offset of what is behind its side information.
    """

    rate_hz: int
    channels: int
    size_bytes: int
    samples: int
    side_at: int

    def is_like(self, other: FrameHeader) -> bool:
        """Whether both can be of one recording."""
        return (self.rate_hz, self.channels) == (other.rate_hz, other.channels)


@lru_cache(maxsize=4096)
def read_header(data: bytes) -> FrameHeader | None:
    """The header in four bytes; None where they are none, or of a frame without a size of its own ("free format")."""
    bits = int.from_bytes(data, "big")
    version, layer, unprotected = bits >> 19 & 3, bits >> 17 & 3, bits >> 16 & 1
    kbps_at, rate_at, padding = bits >> 12 & 15, bits >> 10 & 3, bits >> 9 & 1
    if len(data) < HEADER_BYTES or bits >> 21 != _SYNC or layer != _LAYER_3 or version not in _RATES_HZ:
        return None
    if not 0 < kbps_at < len(_KBPS_1) or rate_at >= len(_RATES_HZ[version]) or bits & 3 == 2:  # a reserved emphasis
        return None
    is_first = version == _MPEG_1
    channels = 1 if bits >> 6 & 3 == _MONO else 2
    rate_hz = _RATES_HZ[version][rate_at]
    samples = frame_samples(rate_hz)
    kbps = (_KBPS_1 if is_first else _KBPS_2)[kbps_at]
    size = samples // 8 * kbps * 1000 // rate_hz + padding
    side_at = HEADER_BYTES + (0 if unprotected else _CRC_BYTES) + _SIDE_BYTES[is_first, channels]
    return FrameHeader(rate_hz, channels, size, samples, side_at) if size >= side_at else None


def frame_samples(rate_hz: int) -> int:
    """How many samples a frame has at a rate (ISO/IEC 11172-3, section 2.4.2.1; 13818-3, section 2.4.3.1)."""
    return 1152 if rate_hz in _RATES_HZ[_MPEG_1] else 576


def frame_with_room(rate_hz: int, channels: int, room_bytes: int) -> tuple[bytes, int]:
    """The header of the smallest frame that has so much room behind its side information, and the frame's size."""
    version, rate_at = next((v, rates.index(rate_hz)) for v, rates in _RATES_HZ.items() if rate_hz in rates)
    fixed = _SYNC << 21 | version << 19 | _LAYER_3 << 17 | 1 << 16 | rate_at << 10
    fixed |= _MONO << 6 if channels == 1 else 0
    for kbps_at in range(1, len(_KBPS_1)):
        header = (fixed | kbps_at << 12).to_bytes(HEADER_BYTES, "big")
        found = read_header(header)
        if found and found.size_bytes - found.side_at >= room_bytes:
            return header, found.size_bytes
    raise ValueError(f"no frame at {rate_hz} Hz has room for {room_bytes} bytes")


@lru_cache(maxsize=32)
def silent_frame(rate_hz: int, channels: int) -> bytes:
    """A frame of digital silence, which says that all of its bytes are its own: later frames find nothing in it.

    Each granule has bits for zeroes alone (ones, in the table of quadruples), at the lowest gain.
    """
    header, size = frame_with_room(rate_hz, channels, 0)
    found = read_header(header)
    assert found is not None
    is_first = rate_hz in _RATES_HZ[_MPEG_1]
    granules = channels * (2 if is_first else 1)
    room_bits = 8 * (size - found.side_at)
    begin = _BEGIN_BITS[is_first] + _PRIVATE_BITS[is_first, channels] + (4 * channels if is_first else 0)
    bits = 0
    for number in range(granules):
        share = room_bits * (number + 1) // granules - room_bits * number // granules
        bits = bits << _GRANULE_BITS[is_first] | share << (_GRANULE_BITS[is_first] - 12)
    side = bits.to_bytes((begin + granules * _GRANULE_BITS[is_first]) // 8, "big")
    return header + side + b"\xff" * (size - found.side_at)


class Reservoir(Struct, frozen=True):
    """How many bytes before a frame its sound begins, and how many the next frame's sound may begin before that."""

    begins: int
    leaves: int


def reservoir_of(frame: bytes) -> Reservoir | None:
    """What a frame's side information says of the bytes that frames share; None where its header is none."""
    header = read_header(frame[:HEADER_BYTES])
    if header is None or len(frame) < header.side_at:
        return None
    is_first = header.samples == frame_samples(_RATES_HZ[_MPEG_1][0])
    size_bits = 8 * _SIDE_BYTES[is_first, header.channels]
    side = int.from_bytes(frame[header.side_at - size_bits // 8 : header.side_at], "big")
    granules = (2 if is_first else 1) * header.channels
    granule_bits = _GRANULE_BITS[is_first]
    lengths = (side >> granule_bits * number >> granule_bits - _LENGTH_BITS for number in range(granules))
    used = (sum(length & (1 << _LENGTH_BITS) - 1 for length in lengths) + 7) // 8
    begins = side >> size_bits - _BEGIN_BITS[is_first]
    return Reservoir(begins, begins + len(frame) - header.side_at - used)


def silent_frames() -> Iterator[bytes]:
    """Those of all kinds of recordings."""
    for rate_hz in (rate for rates in _RATES_HZ.values() for rate in rates):
        for channels in (1, 2):
            yield silent_frame(rate_hz, channels)


class Mp3Head(Struct, frozen=True):
    """What is alike in all frames; `priming` counts samples at `rate_hz` that encoder and decoder add.

    `delay_known` says whether it was found.
    """

    channels: int
    rate_hz: int
    priming: int = 0
    delay_known: bool = True

    @property
    def codec(self) -> str:
        return "mp3"

    @property
    def pre_skip(self) -> int:
        return (2 * self.priming * CLOCK_HZ + self.rate_hz) // (2 * self.rate_hz)

    @property
    def decoder_config(self) -> bytes:
        return b""

    @property
    def filler(self) -> Filler:
        samples = frame_samples(self.rate_hz)
        return Filler(silent_frame(self.rate_hz, self.channels), samples, self.rate_hz, samples)

    def joined_with(self, other: SoundHead) -> Mp3Head:
        """The same; RecordingError where the other's frames are of another rate, or have other channels."""
        if (other.codec, other.rate_hz, other.channels) != (self.codec, self.rate_hz, self.channels):
            raise one_codec(self, other)
        return self

    def with_priming(self, samples: int | None) -> Mp3Head:
        """The same with as much priming; None where nothing tells it."""
        return replace(self, priming=samples or 0, delay_known=samples is not None)

    def lengths(self) -> Callable[[bytes], int]:
        """How long frames last that follow one another: equally long, rounded to 48 kHz so that no error adds up."""
        clock, samples = SampleClock(self.rate_hz), frame_samples(self.rate_hz)
        return lambda _: clock.advance(samples)

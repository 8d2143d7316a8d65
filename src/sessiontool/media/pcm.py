"""Sound as it is, without a codec: what its samples are, how long they last, and silence.

A "packet" of it is a block of some milliseconds, in the bytes that the recorder wrote.  Nothing here decodes.
"""

from __future__ import annotations

import re
import sys
from array import array
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import RecordingError
from .filler import CLOCK_HZ, Filler, one_codec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .filler import SoundHead

ENCODINGS = {"u8": 1, "s16le": 2, "s24le": 3, "s32le": 4, "f32le": 4}
"""Bytes of a sample on one channel, by FFmpeg's names (definition)."""

_BLOCKS_A_SECOND = 100  # chosen: 10 ms, as Chrome's PCM in WebM (measured)
_SILENT_A_SECOND = 50  # units; chosen: as long as silent packets of Opus
_LEAST_HZ, _MOST_HZ = 4000, 192_000  # Hz; chosen: from telephony to studios
_PARAMETER = r";\s*([a-z_]+)\s*=\s*\"?([a-z0-9_]+)"
_RAW_TYPES = ("audio/pcm", "audio/x-pcm", "audio/raw", "audio/x-raw")
_WAV_TYPES = ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave")
_ARRAYS = {"u8": "B", "s16le": "h", "s32le": "i", "f32le": "f"}
_FULL_SCALE = {"u8": 1 << 7, "s16le": 1 << 15, "s24le": 1 << 23, "s32le": 1 << 31, "f32le": 1}
"""Units of a sample at full scale (definition)."""
_QUIET = 1 / 8192  # share of full scale; chosen: what is quieter is the rounding of samples
_FEWEST = 32  # samples; chosen: of fewer, nothing shows how the sound changes
_ALIGNED_BYTES = 8192  # looked at; chosen: tens of milliseconds
_ROUGHER = 8  # times; chosen: of a sound that is no noise, samples that are read wrongly change by far more
_FAR = 1e6  # times full scale; chosen: floats that are read wrongly are anything
_NAMES = {
    **{name: name for name in ENCODINGS},
    "8": "u8",
    "16": "s16le",
    "24": "s24le",
    "32": "s32le",
    "int16": "s16le",
    "pcm16": "s16le",
    "s16": "s16le",
    "linear16": "s16le",
    "float32": "f32le",
    "f32": "f32le",
    "float": "f32le",
}


class PcmHead(Struct, frozen=True):
    """What the samples are: `encoding` is of `ENCODINGS`, channels are interleaved."""

    channels: int
    rate_hz: int
    encoding: str

    def __post_init__(self) -> None:
        """RecordingError for more channels than two, or a rate that is none."""
        if self.channels not in (1, 2):
            raise RecordingError(
                f"PCM with {self.channels} channels, not mono or stereo",
                hint="record one stereo track; for what is recorded: ffmpeg -i FILE -ac 2 OUT.wav",
            )
        if not _LEAST_HZ <= self.rate_hz <= _MOST_HZ:
            raise RecordingError(f"PCM at {self.rate_hz} Hz", hint="the header is damaged: look at the first chunk")

    @property
    def codec(self) -> str:
        return "pcm"

    @property
    def pre_skip(self) -> int:
        return 0

    @property
    def delay_known(self) -> bool:
        return True

    @property
    def decoder_config(self) -> bytes:
        return b""

    @property
    def frame_bytes(self) -> int:
        """Bytes of a sample on all channels."""
        return ENCODINGS[self.encoding] * self.channels

    @property
    def stored(self) -> PcmHead:
        """What the samples are that come out of FLAC."""
        return replace(self, encoding="s16le" if ENCODINGS[self.encoding] <= ENCODINGS["s16le"] else "s24le")

    @property
    def block_bytes(self) -> int:
        """Bytes of a block of 10 ms."""
        return self.rate_hz // _BLOCKS_A_SECOND * self.frame_bytes

    @property
    def filler(self) -> Filler:
        samples = silent_samples(self.rate_hz)
        zero = b"\x80" if self.encoding == "u8" else b"\0"
        return Filler(zero * (samples * self.frame_bytes), samples, self.rate_hz)

    def joined_with(self, other: SoundHead) -> PcmHead:
        """The same; RecordingError where the other's samples are others."""
        if other != self:
            raise one_codec(self, other)
        return self

    def lengths(self) -> Callable[[bytes], int]:
        """How long blocks last that follow one another, rounded to 48 kHz so that no error adds up."""
        clock = SampleClock(self.rate_hz)
        size = self.frame_bytes
        return lambda packet: clock.advance(len(packet) // size)

    def blocks(self, sound: bytes) -> Iterator[bytes]:
        """Whole frames of sound in blocks of 10 ms, the last one shorter."""
        for at in range(0, len(sound), self.block_bytes):
            yield sound[at : at + self.block_bytes]


def silent_samples(rate_hz: int) -> int:
    """How many samples a unit of silence has."""
    return rate_hz // _SILENT_A_SECOND


class SampleClock:
    """Lengths at 48 kHz of blocks of samples at another rate: their sums are right to half a sample."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self.samples = 0
        self._position = 0

    def advance(self, samples: int) -> int:
        """The length of the next `samples`."""
        self.samples += samples
        before = self._position
        self._position = (2 * self.samples * CLOCK_HZ + self._rate_hz) // (2 * self._rate_hz)
        return self._position - before


def jump_between(before: bytes, after: bytes, head: PcmHead) -> float:
    """How much larger a change of the sound's slope is where two stretches of samples meet than anywhere in them.

    Of sound that goes on, it is about 1; the largest of the channels, 0 where a stretch is digital silence.
    """
    found = 0.0
    for channel in range(head.channels):
        one, other = (_channel(data, head, channel) for data in (before, after))
        if len(one) < _FEWEST or len(other) < _FEWEST or not (len(set(one)) > 1 and len(set(other)) > 1):
            continue
        sound = [*one, *other]
        bends = [abs(a - 2 * b + c) for a, b, c in zip(sound, sound[1:], sound[2:], strict=False)]
        at = len(one) - 2
        around = max(*bends[:at], *bends[at + 2 :], _QUIET * _FULL_SCALE[head.encoding])
        found = max(found, max(bends[at : at + 2]) / around)
    return found


def cut_bytes(data: bytes, head: PcmHead) -> int:
    """How many bytes at the beginning of a chunk are the rest of a sample whose first bytes are not there.

    Read from inside a sample, what is least of it counts most, and sound is noise; 0 where that shows nothing.
    """
    size = ENCODINGS[head.encoding]
    rough = [_roughness(data[shift : shift + _ALIGNED_BYTES], head) for shift in range(size)]
    best = min(range(size), key=rough.__getitem__)
    return best if rough[best] * _ROUGHER < rough[0] else 0


def _roughness(data: bytes, head: PcmHead) -> float:
    """The mean change from sample to sample."""
    sound = _channel(data, head, 0)
    steps = [abs(b - a) for a, b in pairwise(sound)]
    mean = sum(steps) / len(steps) if len(steps) >= _FEWEST else 0.0
    return min(_FULL_SCALE[head.encoding] * _FAR, mean)  # in this order the first where the second is no number


def _channel(data: bytes, head: PcmHead, channel: int) -> Sequence[float]:
    """The samples on one channel."""
    whole = data[: len(data) - len(data) % head.frame_bytes]
    if head.encoding == "s24le":
        at = range(channel * 3, len(whole), head.frame_bytes)
        return [int.from_bytes(whole[i : i + 3], "little", signed=True) for i in at]
    samples = array(_ARRAYS[head.encoding], whole)
    if sys.byteorder != "little":
        samples.byteswap()
    return samples[channel :: head.channels]


class UnknownFormatError(RecordingError):
    """Samples of which nothing says what they are; `noted_as` is a mime type that would."""

    def __init__(self, what: str, noted_as: str) -> None:
        super().__init__(what, hint=f"note the format in session.json, as parts[].mime_type: {noted_as!r}")


def raw_head(mime_type: str) -> PcmHead | None:
    """What a mime type says of samples without a header, as `audio/pcm;rate=24000;channels=1;format=s16le`.

    None for another; UnknownFormatError where it does not say what they are.  Of WAV and WebM, whose header is lost
    with the first chunk, it is the same with `audio/wav;…` and `audio/webm;codecs=pcm;…`: Chrome's floats.
    """
    name, _, rest = mime_type.lower().partition(";")
    name, found = name.strip(), dict(re.findall(_PARAMETER, f";{rest}"))
    is_webm = name.endswith("/webm") and found.get("codecs") == "pcm"
    if name not in (*_RAW_TYPES, *_WAV_TYPES) and not is_webm:
        return None
    rate = next((found[key] for key in ("rate", "samplerate", "sample_rate") if key in found), "")
    encoding = "f32" if is_webm else next((found[key] for key in ("format", "encoding", "bits") if key in found), "")
    channels = found.get("channels", "")
    if not (rate.isdecimal() and channels.isdecimal()) or encoding not in _NAMES:  # a guess would be noise, or too fast
        what = "raw PCM" if name in _RAW_TYPES else "PCM whose header is lost with the first chunk"
        which = "codecs=pcm;rate=48000;channels=2" if is_webm else "rate=24000;channels=1;format=s16le"
        raise UnknownFormatError(f"{what}, of which {mime_type[:80]!r} does not say the format", f"{name};{which}")
    return PcmHead(int(channels), int(rate), _NAMES[encoding])

"""AAC frames from outside (ISO/IEC 14496-3): what a decoder needs to know of them, how long one lasts, and silence.

One kind is read: AAC-LC in frames of 1024 samples, mono or stereo, as Safari and other recorders make it.  HE-AAC and
the rest of the family are refused by name.  A frame has no checksum; what it begins with and that it ends with `ID_END`
is all that shows whether bytes are one.  Nothing here decodes.
"""

from __future__ import annotations

from collections import Counter
from itertools import count, cycle, islice, pairwise
from math import gcd
from operator import itemgetter
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import RecordingError
from .filler import CLOCK_HZ, Filler, one_codec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .filler import SoundHead

FRAME_SAMPLES = 1024  # at the recording's own rate (ISO/IEC 14496-3, section 4.5.2.1.1)
MAX_FRAME_BYTES = 2 * 768
"""6144 bits for each channel (ISO/IEC 14496-3, section 4.5.3.2), of at most two."""

LAVC_PRIMING = 1024  # samples: FFmpeg's encoder, one frame (measured)

_RATES_HZ = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350)
"""Sampling rates by index (ISO/IEC 14496-3, section 1.6.3.4)."""

_RECORDED_HZ = (48_000, 44_100)  # chosen: the rates at which browsers record
_ROUND_MS = 500  # chosen: timeslices and the fragments of recorders are multiples of it
_ESCAPE = {4: 15, 5: 31}  # all ones say that more bits follow, by the count of bits (ISO/IEC 14496-3, section 1.6.2.1)
_LC, _SBR, _PS = 2, 5, 29  # ids of audio object types (ISO/IEC 14496-3, section 1.5.1.1)
_OBJECT_TYPES = {1: "AAC Main", 3: "AAC SSR", 4: "AAC LTP", 23: "AAC-LD", 39: "AAC-ELD", 42: "xHE-AAC"}
_SYNC_EXTENSION = 0x2B7  # bits that announce SBR behind a config of LC (ISO/IEC 14496-3, section 1.6.2.1)

# An element whose one section has no scale factor bands, and ID_END.  Both decode to exact zeros (measured: FFmpeg).
_SILENT_FRAMES = {1: bytes.fromhex("00000007"), 2: bytes.fromhex("211004608c1c")}
_FIRST_ELEMENTS = {1: 0, 2: 1}  # elements SCE and CPE by channels (ISO/IEC 14496-3, section 4.5.2.1)
_OTHER_ELEMENTS = frozenset({4, 6})  # elements DSE and FIL: data, and what fills a frame up (as above; ISO/IEC 14496-3)
_ID_END = 7  # id of what ends a frame (ISO/IEC 14496-3, section 4.5.2.1)
_ENOUGH = 8  # frames, chosen: as many that begin and end as frames do make another kind of frame suspect
_ODD_SHARE = 0.1  # share of frames, chosen: an encoder whose frames end in another way has more of them
_ZEROES = bytes(8)  # chosen: no encoder writes them where a frame begins

CONVERT = (
    "join the part's chunks in order (cat CHUNKS > whole.mp4) and convert that, which encodes again: "
    "ffmpeg -i whole.mp4 -vn -c:a libopus OUT.webm"
)


class AacHead(Struct, frozen=True):
    """What a decoder needs before the first frame; `priming` counts samples at `rate_hz` that are the encoder's own.

    `config` is the AudioSpecificConfig.  `delay_known` says whether it was found.
    """

    channels: int
    rate_hz: int
    config: bytes
    priming: int = 0
    delay_known: bool = True

    @classmethod
    def parse(cls, config: bytes) -> AacHead:
        """Read an AudioSpecificConfig; RecordingError for what is not LC in mono or stereo, ValueError for damage."""
        bits = _Bits(config)
        kind = bits.escaped(5, 6, 32)
        index = bits.take(4)
        rate_hz = bits.take(24) if index == _ESCAPE[4] else _RATES_HZ[index] if index < len(_RATES_HZ) else 0
        channels = bits.take(4)
        if kind in (_SBR, _PS):
            raise _refused("HE-AAC v2" if kind == _PS else "HE-AAC")
        if kind != _LC:
            raise _refused(_OBJECT_TYPES.get(kind, f"MPEG-4 audio of object type {kind}"))
        short, core_coder, extended = (bits.take(1) for _ in range(3))
        if not rate_hz or core_coder or extended:
            raise ValueError("the AAC configuration is damaged")
        if short:
            raise _refused("AAC in frames of 960 samples")
        if bits.left >= 17 and bits.take(11) == _SYNC_EXTENSION and bits.take(5) == _SBR and bits.take(1):
            raise _refused("HE-AAC")
        if channels not in _SILENT_FRAMES:
            raise _refused(f"AAC with channel configuration {channels}, not mono or stereo", " -ac 2")
        return cls(channels, rate_hz, config)

    @classmethod
    def of(cls, rate_hz: int, channels: int) -> AacHead:
        """The head of LC at one of the usual rates, where nothing else is known of it."""
        config = _LC << 11 | _RATES_HZ.index(rate_hz) << 7 | channels << 3
        return cls(channels, rate_hz, config.to_bytes(2, "big"), delay_known=False)

    @property
    def codec(self) -> str:
        return "aac"

    @property
    def pre_skip(self) -> int:
        return (2 * self.priming * CLOCK_HZ + self.rate_hz) // (2 * self.rate_hz)

    @property
    def decoder_config(self) -> bytes:
        return self.config

    @property
    def filler(self) -> Filler:
        return Filler(silent_frame(self.channels), FRAME_SAMPLES, self.rate_hz, FRAME_SAMPLES)

    def joined_with(self, other: SoundHead) -> AacHead:
        """The same; RecordingError where the other's frames need another configuration."""
        if (other.codec, other.rate_hz, other.channels) != (self.codec, self.rate_hz, self.channels):
            raise one_codec(self, other)
        return self

    def with_priming(self, samples: int | None) -> AacHead:
        """The same with as much priming; None where nothing tells it."""
        return replace(self, priming=samples or 0, delay_known=samples is not None)

    def lengths(self) -> Callable[[bytes], int]:
        """How long frames last that follow one another: equally long, rounded to 48 kHz so that no error adds up."""
        lengths = _lengths(self.rate_hz)
        return lambda _: next(lengths)


class FrameClock:
    """The lengths of frames at 48 kHz, one after another: their sums are right to half a sample."""

    def __init__(self, rate_hz: int) -> None:
        self._lengths = _lengths(rate_hz)

    def next(self, frames: int) -> list[int]:
        """Those of the next `frames`."""
        return list(islice(self._lengths, frames))


def _lengths(rate_hz: int) -> Iterator[int]:
    """The lengths of frames, without an end: after so many that their sum is exact they are the same again."""
    frames = rate_hz // gcd(FRAME_SAMPLES * CLOCK_HZ, rate_hz)
    return cycle(tuple(islice(_each_length(rate_hz), frames))) if rate_hz in _RATES_HZ else _each_length(rate_hz)


def _each_length(rate_hz: int) -> Iterator[int]:
    twice = 2 * FRAME_SAMPLES * CLOCK_HZ
    return (end - start for start, end in pairwise((twice * n + rate_hz) // (2 * rate_hz) for n in count()))


class FrameKinds:
    """The frames of AAC seen so far: where all begin and end as frames do, what does not is damaged."""

    def __init__(self, head: AacHead) -> None:
        self._channels = head.channels
        self._clock = FrameClock(head.rate_hz)
        self._once: set[int] = set()  # first bytes of frames
        self._again: set[int] = set()  # those of more than one
        self._frames = self._odd = 0

    @property
    def tocs(self) -> frozenset[int]:
        """First bytes of more than one frame."""
        return frozenset(self._again)

    def lengths_of(self, payloads: Sequence[bytes], stated: Iterable[int]) -> list[int]:  # noqa: ARG002 - all are alike
        """How long frames last, in samples at 48 kHz; 0 for what is none."""
        if are_frames(payloads, self._channels):
            self._frames += len(payloads)
            self._remember(payloads)
            return self._clock.next(len(payloads))
        return [self._clock.next(1)[0] if self._is_one(payload) else 0 for payload in payloads]

    def _is_one(self, payload: bytes) -> bool:
        if not is_frame(payload, self._channels):
            if not payload or payload.startswith(_ZEROES) or len(payload) > MAX_FRAME_BYTES:
                return False
            self._odd += 1
            if self._frames >= _ENOUGH and self._odd <= self._frames * _ODD_SHARE:
                return False
        self._frames += 1
        self._remember([payload])
        return True

    def _remember(self, payloads: Sequence[bytes]) -> None:
        firsts = set(map(itemgetter(0), payloads))
        if firsts <= self._again:
            return
        for first, times in Counter(map(itemgetter(0), payloads)).items():
            if times > 1 or first in self._once:
                self._again.add(first)
            self._once.add(first)


def silent_frame(channels: int) -> bytes:
    """A frame of digital silence."""
    return _SILENT_FRAMES[channels]


def is_frame(payload: bytes, channels: int) -> bool:
    """Whether bytes begin and end as a frame does."""
    if not payload or payload.startswith(_ZEROES) or len(payload) > MAX_FRAME_BYTES:
        return False
    first = payload[0] >> 5
    return (first == _FIRST_ELEMENTS[channels] or first in _OTHER_ELEMENTS) and _ENDS[payload[-2:]]


def are_frames(payloads: Sequence[bytes], channels: int) -> bool:
    """Whether each of them begins and ends as a frame does, and none with a zero: then all are frames."""
    if not all(payloads) or max(map(len, payloads), default=0) > MAX_FRAME_BYTES:
        return False
    firsts = set(map(itemgetter(0), payloads))
    elements = {first >> 5 for first in firsts} - _OTHER_ELEMENTS
    if 0 in firsts or not elements <= {_FIRST_ELEMENTS[channels]}:
        return False
    return all(map(_ENDS.__getitem__, set(map(itemgetter(slice(-2, None)), payloads))))


class _Ends(dict[bytes, bool]):
    """By the last two bytes of a frame, whether its last bits are ID_END and the zeros that fill up its byte.

    Remembered: a recording has the same few thousand again and again.
    """

    def __missing__(self, tail: bytes) -> bool:
        bits = int.from_bytes(tail, "big")
        fits = (bits >> shift & _ID_END == _ID_END and not bits & ((1 << shift) - 1) for shift in range(8))
        self[tail] = found = any(fits)
        return found


_ENDS = _Ends()


def channels_of(payloads: Iterable[bytes]) -> int:
    """How many channels frames have, by the elements that they begin with: 1 or 2; 0 where they are no frames."""
    found = [payload for payload in payloads if payload]
    for channels in (2, 1):
        fit = sum(is_frame(payload, channels) for payload in found)
        elements = sum(payload[0] >> 5 == _FIRST_ELEMENTS[channels] for payload in found)
        if fit * 10 >= len(found) * 9 and elements * 2 > len(found):
            return channels
    return 0


def rate_of_fragment(ticks: int) -> int | None:
    """At what rate frames of so many samples together were recorded; None where that is not plain.

    A recorder ends a fragment with a frame next to the time at which it is due, and that is a round one.
    """
    fits = [rate for rate in _RECORDED_HZ if _from_round(ticks, rate * _ROUND_MS // 1000) < FRAME_SAMPLES]
    return fits[0] if len(fits) == 1 and ticks > FRAME_SAMPLES else None


def _from_round(ticks: int, step: int) -> int:
    """How far `ticks` are from the nearest multiple of `step`."""
    return min(ticks % step, -ticks % step)


class _Bits:
    """Bits of a configuration, first to last (ValueError behind the end)."""

    def __init__(self, data: bytes) -> None:
        self._value, self.left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self.left:
            raise ValueError("the AAC configuration ends early")
        self.left -= count
        return self._value >> self.left & ((1 << count) - 1)

    def escaped(self, count: int, more: int, base: int) -> int:
        value = self.take(count)
        return base + self.take(more) if value == _ESCAPE[count] else value


def _refused(what: str, options: str = "") -> RecordingError:
    hint = CONVERT.replace(" OUT.webm", f"{options} OUT.webm")
    return RecordingError(f"the recording is {what}: of AAC, the LC profile in mono or stereo is joined", hint=hint)

"""Opus packets from outside.

How long one lasts (RFC 6716, section 3), the OpusHead (RFC 7845, section 5.1), and silence.

Nothing here decodes.
"""

from __future__ import annotations

import struct
from collections import Counter
from operator import itemgetter
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..errors import RecordingError
from .filler import CLOCK_HZ, Filler, one_codec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .filler import SoundHead

SAMPLES_PER_SECOND = CLOCK_HZ  # samples: the clock of Opus (RFC 7845, section 4)
SAMPLES_PER_MS = SAMPLES_PER_SECOND // 1000  # derived
MAX_PACKET_SAMPLES = 5760
"""120 ms: the longest packet there is (RFC 6716, section 3.2.5)."""

MAX_FRAME_BYTES = 1275
"""The longest frame whose length a packet can state (R2 of RFC 6716, section 3.4)."""

MAX_PACKET_BYTES = 48 * MAX_FRAME_BYTES + 100
"""48 frames of 2.5 ms and their lengths: no longer packet is of one stream (RFC 6716, section 3.2.5)."""

SILENT_PACKET_SAMPLES = 960  # 20 ms; chosen: as long as Firefox's packets
_FEW_PACKETS = 3  # chosen: fewer of a kind may be damaged ones
_LENGTHS_DIFFER, _PADDING = 0x80, 0x40  # in the second byte of code 3 (RFC 6716, section 3.2.5)
_SILENT_PACKETS = {1: b"\xf8\xff\xfe", 2: b"\xfc\xff\xfe"}

_FRAME_SAMPLES = (
    *(480, 960, 1920, 2880) * 3,  # configurations 0 to 11: SILK
    *(480, 960) * 2,  # 12 to 15: hybrid
    *(120, 240, 480, 960) * 4,  # 16 to 31: CELT
)


def packet_samples(packet: bytes) -> int:
    """Samples at 48 kHz that `packet` decodes to; 0 where it is no valid Opus packet."""
    if not packet:
        return 0
    frame = _FRAME_SAMPLES[packet[0] >> 3]
    code = packet[0] & 3
    count = (packet[1] & 63 if len(packet) > 1 else 0) if code == 3 else 2 if code else 1
    samples = frame * count
    return samples if samples <= MAX_PACKET_SAMPLES else 0


_FIRST_TWO = itemgetter(slice(2))
"""Bytes that say how long a packet lasts, by definition (RFC 6716, section 3)."""


class PacketSamples(dict[bytes, int]):
    """`packet_samples` by a packet's first two bytes, remembered.

    A recording uses a handful of them a hundred thousand times.
    """

    def __missing__(self, start: bytes) -> int:
        self[start] = samples = packet_samples(start)
        return samples

    def of(self, packets: Iterable[bytes]) -> list[int]:
        """The samples of each packet."""
        return list(map(self.__getitem__, map(_FIRST_TWO, packets)))


def kinds_of(packets: Iterable[bytes], head: SoundHead | None) -> frozenset[int]:
    """The configurations of Opus packets, mono and stereo apart, without those that hardly any of them has.

    Where the `head` is another codec's, there are none.
    """
    if not isinstance(head, OpusHead):
        return frozenset()
    firsts = bytes(map(itemgetter(0), packets))
    if len(only := {first >> 2 for first in set(firsts)}) < 2:  # as in nearly all chunks
        return frozenset(only)
    counts: Counter[int] = Counter()
    for first, count in Counter(firsts).items():
        counts[first >> 2] += count
    least = min(_FEW_PACKETS, (counts.total() + 1) // 2)
    return frozenset(kind for kind, count in counts.items() if count >= least)


def most_bytes(start: bytes) -> int:
    """How long a packet may be that begins with `start`, its first two bytes."""
    code = start[0] & 3
    if code < 3:
        return (1 + MAX_FRAME_BYTES, 1 + 2 * MAX_FRAME_BYTES, 3 + 2 * MAX_FRAME_BYTES)[code]
    counts = start[1] if len(start) > 1 else 0
    return MAX_PACKET_BYTES if counts & _PADDING else 2 + (counts & 63) * (MAX_FRAME_BYTES + 2)


def is_opus(packet: bytes) -> bool:
    """Whether `packet` keeps all rules for an Opus packet (R1 to R7 of RFC 6716, section 3.4)."""
    if not packet_samples(packet):
        return False
    code, size = packet[0] & 3, len(packet)
    if code == 0:
        return size <= 1 + MAX_FRAME_BYTES
    if code == 1:
        return size % 2 == 1 and size <= 1 + 2 * MAX_FRAME_BYTES
    if code == 2:
        length, start = _length_at(packet, 1)
        return 0 <= size - start - length <= MAX_FRAME_BYTES
    return _is_of_many_frames(packet)


def _is_of_many_frames(packet: bytes) -> bool:
    """The rules for code 3: padding, then frames of one size, or lengths of all but the last."""
    counts, start, end = packet[1], 2, len(packet)
    while counts & _PADDING:
        if start >= len(packet):
            return False
        padding, start = packet[start], start + 1
        end -= min(padding, 254)
        if padding < 255:
            break
    frames = counts & 63
    if not counts & _LENGTHS_DIFFER:
        size, rest = divmod(end - start, frames)
        return 0 <= size <= MAX_FRAME_BYTES and not rest
    for _ in range(frames - 1):
        length, start = _length_at(packet, start)
        end -= length
    return 0 <= end - start <= MAX_FRAME_BYTES


def _length_at(packet: bytes, at: int) -> tuple[int, int]:
    """The length of a frame that is written at `at`, more than any where it is cut, and where what follows begins."""
    width = 1 if at < len(packet) and packet[at] < 252 else 2
    if at + width > len(packet):
        return MAX_PACKET_BYTES, at + width
    return packet[at] + (4 * packet[at + 1] if width == 2 else 0), at + width


def joined(packets: Sequence[bytes]) -> bytes:
    """One packet that decodes to what several do: one frame in each, all of one configuration, 120 ms at most.

    Frames in one packet are as independent as frames in many (RFC 6716, section 3.2.5: code 3, lengths differ).
    """
    if len(packets) == 1:
        return packets[0]
    frames = [packet[1:] for packet in packets]
    head = bytes((packets[0][0] | 3, 0x80 | len(frames)))
    return b"".join((head, *map(_frame_length, frames[:-1]), *frames))


def _frame_length(frame: bytes) -> bytes:
    """The length of a frame as RFC 6716 writes it, section 3.2.1."""
    size = len(frame)
    return bytes((size,)) if size < 252 else bytes((252 | size & 3, (size - (252 | size & 3)) >> 2))


def silent_packet(channels: int) -> bytes:
    """A packet of 20 ms of digital silence."""
    return _SILENT_PACKETS[channels]


_CELT = 16
"""Packets are CELT from this configuration on, full-band CELT from 28 on (numbers of RFC 6716, section 3.1)."""

_SILENT_FRAME = b"\xff\xfe"
"""A frame of CELT with the silence flag, its first symbol (RFC 6716, section 4.3): what libopus writes for zeros."""


def silence_like(packet: bytes) -> bytes:
    """A packet of silence that lasts as long as `packet`, for as many channels, and of its CELT configuration.

    For SILK and hybrid packets, which have no frame that is silence by its bytes alone, it is full-band CELT.
    """
    samples, configuration = packet_samples(packet), packet[0] >> 3
    if configuration < _CELT:
        configuration = next(one for one in (31, 30, 29, 28) if samples % _FRAME_SAMPLES[one] == 0)
    frames = samples // _FRAME_SAMPLES[configuration]
    head = configuration << 3 | packet[0] & 4
    if frames <= 2:
        return bytes((head | frames - 1,)) + frames * _SILENT_FRAME
    return bytes((head | 3, frames)) + frames * _SILENT_FRAME


def is_silence(packet: bytes) -> bool:
    """Whether a packet is one that `silence_like` gives: silence whatever was before it."""
    return packet_samples(packet) > 0 and packet[0] >> 3 >= _CELT and packet == silence_like(packet)


def carries_copy(packet: bytes) -> bool:
    """Whether a packet has a copy of the sound before it, for when that is lost: the LBRR of SILK.

    The flag of each channel follows those of voice activity, one for each frame of 20 ms (RFC 6716, section 4.2.3 and
    4.2.4).  True as well where the first frame cannot be found.
    """
    if not packet or packet[0] >> 3 >= _CELT:
        return False
    first = _first_frame(packet)
    if first is None:
        return True
    activity = max(1, _FRAME_SAMPLES[packet[0] >> 3] // SILENT_PACKET_SAMPLES)
    flags = [7 - activity] + ([6 - 2 * activity] if packet[0] & 4 else [])
    return any(first >> bit & 1 for bit in flags)


def _first_frame(packet: bytes) -> int | None:
    """The first byte of a packet's first frame; 0 where that frame is empty, None where there is none."""
    code, at = packet[0] & 3, 1
    if code == 2:
        length, at = _length_at(packet, at)
        return 0 if not length else packet[at] if at < len(packet) else None
    if code == 3:
        if len(packet) < 2:
            return None
        at = 2
        while packet[1] & _PADDING and at < len(packet):
            at += 1
            if packet[at - 1] < 255:
                break
        if packet[1] & _LENGTHS_DIFFER:
            lengths = [0] * ((packet[1] & 63) - 1)
            for number in range(len(lengths)):
                lengths[number], at = _length_at(packet, at)
            if lengths and not lengths[0]:
                return 0
    return packet[at] if at < len(packet) else 0 if code < 2 and len(packet) == 1 else None


class OpusHead(Struct, frozen=True):
    """What a decoder has to know before the first packet.  `pre_skip` counts samples at 48 kHz."""

    channels: int
    pre_skip: int
    input_rate_hz: int = 48_000
    gain_q8_db: int = 0

    @classmethod
    def parse(cls, data: bytes) -> OpusHead:
        """Read a CodecPrivate; raises RecordingError where it is no OpusHead of one mono or stereo stream."""
        if len(data) < 19 or data[:8] != b"OpusHead":
            raise RecordingError(
                f"the Opus track has no valid OpusHead ({len(data)} bytes of CodecPrivate)",
                hint="the first chunk is damaged or not from MediaRecorder: look for the one that it gave",
            )
        version, channels, pre_skip, rate, gain, family = struct.unpack_from("<BBHIhB", data, 8)
        if version >> 4 or family or channels not in _SILENT_PACKETS:
            raise RecordingError(
                f"Opus with {channels} channels, mapping family {family}, version {version}, not mono or stereo",
                hint="record one stereo track (microphone left, assistant right) or one mono track",
            )
        return cls(channels, pre_skip, rate, gain)

    @property
    def codec(self) -> str:
        return "opus"

    @property
    def rate_hz(self) -> int:
        return SAMPLES_PER_SECOND

    @property
    def delay_known(self) -> bool:
        return True

    @property
    def decoder_config(self) -> bytes:
        return replace(self, pre_skip=0).to_bytes()

    @property
    def filler(self) -> Filler:
        return Filler(silent_packet(self.channels), SILENT_PACKET_SAMPLES)

    def joined_with(self, other: SoundHead) -> OpusHead:
        """The head of both in one file: stereo where one is (RecordingError where the other is not Opus)."""
        if other.codec != self.codec:
            raise one_codec(self, other)
        return replace(self, channels=max(self.channels, other.channels))

    def lengths(self) -> Callable[[bytes], int]:
        """How long packets last that follow one another: each says it itself."""
        known = PacketSamples()
        return lambda packet: known[packet[:2]]

    def to_bytes(self) -> bytes:
        fields = (1, self.channels, self.pre_skip, self.input_rate_hz, self.gain_q8_db, 0)
        return b"OpusHead" + struct.pack("<BBHIhB", *fields)

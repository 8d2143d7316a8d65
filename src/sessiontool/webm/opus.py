"""Opus packets from outside.

How long one lasts (RFC 6716, section 3), the OpusHead (RFC 7845, section 5.1), and silence.

Nothing here decodes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLES_PER_SECOND = 48_000
MAX_PACKET_SAMPLES = 5760
"""120 ms: the longest packet there is (RFC 6716, section 3.2.5)."""

MAX_PACKET_BYTES = 48 * 1275 + 100
"""48 frames of 1275 bytes and their lengths: nothing longer is an Opus packet of one stream."""

SILENT_PACKET_SAMPLES = 960
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


class PacketSamples(dict[bytes, int]):
    """`packet_samples` by a packet's first two bytes, remembered.

    A recording uses a handful of them a hundred thousand times.
    """

    def __missing__(self, start: bytes) -> int:
        self[start] = samples = packet_samples(start)
        return samples


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


@dataclass(frozen=True, slots=True)
class OpusHead:
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
                hint="the first chunk is damaged or not from MediaRecorder; look at it with `sessiontool inspect`",
            )
        version, channels, pre_skip, rate, gain, family = struct.unpack_from("<BBHIhB", data, 8)
        if version >> 4 or family or channels not in _SILENT_PACKETS:
            raise RecordingError(
                f"Opus with {channels} channels, mapping family {family}, version {version}, not mono or stereo",
                hint="record one stereo track (microphone left, assistant right) or one mono track",
            )
        return cls(channels, pre_skip, rate, gain)

    def to_bytes(self) -> bytes:
        fields = (1, self.channels, self.pre_skip, self.input_rate_hz, self.gain_q8_db, 0)
        return b"OpusHead" + struct.pack("<BBHIhB", *fields)

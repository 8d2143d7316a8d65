"""A tone of 1 kHz in the place of what is gone: constant packets, which say nothing of what was there.

A packet of 20 ms holds 20 whole periods, so that one and the same packet again and again is a steady tone: libopus's
own in the middle of one (1 kHz, -26 dB of full scale).  It reaches its level within 100 ms.
"""

from __future__ import annotations

import math
import struct
from functools import cache
from typing import TYPE_CHECKING

from ...media import opus
from ...media.opus import SILENT_PACKET_SAMPLES, packet_samples

if TYPE_CHECKING:
    from ...media.pcm import PcmHead

_HZ = 1000
"""Of the tone; chosen, as broadcasters do."""
_LEVEL = 10 ** (-26 / 20)
"""Of full scale, a ratio; chosen, as loud as quiet speech."""
_WIDTHS = {"s16le": 2, "s24le": 3}
"""Bytes of a sample as FLAC stores it (definition)."""

_PACKETS = {
    False: bytes.fromhex(
        "f89d2e494f744adb54f468ef8e53ebb756a13f5fa2814f63f1c83e867f916642b45e635f701959ea8fb0ee2478ff3357"
        "d5e6262510a444b9eb156b725a42fff8569aff344fb051e524c5b8498d42d24ac21c5775e3b9aa78a2e57666e7eef5b4"
        "1d32a36b7f636989aaf1"
    ),
    True: bytes.fromhex(
        "fc9d3be099da15b2e85e661f5f83be8e2ccd6effcc21c73314481a01a01902cb97769b3d761a9852f793ab0d1087896f"
        "a9dee0e10b9139af78f751345bd51df12476c7a0d9976f919771729c4315653b9aa82b244e7d0ad7b81dadae7d67d274"
        "afff1b8ed65fb399a62be5281083a1106760225a4c4cfeef16c5ef3bef748cb3398a9f80a5ede0000ffe8e74c55505c1"
        "b77ee99aa9922aa5f1"
    ),
}
"""A packet of 20 ms, mono and stereo (made with libopus, see above)."""


@cache
def opus_beep(samples: int, is_stereo: bool) -> bytes:
    """A packet of the tone of so many samples at 48 kHz; empty where they are no multiple of 20 ms."""
    count, rest = divmod(samples, SILENT_PACKET_SAMPLES)
    return b"" if rest or not count else opus.joined([_PACKETS[is_stereo]] * count)


def beep_like(packet: bytes) -> bytes:
    """A packet of the tone that lasts as long as a packet of Opus; silence where no such packet can be."""
    return opus_beep(packet_samples(packet), bool(packet[0] & 4)) or opus.silence_like(packet)


@cache
def pcm_beep(head: PcmHead, size_bytes: int) -> bytes:
    """A block of the tone in samples as FLAC stores them."""
    width, scale = _WIDTHS[head.encoding], (1 << 8 * _WIDTHS[head.encoding] - 1) * _LEVEL
    frames = size_bytes // head.frame_bytes
    values = (round(scale * math.sin(2 * math.pi * _HZ * at / head.rate_hz)) for at in range(frames))
    return b"".join(struct.pack("<i", value)[:width] * head.channels for value in values)

"""The hash over what a chunk gave to the result, by what that is: packets with their lengths, or samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..media.packets import PacketDigest
from ..media.pcm import PcmHead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..audio.flac import SampleDigest
    from ..media.packets import Track


def digest_for(track: Track | None) -> PacketDigest | SampleDigest:
    """An empty one."""
    if track is None or not isinstance(track.head, PcmHead):
        return PacketDigest()
    from ..audio.flac import SampleDigest  # noqa: PLC0415 - needs numpy, which other recordings do not

    return SampleDigest(track.head.encoding)


def samples_in(track: Track | None, payloads: Sequence[bytes]) -> int:
    """How many samples of PCM these are, on each channel; 0 for packets."""
    if track is None or not isinstance(track.head, PcmHead):
        return 0
    return sum(map(len, payloads)) // track.head.frame_bytes

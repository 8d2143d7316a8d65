"""Sound that was never Opus, encoded once into the one chunk of a session: that of events, or of an imported file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..media.matroska.muxer import WebmMuxer
from ..media.opus import OpusHead

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

_BITS_PER_SECOND = 96_000  # chosen: two voices, encoded only this once
_PACKET_MS = 20  # chosen: as browsers do
_PRE_SKIP = 312  # samples at 48 kHz: the delay of libopus (measured)


def write_encoded(sound: Iterable[Any], channels: int, body: BinaryIO, out: BinaryIO, writing_app: str) -> None:
    """Write blocks of sound, shape (channels, n) at 48 kHz, to `out` as WebM with Opus; `body` is a scratch file."""
    from ..audio.encoder import encode_opus  # noqa: PLC0415

    muxer = WebmMuxer(body)
    for packet in encode_opus(sound, channels, packet_ms=_PACKET_MS, bit_rate=_BITS_PER_SECOND):
        muxer.write([packet], [_PACKET_MS * 48])
    muxer.finish(out, OpusHead(channels, _PRE_SKIP), writing_app=writing_app, track_uid=1)

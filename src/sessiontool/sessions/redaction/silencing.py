"""How sound of each codec is silenced: what stands in the place of a packet, and how far a packet's sound reaches.

A packet of PCM is a block of 10 ms of its samples.  MP3 is refused: what a frame holds may lie in frames before it
(ISO/IEC 11172-3, the bit reservoir), which would have to go as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ...errors import RecordingError
from ...media import opus
from ...media.aac import FRAME_SAMPLES, AacHead, silent_frame
from ...media.filler import CLOCK_HZ
from ...media.opus import OpusHead
from ...media.pcm import PcmHead
from ...model import SAMPLES_PER_MS
from ..align_recording import packets_of
from .beep import beep_like, pcm_beep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from ...media.filler import SoundHead

_OPUS_OVERLAP = 5 * SAMPLES_PER_MS
"""How far a packet of Opus sounds on into the next one, in samples (measured: 5 ms)."""
_RESAMPLED = 5 * SAMPLES_PER_MS
"""How far sound at another rate spreads where it is brought to 48 kHz, in samples; chosen, its filter has 2 ms."""


class Silencing(Struct, frozen=True):
    """How one codec's packets are silenced.  Lengths are in samples at 48 kHz.

    What is in a stretch may be in packets that are `overlap` away from it.  Behind a packet that stays it is silent
    from `ring` on, and before the next one until `tail`.
    """

    overlap: int
    ring: int
    tail: int
    silence_like: Callable[[bytes], bytes]
    is_silence: Callable[[bytes], bool]
    beep_like: Callable[[bytes], bytes]
    """The tone in the place of a packet; silence for a codec without one."""
    carries_copy: Callable[[bytes], bool] = lambda _: False
    """Whether a packet has a copy of the one before it."""

    def is_replaced(self, packet: bytes, *, beep: bool) -> bool:
        """Whether a packet is what stands in the place of one, and nothing else."""
        return self.is_silence(packet) or (beep and packet == self.beep_like(packet))


def silencing_of(head: SoundHead) -> Silencing:
    """How a recording is silenced (RecordingError where its codec cannot be)."""
    spread = 0 if head.rate_hz == CLOCK_HZ else _RESAMPLED
    if isinstance(head, OpusHead):
        ring = 2 * _OPUS_OVERLAP
        return Silencing(_OPUS_OVERLAP, ring, 0, opus.silence_like, opus.is_silence, beep_like, opus.carries_copy)
    if isinstance(head, AacHead):  # the window of a frame covers what the next one gives as well
        frame, silent = -(-FRAME_SAMPLES * CLOCK_HZ // head.rate_hz), silent_frame(head.channels)
        return Silencing(frame, frame + spread, spread, lambda _: silent, lambda one: one == silent, lambda _: silent)
    if isinstance(head, PcmHead):
        return Silencing(
            0, spread, spread, lambda block: bytes(len(block)), _is_zero, lambda block: pcm_beep(head, len(block))
        )
    raise RecordingError(
        f"sound of {head.codec} cannot be silenced packet by packet",
        hint="redact a copy that is Opus: import it as a session, and the sound is encoded once",
    )


def units_of(path: Path, head: SoundHead) -> Iterator[bytes]:
    """The packets of a recording, by which it is silenced."""
    packets = packets_of(path)
    yield from blocks_of(packets, head.block_bytes) if isinstance(head, PcmHead) else packets


def blocks_of(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Bytes in blocks of one size, the last one shorter."""
    held = b""
    for piece in pieces:
        held += piece
        whole = len(held) - len(held) % size
        yield from (held[at : at + size] for at in range(0, whole, size))
        held = held[whole:]
    if held:
        yield held


def _is_zero(block: bytes) -> bool:
    return not block.strip(b"\0")

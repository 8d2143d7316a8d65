"""Whether a chunk goes on where another one ends, by bytes and sound alone: for recordings without a clock.

What is cut inside a packet or block has to be whole with the next chunk's first bytes.  Between whole frames of MP3 the
bytes that they share have to add up, and between whole samples the sound does not jump.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import RecordingError
from ..media.mp3 import Mp3Head, reservoir_of
from ..media.mpeg_audio.reservoir import COMPARED_FRAMES, follow_one_another
from ..media.pcm import PcmHead, jump_between
from ..media.probe import open_demuxer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..media.packets import Track
    from .survey import ChunkSurvey

JUMP = 2.0
"""How much larger than around it a change of the sound's slope is where it does not go on; chosen.

Of 12,000 places in recorded speech none had more, at 16, 24 and 48 kHz; of as many pairs of places 17, 24 and 41 % did.
"""

_COMPARED_BLOCKS = 2  # of samples, on either side of a seam; chosen: 20 ms

_MARK_BYTES = 32  # chosen: of a packet's end, by which its place is found
_PROVING_UNITS = 4  # packets on either side; chosen: a wrong length shows in the next ones


def compared_units(track: Track) -> int:
    """How many packets on either side of a seam are compared."""
    return COMPARED_FRAMES if isinstance(track.head, Mp3Head) else _COMPARED_BLOCKS


def goes_on(before: ChunkSurvey, after: ChunkSurvey, track: Track) -> bool | None:
    """Whether a chunk begins where another one ends; None where nothing shows it."""
    if not (before.digests and after.digests):
        return None
    if before.is_torn_at_end or after.is_torn_at_start:
        units = units_across(before, after, track)
        return units is not None and not (all(units) and contradicts(*units, after.head_bytes, track))
    count = compared_units(track)
    last, first = _last(before, count), _first(after, count)
    if contradicts(last, first, after.head_bytes, track):
        return False
    return _shares_bytes(last[-1], first[0], track) or None


def contradicts(before: Sequence[bytes], after: Sequence[bytes], data: bytes, track: Track) -> bool:
    """Whether these cannot be the last packets of one chunk and the first of the next one, which has these bytes.

    The first of `after` may have begun in the chunk before.
    """
    if isinstance(track.head, PcmHead):
        place = data.find(after[0][-_MARK_BYTES:])
        begun = max(0, len(after[0]) - place - _MARK_BYTES) if place >= 0 else 0
        begun -= begun % track.head.frame_bytes
        own = b"".join(after)
        return jump_between(b"".join(before) + own[:begun], own[begun:], track.head) > JUMP
    return isinstance(track.head, Mp3Head) and not follow_one_another(before, after)


def _shares_bytes(before: bytes, after: bytes, track: Track) -> bool:
    """Whether the sound of a frame of MP3 begins right where that of another one ends, in the bytes of that."""
    shared = (reservoir_of(before), reservoir_of(after)) if isinstance(track.head, Mp3Head) else (None, None)
    return shared[0] is not None and shared[1] is not None and 0 < shared[1].begins == shared[0].leaves


def _first(one: ChunkSurvey, count: int) -> list[bytes]:
    packets = zip(one.offsets[:count], one.sizes[:count], strict=True)
    return [one.head_bytes[offset : offset + size] for offset, size in packets]


def _last(one: ChunkSurvey, count: int) -> list[bytes]:
    before = one.size_bytes - len(one.tail_bytes)
    packets = zip(one.offsets[-count:], one.sizes[-count:], strict=True)
    return [one.tail_bytes[max(0, offset - before) : offset - before + size] for offset, size in packets]


def units_across(
    before: ChunkSurvey, after: ChunkSurvey, track: Track
) -> tuple[Sequence[bytes], Sequence[bytes]] | None:
    """The packets on both sides of a seam inside a packet, the first of the second ones; None if it is torn."""
    if not (before.is_torn_at_end and after.is_torn_at_start and before.offsets and after.offsets):
        return None
    count = compared_units(track)
    proving = max(count, _PROVING_UNITS)
    start = before.offsets[max(0, len(before.offsets) - proving)]
    tail = before.tail_bytes[-(before.size_bytes - start) :]
    cut = len(tail) - before.damages[-1].length_bytes
    head = after.head_bytes[: after.packet_end(min(proving, len(after.offsets)) - 1)]
    try:
        demuxer = open_demuxer(tail, track=track)
        units = [[payload for run in demuxer.feed(data) for payload in run.payloads] for data in (tail, head)]
    except RecordingError:
        return None
    if any(one.length_bytes and one.offset + one.length_bytes > cut for one in demuxer.ledger.damages):
        return None
    return units[0][-count:], units[1][:count]
